"""The Gram matrix of log-derivatives without the log-derivatives.

For O = [sigma, t, sigma (x) t] of one sample, with S (Ns, N) the spins and T (Ns, M) the tanh's,

    O O^dagger = S S^T + T T^dagger + (S S^T) o (T T^dagger)          (o: elementwise)

at a cost of Ns^2 (N + M) instead of Ns^2 N M through the Jacobian. A complex T T^dagger takes
three real products instead of four: with P1 = Tr Tr^T, P2 = Ti Ti^T, P3 = (Tr + Ti)(Tr - Ti)^T,

    Re T T^dagger = P1 + P2,      Im T T^dagger = P3 - P1 + P2.

Columns of weights may be scaled by f_b(site)^(1/2), the units falling into blocks b; the last term
is then sum_b (S f_b S^T) o (T_b T_b^dagger), and the plain one has a single block with f = 1.

Only the lower triangle is made, in tiles shared between threads, each by single-threaded BLAS
products, so that its bits do not depend on the number of threads.
"""

import math

import numpy as np
from numba import prange

from hamiltonians.core.jit import inlined_exact_kernel, parallel_exact_kernel
from rbmqs.core.blas import PLAIN, TRANSPOSED, address, call_fortran, row_product

TILE = 96
# Matrices of a tile: its sum, S S^T, S f_b S^T of near sites, and the products of tanh's above.
SUM_RE, SUM_IM, _SS, _NEAR, _P1, _P2, _P3 = range(7)


@inlined_exact_kernel
def tile_of_task(task):
    """(row, col) of the ``task``-th tile of a lower triangle, counted row by row."""
    row = int((math.sqrt(8.0 * task + 1.0) - 1.0) / 2.0)
    while row * (row + 1) // 2 > task:
        row -= 1
    while (row + 1) * (row + 2) // 2 <= task:
        row += 1
    return row, task - row * (row + 1) // 2


@inlined_exact_kernel
def _rows_product(gemm, first, second, stride, width, height, columns, work, matrix):
    """work[matrix] = A B^T of rows at (array, offset), ``width`` long and ``stride`` apart."""
    out, shape = ((work, matrix * TILE * TILE), TILE), (height, columns, width)
    one, zero = work.dtype.type(1), work.dtype.type(0)
    row_product(gemm, (first, stride), False, (second, stride), True, out, shape, one, zero)


@inlined_exact_kernel
def _tanh_products(gemm, tanh, first, last, i0, height, j0, columns, work):
    """P1, P2 and P3 of a tile for units first to last; P1 only for a real T."""
    n, m = tanh.shape[1:]
    a, b, part, width = i0 * m + first, j0 * m + first, n * m, last - first
    _rows_product(gemm, (tanh, a), (tanh, b), m, width, height, columns, work, _P1)
    if tanh.shape[0] == 1:
        return
    _rows_product(gemm, (tanh, part + a), (tanh, part + b), m, width, height, columns, work, _P2)
    _rows_product(
        gemm, (tanh, 2 * part + a), (tanh, 3 * part + b), m, width, height, columns, work, _P3
    )


@inlined_exact_kernel
def _near_product(gemm, spins, sites, profile, i0, height, j0, columns, rows, work):
    """A tile of S f_b S^T over the near sites of a block; ``rows`` (2, TILE, n_near) is space."""
    n_near = len(sites)
    for i in range(height):
        for k in range(n_near):
            rows[0, i, k] = profile[k] * spins[i0 + i, sites[k]]
    for j in range(columns):
        for k in range(n_near):
            rows[1, j, k] = spins[j0 + j, sites[k]]
    first, second = (rows, 0), (rows, TILE * n_near)
    _rows_product(gemm, first, second, n_near, n_near, height, columns, work, _NEAR)


@inlined_exact_kernel
def _add_block(work, is_complex, height, columns, hidden, floor):
    """Add (hidden + S f_b S^T) o (T_b T_b^dagger) to the sum of a tile."""
    for i in range(height):
        total, spins, near, product = work[SUM_RE, i], work[_SS, i], work[_NEAR, i], work[_P1, i]
        if is_complex:
            imaginary, second, third = work[SUM_IM, i], work[_P2, i], work[_P3, i]
            for j in range(columns):
                factor = hidden + floor * spins[j] + near[j]
                total[j] += factor * (product[j] + second[j])
                imaginary[j] += factor * (third[j] + (second[j] - product[j]))
        else:
            for j in range(columns):
                total[j] += (hidden + floor * spins[j] + near[j]) * product[j]


@inlined_exact_kernel
def gram_tile(gemm, spins, tanh, blocks, visible, hidden, i0, height, j0, columns, rows, work):
    """work[SUM_RE], work[SUM_IM] = a tile of O O^dagger."""
    first_units, near, near_profile, floor = blocks
    width = spins.shape[1]
    first, second = (spins, i0 * width), (spins, j0 * width)
    _rows_product(gemm, first, second, width, width, height, columns, work, _SS)
    for i in range(height):
        for j in range(columns):
            work[SUM_RE, i, j] = visible * work[_SS, i, j]
            work[SUM_IM, i, j] = 0.0
            work[_NEAR, i, j] = 0.0
    for b in range(len(floor)):
        if near.shape[1] > 0:
            _near_product(
                gemm, spins, near[b], near_profile[b], i0, height, j0, columns, rows, work
            )
        _tanh_products(
            gemm, tanh, first_units[b], first_units[b + 1], i0, height, j0, columns, work
        )
        _add_block(work, tanh.shape[0] > 1, height, columns, hidden, floor[b])


@inlined_exact_kernel
def _add_sums(gemv, work, matrix, height, columns, counts, i0, j0, mirrored, sums, right, below):
    """Sums of a tile over its columns and, if not on the diagonal, of its mirror image."""
    n, m, tile, step = np.int32(columns), np.int32(height), np.int32(TILE), np.int32(1)
    entries = (work, matrix * TILE * TILE)
    call_fortran(
        gemv, (TRANSPOSED, n, m, 1.0, entries, tile, (counts, j0), step, 0.0, (sums, right), step)
    )
    if i0 != j0:
        call_fortran(
            gemv,
            (PLAIN, n, m, mirrored, entries, tile, (counts, i0), step, 0.0, (sums, below), step),
        )


@inlined_exact_kernel
def _centre_row(lower, means, mean, roots, i):
    """(K_ij - <K_i.> - <K_.j> + <K>) times the roots of both counts, the means over samples."""
    for j in range(i + 1):
        centred = lower[0, i, j] + (mean - means[0, i] - means[0, j])
        lower[0, i, j] = centred * (roots[i] * roots[j])
    if lower.shape[0] == 2:
        for j in range(i + 1):
            centred = lower[1, i, j] + (means[1, j] - means[1, i])
            lower[1, i, j] = centred * (roots[i] * roots[j])


@parallel_exact_kernel
def _centred_gram(gemm, gemv, spins, tanh, blocks, counts, roots, visible, hidden, out, sums):
    """See `centred_gram`; ``sums`` (n_parts, n_tiles, n) are those of each row by tiles."""
    n_parts, n_tiles, n = sums.shape
    for task in prange(n_tiles * (n_tiles + 1) // 2):
        work = np.empty((7, TILE, TILE))
        rows = np.empty((2, TILE, blocks[1].shape[1]))
        row, col = tile_of_task(task)
        i0, j0 = row * TILE, col * TILE
        height, columns = min(TILE, n - i0), min(TILE, n - j0)
        gram_tile(gemm, spins, tanh, blocks, visible, hidden, i0, height, j0, columns, rows, work)
        for part in range(n_parts):
            matrix = SUM_IM if part else SUM_RE
            for i in range(height):
                for j in range(min(columns, i0 + i + 1 - j0)):
                    out[part, i0 + i, j0 + j] = work[matrix, i, j]
            _add_sums(
                gemv, work, matrix, height, columns, counts, i0, j0, -1.0 if part else 1.0, sums,
                (part * n_tiles + col) * n + i0, (part * n_tiles + row) * n + j0,
            )  # fmt: skip
    n_samples, mean = 0.0, 0.0
    means = np.zeros((n_parts, n))
    for i in range(n):
        n_samples += counts[i]
        for part in range(n_parts):
            for col in range(n_tiles):
                means[part, i] += sums[part, col, i]
        mean += counts[i] * means[0, i]
    for i in range(n):
        for part in range(n_parts):
            means[part, i] /= n_samples
    mean /= n_samples * n_samples
    for task in prange((n + 1) // 2):  # a short and a long row each, for equal work
        for i in range(task, n - task, max(1, n - 1 - 2 * task)):
            _centre_row(out, means, mean, roots, i)


def product_parts(tanh):
    """What the real products of T T^dagger take: (4, Ns, M) for a complex T, (1, Ns, M) else."""
    if not np.iscomplexobj(tanh):
        return np.ascontiguousarray(tanh[None])
    real, imag = tanh.real, tanh.imag
    return np.ascontiguousarray([real, imag, real + imag, real - imag])


def one_block(n_hidden):
    """All units in one block, in which f = 1."""
    no_sites = np.empty((1, 0), np.int64)
    return np.array([0, n_hidden]), no_sites, no_sites.astype(float), np.ones(1)


def centred_gram(spins, tanh, counts, with_visible_bias, with_hidden_bias, blocks=None):
    """Lower triangle of R (O - <O>)(O - <O>)^dagger R, R^2 = diag(counts).

    With counts of one this is the Gram matrix; a configuration that was drawn c times may stand
    in one row with the count c.

    Parameters
    ----------
    spins : float64 (Ns, N)
    tanh : float64 or complex128 (Ns, M)
    counts : float64 (Ns,)
        How many samples each row stands for.
    with_visible_bias, with_hidden_bias : bool
        Whether a and b are parameters, that is, whether their terms count.
    blocks : tuple of arrays, optional
        Columns of weights times f_b(site)^(1/2) for block b of units: the first unit of each block
        and their number, int64 (n_blocks + 1,); sites, int64 (n_blocks, n_near), with their f less
        the floor, float64 (n_blocks, n_near); f of all other sites, the floor, (n_blocks,).

    Returns
    -------
    float64 (n_parts, Ns, Ns)
        Real part, and imaginary part for complex T; undefined above the diagonal.
    """
    n, n_tiles = len(spins), -(-len(spins) // TILE)
    parts = product_parts(tanh)
    n_parts = 1 + np.iscomplexobj(tanh)
    lower = np.empty((n_parts, n, n))
    sums = np.zeros((n_parts, n_tiles, n))
    visible, hidden = float(with_visible_bias), float(with_hidden_bias)
    gemm, gemv = address("gemm", float), address("gemv", float)
    roots = np.sqrt(counts)
    spins = np.ascontiguousarray(spins)
    blocks = one_block(tanh.shape[1]) if blocks is None else blocks
    _centred_gram(gemm, gemv, spins, parts, blocks, counts, roots, visible, hidden, lower, sums)
    return lower
