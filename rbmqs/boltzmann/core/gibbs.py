"""Conditionals of a two-layer RBM: product, biases, sigmoid and draw in one pass by blocks.

A layer's total inputs are ``inputs @ weights`` or ``inputs @ weights.T``; with a scale s for each
row (an inverse temperature) the units are on with probability
logistic(s (input + bias) + (1 - s) base), the geometric path from an RBM without weights and
with biases ``base`` (s = 0) to the RBM itself (s = 1).

Each block of columns is finished while it lies in the cache. ``gemm`` is the address of BLAS
?gemm for the arrays' type, see `rbmqs.core.products`; ``stream`` as in `core.philox`.
"""

import numba
import numpy as np

from hamiltonians.core.jit import inlined_exact_kernel, parallel_exact_kernel
from rbmqs.boltzmann.core.philox import fill_row, padded
from rbmqs.boltzmann.core.units import mean_and_sample_row, mean_row, sample_row
from rbmqs.core.products import block_product, n_blocks


@inlined_exact_kernel
def _inputs_of_block(gemm, inputs, weights, transposed, block, blocks, layer):
    """Columns (j, k) of a block of units, into which what the other layer sends them is put."""
    columns = layer.shape[1]
    j, k = columns * block // blocks, columns * (block + 1) // blocks
    part = weights[j:k, :] if transposed else weights[:, j:k]
    block_product(gemm, inputs, False, part, transposed, layer[:, j:k], 1.0, 0.0)
    return j, k


@parallel_exact_kernel
def mean_layer(gemm, inputs, weights, transposed, bias, scale, base, mean):
    """mean (n, units) <- probabilities given ``inputs``, (n, units of the other layer)."""
    rows, columns = mean.shape
    blocks = n_blocks(columns)
    for block in numba.prange(blocks):
        j, k = _inputs_of_block(gemm, inputs, weights, transposed, block, blocks, mean)
        for i in range(rows):
            mean_row(mean[i, j:k], bias[j:k], scale[i], base[j:k])


@parallel_exact_kernel
def sample_layer(gemm, inputs, weights, transposed, bias, scale, base, stream, sample):
    """sample (n, units) <- 0 and 1 drawn given ``inputs``."""
    rows, columns = sample.shape
    blocks = n_blocks(columns)
    for block in numba.prange(blocks):
        j, k = _inputs_of_block(gemm, inputs, weights, transposed, block, blocks, sample)
        words = np.empty(padded(k - j), np.uint32)
        for i in range(rows):
            fill_row(words, stream, block, i)
            sample_row(sample[i, j:k], bias[j:k], scale[i], base[j:k], words)


@parallel_exact_kernel
def mean_and_sample_layer(
    gemm, inputs, weights, transposed, bias, scale, base, stream, mean, sample
):
    """mean (n, units) <- probabilities and sample (n, units) <- draws from them."""
    rows, columns = mean.shape
    blocks = n_blocks(columns)
    for block in numba.prange(blocks):
        j, k = _inputs_of_block(gemm, inputs, weights, transposed, block, blocks, mean)
        words = np.empty(padded(k - j), np.uint32)
        for i in range(rows):
            fill_row(words, stream, block, i)
            mean_and_sample_row(mean[i, j:k], bias[j:k], scale[i], base[j:k], words, sample[i, j:k])
