"""Numba kernels from arrays to arrays; they import numpy, numba and math only."""
