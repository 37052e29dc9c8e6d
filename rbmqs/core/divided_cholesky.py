"""What a rank does in the Cholesky factorisation of a matrix divided by rows of tiles.

A = L L^dagger in place, row by row, in any precision. BLAS, whose matrices run down columns, sees
rows as columns: L as U = L^T. ``rows`` is that of `rbmqs.core.divided_matrix`; every call is
single-threaded BLAS on one row of tiles.
"""

import numpy as np
from numba import prange

from hamiltonians.core.jit import kernel, parallel_kernel
from rbmqs.core.blas import ADJOINT, PLAIN, TRANSPOSED, address, call_fortran

_UPPER, _LEFT, _NON_UNIT = (np.uint8(ord(letter)) for letter in "ULN")


def factorise_tile(tile):
    """L of a tile (width, width), in place; whether it is positive."""
    info, width = np.zeros(1, np.int32), np.int32(len(tile))
    call_fortran(address("potrf", tile.dtype), (_UPPER, width, tile, width, info))
    return info[0] == 0


@parallel_kernel
def _divide(trsm, factor, rows, first, column, diagonal, panel, one):
    width = diagonal.shape[1]
    for tile in prange(first, len(rows)):
        start, height, place, stride = rows[tile, 0], rows[tile, 1], rows[tile, 2], rows[tile, 3]
        call_fortran(
            trsm,
            (_LEFT, _UPPER, ADJOINT, _NON_UNIT, np.int32(width), np.int32(height), one, diagonal,
             np.int32(width), (factor, place + column), np.int32(stride)),
        )  # fmt: skip
        for i in range(height):
            for j in range(width):
                panel[start - rows[first, 0] + i, j] = factor[place + i * stride + column + j]


def divide(factor, rows, first, column, diagonal, panel):
    """Columns of L below a diagonal tile, for a rank's tiles from ``first`` on; a copy in panel."""
    one = factor.dtype.type(1)
    _divide(address("trsm", factor.dtype), factor, rows, first, column, diagonal, panel, one)


@parallel_kernel
def _subtract(gemm, factor, rows, first, column, panel, one):
    width = panel.shape[1]
    after = column + width
    for tile in prange(first, len(rows)):
        height, place, stride = rows[tile, 1], rows[tile, 2], rows[tile, 3]
        call_fortran(
            gemm,
            (ADJOINT, PLAIN, np.int32(stride - after), np.int32(height), np.int32(width), -one,
             panel, np.int32(width), (factor, place + column), np.int32(stride), one,
             (factor, place + after), np.int32(stride)),
        )  # fmt: skip


def subtract(factor, rows, first, column, panel):
    """Take the products of columns of L, of all ranks in ``panel``, off what is left of A."""
    one = factor.dtype.type(1)
    _subtract(address("gemm", factor.dtype), factor, rows, first, column, panel, one)


@kernel
def _column_times(gemv, factor, rows, first, column, vector, out, adjoint, one):
    width = len(out) if adjoint else len(vector)
    step = np.int32(1)
    for tile in range(first, len(rows)):
        start, height, place, stride = rows[tile, 0], rows[tile, 1], rows[tile, 2], rows[tile, 3]
        block, sizes = (factor, place + column), (np.int32(width), np.int32(height))
        if adjoint:  # conj(U) x by conjugate arguments, which the caller hands in
            call_fortran(
                gemv, (PLAIN, sizes[0], sizes[1], one, block, np.int32(stride),
                       (vector, start), step, one, (out, 0), step),
            )  # fmt: skip
        else:
            call_fortran(
                gemv, (TRANSPOSED, sizes[0], sizes[1], one, block, np.int32(stride),
                       (vector, 0), step, one, (out, start), step),
            )  # fmt: skip


def add_column(factor, rows, first, column, vector, out):
    """out (own rows) += columns of L times ``vector`` (width,), tiles from ``first`` on."""
    one = factor.dtype.type(1)
    gemv = address("gemv", factor.dtype)
    _column_times(gemv, factor, rows, first, column, vector, out, False, one)


def add_adjoint_column(factor, rows, first, column, vector, out):
    """out (width,) += L^T times ``vector`` (own rows), tiles from ``first`` on."""
    one = factor.dtype.type(1)
    gemv = address("gemv", factor.dtype)
    _column_times(gemv, factor, rows, first, column, vector, out, True, one)


def solve_tile(diagonal, vector, adjoint):
    """vector <- L^-1 vector, or with ``adjoint`` (L^T)^-1 vector, for one tile, in place."""
    width, step = np.int32(len(diagonal)), np.int32(1)
    side = PLAIN if adjoint else TRANSPOSED
    trsv = address("trsv", diagonal.dtype)
    call_fortran(trsv, (_UPPER, side, _NON_UNIT, width, diagonal, width, vector, step))
