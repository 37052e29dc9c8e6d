"""Exchange of states between neighbouring inverse temperatures of one path.

Rungs lie at inverse temperatures betas (R,), C chains each; row r C + c is chain c of rung r. Two
rungs exchange their visible states with the probability min(1, ratio) of the hidden units summed
out, ratio = f_r(v_s) f_s(v_r) / (f_r(v_r) f_s(v_s)), f as in `rbmqs.boltzmann.core.annealing`.
"""

import math

import numba
import numpy as np

from hamiltonians.core.jit import exact_kernel, parallel_exact_kernel
from rbmqs.boltzmann.core.annealing import log_ratio_row
from rbmqs.boltzmann.core.philox import fill_row, padded
from rbmqs.boltzmann.core.units import unit_interval


@exact_kernel
def _swap_rows(x, a, b):
    for j in range(numba.uint64(x.shape[1])):
        x[a, j], x[b, j] = x[b, j], x[a, j]


@parallel_exact_kernel
def exchange(visible, inputs, tilt, bias, betas, parity, stream, accepted):
    """Exchange rungs (r, r + 1) with r = parity, parity + 2, ...; rows are swapped in place.

    visible (R C, N); inputs (R C, M): v W; tilt (R C,): v . (b - base); accepted (R - 1, C) <- 1
    where an exchange was made, 0 where it was refused, untouched where it was not tried.
    """
    n_rungs = betas.size
    n_chains = visible.shape[0] // n_rungs
    for chain in numba.prange(n_chains):
        words = np.empty(padded(n_rungs), np.uint32)
        fill_row(words, stream, 0, chain)
        work = np.empty((2, inputs.shape[1]), inputs.dtype)
        for rung in range(parity, n_rungs - 1, 2):
            a, b = rung * n_chains + chain, (rung + 1) * n_chains + chain
            low, high = betas[rung + 1], betas[rung]
            gain = log_ratio_row(inputs[b], bias, low, high, work)
            gain -= log_ratio_row(inputs[a], bias, low, high, work)
            gain += np.float64(high - low) * np.float64(tilt[b] - tilt[a])
            accepted[rung, chain] = 0
            if unit_interval(words[rung], 1.0) < math.exp(min(gain, 0.0)):
                _swap_rows(visible, a, b)
                _swap_rows(inputs, a, b)
                tilt[a], tilt[b] = tilt[b], tilt[a]
                accepted[rung, chain] = 1
