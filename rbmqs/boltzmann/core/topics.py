"""Documents as bags of words: drawing words from a softmax, and sums of weights over words.

Inputs are (documents, vocabulary) without biases. ``counts`` are words of a document in all.
"""

import math

import numba
import numpy as np

from hamiltonians.core.jit import exact_kernel, parallel_exact_kernel
from rbmqs.boltzmann.core.philox import fill_row, padded
from rbmqs.boltzmann.core.softmax import exponentials
from rbmqs.boltzmann.core.units import unit_interval


@exact_kernel
def _cumulate(x, bias):
    exponentials(x, bias, 0, x.size)
    for k in range(1, x.size):
        x[k] += x[k - 1]


@exact_kernel
def _find(cumulated, target):
    """Number of the first entry above ``target``."""
    low, high = 0, cumulated.size - 1
    while low < high:
        middle = (low + high) // 2
        if cumulated[middle] > target:
            high = middle
        else:
            low = middle + 1
    return low


@parallel_exact_kernel
def draw_words(x, bias, lengths, stream):
    """x (n, K) <- counts of ``lengths`` (n,) words drawn from softmax(x + bias)."""
    for i in numba.prange(x.shape[0]):
        words = np.empty(padded(lengths[i]), np.uint32)
        fill_row(words, stream, 0, i)
        cumulated = x[i].copy()
        _cumulate(cumulated, bias)
        x[i, :] = 0
        for d in range(lengths[i]):
            x[i, _find(cumulated, unit_interval(words[d], 0.0) * cumulated[-1])] += 1


@parallel_exact_kernel
def add_words(x, bias, scale, lengths, weights, stream, out):
    """out (n, M) <- sum of the rows of ``weights`` (K, M) of words drawn as in `draw_words`,
    from softmax(scale x + bias). The counts are never formed: the cost is n D M.
    """
    for i in numba.prange(x.shape[0]):
        words = np.empty(padded(lengths[i]), np.uint32)
        fill_row(words, stream, 0, i)
        for k in range(numba.uint64(x.shape[1])):
            x[i, k] *= scale
        _cumulate(x[i], bias)
        out[i, :] = 0
        for d in range(lengths[i]):
            word = _find(x[i], unit_interval(words[d], 0.0) * x[i, -1])
            for j in range(numba.uint64(out.shape[1])):
                out[i, j] += weights[word, j]


@parallel_exact_kernel
def normalise_words(x, bias):
    """x (n, K) <- softmax(x + bias); returns log sum_k exp(x_k + bias_k), (n,)."""
    out = np.empty(x.shape[0])
    for i in numba.prange(x.shape[0]):
        total, top = exponentials(x[i], bias, 0, x.shape[1])
        out[i] = top + math.log(total)
        for k in range(x.shape[1]):
            x[i, k] /= total
    return out
