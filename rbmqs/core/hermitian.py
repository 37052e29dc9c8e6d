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
def _dot(dot, lower, part, place, length, vector, other):
    """The first numbers of a row that begins at ``place``, times one part of a vector."""
    n, size, step = vector.shape[1], lower.shape[1], np.int32(1)
    row = (lower, part * size + place)
    return fortran_value(dot, (np.int32(length), row, step, (vector, other * n), step))


@inlined_exact_kernel
def row_times(dot, lower, place, vector, i, out, block):
    """What row i of A, and its mirror image, do to a vector; added to ``out[block]``.

    ``lower`` is (n_parts, size) with row i of the lower triangle from ``place`` on.
    """
    x = vector[0, i]
    real = lower[0, place + i] * x + _dot(dot, lower, 0, place, i, vector, 0)
    if vector.shape[0] == 1:
        for j in range(i):
            out[block, 0, j] += lower[0, place + j] * x
    else:
        y = vector[1, i]
        imag = lower[0, place + i] * y + _dot(dot, lower, 0, place, i, vector, 1)
        imag += _dot(dot, lower, 1, place, i, vector, 0)
        real -= _dot(dot, lower, 1, place, i, vector, 1)
        for j in range(i):
            out[block, 0, j] += lower[0, place + j] * x + lower[1, place + j] * y
            out[block, 1, j] += lower[0, place + j] * y - lower[1, place + j] * x
        out[block, 1, i] += imag
    out[block, 0, i] += real


@parallel_exact_kernel
def _products_of_blocks(dot, lower, vector, out):
    n, n_blocks = vector.shape[1], out.shape[0]
    for task in prange((n_blocks + 1) // 2):  # a block of short and one of long rows each
        for block in range(task, n_blocks - task, max(1, n_blocks - 1 - 2 * task)):
            for i in range(block * ROW_BLOCK, min((block + 1) * ROW_BLOCK, n)):
                row_times(dot, lower, i * n, vector, i, out, block)


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
    rows = lower.reshape(len(lower), -1)
    _products_of_blocks(address("dot", float), rows, vector, partial)
    return partial.sum(axis=0)
