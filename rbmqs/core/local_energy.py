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

from hamiltonians.core.jit import exact_kernel, kernel, parallel_kernel
from rbmqs.core.metropolis import multiply_rows
from rbmqs.core.planes import joined
from rbmqs.core.simd import STEEP, complex_ratio, real_ratio
from rbmqs.core.tables import LARGEST_LOG

BLOCK = 16
_CACHED_SITES = 4  # sign patterns of flips up to this size are kept for a block
_PATTERNS = 1 << _CACHED_SITES
_TINY, _HUGE = 1e-200, 1e200


@exact_kernel
def log_product(planes, pairs, s, row):
    """log prod_k (g_k + w_k q_k) of sample s, unit by unit."""
    total = 0j
    for k in range(pairs.shape[2]):
        g = joined(planes, pairs[s], 0, k)
        w = joined(planes, pairs[s], len(planes), k)
        total += cmath.log(complex(g + w * joined(planes, row, 0, k)))
    return total


@exact_kernel
def _ratio_of_any_size(planes, product, log_scale, pairs, s, row):
    """product * exp(log_scale), by logarithms where the product left its range (0)."""
    if _TINY < abs(product) < _HUGE and abs(log_scale.real) < 400.0:
        return product * cmath.exp(log_scale)
    return cmath.exp(log_product(planes, pairs, s, row) + log_scale)


@kernel
def _row_of(spins, s, site):
    """Row of the flip of one site of sample s."""
    return 2 * site + np.intp(spins[s, site] < 0)


@exact_kernel
def _prepare(planes, spins, s, sites, rows, scales, own_row, own_scales):
    """Row of a flip of several sites; log C, and C or 0 where it is not a moderate number."""
    total = 0j
    for n in range(sites.shape[0]):
        total += scales[0, _row_of(spins, s, sites[n])]
    own_scales[0] = total
    own_scales[1] = cmath.exp(total) if abs(total.real) < LARGEST_LOG else 0j
    if sites.shape[0] > 1:
        first, second = _row_of(spins, s, sites[0]), _row_of(spins, s, sites[1])
        multiply_rows(planes, rows[first], rows[second], own_row)
    for n in range(2, sites.shape[0]):
        multiply_rows(planes, own_row, rows[_row_of(spins, s, sites[n])], own_row)


@kernel
def _add_block(
    planes, spins, pairs, rows, scales, steepness, connections, fixed, apart, first, last, out
):
    """Off-diagonal terms of the samples from first to last.

    One function without calls on its way to a ratio: a call counts references of its arrays,
    which took as long as the ratio itself and made two threads slower than one.
    """
    flip_ptr, flip_sites, term_ptr, coef, z_ptr, z_sites = connections[:6]
    n_units = rows.shape[2]
    row_size = len(planes) * n_units
    own_rows = np.empty((_PATTERNS, len(planes), n_units))
    own_scales = np.empty((_PATTERNS, 2), dtype=np.complex128)
    ready = np.empty(_PATTERNS, dtype=np.bool_)
    for f in range(flip_ptr.shape[0] - 1):
        start, stop = flip_ptr[f], flip_ptr[f + 1]
        keep = stop - start <= _CACHED_SITES
        steep = 0.0
        for p in range(start, stop):
            steep += steepness[flip_sites[p]]
        for slot in range(_PATTERNS):
            ready[slot] = False
        for s in range(first, last):
            moment, slot = 0, 0
            for p in range(start, stop):
                spin = spins[s, flip_sites[p]]
                moment += spin
                if keep:
                    slot |= np.intp(spin < 0) << (p - start)
            if fixed and moment != 0:
                continue
            element = 0j
            for k in range(term_ptr[f], term_ptr[f + 1]):
                sign = 1
                for z in range(z_ptr[k], z_ptr[k + 1]):
                    sign *= spins[s, z_sites[z]]
                element += coef[k] * sign
            if element == 0j:
                continue
            if not (keep and ready[slot]):
                sites = flip_sites[start:stop]
                _prepare(planes, spins, s, sites, rows, scales, own_rows[slot], own_scales[slot])
                ready[slot] = True
            product, ok = 0j, False
            if steep < STEEP:
                row = (2 * flip_sites[start] + slot if stop - start == 1 else slot) * row_size
                if len(planes) == 2 and stop - start == 1:
                    re, im, ok = complex_ratio(pairs, 2 * s * row_size, rows, row, 0, n_units)
                    product = complex(re, im)
                elif len(planes) == 2:
                    re, im, ok = complex_ratio(pairs, 2 * s * row_size, own_rows, row, 0, n_units)
                    product = complex(re, im)
                elif stop - start == 1:
                    re, ok = real_ratio(pairs, 2 * s * row_size, rows, row, 0, n_units)
                    product = complex(re, 0.0)
                else:
                    re, ok = real_ratio(pairs, 2 * s * row_size, own_rows, row, 0, n_units)
                    product = complex(re, 0.0)
            scale = own_scales[slot, 1]
            if ok and scale != 0j:
                ratio = product * scale
            else:
                many = own_rows[slot] if stop - start > 1 else rows[2 * flip_sites[start] + slot]
                ratio = _ratio_of_any_size(
                    planes, product if ok else 0j, own_scales[slot, 0], pairs, s, many
                )
            out[s, f if apart else 0] += element * ratio


@parallel_kernel
def add_off_diagonal(spins, pairs, tables, connections, fixed_sector, apart, out):
    """Add sum_sigma' <sigma|O|sigma'> psi(sigma')/psi(sigma), sigma' != sigma, of every sample.

    Parameters
    ----------
    spins : int8 (n_samples, N)
    pairs : float64 (n_samples, 2 * planes, padded M)
        From `rbmqs.core.tables.unit_pairs`.
    tables : rbmqs.core.tables.FlipTables
    connections : hamiltonians.connections.Connections
    fixed_sector : bool
        Whether amplitudes outside the samples' sector of S_z count as zero.
    apart : bool
        Whether each flip has a column of its own.
    out : complex128 (n_samples, 1), or (n_samples, n_flips) if apart
    """
    n_samples = spins.shape[0]
    rows, scales, steepness, planes = tables.rows, tables.scales, tables.steepness, tables.planes
    for block in prange((n_samples + BLOCK - 1) // BLOCK):
        first, last = block * BLOCK, min((block + 1) * BLOCK, n_samples)
        _add_block(
            planes, spins, pairs, rows, scales, steepness, connections, fixed_sector, apart,
            first, last, out,
        )  # fmt: skip


@parallel_kernel
def diagonal_values(spins, coef, ptr, sites):
    """sum_k coef_k prod_{i in Z_k} sigma_i of every sample (n_samples, N), complex128."""
    values = np.empty(spins.shape[0], dtype=np.complex128)
    for s in prange(spins.shape[0]):
        total = 0.0
        for k in range(coef.shape[0]):
            sign = 1
            for z in range(ptr[k], ptr[k + 1]):
                sign *= spins[s, sites[z]]
            total += coef[k] * sign
        values[s] = total
    return values
