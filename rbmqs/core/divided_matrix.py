"""A Hermitian matrix whose rows are divided between ranks: its making and its products.

A rank holds tiles of TILE rows, each from the first column to the end of the tile on the diagonal,
one behind the other in an array of the type of the matrix. ``rows`` (n_tiles, 4) says of each where
it begins among the rank's rows, its height, its place in the array and the distance of its rows
there, which is the number of its columns.
"""

import numpy as np
from numba import prange

from hamiltonians.core.jit import parallel_exact_kernel
from rbmqs.core.blas import PLAIN, TRANSPOSED, address, call_fortran
from rbmqs.core.gram import SUM_IM, SUM_RE, TILE, gram_tile
from rbmqs.core.split_complex import split

_COLUMNS = 1024  # of a tile at a time, 0.8 MB in single precision: read twice, once from memory


@parallel_exact_kernel
def _gram_tiles(gemm, spins, tanh, blocks, visible, hidden, tasks, out):
    for task in prange(len(tasks)):
        work = np.empty((7, TILE, TILE), spins.dtype)
        rows = np.empty((2, TILE, blocks[1].shape[1]), spins.dtype)
        i0, height, j0, columns = tasks[task, 0], tasks[task, 1], tasks[task, 2], tasks[task, 3]
        place, stride = tasks[task, 4], tasks[task, 5]
        gram_tile(gemm, spins, tanh, blocks, visible, hidden, i0, height, j0, columns, rows, work)
        for i in range(height):
            first = place + i * stride
            if out.shape[1] == 1:
                for j in range(columns):
                    out[first + j, 0] = work[SUM_RE, i, j]
            else:
                for j in range(columns):
                    out[first + j, 0], out[first + j, 1] = work[SUM_RE, i, j], work[SUM_IM, i, j]


def gram_tiles(spins, parts, blocks, visible, hidden, tasks, out):
    """Tiles of O O^dagger between rows of two kinds, all in the same arrays.

    Everything has the precision of the matrix.

    Parameters
    ----------
    spins : float32 or float64 (n, N)
    parts : like spins (1 or 4, n, M)
        See `rbmqs.core.gram.product_parts`.
    blocks : tuple of arrays
        See `rbmqs.states.rows.Factors`.
    visible, hidden : float
        1 where a and b are parameters, else 0.
    tasks : int64 (n_tasks, 6)
        First row, height, first column, number of columns, place and stride in ``out``.
    out : array (size,)
        The matrix.
    """
    real = spins.dtype.type
    first, near, near_profile, floor = blocks
    blocks = first, near, near_profile.astype(real), floor.astype(real)
    _gram_tiles(
        address("gemm", real), spins, parts, blocks, real(visible), real(hidden), tasks,
        _as_reals(out),
    )  # fmt: skip


def _as_reals(tiles):
    """Real parts and, of complex numbers, imaginary ones (size, 1 or 2)."""
    return tiles.view(tiles.real.dtype).reshape(-1, 1 + np.iscomplexobj(tiles))


@parallel_exact_kernel
def _centre(tiles, rows, means, mean, roots):
    for tile in prange(len(rows)):
        height, place, stride = rows[tile, 1], rows[tile, 2], rows[tile, 3]
        for i in range(height):
            first, row = place + i * stride, stride - height + i
            taken, root = mean - means[0, row], roots[row]
            for j in range(stride):
                centred = tiles[first + j, 0] + (taken - means[0, j])
                tiles[first + j, 0] = centred * (root * roots[j])
            if tiles.shape[1] == 2:
                for j in range(stride):
                    centred = tiles[first + j, 1] + (means[1, j] - means[1, row])
                    tiles[first + j, 1] = centred * (root * roots[j])


def centre(tiles, rows, means, mean, roots):
    """O O^dagger to R (O - <O>)(O - <O>)^dagger R, in place.

    Parameters
    ----------
    tiles, rows : arrays
    means : array (n,)
        O <O>^dagger of all rows, in the order of the matrix.
    mean : float
        |<O>|^2.
    roots : float64 (n,)
        R.
    """
    numbers = _as_reals(tiles)
    real = numbers.dtype
    _centre(numbers, rows, split(means).astype(real), real.type(mean), roots.astype(real))


@parallel_exact_kernel
def _products(gemv, tiles, rows, adjoint, vector, one, out):
    n_tiles, n_tasks = len(rows), out.shape[0]
    n, step = len(vector), np.int32(1)
    for task in prange(n_tasks):
        for tile in range(task, n_tiles, n_tasks):
            height, place, stride = rows[tile, 1], rows[tile, 2], rows[tile, 3]
            diagonal = stride - height
            for first in range(0, stride, _COLUMNS):
                width = min(_COLUMNS, stride - first)
                block, shape = (tiles, place + first), (np.int32(width), np.int32(height))
                # BLAS sees columns, here the rows: y_i += A_ij x_j, and y_j += conj(A_ij) x_i of
                # what stands left of the diagonal; conjugate vectors make the second one plain.
                call_fortran(
                    gemv, (TRANSPOSED, shape[0], shape[1], one, block, np.int32(stride),
                           (vector, first), step, one, (out, 2 * task * n + diagonal), step),
                )  # fmt: skip
                width = min(_COLUMNS, diagonal - first)
                if width > 0:
                    call_fortran(
                        gemv, (PLAIN, np.int32(width), shape[1], one, block, np.int32(stride),
                               (adjoint, diagonal), step, one,
                               (out, (2 * task + 1) * n + first), step),
                    )  # fmt: skip


def divided_times(tiles, rows, vector):
    """What a rank's rows, and their mirror images, add to A v; as v, in the type of A."""
    out = np.zeros((min(len(rows), 8), 2, len(vector)), tiles.dtype)
    one = tiles.dtype.type(1)
    gemv = address("gemv", tiles.dtype)
    _products(gemv, tiles, rows, np.conj(vector), vector, one, out)
    found = out.sum(axis=0)
    return found[0] + np.conj(found[1])
