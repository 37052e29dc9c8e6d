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
from rbmqs.core.panels import plain_product
from rbmqs.core.products import block_product, n_blocks


@inlined_exact_kernel
def _pieces(columns):
    """Blocks of columns with words of their own, and how many of them one product serves."""
    blocks = n_blocks(columns)
    return blocks, 2 if blocks >= 8 else 1


@inlined_exact_kernel
def _fill_inputs(gemm, inputs, weights, transposed, start, stop, part):
    """part <- what the other layer sends the units from start to stop."""
    if transposed:
        block_product(gemm, inputs, False, weights[start:stop, :], True, part, 1.0, 0.0)
    else:
        plain_product(gemm, inputs, weights, start, stop, part)


@parallel_exact_kernel
def mean_layer(gemm, inputs, weights, transposed, bias, scale, base, mean):
    """mean (n, units) <- probabilities given ``inputs``, (n, units of the other layer)."""
    rows, columns = mean.shape
    blocks, together = _pieces(columns)
    for piece in numba.prange(blocks // together):
        j, k = columns * piece * together // blocks, columns * (piece + 1) * together // blocks
        _fill_inputs(gemm, inputs, weights, transposed, j, k, mean[:, j:k])
        for i in range(rows):
            mean_row(mean[i, j:k], bias[j:k], scale[i], base[j:k])


@parallel_exact_kernel
def sample_layer(gemm, inputs, weights, transposed, bias, scale, base, stream, sample):
    """sample (n, units) <- 0 and 1 drawn given ``inputs``."""
    rows, columns = sample.shape
    blocks, together = _pieces(columns)
    for piece in numba.prange(blocks // together):
        first, last = piece * together, (piece + 1) * together
        j, k = columns * first // blocks, columns * last // blocks
        _fill_inputs(gemm, inputs, weights, transposed, j, k, sample[:, j:k])
        for block in range(first, last):
            j, k = columns * block // blocks, columns * (block + 1) // blocks
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
    blocks, together = _pieces(columns)
    for piece in numba.prange(blocks // together):
        first, last = piece * together, (piece + 1) * together
        j, k = columns * first // blocks, columns * last // blocks
        _fill_inputs(gemm, inputs, weights, transposed, j, k, mean[:, j:k])
        for block in range(first, last):
            j, k = columns * block // blocks, columns * (block + 1) // blocks
            words = np.empty(padded(k - j), np.uint32)
            for i in range(rows):
                fill_row(words, stream, block, i)
                mean_and_sample_row(
                    mean[i, j:k], bias[j:k], scale[i], base[j:k], words, sample[i, j:k]
                )
