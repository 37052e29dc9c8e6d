"""Cholesky factorisation in tiles, the same bits at any number of threads.

A = L L^dagger, in planes (see `rbmqs.core.hermitian`) of any precision. Tile row i of L is kept
transposed, as rows [i (i + 1)/2, (i + 1)(i + 2)/2) * TILE of ``factor``: the update of a tile by
all columns before it is then one product of contiguous blocks (left-looking). Products are
single-threaded BLAS calls inside a parallel loop over the tiles of a column.
"""

import numpy as np
from numba import prange

from hamiltonians.core.jit import kernel, parallel_kernel
from rbmqs.core.hermitian import complete_planes, product_with_adjoint, tile_of_task

TILE = 64  # 96 and 128 waste more operations on half-empty diagonal tiles than they gain in BLAS


@kernel
def _offset(row):
    """First row in ``factor`` of tile row ``row``."""
    return row * (row + 1) // 2 * TILE


@parallel_kernel
def pack(lower, shift, factor):
    """Tiles of A + shift from the lower triangle of A, padded with the unit matrix.

    Parameters
    ----------
    lower : float64 (n_parts, n, n)
        Real part, and imaginary part of a complex A.
    shift : float
    factor : float (planes, n_tiles (n_tiles + 1)/2 * TILE, TILE)
        planes is `hermitian.N_PLANES`, or 1 for a real A.
    """
    n_parts, n = lower.shape[:2]
    n_tiles = (n + TILE - 1) // TILE
    for task in prange(n_tiles * (n_tiles + 1) // 2):
        row, col = tile_of_task(task)
        factor[:, task * TILE : (task + 1) * TILE] = 0
        for part in range(n_parts):
            tile = factor[part, task * TILE : (task + 1) * TILE]
            mirrored = -1 if part else 1
            for a in range(min(TILE, n - row * TILE)):
                for b in range(min(TILE, row * TILE + a + 1 - col * TILE)):
                    value = lower[part, row * TILE + a, col * TILE + b]
                    tile[b, a] = value
                    if row == col:
                        tile[a, b] = mirrored * value
                if row == col and part == 0:
                    tile[a, a] += shift
        if row == col:
            for a in range(n - row * TILE, TILE):
                factor[0, task * TILE + a, a] = 1


@kernel
def _invert_lower(lower, out):
    """out = lower^-1, row by row."""
    out[:] = 0
    for i in range(lower.shape[0]):
        scale = 1 / lower[i, i].real
        for k in range(i):
            factor = -scale * lower[i, k]
            for j in range(k + 1):
                out[i, j] += factor * out[k, j]
        out[i, i] = scale


@kernel
def _finish_diagonal(factor, inverses, col):
    """Cholesky of a diagonal tile and the planes of conj(L^-1)."""
    first = _offset(col) + col * TILE
    _update(factor, col, col, max(col - 1, 0), col)
    if factor.shape[0] == 1:
        lower = np.linalg.cholesky(factor[0, first : first + TILE].T.copy())
        factor[0, first : first + TILE] = lower.T
        _invert_lower(lower, inverses[col, 0])
        return
    square = factor[0, first : first + TILE].T + 1j * factor[1, first : first + TILE].T
    complex_lower = np.linalg.cholesky(square)
    inverse = np.empty_like(complex_lower)
    _invert_lower(complex_lower, inverse)
    factor[0, first : first + TILE] = complex_lower.real.T
    factor[1, first : first + TILE] = complex_lower.imag.T
    complete_planes(factor, first, first + TILE)
    inverses[col, 0] = inverse.real
    inverses[col, 1] = -inverse.imag
    complete_planes(inverses[col], 0, TILE)


@kernel
def _update(factor, row, col, start, stop):
    """Subtract from the tile (row, col) the products of the columns start <= k < stop."""
    if start == stop:
        return
    a0, a1 = _offset(col) + start * TILE, _offset(col) + stop * TILE
    b0, b1 = _offset(row) + start * TILE, _offset(row) + stop * TILE
    first = _offset(row) + col * TILE
    if factor.shape[0] == 1:
        factor[0, first : first + TILE] -= np.dot(factor[0, a0:a1].T, factor[0, b0:b1])
        return
    real, imag = product_with_adjoint(
        factor[0, a0:a1].T, factor[1, a0:a1].T, factor[2, a0:a1].T,
        factor[0, b0:b1], factor[1, b0:b1], factor[3, b0:b1],
    )  # fmt: skip
    factor[0, first : first + TILE] -= real
    factor[1, first : first + TILE] += imag


@kernel
def _finish_tile(factor, inverses, row, col):
    """A tile below the diagonal: L_row,col^T = conj(L_col,col^-1) (what is left of A)^T."""
    _update(factor, row, col, 0, col)
    first = _offset(row) + col * TILE
    last = first + TILE
    if factor.shape[0] == 1:
        factor[0, first:last] = np.dot(inverses[col, 0], factor[0, first:last])
        return
    complete_planes(factor, first, last)
    real, imag = product_with_adjoint(
        inverses[col, 0], inverses[col, 1], inverses[col, 2],
        factor[0, first:last], -factor[1, first:last], factor[2, first:last],
    )  # fmt: skip
    factor[0, first:last] = real
    factor[1, first:last] = imag
    complete_planes(factor, first, last)


@parallel_kernel
def factorise(factor, inverses):
    """Cholesky in place; ``inverses`` (n_tiles, planes, TILE, TILE) gets conj(L_ii^-1).

    Raises
    ------
    numpy.linalg.LinAlgError
        A is not positive definite in this precision.
    """
    n_tiles = inverses.shape[0]
    for col in range(n_tiles):
        _finish_diagonal(factor, inverses, col)
        for row in prange(col, n_tiles):
            if row > col:
                _finish_tile(factor, inverses, row, col)
            elif col + 1 < n_tiles:  # most of the next diagonal tile, while others work
                _update(factor, col + 1, col + 1, 0, col)


@kernel
def _times(matrix, first, last, vector):
    """Rows first to last of a matrix times a vector, both in planes (Re, Im, ...) or (Re,)."""
    out = np.empty((vector.shape[0], last - first), vector.dtype)
    if vector.shape[0] == 1:
        out[0] = np.dot(matrix[0, first:last], vector[0])
    else:
        real, imag = matrix[0, first:last], matrix[1, first:last]
        out[0] = np.dot(real, vector[0]) - np.dot(imag, vector[1])
        out[1] = np.dot(real, vector[1]) + np.dot(imag, vector[0])
    return out


@kernel
def _transposed_times(matrix, first, last, vector):
    """The transpose of rows first to last of a matrix times a vector."""
    out = np.empty((vector.shape[0], matrix.shape[2]), vector.dtype)
    if vector.shape[0] == 1:
        out[0] = np.dot(matrix[0, first:last].T, vector[0])
    else:
        real, imag = matrix[0, first:last].T, matrix[1, first:last].T
        out[0] = np.dot(real, vector[0]) - np.dot(imag, vector[1])
        out[1] = np.dot(real, vector[1]) + np.dot(imag, vector[0])
    return out


@kernel
def _conjugate(vector):
    """vector <- conj(vector), in planes (Re, Im) or (Re,)."""
    if vector.shape[0] == 2:
        vector[1] *= -1


@kernel
def solve_factorised(factor, inverses, vector):
    """vector (n_parts, n_tiles * TILE) <- A^-1 vector."""
    n_tiles = inverses.shape[0]
    for row in range(n_tiles):  # y_i = L_ii^-1 (b_i - sum_k L_ik y_k)
        start, first = row * TILE, _offset(row)
        part = vector[:, start : start + TILE].copy()
        if row > 0:
            part -= _transposed_times(factor, first, first + start, vector[:, :start].copy())
        _conjugate(part)
        part = _times(inverses[row], 0, TILE, part)
        _conjugate(part)
        vector[:, start : start + TILE] = part
    for row in range(n_tiles - 1, -1, -1):  # x_i = L_ii^-dagger (y_i - sum_k L_ki^dagger x_k)
        start, first = row * TILE, _offset(row)
        part = _transposed_times(inverses[row], 0, TILE, vector[:, start : start + TILE].copy())
        vector[:, start : start + TILE] = part
        if row > 0:
            _conjugate(part)
            change = _times(factor, first, first + start, part)
            _conjugate(change)
            vector[:, :start] -= change
