"""Weights and conditional means of all states of one layer, in one pass."""

import numba
import numpy as np

from hamiltonians.core.jit import parallel_exact_kernel
from rbmqs.boltzmann.core.units import mean_row, sum_softplus_row, type_one


@parallel_exact_kernel
def weigh_states(inputs, dots, bias, log_weight):
    """inputs (S, M) <- p(h_j = 1 | v_s); log_weight (S,) <- dots_s + sum_j softplus(input + bias).

    inputs : v W for each state; dots (S,) : v . b in double precision.
    """
    one = type_one(bias[0])
    for s in numba.prange(inputs.shape[0]):
        work = np.empty((2, inputs.shape[1]), inputs.dtype)
        log_weight[s] = dots[s] + sum_softplus_row(inputs[s], bias, one, work)
        mean_row(inputs[s], bias, one, bias)


@parallel_exact_kernel
def scale_rows(states, factors, out):
    """out (S, N) <- states (S, N) of bytes times factors (S,)."""
    for s in numba.prange(states.shape[0]):
        for i in range(states.shape[1]):
            out[s, i] = states[s, i] * factors[s]


@parallel_exact_kernel
def weighted_mean(rows, weights, out):
    """out (M,) <- sum_s weights_s rows_s, in strips of columns."""
    columns = rows.shape[1]
    strips = (columns + 63) // 64
    for strip in numba.prange(strips):
        start, stop = strip * 64, min(columns, strip * 64 + 64)
        total = np.zeros(stop - start)
        for s in range(rows.shape[0]):
            for j in range(numba.uint64(stop - start)):
                total[j] += weights[s] * rows[s, start + j]
        out[start:stop] = total
