"""A step along a gradient with momentum and weight decay, one pass over the parameters."""

import numba
import numpy as np

from hamiltonians.core.jit import parallel_kernel

_STRIP = 16384  # parameters of one piece of work


@parallel_kernel
def momentum_step(array, velocity, gradient, rate, momentum, l1, l2):
    """velocity <- momentum velocity + rate (gradient - l2 w - l1 sign(w)), w <- w + velocity.

    array, velocity, gradient : (n,), all of one type; w is ``array``.
    """
    n = array.size
    kind = array.dtype.type
    rate, momentum, l1, l2 = kind(rate), kind(momentum), kind(l1), kind(l2)
    for strip in numba.prange((n + _STRIP - 1) // _STRIP):
        first, last = numba.uint64(strip * _STRIP), numba.uint64(min(n, (strip + 1) * _STRIP))
        for i in range(first, last):
            w = array[i]
            change = gradient[i] - l2 * w - l1 * np.sign(w)
            velocity[i] = momentum * velocity[i] + rate * change
            array[i] = w + velocity[i]
