"""Pauli sums and what they are made into: flat arrays for kernels, sparse matrices in a sector.

In come strings of Pauli matrices with coefficients; out go connections (which configurations an
operator joins, with which elements) and matrices. `local_space.py` and `sectors.py` say which
configurations there are. Nothing here knows a lattice. Begin with `pauli.py`.
"""
