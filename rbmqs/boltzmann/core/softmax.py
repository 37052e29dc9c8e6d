"""Units that are not binary: groups of which one is on, and real ones.

Inputs come without biases, rows (samples, units), and are worked on in place. Group g holds the
columns ``edges[g]`` to ``edges[g + 1]``.
"""

import math

import numba
import numpy as np

from hamiltonians.core.jit import exact_kernel, parallel_exact_kernel
from rbmqs.boltzmann.core.philox import fill_row, padded
from rbmqs.boltzmann.core.units import exp_of, unit_interval


@exact_kernel
def exponentials(x, bias, first, last):
    """x <- exp(x + bias - largest) on columns first to last; returns (their sum, largest)."""
    for k in range(first, last):
        x[k] += bias[k]
    top = x[first]
    for k in range(first, last):
        top = max(top, x[k])
    for k in range(first, last):
        x[k] = exp_of(x[k] - top)
    total = 0.0
    for k in range(first, last):
        total += x[k]
    return total, top


@parallel_exact_kernel
def softmax_groups(x, bias, edges):
    """x (n, units) <- probabilities within each group."""
    for i in numba.prange(x.shape[0]):
        for g in range(edges.size - 1):
            total, _ = exponentials(x[i], bias, edges[g], edges[g + 1])
            for k in range(edges[g], edges[g + 1]):
                x[i, k] /= total


@parallel_exact_kernel
def sum_group_logs(x, bias, edges):
    """sum_g log sum_{k in g} exp(x_k + bias_k), (n,); x is used up."""
    out = np.zeros(x.shape[0])
    for i in numba.prange(x.shape[0]):
        for g in range(edges.size - 1):
            total, top = exponentials(x[i], bias, edges[g], edges[g + 1])
            out[i] += top + math.log(total)
    return out


@parallel_exact_kernel
def sample_groups(x, bias, edges, stream):
    """x (n, units) <- one unit on in each group, drawn from its probabilities."""
    for i in numba.prange(x.shape[0]):
        words = np.empty(padded(edges.size), np.uint32)
        fill_row(words, stream, 0, i)
        for g in range(edges.size - 1):
            total, _ = exponentials(x[i], bias, edges[g], edges[g + 1])
            left = unit_interval(words[g], total) * total
            chosen = edges[g]
            while chosen < edges[g + 1] - 1 and left >= x[i, chosen]:
                left -= x[i, chosen]
                chosen += 1
            x[i, edges[g] : edges[g + 1]] = 0
            x[i, chosen] = 1


@parallel_exact_kernel
def normal_units(out, stream):
    """out (n, units) <- normal random numbers, by the method of Box and Muller."""
    half = (out.shape[1] + 1) // 2
    for i in numba.prange(out.shape[0]):
        words = np.empty(padded(2 * half), np.uint32)
        fill_row(words, stream, 0, i)
        for k in range(half):
            radius = math.sqrt(-2 * math.log(1 - unit_interval(words[k], 0.0)))
            angle = 2 * math.pi * unit_interval(words[half + k], 0.0)
            out[i, k] = radius * math.cos(angle)
            if half + k < out.shape[1]:
                out[i, half + k] = radius * math.sin(angle)
