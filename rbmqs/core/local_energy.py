"""Local values of an operator, sum_sigma' <sigma|O|sigma'> psi(sigma')/psi(sigma).

No connected configuration is built: a connected state is a set of flipped sites, its amplitude
ratio a product over hidden units of g_k + w_k q_k (see `rbmqs.core.amplitude`). Samples are taken
in blocks of ``BLOCK``: the row of a flip of several sites is multiplied once a block and sign
pattern and then serves every sample of the block that shows the pattern; a flip whose matrix
element vanishes costs only that element.
"""

import cmath

import numpy as np
from numba import prange

from hamiltonians.core.jit import (
    exact_kernel,
    inlined_exact_kernel,
    inlined_kernel,
    kernel,
    parallel_kernel,
)
from rbmqs.core.metropolis import multiply_rows
from rbmqs.core.simd import STEEP, complex_ratio, real_ratio

BLOCK = 16
_CACHED_SITES = 4  # sign patterns of flips up to this size are kept for a block
_PATTERNS = 1 << _CACHED_SITES
_TINY, _HUGE = 1e-200, 1e200


@inlined_kernel
def _string_sum(spins, s, start, stop, coef, z_ptr, z_sites):
    """sum_k coef_k prod_{i in Z_k} sigma_i over the strings start <= k < stop of sample s."""
    total = 0j
    for k in range(start, stop):
        sign = 1
        for z in range(z_ptr[k], z_ptr[k + 1]):
            sign *= spins[s, z_sites[z]]
        total += coef[k] * sign
    return total


@exact_kernel
def _log_product(pairs, s, row):
    """log prod_k (g_k + w_k q_k) of sample s, unit by unit."""
    is_complex = row.shape[0] == 2
    total = 0j
    for k in range(pairs.shape[2]):
        if is_complex:
            g, w = complex(pairs[s, 0, k], pairs[s, 1, k]), complex(pairs[s, 2, k], pairs[s, 3, k])
            factor = g + w * complex(row[0, k], row[1, k])
        else:
            factor = complex(pairs[s, 0, k] + pairs[s, 1, k] * row[0, k])
        total += cmath.log(factor)
    return total


@inlined_kernel
def _product(pairs, s, rows, row):
    """prod_k (g_k + w_k q_k) of sample s; zero where it left the range of its lanes."""
    planes, n = rows.shape[1], rows.shape[2]
    if planes == 2:
        re, im, ok = complex_ratio(pairs, s * 4 * n, rows, row * 2 * n, n)
        return complex(re, im) if ok else 0j
    value, ok = real_ratio(pairs, s * 2 * n, rows, row * n, n)
    return complex(value, 0.0) if ok else 0j


@inlined_exact_kernel
def amplitude_ratio(pairs, s, rows, row, log_scale, scale, steep):
    """psi(sigma')/psi(sigma) of sample s and the flip with row ``row`` of ``rows``.

    Parameters
    ----------
    log_scale, scale : complex
        log C and C, the latter 0 where it is not a moderate number.
    steep : bool
        Whether products could lose digits, so that logarithms must be taken.
    """
    product = 0j if steep else _product(pairs, s, rows, row)
    if product != 0j and scale != 0j:
        return product * scale
    if _TINY < abs(product) < _HUGE and abs(log_scale.real) < 400.0:
        return product * cmath.exp(log_scale)
    return cmath.exp(_log_product(pairs, s, rows[row]) + log_scale)


@inlined_kernel
def _moment(spins, s, sites):
    """Sum of the spins on some sites; a flip of them conserves S_z where it is zero."""
    moment = 0
    for n in range(sites.shape[0]):
        moment += spins[s, sites[n]]
    return moment


@inlined_kernel
def _row_of(spins, s, site):
    """Row of the flip of one site of sample s."""
    return 2 * site + np.intp(spins[s, site] < 0)


@inlined_kernel
def _sign_pattern(spins, s, sites):
    """Number whose bit n tells that the n-th flipped site is down; 0 for too many sites."""
    pattern = 0
    if sites.shape[0] <= _CACHED_SITES:
        for n in range(sites.shape[0]):
            if spins[s, sites[n]] < 0:
                pattern |= 1 << n
    return pattern


@kernel
def _flip_row(spins, s, sites, rows, out):
    """Row of a flip of several sites: the product of its one-site rows."""
    multiply_rows(rows[_row_of(spins, s, sites[0])], rows[_row_of(spins, s, sites[1])], out)
    for n in range(2, sites.shape[0]):
        multiply_rows(out, rows[_row_of(spins, s, sites[n])], out)


@exact_kernel
def _scales(spins, s, sites, log_scale, out):
    """out = (log C, C) of a flip, C being 0 where it is not a moderate number."""
    total = 0j
    for n in range(sites.shape[0]):
        total += log_scale[sites[n], np.intp(spins[s, sites[n]] < 0)]
    out[0] = total
    out[1] = cmath.exp(total) if abs(total.real) < 300.0 else 0j


@inlined_kernel
def _is_steep(sites, steepness):
    total = 0.0
    for n in range(sites.shape[0]):
        total += steepness[sites[n]]
    return not total < STEEP


@inlined_kernel
def _ratio_in_block(spins, s, sites, pairs, rows, log_scale, steep, ready, own_rows, own_scales):
    """Amplitude ratio of a flip; what its sign pattern needs is made once for the block."""
    slot = _sign_pattern(spins, s, sites)
    if not ready[slot]:
        _scales(spins, s, sites, log_scale, own_scales[slot])
        if sites.shape[0] > 1:
            _flip_row(spins, s, sites, rows, own_rows[slot])
        ready[slot] = sites.shape[0] <= _CACHED_SITES
    log_c, c = own_scales[slot, 0], own_scales[slot, 1]
    if sites.shape[0] == 1:
        return amplitude_ratio(pairs, s, rows, _row_of(spins, s, sites[0]), log_c, c, steep)
    return amplitude_ratio(pairs, s, own_rows, slot, log_c, c, steep)


@parallel_kernel
def local_values(spins, pairs, tables, connections, fixed_sector):
    """Local values of one operator for every sample.

    Parameters
    ----------
    spins : int8 (n_samples, N)
    pairs : float64 (n_samples, 2 * planes, padded M)
        From `rbmqs.core.tables.unit_pairs`.
    tables : rbmqs.core.tables.FlipTables
    connections : hamiltonians.connections.Connections
    fixed_sector : bool
        Whether amplitudes outside the samples' sector of S_z count as zero.

    Returns
    -------
    complex128 (n_samples,)
    """
    n_samples = spins.shape[0]
    n_sites, _, planes, n_units = tables.rows.shape
    rows = tables.rows.reshape(2 * n_sites, planes, n_units)
    values = np.empty(n_samples, dtype=np.complex128)
    c = connections
    n_diag = c.diag_coef.shape[0]
    for block in prange((n_samples + BLOCK - 1) // BLOCK):
        first, last = block * BLOCK, min((block + 1) * BLOCK, n_samples)
        own_rows = np.empty((_PATTERNS, planes, n_units))
        own_scales = np.empty((_PATTERNS, 2), dtype=np.complex128)
        ready = np.empty(_PATTERNS, dtype=np.bool_)
        for s in range(first, last):
            values[s] = _string_sum(spins, s, 0, n_diag, c.diag_coef, c.diag_ptr, c.diag_sites)
        for f in range(c.flip_ptr.shape[0] - 1):
            sites = c.flip_sites[c.flip_ptr[f] : c.flip_ptr[f + 1]]
            steep = _is_steep(sites, tables.steepness)
            ready[:] = False
            for s in range(first, last):
                if fixed_sector and _moment(spins, s, sites) != 0:
                    continue
                element = _string_sum(
                    spins, s, c.term_ptr[f], c.term_ptr[f + 1], c.coef, c.z_ptr, c.z_sites
                )
                if element != 0.0:
                    values[s] += element * _ratio_in_block(
                        spins, s, sites, pairs, rows, tables.log_scale, steep, ready,
                        own_rows, own_scales,
                    )
    return values


@parallel_kernel
def flip_ratios(spins, pairs, tables, flip_ptr, flip_sites, fixed_sector):
    """psi(sigma')/psi(sigma) for every sample and flip, shape (n_samples, n_flips).

    In a fixed sector of S_z the amplitude outside the sector is zero, and so is the ratio.
    """
    n_samples, n_flips = spins.shape[0], flip_ptr.shape[0] - 1
    n_sites, _, planes, n_units = tables.rows.shape
    rows = tables.rows.reshape(2 * n_sites, planes, n_units)
    ratios = np.zeros((n_samples, n_flips), dtype=np.complex128)
    for block in prange((n_samples + BLOCK - 1) // BLOCK):
        first, last = block * BLOCK, min((block + 1) * BLOCK, n_samples)
        own_rows = np.empty((_PATTERNS, planes, n_units))
        own_scales = np.empty((_PATTERNS, 2), dtype=np.complex128)
        ready = np.empty(_PATTERNS, dtype=np.bool_)
        for f in range(n_flips):
            sites = flip_sites[flip_ptr[f] : flip_ptr[f + 1]]
            steep = _is_steep(sites, tables.steepness)
            ready[:] = False
            for s in range(first, last):
                if fixed_sector and _moment(spins, s, sites) != 0:
                    continue
                ratios[s, f] = _ratio_in_block(
                    spins, s, sites, pairs, rows, tables.log_scale, steep, ready,
                    own_rows, own_scales,
                )
    return ratios
