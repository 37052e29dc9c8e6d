"""hamiltonians/symmetry"""
