"""Configurations drawn from |psi|^2: Markov chains, replica exchange, exact enumeration.

In: a `VariationalState`, a sector and bonds, and a `ChainState` with its streams of random numbers.
Out: `Samples` with axes (chain, draw, site), and the chain state after them. Begin with
`chains.py`.
"""
