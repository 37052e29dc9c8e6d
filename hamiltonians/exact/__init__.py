"""hamiltonians/exact"""
