"""hamiltonians/utils"""
