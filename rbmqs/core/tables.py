"""Tables of one parameter set: what a flip of one site does to every hidden unit."""

import math
from typing import NamedTuple

import numpy as np
from numba import prange

from hamiltonians.core.jit import inlined_exact_kernel, parallel_exact_kernel
from rbmqs.core.amplitude import real_unit_pair, unit_pair
from rbmqs.core.planes import planes
from rbmqs.core.simd import padded_units, row_steepness

BLOCK = 32  # samples whose angles come from one matrix product and stay in the cache


class FlipTables(NamedTuple):
    """What a flip of one site does to every hidden unit and to the amplitude.

    Attributes
    ----------
    rows : ndarray, shape (N, 2, planes, padded M), float64
        q = exp(-4 sigma_i W_ij) before the flip of sigma_i = +1 (index 0) or -1 (index 1);
        planes are (Re, Im) for complex weights and (q,) for real ones.
    log_scale : ndarray, shape (N, 2), complex128
        log C of the same flips.
    steepness : ndarray, shape (N,), float64
        `rbmqs.core.simd.row_steepness` of each site.
    """

    rows: np.ndarray
    log_scale: np.ndarray
    steepness: np.ndarray


@parallel_exact_kernel
def _fill_tables(weights_re, weights_im, table, steepness):
    """Rows of all one-site flips, sigma = +1 for index 0 and -1 for index 1."""
    n_sites, n_hidden = weights_re.shape
    complex_units = table.shape[2] == 2
    for i in prange(n_sites):
        for s in range(2):
            sigma = 1.0 - 2.0 * s
            for j in range(n_hidden):
                size = math.exp(-4.0 * sigma * weights_re[i, j])
                if complex_units:
                    angle = -4.0 * sigma * weights_im[i, j]
                    table[i, s, 0, j] = size * math.cos(angle)
                    table[i, s, 1, j] = size * math.sin(angle)
                else:
                    table[i, s, 0, j] = size
        steepness[i] = row_steepness(table, i)


def flip_tables(visible_bias, weights):
    """`FlipTables` of one set of parameters, real or complex."""
    n_sites, n_hidden = weights.shape
    n_planes = 2 if np.iscomplexobj(weights) else 1
    table = np.zeros((n_sites, 2, n_planes, padded_units(n_hidden)))
    table[:, :, 0, n_hidden:] = 1.0
    steepness = np.empty(n_sites)
    _fill_tables(
        np.ascontiguousarray(weights.real), np.ascontiguousarray(weights.imag), table, steepness
    )
    up = -2.0 * visible_bias + 2.0 * weights.sum(axis=1)
    return FlipTables(table, np.stack([up, -up], axis=1).astype(complex), steepness)


@inlined_exact_kernel
def fill_row(theta, s, pairs):
    """Planes g and w (Re and Im each) of one sample from its angles (planes, M)."""
    n_hidden = theta.shape[1]
    if theta.shape[0] == 2:
        for j in range(n_hidden):
            g_re, g_im, w_re, w_im = unit_pair(theta[0, j], theta[1, j])
            pairs[s, 0, j] = g_re
            pairs[s, 1, j] = g_im
            pairs[s, 2, j] = w_re
            pairs[s, 3, j] = w_im
    else:
        for j in range(n_hidden):
            g, w = real_unit_pair(theta[0, j])
            pairs[s, 0, j] = g
            pairs[s, 1, j] = w


@parallel_exact_kernel
def _fill_pairs(spins, hidden_bias, weights, pairs):
    n_samples, n_hidden = spins.shape[0], weights.shape[2]
    for block in prange((n_samples + BLOCK - 1) // BLOCK):
        first, last = block * BLOCK, min((block + 1) * BLOCK, n_samples)
        theta = np.empty((last - first, weights.shape[0], n_hidden))
        for plane in range(weights.shape[0]):
            theta[:, plane] = np.dot(spins[first:last], weights[plane]) + hidden_bias[plane]
        for s in range(first, last):
            fill_row(theta[s - first], s, pairs)
            pairs[s, :, n_hidden:] = 0.0
            pairs[s, 0, n_hidden:] = 1.0


def unit_pairs(spins, hidden_bias, weights):
    """Planes of g = 1/(1 + z) and w = z/(1 + z), z = exp(2 theta), of many samples.

    Parameters
    ----------
    spins : float64 (n_samples, N)
    hidden_bias, weights : (M,), (N, M), real or complex

    Returns
    -------
    float64 (n_samples, 4 or 2, padded M)
        Planes Re g, Im g, Re w, Im w for complex weights, g and w for real ones.
    """
    n_planes = 4 if np.iscomplexobj(weights) else 2
    pairs = np.empty((len(spins), n_planes, padded_units(weights.shape[1])))
    _fill_pairs(spins, planes(hidden_bias), planes(weights), pairs)
    return pairs


def tanh_of_pairs(pairs, n_hidden):
    """tanh(theta) = w - g, shape (n_samples, M)."""
    if pairs.shape[1] == 2:
        return pairs[:, 1, :n_hidden] - pairs[:, 0, :n_hidden]
    tanh = np.empty((pairs.shape[0], n_hidden), dtype=complex)
    np.subtract(pairs[:, 2, :n_hidden], pairs[:, 0, :n_hidden], out=tanh.real)
    np.subtract(pairs[:, 3, :n_hidden], pairs[:, 1, :n_hidden], out=tanh.imag)
    return tanh
