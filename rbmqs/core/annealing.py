"""Steps along the geometric path from independent visible units to a machine.

    log f_beta(v) = (1 - beta) base.v + beta b.v + sum_j softplus(beta (c_j + (v W)_j))

R. Salakhutdinov and I. Murray, ICML 2008, doi:10.1145/1390156.1390266, Eqs. 15-18.

A ratio of two such weights is a product over the hidden units of numbers between 1/2 and 2, kept
as a product and brought to its logarithm a few dozen units at a time: no log in the inner loop.
"""

import math

import numba
import numpy as np

from hamiltonians.core.jit import exact_kernel, parallel_exact_kernel
from rbmqs.core.philox import fill_row, padded
from rbmqs.core.products import block_product, n_blocks
from rbmqs.core.units import RUN, exp_of, sample_row, type_one


@exact_kernel
def log_ratio_row(x, bias, start, stop):
    """sum_j softplus(stop (x_j + bias_j)) - softplus(start (x_j + bias_j)), start, stop >= 0."""
    one, zero = type_one(start), type_one(start) - type_one(start)
    total = 0.0
    n = numba.uint64(x.size)
    first = numba.uint64(0)
    while first < n:
        last = min(n, first + numba.uint64(RUN))
        above, below, linear = one, one, zero
        for j in range(first, last):
            y = x[j] + bias[j]
            size = abs(y)
            above *= one + exp_of(-stop * size)
            below *= one + exp_of(-start * size)
            linear += max(y, zero)
        total += math.log(np.float64(above) / np.float64(below))
        total += np.float64(stop - start) * np.float64(linear)
        first = last
    return total


@parallel_exact_kernel
def reweight_and_sample(gemm, visible, weights, bias, start, stop, stream, hidden, log_ratio):
    """Change of the hidden units' part of log f from beta = start to stop, and h at stop.

    visible (n, N); hidden (n, M) <- draws from p_stop(h | v); log_ratio (n, blocks) <- the change,
    one column a block of hidden units.
    """
    rows, columns = hidden.shape
    blocks = n_blocks(columns)
    for block in numba.prange(blocks):
        j, k = columns * block // blocks, columns * (block + 1) // blocks
        part = hidden[:, j:k]
        block_product(gemm, visible, False, weights[:, j:k], False, part, 1.0, 0.0)
        words = np.empty(padded(k - j), np.uint32)
        for i in range(rows):
            log_ratio[i, block] = log_ratio_row(part[i], bias[j:k], start, stop)
            fill_row(words, stream, block, i)
            sample_row(part[i], bias[j:k], stop, bias[j:k] * 0, words)
