"""The Gram matrix of log-derivatives without the log-derivatives.

For O = [sigma, t, sigma (x) t] of one sample, with S (Ns, N) the spins and T (Ns, M) the tanh's,

    O O^dagger = S S^T + T T^dagger + (S S^T) o (T T^dagger)          (o: elementwise)

at a cost of Ns^2 (N + M) instead of Ns^2 N M through the Jacobian. A complex T T^dagger takes
three real products instead of four: with P1 = Tr Tr^T, P2 = Ti Ti^T, P3 = (Tr + Ti)(Tr - Ti)^T,

    Re T T^dagger = P1 + P2,      Im T T^dagger = P3 - P1 + P2.

Columns of weights may be scaled by f_b(site)^(1/2), the units falling into blocks b; the last term
is then sum_b (S f_b S^T) o (T_b T_b^dagger), and the plain one has a single block with f = 1.

It is made in tiles (`rbmqs.core.divided_matrix`), each by single-threaded BLAS products.
"""

import numpy as np

from hamiltonians.core.jit import inlined_exact_kernel
from rbmqs.core.blas import row_product

TILE = 96
# Matrices of a tile: its sum, S S^T, S f_b S^T of near sites, and the products of tanh's above.
SUM_RE, SUM_IM, _SS, _NEAR, _P1, _P2, _P3 = range(7)


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
