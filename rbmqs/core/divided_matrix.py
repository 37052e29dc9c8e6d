"""A Hermitian matrix whose rows are divided between ranks: its making, centring and products.

A rank holds tiles of TILE rows, each from the first column to the end of the tile on the diagonal,
one behind the other in ``lower`` (n_parts, size), real part first. ``rows`` (n_tiles, 4) says of
each where it begins among the rank's rows, its height, its place in ``lower`` and the distance of
its rows there, which is the number of its columns.
"""

import numpy as np
from numba import prange

from hamiltonians.core.jit import parallel_exact_kernel
from rbmqs.core.blas import address
from rbmqs.core.gram import SUM_IM, SUM_RE, TILE, gram_tile
from rbmqs.core.hermitian import row_times


@parallel_exact_kernel
def _gram_tiles(gemm, spins, tanh, blocks, visible, hidden, tasks, lower):
    for task in prange(len(tasks)):
        work = np.empty((7, TILE, TILE))
        rows = np.empty((2, TILE, blocks[1].shape[1]))
        i0, height, j0, columns = tasks[task, 0], tasks[task, 1], tasks[task, 2], tasks[task, 3]
        place, stride = tasks[task, 4], tasks[task, 5]
        gram_tile(gemm, spins, tanh, blocks, visible, hidden, i0, height, j0, columns, rows, work)
        for part in range(lower.shape[0]):
            matrix = SUM_IM if part else SUM_RE
            for i in range(height):
                for j in range(columns):
                    lower[part, place + i * stride + j] = work[matrix, i, j]


def gram_tiles(spins, parts, blocks, visible, hidden, tasks, lower):
    """Tiles of O O^dagger between rows of two kinds, which stand in the same arrays.

    Parameters
    ----------
    spins : float64 (n, N)
    parts : float64 (1 or 4, n, M)
        See `rbmqs.core.gram.product_parts`.
    blocks : tuple of arrays
        See `rbmqs.core.gram.centred_gram`.
    visible, hidden : float
        1 where a and b are parameters, else 0.
    tasks : int64 (n_tasks, 6)
        First row, height, first column, number of columns, place and stride in ``lower``.
    lower : float64 (n_parts, size)
    """
    _gram_tiles(address("gemm", float), spins, parts, blocks, visible, hidden, tasks, lower)


@parallel_exact_kernel
def centre(lower, rows, means, mean, roots):
    """(K_ij - <K_i.> - <K_.j> + <K>) times the roots of both counts, in place.

    ``means`` (n_parts, n) and ``roots`` (n,) are of all columns, in their order.
    """
    for tile in prange(len(rows)):
        height, place, stride = rows[tile, 1], rows[tile, 2], rows[tile, 3]
        for k in range(height):
            i = stride - height + k
            first = place + k * stride
            for j in range(stride):
                centred = lower[0, first + j] + (mean - means[0, i] - means[0, j])
                lower[0, first + j] = centred * (roots[i] * roots[j])
            if lower.shape[0] == 2:
                for j in range(stride):
                    centred = lower[1, first + j] + (means[1, j] - means[1, i])
                    lower[1, first + j] = centred * (roots[i] * roots[j])


@parallel_exact_kernel
def _products(dot, lower, rows, vector, out):
    n_tiles, n_tasks = len(rows), out.shape[0]
    for task in prange(n_tasks):
        for tile in range(task, n_tiles, n_tasks):
            height, place, stride = rows[tile, 1], rows[tile, 2], rows[tile, 3]
            for k in range(height):
                row_times(dot, lower, place + k * stride, vector, stride - height + k, out, task)


def divided_times(lower, rows, vector):
    """What a rank's rows, and their mirror images, add to A v; float64 (n_parts, n), as v."""
    partial = np.zeros((min(len(rows), 8), *vector.shape))
    _products(address("dot", float), lower, rows, vector, partial)
    return partial.sum(axis=0)
