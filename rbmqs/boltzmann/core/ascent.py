"""One step along the gradient of a two-layer RBM's weights, by blocks of visible units.

The centred gradient of sum_r log p(v_r) / n, with offsets mu (visible) and lam (hidden), is

    G = (V+^T H+) / n+ - (V-^T H-) / n- - mu dh^T - dv lam^T,

dv and dh being the differences of the mean activities (data minus model). G. Montavon and K.-R.
Mueller (2012); J. Melchior, A. Fischer and L. Wiskott, JMLR 17(99) (2016), arXiv:1311.1354,
Eq. 7. With zero offsets it is the plain gradient.
"""

import numba
import numpy as np

from hamiltonians.core.jit import kernel, parallel_kernel
from rbmqs.boltzmann.core.rows import add_outer_products
from rbmqs.core.products import block_product, n_blocks


@parallel_kernel
def ascend(
    gemm, data, entries, data_hidden, model, model_hidden, offsets, differences, step, decay,
    velocity, weights,
):  # fmt: skip
    """velocity <- momentum velocity + rate (G - l2 W - l1 sign W), weights <- weights + velocity.

    data (n+, N), data_hidden (n+, M) : activities under the data; model, model_hidden : under the
    RBM. Sparse data is ``entries``, indptr (n+ + 1,) and sorted indices of the ones, beside a
    ``data`` without rows; dense data comes with empty ``entries``.
    offsets : mu (N,), lam (M,), or two empty arrays for none; differences : dv (N,), dh (M,).
    step : rate, momentum. decay : l1, l2.
    velocity : (N, M), or (0, 0) where momentum is zero: the products then add to the weights
    themselves.
    """
    n_visible = weights.shape[0]
    rate, momentum = step
    blocks = max(min(4, n_blocks(n_visible)), n_blocks(n_visible // 2))  # 98 rows: 10 % slower
    direct = velocity.size == 0
    keep = 1.0 - rate * decay[1] if direct else momentum
    for block in numba.prange(blocks):
        i, k = n_visible * block // blocks, n_visible * (block + 1) // blocks
        part = weights[i:k] if direct else velocity[i:k]
        if direct and decay[0] != 0.0:
            _shrink(part, part, rate * decay[0] / keep)  # while the signs are still the old ones
        block_product(
            gemm, model[:, i:k], True, model_hidden, False, part, -rate / model.shape[0], keep
        )
        share = rate / data_hidden.shape[0]
        if entries[0].size:
            add_outer_products(entries, data_hidden, share, i, part)
        else:
            block_product(gemm, data[:, i:k], True, data_hidden, False, part, share, 1.0)
        if offsets[0].size:
            _subtract_offsets(part, offsets, differences, i, rate)
        if not direct:
            if decay[1] != 0.0:
                _decay(part, weights[i:k], rate, decay[1])
            if decay[0] != 0.0:
                _shrink(part, weights[i:k], rate * decay[0])
            _add(weights[i:k], part)


@kernel
def _subtract_offsets(part, offsets, differences, start, rate):
    """part -= rate (mu dh^T + dv lam^T), rows from ``start`` on."""
    mu, lam = offsets
    dv, dh = differences
    for r in range(numba.uint64(part.shape[0])):
        a, b = rate * mu[start + r], rate * dv[start + r]
        for j in range(numba.uint64(part.shape[1])):
            part[r, j] -= a * dh[j] + b * lam[j]


@kernel
def _decay(part, weights, rate, l2):
    for r in range(numba.uint64(part.shape[0])):
        for j in range(numba.uint64(part.shape[1])):
            part[r, j] -= rate * l2 * weights[r, j]


@kernel
def _shrink(part, weights, amount):
    for r in range(numba.uint64(part.shape[0])):
        for j in range(numba.uint64(part.shape[1])):
            part[r, j] -= amount * np.sign(weights[r, j])


@kernel
def _add(weights, part):
    for r in range(numba.uint64(part.shape[0])):
        for j in range(numba.uint64(part.shape[1])):
            weights[r, j] += part[r, j]
