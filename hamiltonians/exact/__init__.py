"""Exact diagonalisation: ground states, low and full spectra, time evolution, expectation values.

In come a Hamiltonian and, where there is one, a symmetry sector; out go energies, vectors and
what follows from them, after a plan of the memory that is needed. The matrix is never stored.
`blocks.py` and `symmetric.py` are the operators without and with symmetries, `lanczos.py` and
`thick_restart.py` the iterations. Begin with `diagonalisation.py`, which everything goes through.
"""
