"""hamiltonians/references"""
