"""Local values of an operator, sum_sigma' <sigma|O|sigma'> psi(sigma')/psi(sigma).

No connected configuration is built: a connected state is a set of flipped sites, its amplitude
ratio a product over hidden units of g_k + w_k q_k (see `rbmqs.core.amplitude`). Samples are taken
in blocks of ``BLOCK``: the row of a two-site flip is multiplied once a block and sign pattern and
then serves every sample of the block that shows the pattern; a flip whose matrix element vanishes
costs only that element.
"""

import cmath

import numpy as np
from numba import prange

from hamiltonians.core.jit import exact_kernel, kernel, parallel_kernel
from rbmqs.core.lanes import (
    ROWS,
    STEEP,
    complex_fold,
    complex_lanes,
    real_fold,
    real_lanes,
    steepness,
)
from rbmqs.core.metropolis import multiply_rows

BLOCK = 16
_CACHED_SITES = 4  # sign patterns of flips up to this size are kept for a block
_TINY, _HUGE = 1e-200, 1e200


@kernel
def _string_sum(spins, start, stop, coef, z_ptr, z_sites):
    """sum_k coef_k prod_{i in Z_k} sigma_i over the strings start <= k < stop."""
    total = 0j
    for k in range(start, stop):
        sign = 1
        for z in range(z_ptr[k], z_ptr[k + 1]):
            sign *= spins[z_sites[z]]
        total += coef[k] * sign
    return total


@exact_kernel
def _log_product(pair, row):
    """log prod_k (g_k + w_k q_k), unit by unit."""
    total = 0j
    for k in range(pair.shape[1]):
        if row.shape[0] == 2:
            factor = complex(pair[0, k], pair[1, k]) + complex(pair[2, k], pair[3, k]) * complex(
                row[0, k], row[1, k]
            )
        else:
            factor = complex(pair[0, k] + pair[1, k] * row[0, k])
        total += cmath.log(factor)
    return total


@exact_kernel
def _scaled(product, log_scale, pair, row):
    """exp(log_scale) * product; by logarithms where the product left the range of doubles."""
    if _TINY < abs(product) < _HUGE and abs(log_scale.real) < 400.0:
        return product * cmath.exp(log_scale)
    return cmath.exp(_log_product(pair, row) + log_scale)


@kernel
def amplitude_ratio(pair, row, log_scale, steep, lanes):
    """psi(sigma')/psi(sigma) of the flip with table ``row`` for the sample with pairs ``pair``."""
    if steep:
        product = 0j  # the products could lose digits: take logarithms
    elif row.shape[0] == 2:
        complex_lanes(pair, row, lanes)
        product = complex_fold(lanes)
    else:
        real_lanes(pair, row, lanes)
        product = complex(real_fold(lanes[0]))
    return _scaled(product, log_scale, pair, row)


@kernel
def _moment(sites, spins):
    """Sum of the spins on some sites; a flip of them conserves S_z where it is zero."""
    moment = 0
    for n in range(sites.shape[0]):
        moment += spins[sites[n]]
    return moment


@kernel
def _sign_pattern(spins, sites):
    """Number whose bit n tells that the n-th flipped site is down."""
    pattern = 0
    for n in range(sites.shape[0]):
        if spins[sites[n]] < 0:
            pattern |= 1 << n
    return pattern


@kernel
def _flip_row(sites, spins, table, out):
    """Row of a flip of several sites: the product of its one-site rows."""
    multiply_rows(
        table[sites[0], np.intp(spins[sites[0]] < 0)],
        table[sites[1], np.intp(spins[sites[1]] < 0)],
        out,
    )
    for n in range(2, sites.shape[0]):
        multiply_rows(out, table[sites[n], np.intp(spins[sites[n]] < 0)], out)


@kernel
def _log_scale_of(sites, spins, log_scale):
    total = 0j
    for n in range(sites.shape[0]):
        total += log_scale[sites[n], np.intp(spins[sites[n]] < 0)]
    return total


@kernel
def _is_steep(sites, steep):
    total = 0.0
    for n in range(sites.shape[0]):
        total += steep[sites[n]]
    return not total < STEEP


@kernel
def _ratio_in_block(sites, spins, pair, table, log_scale, steep, rows, ready, lanes):
    """Amplitude ratio of one flip, with the rows of its sign patterns kept for the block."""
    scale = _log_scale_of(sites, spins, log_scale)
    if sites.shape[0] == 1:
        row = table[sites[0], np.intp(spins[sites[0]] < 0)]
        return amplitude_ratio(pair, row, scale, _is_steep(sites, steep), lanes)
    slot = 0
    keep = sites.shape[0] <= _CACHED_SITES
    if keep:
        slot = _sign_pattern(spins, sites)
    if not (keep and ready[slot]):
        _flip_row(sites, spins, table, rows[slot])
        ready[slot] = keep
    return amplitude_ratio(pair, rows[slot], scale, _is_steep(sites, steep), lanes)


@parallel_kernel
def local_values(spins, pairs, table, log_scale, connections, fixed_sector):
    """Local values of one operator for every sample.

    Parameters
    ----------
    spins : int8 (n_samples, N)
    pairs : float64 (n_samples, planes, padded M)
        From `rbmqs.core.tables.unit_pairs`.
    table, log_scale
        From `rbmqs.core.tables.flip_tables`.
    connections : hamiltonians.connections.Connections
    fixed_sector : bool
        Whether amplitudes outside the samples' sector of S_z count as zero.

    Returns
    -------
    complex128 (n_samples,)
    """
    n_samples = spins.shape[0]
    planes, n_units = table.shape[2], table.shape[3]
    values = np.empty(n_samples, dtype=np.complex128)
    c = connections
    n_diag = c.diag_coef.shape[0]
    steep = steepness(table)
    for block in prange((n_samples + BLOCK - 1) // BLOCK):
        first = block * BLOCK
        last = min(first + BLOCK, n_samples)
        rows = np.empty((1 << _CACHED_SITES, planes, n_units))
        ready = np.zeros(1 << _CACHED_SITES, dtype=np.bool_)
        lanes = np.empty((planes, n_units // ROWS))
        for s in range(first, last):
            values[s] = _string_sum(spins[s], 0, n_diag, c.diag_coef, c.diag_ptr, c.diag_sites)
        for f in range(c.flip_ptr.shape[0] - 1):
            sites = c.flip_sites[c.flip_ptr[f] : c.flip_ptr[f + 1]]
            ready[:] = False
            for s in range(first, last):
                if fixed_sector and _moment(sites, spins[s]) != 0:
                    continue
                element = _string_sum(
                    spins[s], c.term_ptr[f], c.term_ptr[f + 1], c.coef, c.z_ptr, c.z_sites
                )
                if element != 0.0:
                    values[s] += element * _ratio_in_block(
                        sites, spins[s], pairs[s], table, log_scale, steep, rows, ready, lanes
                    )
    return values


@parallel_kernel
def flip_ratios(spins, pairs, table, log_scale, flip_ptr, flip_sites, fixed_sector):
    """psi(sigma')/psi(sigma) for every sample and flip, shape (n_samples, n_flips).

    In a fixed sector of S_z the amplitude outside the sector is zero, and so is the ratio.
    """
    n_samples, n_flips = spins.shape[0], flip_ptr.shape[0] - 1
    planes, n_units = table.shape[2], table.shape[3]
    ratios = np.zeros((n_samples, n_flips), dtype=np.complex128)
    steep = steepness(table)
    for block in prange((n_samples + BLOCK - 1) // BLOCK):
        first = block * BLOCK
        last = min(first + BLOCK, n_samples)
        rows = np.empty((1 << _CACHED_SITES, planes, n_units))
        ready = np.zeros(1 << _CACHED_SITES, dtype=np.bool_)
        lanes = np.empty((planes, n_units // ROWS))
        for f in range(n_flips):
            sites = flip_sites[flip_ptr[f] : flip_ptr[f + 1]]
            ready[:] = False
            for s in range(first, last):
                if fixed_sector and _moment(sites, spins[s]) != 0:
                    continue
                ratios[s, f] = _ratio_in_block(
                    sites, spins[s], pairs[s], table, log_scale, steep, rows, ready, lanes
                )
    return ratios
