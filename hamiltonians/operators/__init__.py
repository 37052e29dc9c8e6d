"""Operators and what they are made into: flat arrays for kernels, sparse matrices in a sector.

In come strings of Pauli matrices or, for spins of any S, matrices on sites; out go connections
(which configurations an operator joins, with which elements) and matrices. `local_space.py`,
`sectors.py` and `spin_sectors.py` say which configurations there are. Nothing here knows a lattice.
Begin with `pauli.py`, then `spin.py`.
"""
