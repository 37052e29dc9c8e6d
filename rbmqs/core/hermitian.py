"""Hermitian matrices in real planes: products of blocks, and of the matrix with a vector.

Complex products A B^dagger of blocks take three real matrix products instead of four.

With P1 = Ar Br^T, P2 = Ai Bi^T and P3 = (Ar + Ai)(Br - Bi)^T,

    Re A B^dagger = P1 + P2,      Im A B^dagger = P3 - P1 + P2.

A matrix that takes part is kept as the planes (Ar, Ai, Ar + Ai, Ar - Ai); a real one as the
plane (A,). The products are single-threaded BLAS calls, made inside parallel loops over blocks.

No fast-math here, and sums by BLAS: with it, kernels fresh from the compiler and the same kernels
from its cache gave sums that differ in the last digit.
"""

import numpy as np
from numba import prange

from hamiltonians.core.jit import exact_kernel, parallel_exact_kernel

N_PLANES = 4
ROW_BLOCK = 32


@exact_kernel
def tile_of_task(task):
    """(row, col) of the ``task``-th tile of a lower triangle, counted row by row."""
    row = int((np.sqrt(8.0 * task + 1.0) - 1.0) / 2.0)
    while row * (row + 1) // 2 > task:
        row -= 1
    while (row + 1) * (row + 2) // 2 <= task:
        row += 1
    return row, task - row * (row + 1) // 2


@exact_kernel
def complete_planes(planes, first, last):
    """Fill the sum and the difference in these rows of (Ar, Ai, ., .)."""
    for i in range(first, last):
        for j in range(planes.shape[2]):
            planes[2, i, j] = planes[0, i, j] + planes[1, i, j]
            planes[3, i, j] = planes[0, i, j] - planes[1, i, j]


@exact_kernel
def product_with_adjoint(a_real, a_imag, a_sum, b_real, b_imag, b_difference):
    """(Re, Im) of A B^dagger from the planes of A (m, k) and of the transposed B (k, n)."""
    real = np.dot(a_real, b_real)
    second = np.dot(a_imag, b_imag)
    imag = np.dot(a_sum, b_difference)
    for i in range(real.shape[0]):
        for j in range(real.shape[1]):
            first = real[i, j]
            real[i, j] = first + second[i, j]
            imag[i, j] += second[i, j] - first
    return real, imag


@exact_kernel
def _block_times(lower, vector, block, out):
    """What a block of rows of A, and their mirror images, do to a vector; added to ``out``."""
    n_parts, n = vector.shape
    for i in range(block * ROW_BLOCK, min((block + 1) * ROW_BLOCK, n)):
        x = vector[0, i]
        real = lower[0, i, i] * x + np.dot(lower[0, i, :i], vector[0, :i])
        for j in range(i):
            out[0, j] += lower[0, i, j] * x
        if n_parts == 2:
            y = vector[1, i]
            imag = lower[0, i, i] * y + np.dot(lower[0, i, :i], vector[1, :i])
            imag += np.dot(lower[1, i, :i], vector[0, :i])
            real -= np.dot(lower[1, i, :i], vector[1, :i])
            for j in range(i):
                out[0, j] += lower[1, i, j] * y
                out[1, j] += lower[0, i, j] * y - lower[1, i, j] * x
            out[1, i] += imag
        out[0, i] += real


@parallel_exact_kernel
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
    n_parts, n = vector.shape
    n_blocks = (n + ROW_BLOCK - 1) // ROW_BLOCK
    partial = np.zeros((n_blocks, n_parts, n))
    for task in prange((n_blocks + 1) // 2):  # a block of short and one of long rows each
        opposite = n_blocks - 1 - task
        _block_times(lower, vector, task, partial[task])
        if opposite != task:
            _block_times(lower, vector, opposite, partial[opposite])
    product = np.zeros((n_parts, n))
    for block in range(n_blocks):
        for part in range(n_parts):
            for i in range(n):
                product[part, i] += partial[block, part, i]
    return product
