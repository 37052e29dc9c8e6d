"""Hidden units that see a label: sums and means over classes, without an array of all of them.

The input of hidden unit j is o_j + U_yj where the label is y; ``weights`` (C, M) holds U plus the
hidden units' biases, ``inputs`` (n, M) holds o. The array (n, C, M) is never formed.
"""

import math

import numba
import numpy as np

from hamiltonians.core.jit import parallel_exact_kernel
from rbmqs.boltzmann.core.units import logistic, sum_softplus_row, type_one

_STRIP = 128  # hidden units of one piece of work: a row of them stays in the first cache


@parallel_exact_kernel
def class_scores(inputs, weights, bias):
    """d_y + sum_j log(1 + exp(o_ij + U_yj)), (n, C) in double precision; d is ``bias`` (C,)."""
    n, classes = inputs.shape[0], weights.shape[0]
    out = np.empty((n, classes))
    one = type_one(inputs[0, 0])
    for i in numba.prange(n):
        work = np.empty((2, inputs.shape[1]), inputs.dtype)
        for y in range(classes):
            out[i, y] = bias[y] + sum_softplus_row(inputs[i], weights[y], one, work)
    return out


@parallel_exact_kernel
def class_means(inputs, weights, share, hidden, sums):
    """Hidden means weighted by class, and their sums over the rows.

    hidden (n, M) <- sum_y q_iy p_iyj and sums (C, M) <- sum_i q_iy p_iyj with
    p_iyj = logistic(o_ij + U_yj) and q = ``share`` (n, C), of any sign.
    """
    rows, units = inputs.shape
    for strip in numba.prange((units + _STRIP - 1) // _STRIP):
        first, last = numba.uint64(strip * _STRIP), numba.uint64(min(units, (strip + 1) * _STRIP))
        hidden[:, first:last] = 0
        sums[:, first:last] = 0
        for i in range(rows):
            for y in range(weights.shape[0]):
                q = share[i, y]
                if q != 0:
                    for j in range(first, last):
                        mean = q * logistic(inputs[i, j] + weights[y, j])
                        hidden[i, j] += mean
                        sums[y, j] += mean


@parallel_exact_kernel
def softmax_rows(scores):
    """scores (n, K) <- exp(score) / sum exp(score), row by row."""
    for i in numba.prange(scores.shape[0]):
        row = scores[i]
        top = row.max()
        total = 0.0
        for k in range(row.size):
            row[k] = math.exp(row[k] - top)
            total += row[k]
        for k in range(row.size):
            row[k] /= total
