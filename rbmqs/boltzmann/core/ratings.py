"""Users' ratings as softmax units of which most are missing: sums over the stored ones only.

A mini-batch is CSR: ``indptr`` (n + 1,), ``items`` and ``levels`` (number of the rating in the
scale), one entry for each rating given. ``weights`` (I, K, M) and ``bias`` (I, K) belong to items
and levels. Hidden units sum over a user's items; the cost is ratings times M.
"""

import math

import numba
import numpy as np

from hamiltonians.core.jit import parallel_exact_kernel
from rbmqs.boltzmann.core.philox import fill_row, padded
from rbmqs.boltzmann.core.units import softplus, unit_interval

_STRIP = 32  # hidden units of one piece of work


@parallel_exact_kernel
def hidden_inputs(indptr, items, levels, weights, rated, bias, out):
    """out (n, M) <- bias + sum over a user's ratings of W[item, level] + D[item].

    rated : D (I, M), the weights of having rated an item at all.
    """
    for u in numba.prange(out.shape[0]):
        out[u] = bias
        for e in range(indptr[u], indptr[u + 1]):
            for j in range(numba.uint64(out.shape[1])):
                out[u, j] += weights[items[e], levels[e], j] + rated[items[e], j]


@parallel_exact_kernel
def level_inputs(indptr, items, weights, bias, hidden, out):
    """out (ratings, K) <- bias[item] + W[item] h of the user, for items the user rated."""
    for u in numba.prange(hidden.shape[0]):
        for e in range(indptr[u], indptr[u + 1]):
            for k in range(out.shape[1]):
                total = np.float64(bias[items[e], k])
                for j in range(numba.uint64(hidden.shape[1])):
                    total += weights[items[e], k, j] * hidden[u, j]
                out[e, k] = total


@parallel_exact_kernel
def draw_levels(probability, stream, levels):
    """levels (ratings,) <- drawn from rows of ``probability`` (ratings, K)."""
    for e in numba.prange(probability.shape[0]):
        words = np.empty(padded(1), np.uint32)
        fill_row(words, stream, 0, e)
        left = unit_interval(words[0], 0.0)
        k = 0
        while k < probability.shape[1] - 1 and left >= probability[e, k]:
            left -= probability[e, k]
            k += 1
        levels[e] = k


@parallel_exact_kernel
def add_products(indptr, items, share, hidden, out):
    """out (I, K, M) += sum over ratings of share[rating, k] h[user].

    Strips of hidden units go to threads, each through all ratings in order: the same bytes for any
    number of threads.
    """
    units = hidden.shape[1]
    for strip in numba.prange((units + _STRIP - 1) // _STRIP):
        first, last = numba.uint64(strip * _STRIP), numba.uint64(min(units, (strip + 1) * _STRIP))
        for u in range(hidden.shape[0]):
            for e in range(indptr[u], indptr[u + 1]):
                for k in range(share.shape[1]):
                    if share[e, k] != 0:
                        for j in range(first, last):
                            out[items[e], k, j] += share[e, k] * hidden[u, j]


@parallel_exact_kernel
def level_scores(users, items, inputs, weights, bias, out):
    """out (pairs, K) <- bias + sum_j log(1 + exp(inputs[user, j] + W[item, k, j])).

    exp of it is proportional to p(rating k of the item | the user's ratings), exactly.
    """
    for q in numba.prange(users.size):
        for k in range(out.shape[1]):
            total = np.float64(bias[items[q], k])
            for j in range(numba.uint64(inputs.shape[1])):
                total += softplus(np.float64(inputs[users[q], j] + weights[items[q], k, j]))
            out[q, k] = total


@parallel_exact_kernel
def log_level_sums(indptr, items, weights, bias, states, out):
    """out (n, S) += sum over a user's items of log sum_k exp(bias + W[item, k] h), h in ``states``.

    states : (S, M). Sums over all ratings the user could have given to the same items.
    """
    for u in numba.prange(out.shape[0]):
        for s in range(states.shape[0]):
            for e in range(indptr[u], indptr[u + 1]):
                total = 0.0
                for k in range(weights.shape[1]):
                    value = np.float64(bias[items[e], k])
                    for j in range(states.shape[1]):
                        value += weights[items[e], k, j] * states[s, j]
                    total += math.exp(value)
                out[u, s] += math.log(total)
