"""A Hermitian matrix, kept as the lower triangles of its real and imaginary part, times a vector.

No fast-math here, and sums by BLAS: with it, kernels fresh from the compiler and the same kernels
from its cache gave sums that differ in the last digit.
"""

import numpy as np
from numba import prange

from hamiltonians.core.jit import inlined_exact_kernel, parallel_exact_kernel
from rbmqs.core.blas import address, fortran_value

ROW_BLOCK = 32


@inlined_exact_kernel
def _dot(dot, lower, part, i, vector, other):
    """Row i of a strict lower triangle times one part of a vector."""
    n, step = lower.shape[1], np.int32(1)
    return fortran_value(
        dot, (np.int32(i), (lower, (part * n + i) * n), step, (vector, other * n), step)
    )


@inlined_exact_kernel
def _row_times(dot, lower, vector, i, out, block):
    """What row i of A, and its mirror image, do to a vector; added to ``out[block]``."""
    x = vector[0, i]
    real = lower[0, i, i] * x + _dot(dot, lower, 0, i, vector, 0)
    if vector.shape[0] == 1:
        for j in range(i):
            out[block, 0, j] += lower[0, i, j] * x
    else:
        y = vector[1, i]
        imag = lower[0, i, i] * y + _dot(dot, lower, 0, i, vector, 1)
        imag += _dot(dot, lower, 1, i, vector, 0)
        real -= _dot(dot, lower, 1, i, vector, 1)
        for j in range(i):
            out[block, 0, j] += lower[0, i, j] * x + lower[1, i, j] * y
            out[block, 1, j] += lower[0, i, j] * y - lower[1, i, j] * x
        out[block, 1, i] += imag
    out[block, 0, i] += real


@parallel_exact_kernel
def _products_of_blocks(dot, lower, vector, out):
    n, n_blocks = vector.shape[1], out.shape[0]
    for task in prange((n_blocks + 1) // 2):  # a block of short and one of long rows each
        for block in range(task, n_blocks - task, max(1, n_blocks - 1 - 2 * task)):
            for i in range(block * ROW_BLOCK, min((block + 1) * ROW_BLOCK, n)):
                _row_times(dot, lower, vector, i, out, block)


def hermitian_times(lower, vector):
    """A v from the lower triangle of A.

    Parameters
    ----------
    lower : float64 (n_parts, n, n)
        Real part, and imaginary part of a complex A.
    vector : float64 (n_parts, n)

    Returns
    -------
    float64 (n_parts, n)
    """
    partial = np.zeros((-(-vector.shape[1] // ROW_BLOCK), *vector.shape))
    _products_of_blocks(address("dot", float), lower, vector, partial)
    return partial.sum(axis=0)
