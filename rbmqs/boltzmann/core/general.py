"""Boltzmann machines with any couplings: Gibbs sampling unit by unit.

E(s) = -b.s - s J s / 2 over units of 0 and 1, J symmetric with a zero diagonal.
"""

import numba
import numpy as np

from hamiltonians.core.jit import parallel_exact_kernel
from rbmqs.boltzmann.core.philox import fill_row, padded
from rbmqs.boltzmann.core.units import logistic, unit_interval


@parallel_exact_kernel
def sweep(states, couplings, bias, first, stream):
    """Visit the units from ``first`` on in order, in every row of ``states`` (n, units), in place.

    Units before ``first`` are clamped.
    """
    units = states.shape[1]
    for r in numba.prange(states.shape[0]):
        words = np.empty(padded(units), np.uint32)
        fill_row(words, stream, 0, r)
        for i in range(first, units):
            x = bias[i]
            for k in range(numba.uint64(units)):
                x += couplings[i, k] * states[r, k]
            p = logistic(x)
            states[r, i] = unit_interval(words[i], p) < p


@parallel_exact_kernel
def mean_field(mean, couplings, bias, first, n_sweeps):
    """Iterate mean_i <- logistic(b_i + sum_k J_ik mean_k), units from ``first`` on, in place."""
    units = mean.shape[1]
    for r in numba.prange(mean.shape[0]):
        for _ in range(n_sweeps):
            for i in range(first, units):
                x = bias[i]
                for k in range(numba.uint64(units)):
                    x += couplings[i, k] * mean[r, k]
                mean[r, i] = logistic(x)
