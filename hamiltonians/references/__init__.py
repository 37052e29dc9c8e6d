"""Reference energies: closed forms, exact diagonalisation of small systems, published values.

In comes a Hamiltonian; out goes the best `Reference` known, with its source, or None.
A new one is a function in `lookup.py`. Begin there.
"""
