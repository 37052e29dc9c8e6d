"""hamiltonians/operators"""
