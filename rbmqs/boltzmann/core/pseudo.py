"""Pseudo-likelihood: the probability of each unit given all others.

Flipping visible unit i multiplies exp(-F) by exp(+-b_i) prod_j (g_j + w_j q_ij), where w_j is
p(h_j = 1 | v), g_j = 1 - w_j and q_ij = exp(+-W_ij): no exp or log in the inner loop.
J. Besag, The Statistician 24, 179 (1975).
"""

import math

import numba
import numpy as np

from hamiltonians.core.jit import exact_kernel, kernel, parallel_exact_kernel
from rbmqs.boltzmann.core.units import softplus

_RUN = 16  # factors of one product, in double precision: exp(+-16 |W|) must stay in range


@kernel
def _log_product(g, w, q):
    """log prod_j (g_j + w_j q_j)."""
    total = 0.0
    n = numba.uint64(g.size)
    first = numba.uint64(0)
    while first < n:
        last = min(n, first + numba.uint64(_RUN))
        product = 1.0
        for j in range(first, last):
            product *= g[j] + w[j] * q[j]
        total += math.log(product)
        first = last
    return total


@exact_kernel
def _unit_log_probability(on, bias, log_ratio):
    """log p(v_i | rest) from the logarithm of the weight's change on flipping unit i."""
    return -softplus((-bias if on else bias) + log_ratio)


@parallel_exact_kernel
def log_pseudo_likelihood(visible, inputs, visible_bias, hidden_bias, up, down):
    """sum_i log p(v_i | v without i) for each row, (n,).

    visible (n, N) of bytes; inputs (n, M): v W; up, down (N, M): exp(W), exp(-W), all float64.
    """
    n, n_visible = visible.shape
    n_hidden = inputs.shape[1]
    out = np.empty(n)
    for r in numba.prange(n):
        g, w = np.empty(n_hidden), np.empty(n_hidden)
        for j in range(n_hidden):
            theta = inputs[r, j] + hidden_bias[j]
            g[j] = math.exp(-softplus(theta))
            w[j] = math.exp(-softplus(-theta))
        total = 0.0
        for i in range(n_visible):
            on = visible[r, i] != 0
            log_ratio = _log_product(g, w, down[i] if on else up[i])
            total += _unit_log_probability(on, visible_bias[i], log_ratio)
        out[r] = total
    return out
