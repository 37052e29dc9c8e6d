"""Layers of a feed-forward network of logistic units: masks and derivatives in one pass."""

import numba
import numpy as np

from hamiltonians.core.jit import parallel_exact_kernel, parallel_kernel
from rbmqs.boltzmann.core.philox import fill_row, padded
from rbmqs.boltzmann.core.units import unit_interval


@parallel_exact_kernel
def drop_units(activity, mask, dropped, stream):
    """mask <- 0 with probability ``dropped``, else 1/(1 - dropped); activity <- activity mask.

    Both (n, units). N. Srivastava et al., JMLR 15 (2014), section 10 (weights scaled in training).
    """
    kept = activity.dtype.type(1.0 / (1.0 - dropped))
    for i in numba.prange(activity.shape[0]):
        words = np.empty(padded(activity.shape[1]), np.uint32)
        fill_row(words, stream, 0, i)
        for j in range(numba.uint64(activity.shape[1])):
            mask[i, j] = kept if unit_interval(words[j], kept) >= dropped else 0
            activity[i, j] *= mask[i, j]


@parallel_kernel
def back_through_units(error, mean, mask):
    """error (n, units) <- error mask mean (1 - mean), the derivative of logistic units."""
    for i in numba.prange(error.shape[0]):
        for j in range(numba.uint64(error.shape[1])):
            error[i, j] *= mask[i, j] * mean[i, j] * (1 - mean[i, j])
