"""Hamiltonians: an operator on a lattice in a chosen S_z sector, and the models with a name.

In come a `Lattice` and couplings; out goes a `SpinHamiltonian`, which knows its terms, its sector
and the rotation of its spins. `sign_rules` holds the rotations after which ground states are
positive. A new model is a function in `named.py`, `higher_spins.py` or `long_range.py`. Begin with
`hamiltonian.py`.
"""
