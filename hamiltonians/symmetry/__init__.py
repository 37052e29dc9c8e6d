"""Groups of site permutations, their one-dimensional irreps, and rotations of spins about z.

In come permutations, or couplings whose automorphisms are searched for; out go groups, characters
and sectors that samplers, projections and exact diagonalisation use. Nothing here knows a
lattice or a model. Begin with `groups.py`.
"""
