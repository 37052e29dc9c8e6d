"""Local values of an operator, sum_sigma' <sigma|O|sigma'> psi(sigma')/psi(sigma).

No connected configuration is built: a connected state is a set of flipped sites, its amplitude
ratio a product over hidden units of g_k + w_k q_k (see `rbmqs.core.amplitude`). Samples are taken
in blocks of ``BLOCK``, flips in groups of ``GROUP``: the row of a flip of several sites is
multiplied once a block and sign pattern and then serves every sample of the block that shows the
pattern; a flip whose matrix element vanishes costs only that element. The others of a group are
evaluated a few at a time, so that the loads of g and w are shared: 0.65 of the time of one after
the other (N = 80, alpha = 16, Ising, complex and real). Blocks of 32 and 64, groups of 4, 8 and 32
and a table of the elements by sign pattern differed by less than the noise.
"""

import cmath

import numpy as np
from numba import prange

from hamiltonians.core.jit import exact_kernel, inlined_kernel, kernel, parallel_kernel
from rbmqs.core.aligned import aligned_doubles
from rbmqs.core.metropolis import multiply_rows
from rbmqs.core.simd import (
    RANGE,
    TOGETHER,
    complex_ratios,
    real_ratios,
)
from rbmqs.core.split_complex import joined
from rbmqs.core.tables import LARGEST_LOG

BLOCK = 16
GROUP = 16  # flips whose rows stay in the cache while the samples of a block go through them
_CACHED_SITES = 4  # sign patterns of flips up to this size are kept for a block
_PATTERNS = 1 << _CACHED_SITES
_TINY, _HUGE = 1e-200, 1e200


@exact_kernel
def log_product(split, cache, s, row):
    """log prod_k (g_k + w_k q_k) of sample s, unit by unit."""
    total = 0j
    for k in range(cache.shape[2]):
        g = joined(split, cache[s], 0, k)
        w = joined(split, cache[s], len(split), k)
        total += cmath.log(complex(g + w * joined(split, row, 0, k)))
    return total


@exact_kernel
def _ratio_of_any_size(split, product, log_scale, cache, s, row):
    """product * exp(log_scale), by logarithms where the product left its range (0)."""
    if _TINY < abs(product) < _HUGE and abs(log_scale.real) < 400.0:
        return product * cmath.exp(log_scale)
    return cmath.exp(log_product(split, cache, s, row) + log_scale)


@kernel
def _row_of(spins, s, site):
    """Row of the flip of one site of sample s."""
    return 2 * site + np.intp(spins[s, site] < 0)


@exact_kernel
def _prepare(split, spins, s, sites, rows, scales, own_row, own_scales):
    """Row of a flip of several sites; log C, and C or 0 where it is not a moderate number."""
    total = 0j
    for n in range(sites.shape[0]):
        total += scales[0, _row_of(spins, s, sites[n])]
    own_scales[0] = total
    own_scales[1] = cmath.exp(total) if abs(total.real) < LARGEST_LOG else 0j
    if sites.shape[0] > 1:
        first, second = _row_of(spins, s, sites[0]), _row_of(spins, s, sites[1])
        multiply_rows(split, rows[first], rows[second], own_row)
    for n in range(2, sites.shape[0]):
        multiply_rows(split, own_row, rows[_row_of(spins, s, sites[n])], own_row)


@inlined_kernel
def _group_from(begin, connections, largest_exponent):
    """End of a group of flips, all of one site or of several, and whether one exceeds ``RANGE``."""
    flip_ptr, flip_sites = connections[:2]
    n_flips = flip_ptr.shape[0] - 1
    single = flip_ptr[begin + 1] - flip_ptr[begin] == 1
    exceeds_range = False
    f = begin
    while f < min(begin + GROUP, n_flips) and single == (flip_ptr[f + 1] - flip_ptr[f] == 1):
        total = 0.0
        for p in range(flip_ptr[f], flip_ptr[f + 1]):
            total += largest_exponent[flip_sites[p]]
        exceeds_range |= not total < RANGE
        f += 1
    return f, single, exceeds_range


@inlined_kernel
def _element(spins, s, f, connections):
    """Matrix element of flip f on sample s."""
    _, _, term_ptr, coef, z_ptr, z_sites = connections[:6]
    element = 0j
    for k in range(term_ptr[f], term_ptr[f + 1]):
        sign = 1
        for z in range(z_ptr[k], z_ptr[k + 1]):
            sign *= spins[s, z_sites[z]]
        element += coef[k] * sign
    return element


@kernel
def _add_block(
    split, spins, cache, rows, scales, largest_exponent, connections, fixed, per_flip, first, last,
    own_rows, out,
):  # fmt: skip
    """Off-diagonal terms of the samples from first to last.

    One function, its parts inlined: a call on the way to a ratio counts references of its arrays,
    which took as long as the ratio itself and made two threads slower than one.
    """
    flip_ptr, flip_sites = connections[:2]
    n_flips = flip_ptr.shape[0] - 1
    n_units, together = rows.shape[2], TOGETHER[len(split) - 1]
    row_size = len(split) * n_units
    pair_size = 2 * row_size
    own_scales = np.empty((GROUP * _PATTERNS, 2), dtype=np.complex128)
    elements = np.empty(GROUP, dtype=np.complex128)
    ready = np.empty(GROUP * _PATTERNS, dtype=np.bool_)
    flips = np.empty(GROUP, dtype=np.intp)
    places = np.empty(GROUP, dtype=np.intp)
    starts = np.empty(2 * GROUP, dtype=np.intp)
    products = np.empty(2 * GROUP)
    begin = 0
    while begin < n_flips:
        end, single, exceeds_range = _group_from(begin, connections, largest_exponent)
        table = rows if single else own_rows
        for place in range(GROUP * _PATTERNS):
            ready[place] = False
        for s in range(first, last):
            count = 0
            for f in range(begin, end):
                start, stop = flip_ptr[f], flip_ptr[f + 1]
                keep = stop - start <= _CACHED_SITES
                moment, pattern = 0, 0
                for p in range(start, stop):
                    spin = spins[s, flip_sites[p]]
                    moment += spin
                    if keep:
                        pattern |= np.intp(spin < 0) << (p - start)
                if fixed and moment != 0:
                    continue
                place = (f - begin) * _PATTERNS + pattern
                element = _element(spins, s, f, connections)
                if element == 0j:
                    continue
                if not (keep and ready[place]):
                    sites = flip_sites[start:stop]
                    own_row, own_scale = own_rows[place], own_scales[place]
                    _prepare(split, spins, s, sites, rows, scales, own_row, own_scale)
                    ready[place] = True
                row = 2 * flip_sites[start] + pattern if single else place
                flips[count], places[count], starts[count] = f, place, row * row_size
                elements[count] = element
                count += 1
            for n in range(count, count + together - 1):  # fills up the last products
                starts[n] = starts[count - 1]
            for done in range(0, count, together):
                ok = False
                if exceeds_range:
                    pass
                elif len(split) == 2:
                    ok = complex_ratios(
                        cache, s * pair_size, table, starts, done, n_units, products
                    )
                else:
                    ok = real_ratios(cache, s * pair_size, table, starts, done, n_units, products)
                for m in range(min(together, count - done)):
                    place = places[done + m]
                    product = 0j
                    if ok and len(split) == 2:
                        product = complex(products[2 * m], products[2 * m + 1])
                    elif ok:
                        product = complex(products[m], 0.0)
                    scale = own_scales[place, 1]
                    if ok and scale != 0j:
                        ratio = product * scale
                    else:
                        row = starts[done + m] // row_size
                        ratio = _ratio_of_any_size(
                            split, product, own_scales[place, 0], cache, s, table[row]
                        )
                    out[s, flips[done + m] if per_flip else 0] += elements[done + m] * ratio
        begin = end


@parallel_kernel
def add_off_diagonal(spins, cache, tables, connections, fixed_sector, per_flip, n_parts, out):
    """Add sum_sigma' <sigma|O|sigma'> psi(sigma')/psi(sigma), sigma' != sigma, of every sample.

    Parameters
    ----------
    spins : int8 (n_samples, N)
    cache : float64 (n_samples, 2 * parts, padded M)
        From `rbmqs.core.tables.prepare`.
    tables : rbmqs.core.tables.FlipTables
    connections : hamiltonians.operators.connections.Connections
    fixed_sector : bool
        Whether amplitudes outside the samples' sector of S_z count as zero.
    per_flip : bool
        Whether each flip has a column of its own.
    n_parts : int
        Parts for the threads; the values do not depend on it.
    out : complex128 (n_samples, 1), or (n_samples, n_flips) if per_flip
    """
    n_samples = spins.shape[0]
    rows, scales, split = tables.rows, tables.scales, tables.split
    largest_exponent = tables.largest_exponent
    for part in prange(n_parts):
        shape = GROUP * _PATTERNS, rows.shape[1], rows.shape[2]
        own_rows = aligned_doubles(shape[0] * shape[1] * shape[2]).reshape(shape)
        for first in range(part * BLOCK, n_samples, n_parts * BLOCK):
            last = min(first + BLOCK, n_samples)
            _add_block(
                split, spins, cache, rows, scales, largest_exponent, connections, fixed_sector,
                per_flip, first, last, own_rows, out,
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
