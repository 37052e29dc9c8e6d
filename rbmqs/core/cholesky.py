"""Cholesky factorisation in tiles, the same bits at any number of threads.

A = U^dagger U in place, in any precision: BLAS, whose matrices run down columns, sees a row-major
``factor`` transposed, so that its row i holds column i of A (from the top to the diagonal) and
then of U. A column of tiles at a time is updated by all rows of U above it (left-looking) and
divided by its diagonal tile; the tiles of a row of U are shared between threads. Every call is
single-threaded BLAS on a fixed tile.
"""

import numpy as np
from numba import prange

from hamiltonians.core.jit import inlined_kernel, parallel_kernel
from rbmqs.core.blas import ADJOINT, PLAIN, address, call_fortran

TILE = 96  # 64 and 128 take 0 to 10 % longer from n = 1000 on
_LINE = 16  # rows start an odd number of these apart, so that columns of tiles spread in the cache
_UPPER, _LEFT, _NON_UNIT = (np.uint8(ord(letter)) for letter in "ULN")


@inlined_kernel
def _update_diagonal(herk, factor, start, first, last, one):
    """Subtract from the diagonal tile at ``start`` the products of rows first to last of U."""
    stride = np.int32(factor.shape[1])
    width = np.int32(min(TILE, factor.shape[0] - start))
    above, tile = (factor, start * stride + first), (factor, start * stride + start)
    length = np.int32(last - first)
    call_fortran(herk, (_UPPER, ADJOINT, width, length, -one, above, stride, one, tile, stride))


@inlined_kernel
def _finish_tile(gemm, trsm, factor, row, col, one):
    """U_row,col from what is left of A, U_row,row being known (both by their first index)."""
    stride, height = np.int32(factor.shape[1]), np.int32(TILE)
    width = np.int32(min(TILE, factor.shape[0] - col))
    diagonal, tile = (factor, row * stride + row), (factor, col * stride + row)
    if row > 0:
        call_fortran(
            gemm,
            (ADJOINT, PLAIN, height, width, np.int32(row), -one, (factor, row * stride), stride,
             (factor, col * stride), stride, one, tile, stride),
        )  # fmt: skip
    call_fortran(
        trsm,
        (_LEFT, _UPPER, ADJOINT, _NON_UNIT, height, width, one, diagonal, stride, tile, stride),
    )


@parallel_kernel
def _factorise(herk, potrf, gemm, trsm, tiles, rows, shift, parts, factor, real_one, one):
    """False if A is not positive; ``parts`` (n, stride, n_parts) is ``factor`` seen as reals."""
    n, n_parts = len(factor), tiles.shape[1]
    for tile in prange(len(rows)):
        first, height, place, stored = rows[tile, 0], rows[tile, 1], rows[tile, 2], rows[tile, 3]
        for i in range(height):
            row = first + i
            for j in range(row + 1):
                parts[row, j, 0] = tiles[place + i * stored + j, 0]
                if n_parts == 2:
                    parts[row, j, 1] = -tiles[place + i * stored + j, 1]
            parts[row, row, 0] += shift
    stride = np.int32(factor.shape[1])
    info = np.zeros(1, np.int32)
    for start in range(0, n, TILE):
        if start > 0:
            _update_diagonal(herk, factor, start, start - TILE, start, real_one)
        width = np.int32(min(TILE, n - start))
        call_fortran(potrf, (_UPPER, width, (factor, start * stride + start), stride, info))
        if info[0] != 0:
            return False
        for tile in prange(start // TILE, (n + TILE - 1) // TILE):
            if tile * TILE > start:
                _finish_tile(gemm, trsm, factor, start, tile * TILE, one)
            elif 0 < start < n - TILE:  # most of the next diagonal tile, while others work
                _update_diagonal(herk, factor, start + TILE, 0, start, real_one)
    return True


def factorise(tiles, rows, shift, dtype):
    """U of A + shift = U^dagger U, column by column; None where A + shift is not positive.

    Parameters
    ----------
    tiles : array (size,)
        A as in `rbmqs.core.divided_matrix`, all of it; what lies above the diagonal is not read.
    rows : int64 (n_tiles, 4)
    shift : float
    dtype : type
        Of the result, complex for a complex A.

    Returns
    -------
    array (n, at least n)
        Row i holds U_ji, j <= i; what lies beyond is undefined.
    """
    n_parts, n = 1 + np.iscomplexobj(tiles), int(rows[:, 1].sum())
    stride = (-(-n // _LINE) | 1) * _LINE
    factor = np.empty((n, stride), dtype)
    one = factor.dtype.type(1)
    routines = ("herk" if n_parts == 2 else "syrk", "potrf", "gemm", "trsm")
    parts = factor.view(one.real.dtype).reshape(n, stride, n_parts)
    addresses = (address(name, dtype) for name in routines)
    numbers = tiles.view(tiles.real.dtype).reshape(-1, n_parts)
    shift = numbers.dtype.type(shift)
    positive = _factorise(*addresses, numbers, rows, shift, parts, factor, one.real, one)
    return factor if positive else None


def solve_factorised(factor, vector):
    """vector (n,), of the type of ``factor``, <- A^-1 vector = U^-1 (U^-dagger vector)."""
    trsv = address("trsv", factor.dtype)
    n, stride, step = np.int32(len(factor)), np.int32(factor.shape[1]), np.int32(1)
    for adjoint in (ADJOINT, PLAIN):
        call_fortran(trsv, (_UPPER, adjoint, _NON_UNIT, n, factor, stride, vector, step))
    return vector
