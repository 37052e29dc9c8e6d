"""Sums over all 2^N configurations of an RBM, whose sites are split into high and low ones.

The angle of a hidden unit is theta = h + l, h of the high sites and l of the low ones, so that

    2 cosh theta = exp(-h - l) (1 + u w),    tanh theta = 1 - 2 / (1 + u w),

u = exp(2 h) and w = exp(2 l) being tables of 2^(N/2) entries. A unit costs one complex product for
log psi and one quotient for the gradient, instead of a logarithm, an exponential and N products:
24 and 30 operations, in vectors over the low sites.
"""

import math

import numpy as np
from numba import prange

from hamiltonians.core.jit import parallel_kernel

_TINY = 1e-300  # of squared denominators, which vanish where psi does
_LEAST, _LARGEST = 1e-50, 1e50  # of a product that is taken as a number


@parallel_kernel
def log_products(split, high, low, at_once, out):
    """log prod_j (1 + u_j w_j) of every high and low part of a configuration.

    Parameters
    ----------
    split : tuple of int
        See `rbmqs.core.split_complex`.
    high : float64 (parts, n_high, M)
        u.
    low : float64 (parts, M, n_low)
        w.
    at_once : int
        Units whose product surely stays within 1e100 and 1e-100.
    out : float64 (2, n_high, n_low)
        Filled with real and imaginary parts.
    """
    _, n_high, n_hidden = high.shape
    n_low = low.shape[2]
    for s in prange(n_high):
        re, im, logs = np.ones(n_low), np.zeros(n_low), np.zeros(n_low)
        for first in range(0, n_hidden, at_once):
            for j in range(first, min(first + at_once, n_hidden)):
                if len(split) == 2:
                    u, v = high[0, s, j], high[1, s, j]
                    for t in range(n_low):
                        x = 1.0 + u * low[0, j, t] - v * low[1, j, t]
                        y = u * low[1, j, t] + v * low[0, j, t]
                        a, b = re[t], im[t]
                        re[t] = a * x - b * y
                        im[t] = a * y + b * x
                else:
                    u = high[0, s, j]
                    for t in range(n_low):
                        re[t] *= 1.0 + u * low[0, j, t]
            least, largest = math.inf, 0.0
            for t in range(n_low):
                size = abs(re[t]) + abs(im[t])
                least, largest = min(least, size), max(largest, size)
            if least < _LEAST or largest > _LARGEST:
                for t in range(n_low):
                    size = abs(re[t]) + abs(im[t])
                    logs[t] += math.log(size)
                    re[t] /= size
                    im[t] /= size
        for t in range(n_low):
            out[0, s, t] = logs[t] + 0.5 * math.log(re[t] ** 2 + im[t] ** 2)
            out[1, s, t] = math.atan2(im[t], re[t])


@parallel_kernel
def quotient_sums(split, high, low, values, by_high, by_low):
    """Sums of c / (1 + u_j w_j) over low, and over high parts of a configuration.

    Parameters
    ----------
    split, high, low
        As of `log_products`.
    values : complex128 (n_high, n_low)
        c.
    by_high : float64 (2, n_high, M)
        Filled with sums over the low sites, real and imaginary parts.
    by_low : float64 (n_parts, 2, M, n_low)
        Zeros, to which sums over a part of the high configurations each are added.
    """
    _, n_high, n_hidden = high.shape
    n_parts, n_low = by_low.shape[0], low.shape[2]
    for part in prange(n_parts):
        c, d = np.empty(n_low), np.empty(n_low)
        for s in range(part * n_high // n_parts, (part + 1) * n_high // n_parts):
            for t in range(n_low):
                c[t], d[t] = values[s, t].real, values[s, t].imag
            for j in range(n_hidden):
                re, im = 0.0, 0.0
                u = high[0, s, j]
                if len(split) == 2:
                    v = high[1, s, j]
                    for t in range(n_low):
                        x = 1.0 + u * low[0, j, t] - v * low[1, j, t]
                        y = u * low[1, j, t] + v * low[0, j, t]
                        scale = 1.0 / (x * x + y * y + _TINY)
                        a, b = scale * (c[t] * x + d[t] * y), scale * (d[t] * x - c[t] * y)
                        by_low[part, 0, j, t] += a
                        by_low[part, 1, j, t] += b
                        re += a
                        im += b
                else:
                    for t in range(n_low):
                        scale = 1.0 / (1.0 + u * low[0, j, t])
                        a, b = scale * c[t], scale * d[t]
                        by_low[part, 0, j, t] += a
                        by_low[part, 1, j, t] += b
                        re += a
                        im += b
                by_high[0, s, j], by_high[1, s, j] = re, im
