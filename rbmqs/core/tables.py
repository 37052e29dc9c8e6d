"""Tables of one parameter set: what a flip of one site does to every hidden unit."""

import math

import numpy as np
from numba import prange

from hamiltonians.core.jit import exact_kernel, parallel_exact_kernel
from rbmqs.core.amplitude import unit_pair
from rbmqs.core.lanes import padded_units


@exact_kernel
def _fill_tables(weights_re, weights_im, table):
    """table[i, s] = planes of exp(-4 sigma W_ij), sigma = +1 for s = 0 and -1 for s = 1."""
    n_sites, n_hidden = weights_re.shape
    complex_units = table.shape[2] == 2
    for i in range(n_sites):
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


def flip_tables(visible_bias, weights):
    """Tables q and log C of every one-site flip.

    Returns
    -------
    table : float64 (N, 2, planes, padded M)
        q = exp(-4 sigma_i W_ij) before the flip of sigma_i = +1 (index 0) or -1 (index 1);
        planes are (Re, Im) for complex weights and (q,) for real ones.
    log_scale : complex128 (N, 2)
        log C of the same flips.
    """
    n_sites, n_hidden = weights.shape
    planes = 2 if np.iscomplexobj(weights) else 1
    table = np.zeros((n_sites, 2, planes, padded_units(n_hidden)))
    table[:, :, 0, n_hidden:] = 1.0
    _fill_tables(
        np.ascontiguousarray(weights.real), np.ascontiguousarray(weights.imag), table
    )
    up = -2.0 * visible_bias + 2.0 * weights.sum(axis=1)
    return table, np.stack([up, -up], axis=1).astype(complex)


@parallel_exact_kernel
def _fill_pairs(theta_re, theta_im, pairs):
    n_samples, n_hidden = theta_re.shape
    complex_units = pairs.shape[1] == 4
    for s in prange(n_samples):
        for j in range(n_hidden):
            g_re, g_im, w_re, w_im = unit_pair(theta_re[s, j], theta_im[s, j])
            if complex_units:
                pairs[s, 0, j] = g_re
                pairs[s, 1, j] = g_im
                pairs[s, 2, j] = w_re
                pairs[s, 3, j] = w_im
            else:
                pairs[s, 0, j] = g_re
                pairs[s, 1, j] = w_re


def unit_pairs(theta):
    """Planes of g = 1/(1 + z) and w = z/(1 + z), z = exp(2 theta), of many samples.

    Returns
    -------
    float64 (n_samples, 4 or 2, padded M)
        Planes Re g, Im g, Re w, Im w for complex theta, g and w for real theta.
    """
    n_samples, n_hidden = theta.shape
    planes = 4 if np.iscomplexobj(theta) else 2
    pairs = np.zeros((n_samples, planes, padded_units(n_hidden)))
    pairs[:, 0, n_hidden:] = 1.0
    _fill_pairs(np.ascontiguousarray(theta.real), np.ascontiguousarray(theta.imag), pairs)
    return pairs


def tanh_of_pairs(pairs, n_hidden):
    """tanh(theta) = w - g, shape (n_samples, M)."""
    if pairs.shape[1] == 2:
        return pairs[:, 1, :n_hidden] - pairs[:, 0, :n_hidden]
    tanh = np.empty((pairs.shape[0], n_hidden), dtype=complex)
    np.subtract(pairs[:, 2, :n_hidden], pairs[:, 0, :n_hidden], out=tanh.real)
    np.subtract(pairs[:, 3, :n_hidden], pairs[:, 1, :n_hidden], out=tanh.imag)
    return tanh
