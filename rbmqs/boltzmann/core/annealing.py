"""Steps along the geometric path from independent visible units to an RBM.

    log f_beta(v) = (1 - beta) base.v + beta b.v + sum_j softplus(beta (c_j + (v W)_j))

R. Salakhutdinov and I. Murray, ICML 2008, doi:10.1145/1390156.1390266, Eqs. 15-18.

A ratio of two such weights is a product over the hidden units of numbers between 1/2 and 2, kept
as a product and brought to its logarithm hundreds of units at a time: no log in the inner loop.
"""

import numba
import numpy as np

from hamiltonians.core.jit import exact_kernel, parallel_exact_kernel
from rbmqs.boltzmann.core.philox import fill_row, padded
from rbmqs.boltzmann.core.units import exp_of, log_product_and_sum, sample_row, type_one
from rbmqs.core.panels import plain_product
from rbmqs.core.products import n_blocks


@exact_kernel
def log_ratio_row(x, bias, start, stop, work):
    """sum_j softplus(stop (x_j + bias_j)) - softplus(start (x_j + bias_j)), start, stop >= 0.

    ``work`` (2, units) is overwritten.
    """
    one, factors, terms = type_one(start), work[0], work[1]
    for j in range(numba.uint64(x.size)):
        y = x[j] + bias[j]
        size = abs(y)
        factors[j] = (one + exp_of(-stop * size)) / (one + exp_of(-start * size))
        terms[j] = (stop - start) * max(y, y - y)
    return log_product_and_sum(factors, terms)


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
        plain_product(gemm, visible, weights, j, k, part)
        words, work = np.empty(padded(k - j), np.uint32), np.empty((2, k - j), part.dtype)
        for i in range(rows):
            log_ratio[i, block] = log_ratio_row(part[i], bias[j:k], start, stop, work)
            fill_row(words, stream, block, i)
            sample_row(part[i], bias[j:k], stop, bias[j:k] * 0, words)
