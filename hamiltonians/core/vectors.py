"""Passes over long vectors, each reading every entry once.

Inner products are <x|y> = sum_a w_a conj(x_a) y_a; an array of weights w of length 0 stands for
ones. Sums are kept for each chunk of entries, so that they do not depend on the number of threads.
"""

import numba
import numpy as np

from hamiltonians.core.jit import parallel_kernel

CHUNK = 2**15


@parallel_kernel
def subtract(x, factor, weights, y, total, coefficient, partial):
    """y -= factor x, and |y|^2 by chunks; ``total`` += coefficient x where it has a length."""
    for chunk in numba.prange(len(partial)):
        first = np.uint64(chunk) * np.uint64(CHUNK)
        last = min(first + np.uint64(CHUNK), np.uint64(len(x)))
        if len(total) > 0:
            for a in range(first, last):
                total[a] += coefficient * x[a]
        norm = 0.0
        if len(weights) > 0:
            for a in range(first, last):
                y[a] -= factor * x[a]
                norm += weights[a] * (y[a].real ** 2 + y[a].imag ** 2)
        else:
            for a in range(first, last):
                y[a] -= factor * x[a]
                norm += y[a].real ** 2 + y[a].imag ** 2
        partial[chunk] = norm
