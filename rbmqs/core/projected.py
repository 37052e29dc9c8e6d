"""Local values of a projected wavefunction, Psi(sigma) = sum_g chi_g psi(g sigma).

With the image weights w_g = chi_g psi(g sigma) / Psi(sigma) and the ratios r_g by which a flip
multiplies the amplitude of each image, Psi(sigma') / Psi(sigma) = sum_g w_g r_g. Flipping site i of
sigma flips site p_g^-1(i) of g sigma: one table of rows serves every element.
"""

import cmath

import numba
import numpy as np
from numba import prange

from hamiltonians.core.jit import exact_kernel, inlined_exact_kernel, parallel_exact_kernel
from rbmqs.core.aligned import aligned_doubles, aligned_empty
from rbmqs.core.images import fill_images, image_weights_of
from rbmqs.core.local_energy import log_product
from rbmqs.core.metropolis import LARGEST_TABLE, multiply_pairs, multiply_rows
from rbmqs.core.simd import (
    TOGETHER,
    complex_pair_ratio,
    complex_ratio,
    complex_ratios,
    real_pair_ratio,
    real_ratio,
    real_ratios,
)
from rbmqs.core.tables import LARGEST_LOG, with_exponentials


@exact_kernel
def _ratio_by_logs(split, cache, g, rows, first, second, scratch):
    """prod_k (g_k + w_k q_k) without overflow on the way, for image g."""
    if second < 0:
        return log_product(split, cache, g, rows[first])
    multiply_rows(split, rows[first], rows[second], scratch)
    return log_product(split, cache, g, scratch)


@inlined_exact_kernel
def ratio_of_rows(split, cache, g, rows, first, second, scales, may_overflow, scratch):
    """psi(sigma') / psi(sigma) of row g of a cache, of a move by one row or two of `FlipTables`."""
    n_units = rows.shape[2]
    size = len(split) * n_units
    product, ok = 0j, False
    if may_overflow:
        pass
    elif len(split) == 2:
        if second < 0:
            re, im, ok = complex_ratio(cache, 2 * g * size, rows, first * size, 0, n_units)
        else:
            re, im, ok = complex_pair_ratio(
                cache, 2 * g * size, rows, first * size, second * size, n_units
            )
        product = complex(re, im)
    else:
        if second < 0:
            re, ok = real_ratio(cache, 2 * g * size, rows, first * size, 0, n_units)
        else:
            re, ok = real_pair_ratio(
                cache, 2 * g * size, rows, first * size, second * size, n_units
            )
        product = complex(re, 0.0)
    scale = scales[1, first]
    if second >= 0:
        scale *= scales[1, second]
    if ok and scale != 0j:
        return product * scale
    total = scales[0, first]
    if second >= 0:
        total += scales[0, second]
    return cmath.exp(_ratio_by_logs(split, cache, g, rows, first, second, scratch) + total)


@inlined_exact_kernel
def advance(split, cache, g, rows, first, second):
    """Pairs of image g after an accepted move: (g, w) <- (g, w q) / (g + w q)."""
    n_units = rows.shape[2]
    second = first if second < 0 else second
    single = second == first
    if len(split) == 2:
        for k in range(numba.uint64(n_units)):
            q_re, q_im = rows[first, 0, k], rows[first, 1, k]
            if not single:
                re = q_re * rows[second, 0, k] - q_im * rows[second, 1, k]
                q_im = q_re * rows[second, 1, k] + q_im * rows[second, 0, k]
                q_re = re
            w_re = cache[g, 2, k] * q_re - cache[g, 3, k] * q_im
            w_im = cache[g, 2, k] * q_im + cache[g, 3, k] * q_re
            n_re, n_im = cache[g, 0, k] + w_re, cache[g, 1, k] + w_im
            inverse = 1.0 / (n_re * n_re + n_im * n_im)
            g_re, g_im = cache[g, 0, k], cache[g, 1, k]
            cache[g, 0, k] = (g_re * n_re + g_im * n_im) * inverse
            cache[g, 1, k] = (g_im * n_re - g_re * n_im) * inverse
            cache[g, 2, k] = (w_re * n_re + w_im * n_im) * inverse
            cache[g, 3, k] = (w_im * n_re - w_re * n_im) * inverse
    else:
        for k in range(numba.uint64(n_units)):
            q = rows[first, 0, k] if single else rows[first, 0, k] * rows[second, 0, k]
            w = cache[g, 1, k] * q
            inverse = 1.0 / (cache[g, 0, k] + w)
            cache[g, 0, k] *= inverse
            cache[g, 1, k] = w * inverse


@exact_kernel
def _fill_terms(
    split, cache, image_weights, rows, image_rows, first, second, scales, may_overflow, scratch,
    terms,
):
    """w_g r_g of a move of one site, or of two with ``second`` >= 0, and their sum over images.

    ``first`` and ``second`` are rows of sigma, 2 site or 2 site + 1. Not part of its callers: a
    call costs little beside |G| ratios, and one body compiles in a third of the time.
    """
    total = 0j
    for g in range(image_weights.shape[0]):
        r2 = image_rows[second, g] if second >= 0 else -1
        r1 = image_rows[first, g]
        terms[g] = image_weights[g] * ratio_of_rows(
            split, cache, g, rows, r1, r2, scales, may_overflow, scratch
        )
        total += terms[g]
    return total


@exact_kernel
def _ratio_of_many(split, cache, image_weights, rows, image_rows, own_rows, scales, scratch):
    """sum_g w_g r_g of a flip of more than two sites, by logarithms."""
    total = 0j
    for g in range(image_weights.shape[0]):
        first = image_rows[own_rows[0], g]
        scratch[:] = rows[first]
        log_scale = scales[0, first]
        for p in range(1, own_rows.shape[0]):
            row = image_rows[own_rows[p], g]
            multiply_rows(split, scratch, rows[row], scratch)
            log_scale += scales[0, row]
        total += image_weights[g] * cmath.exp(log_product(split, cache, g, scratch) + log_scale)
    return total


@inlined_exact_kernel
def element_of(sigma, connections, f, fixed_sector):
    """<sigma|O|sigma'> of flip f; 0 where it leads out of a fixed sector."""
    moment = 0
    for p in range(connections.flip_ptr[f], connections.flip_ptr[f + 1]):
        moment += sigma[connections.flip_sites[p]]
    element = 0j
    if fixed_sector and moment != 0:
        return element
    for k in range(connections.term_ptr[f], connections.term_ptr[f + 1]):
        sign = 1
        for z in range(connections.z_ptr[k], connections.z_ptr[k + 1]):
            sign *= sigma[connections.z_sites[z]]
        element += connections.coef[k] * sign
    return element


@parallel_exact_kernel
def add_projected(spins, connections, fixed_sector, per_flip, tables, rbm, group, out):
    """Add sum_sigma' <sigma|O|sigma'> Psi(sigma')/Psi(sigma), sigma' != sigma, of every sample.

    Parameters
    ----------
    spins : int8 (n_samples, N)
    connections : hamiltonians.operators.connections.Connections
    fixed_sector : bool
        Whether amplitudes outside the samples' sector of S_z count as zero.
    per_flip : bool
        Whether each flip has a column of its own.
    tables, rbm, group
        As in `rbmqs.core.projected_chains.sample_projected`.
    out : complex128 (n_samples, 1), or (n_samples, n_flips) if per_flip
    """
    visible_bias, hidden_bias, weights = rbm
    permutations, signs, characters, image_rows = group
    split, rows, scales = tables.split, tables.rows, tables.scales
    may_overflow = tables.may_overflow
    n_units = rows.shape[2]
    order, n_sites = permutations.shape
    flip_ptr, flip_sites = connections.flip_ptr, connections.flip_sites
    for s in prange(spins.shape[0]):
        cache = np.empty((order, 2 * len(split), n_units))
        scratch = np.empty((len(split), n_units))
        log_psi = np.empty(order, dtype=np.complex128)
        image_weights = np.empty(order, dtype=np.complex128)
        terms = np.empty(order, dtype=np.complex128)
        own_rows = np.empty(n_sites, dtype=np.int64)
        sigma = spins[s]
        fill_images(
            split, sigma, permutations, signs, visible_bias, hidden_bias, weights, cache, log_psi
        )
        image_weights_of(log_psi, characters, image_weights)
        for f in range(flip_ptr.shape[0] - 1):
            element = element_of(sigma, connections, f, fixed_sector)
            if element == 0j:
                continue
            size = flip_ptr[f + 1] - flip_ptr[f]
            for p in range(size):
                site = flip_sites[flip_ptr[f] + p]
                own_rows[p] = 2 * site + np.intp(sigma[site] < 0)
            if size > 2:
                ratio = _ratio_of_many(
                    split, cache, image_weights, rows, image_rows, own_rows[:size], scales, scratch
                )
            else:
                second = own_rows[1] if size == 2 else -1
                ratio = _fill_terms(
                    split, cache, image_weights, rows, image_rows, own_rows[0], second, scales,
                    may_overflow, scratch, terms,
                )  # fmt: skip
            out[s, f if per_flip else 0] += element * ratio


def images_of_flips(connections, image_rows):
    """Where each group element takes the flips of an operator that commutes with it.

    Returns int64 (|G|, 4 F): number 4 f + pattern, with a bit for each site that is down, becomes
    that of the image; None without flips, and where one has more than two sites. ``image_rows`` :
    as of `rbmqs.core.projected_chains.sample_projected`.
    """
    flip_ptr, flip_sites = connections.flip_ptr, connections.flip_sites
    sizes, n_sites = np.diff(flip_ptr), len(image_rows) // 2
    if not (sizes.size and 0 < sizes.min() <= sizes.max() <= 2):
        return None
    first, last = flip_sites[flip_ptr[:-1]], flip_sites[flip_ptr[1:] - 1]
    numbers = np.zeros((n_sites, n_sites), dtype=np.int64)
    numbers[first, last] = numbers[last, first] = np.arange(len(sizes))
    found = np.empty((len(sizes), 4, image_rows.shape[1]), dtype=np.int64)
    for pattern in range(4):
        of_last = np.where(sizes == 2, pattern >> 1, pattern & 1)
        rows = image_rows[2 * first + (pattern & 1)], image_rows[2 * last + of_last]
        flip = numbers[rows[0] // 2, rows[1] // 2]
        turned = rows[0] // 2 != first[flip]
        bits = [np.where(turned, rows[1 - end], rows[end]) & 1 for end in (0, 1)]
        found[:, pattern] = 4 * flip + bits[0] + 2 * bits[1] * (sizes == 2)[:, None]
    return np.ascontiguousarray(found.reshape(4 * len(sizes), -1).T)


def image_table_pays(tables, image_flips):
    """Whether the rows of all flips and patterns stay in the cache and products in their range."""
    return not tables.may_overflow and image_flips.shape[1] * tables.rows[0].nbytes <= LARGEST_TABLE


def add_over_images(
    spins, connections, fixed_sector, image_weights, tables, image_flips, rbm, images, out
):
    """Add sum_g weight_g O_psi(g sigma) of every sample: `add_projected` of operators that commute.

    Parameters
    ----------
    spins, connections, fixed_sector, tables, rbm
        As in `add_projected`.
    image_weights : complex128 (n_samples, |G|)
    image_flips : int64 (|G|, 4 F)
        From `images_of_flips`.
    images : tuple
        Permutations (|G|, N) and signs (|G|,).
    out : complex128 (n_samples,)
    """
    flip_ptr = connections.flip_ptr
    sites = np.stack([flip_ptr[:-1], flip_ptr[1:] - 1], axis=1)
    patterns = np.array([[0, 0], [1, 0], [0, 1], [1, 1]])
    ends = (2 * connections.flip_sites[sites][:, None, :] + patterns).reshape(-1, 2)
    single = np.repeat(np.diff(flip_ptr) == 1, 4)
    rows = aligned_empty((len(ends), *tables.rows.shape[1:]), float)
    multiply_pairs(tables.split, tables.rows, ends, rows)
    rows[single] = tables.rows[ends[single, 0]]
    logs = tables.scales[0][ends].sum(axis=1)
    logs[single] = tables.scales[0][ends[single, 0]]
    _add_over_images(
        spins, connections, fixed_sector, image_weights, tables.split, rows,
        with_exponentials(logs, LARGEST_LOG), image_flips, rbm, images, out,
    )  # fmt: skip


@parallel_exact_kernel
def _add_over_images(
    spins, connections, fixed_sector, image_weights, split, rows, scales, image_flips, rbm, images,
    out,
):  # fmt: skip
    flip_ptr, flip_sites = connections.flip_ptr, connections.flip_sites
    permutations, signs = images
    visible_bias, hidden_bias, weights = rbm
    order, n_units, n_flips = len(signs), rows.shape[2], flip_ptr.shape[0] - 1
    row_size, together = len(split) * n_units, TOGETHER[len(split) - 1]
    for s in prange(spins.shape[0]):
        cache = aligned_doubles(order * 2 * row_size).reshape((order, 2 * len(split), n_units))
        log_psi = np.empty(order, dtype=np.complex128)
        numbers = np.empty(n_flips, dtype=np.int64)
        elements = np.empty(n_flips, dtype=np.complex128)
        starts = np.empty(n_flips + together, dtype=np.int64)
        products = np.empty(together * len(split))
        sigma = spins[s]
        fill_images(
            split, sigma, permutations, signs, visible_bias, hidden_bias, weights, cache, log_psi
        )
        count = 0
        for f in range(n_flips):
            element = element_of(sigma, connections, f, fixed_sector)
            if element == 0j:
                continue
            pattern = 0
            for p in range(flip_ptr[f], flip_ptr[f + 1]):
                pattern |= np.int64(sigma[flip_sites[p]] < 0) << (p - flip_ptr[f])
            numbers[count], elements[count] = 4 * f + pattern, element
            count += 1
        total = 0j
        for g in range(order):
            value = 0j
            for n in range(count):
                starts[n] = image_flips[g, numbers[n]] * row_size
            for n in range(count, count + together - 1):  # fills up the last products
                starts[n] = starts[count - 1]
            for done in range(0, count, together):
                if len(split) == 2:
                    ok = complex_ratios(
                        cache, 2 * g * row_size, rows, starts, done, n_units, products
                    )
                else:
                    ok = real_ratios(cache, 2 * g * row_size, rows, starts, done, n_units, products)
                for m in range(min(together, count - done)):
                    row = image_flips[g, numbers[done + m]]
                    scale = scales[1, row]
                    if ok and scale != 0j:
                        if len(split) == 2:
                            ratio = complex(products[2 * m], products[2 * m + 1]) * scale
                        else:
                            ratio = complex(products[m] * scale.real, 0.0)
                    else:
                        log_ratio = log_product(split, cache, g, rows[row])
                        ratio = cmath.exp(log_ratio + scales[0, row])
                    value += elements[done + m] * ratio
            total += image_weights[s, g] * value
        out[s] += total
