"""Numba kernels that the quantum rooms share: arrays come in, arrays go out.

Amplitude ratios and Metropolis chains, local values, log-derivatives and their Gram matrix, and
the linear algebra that solvers need. Kernels import numpy, numba and math only, and know no class
of the package; how they are compiled is decided in `hamiltonians.core.jit`. Begin with
`amplitude` (the formulas), then `tables` and `metropolis`.
"""
