"""Sampling and local values of a projected wavefunction, Psi(sigma) = sum_g chi_g psi(g sigma).

A chain holds the cache of every image g sigma, the factors g and w of its hidden units (see
`rbmqs.core.amplitude`), and the image weight w_g = chi_g psi(g sigma) / Psi(sigma). A move
multiplies each image's amplitude by a ratio r_g of the RBM that is projected, so that

    Psi(sigma') / Psi(sigma) = sum_g w_g r_g,        w_g <- w_g r_g / sum_h w_h r_h.

Flipping site i of sigma flips site p_g^-1(i) of g sigma: one table of rows serves every element.
Every ``REFRESH`` proposals the images are made again from the spins. Where an image weight
is below ``UNDERFLOW``, so that it could vanish and later matter again, they are made again after
every move.
"""

import cmath

import numba
import numpy as np
from numba import prange

from hamiltonians.core.jit import exact_kernel, inlined_exact_kernel, parallel_exact_kernel
from rbmqs.core.images import fill_images, image_weights_of
from rbmqs.core.local_energy import log_product
from rbmqs.core.metropolis import multiply_rows
from rbmqs.core.proposals import metropolis_accepts, propose
from rbmqs.core.random import uniform
from rbmqs.core.simd import complex_pair_ratio, complex_ratio, real_pair_ratio, real_ratio

REFRESH = 256
UNDERFLOW = 1e-200


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


@exact_kernel
def _advance_all(split, cache, image_weights, rows, image_rows, first, second, terms, ratio):
    """Caches and weights of every image after an accepted move."""
    for g in range(image_weights.shape[0]):
        r2 = image_rows[second, g] if second >= 0 else -1
        advance(split, cache, g, rows, image_rows[first, g], r2)
        image_weights[g] = terms[g] / ratio


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
        As in `sample_projected`.
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


@inlined_exact_kernel
def _may_underflow(image_weights):
    """Whether an image weight is too small to be carried along by multiplication."""
    for g in range(image_weights.shape[0]):
        size = abs(image_weights[g].real) + abs(image_weights[g].imag)
        if not size > UNDERFLOW:
            return True
    return False


@parallel_exact_kernel
def sample_projected(
    spins, rng, beta, move, bonds, tables, rbm, group, n_discard, sweep_size, samples
):
    """Run every chain: discard ``n_discard`` sweeps, then record one configuration per sweep.

    Parameters
    ----------
    spins, rng, beta, move, bonds, tables, n_discard, sweep_size, samples
        As in `rbmqs.core.metropolis.sample`.
    rbm : tuple of float64 (parts, N), (parts, M), (parts, N, M)
        Visible and hidden biases and weights of the RBM that is projected.
    group : tuple
        Permutations int64 (|G|, N), signs float64 (|G|,), conjugate characters over |G|
        complex128 (|G|,), and ``image_rows`` int64 (2 N, |G|): the row of a flip of site i from
        up (2 i) or down (2 i + 1) for each image.

    Returns
    -------
    int64 (n_chains,)
        Accepted moves, discarded sweeps included.
    """
    visible_bias, hidden_bias, weights = rbm
    permutations, signs, characters, image_rows = group
    n_chains, n_draws = samples.shape[:2]
    split, rows, scales = tables.split, tables.rows, tables.scales
    may_overflow = tables.may_overflow
    n_units = rows.shape[2]
    order, n_sites = permutations.shape
    accepted = np.zeros(n_chains, dtype=np.int64)
    for chain in prange(n_chains):
        cache = np.empty((order, 2 * len(split), n_units))
        scratch = np.empty((len(split), n_units))
        log_psi = np.empty(order, dtype=np.complex128)
        image_weights = np.empty(order, dtype=np.complex128)
        terms = np.empty(order, dtype=np.complex128)
        sites = np.zeros(3, dtype=np.int64)
        sigma = spins[chain]
        stream = rng[chain]
        exponent = beta[chain]
        count = 0
        age = REFRESH
        may_underflow = False
        for draw in range(-n_discard, n_draws):
            for _ in range(sweep_size):
                if age >= REFRESH:
                    fill_images(
                        split, sigma, permutations, signs, visible_bias, hidden_bias, weights,
                        cache, log_psi,
                    )  # fmt: skip
                    image_weights_of(log_psi, characters, image_weights)
                    may_underflow = may_overflow or _may_underflow(image_weights)
                    age = 0
                age += 1
                if not propose(move, sigma, stream, bonds, sites):
                    continue
                first = 2 * sites[0] + np.intp(sigma[sites[0]] < 0)
                second = 2 * sites[1] + np.intp(sigma[sites[1]] < 0) if sites[1] >= 0 else -1
                ratio = _fill_terms(
                    split, cache, image_weights, rows, image_rows, first, second, scales,
                    may_overflow, scratch, terms,
                )  # fmt: skip
                size = ratio.real * ratio.real + ratio.imag * ratio.imag
                if metropolis_accepts(size, uniform(stream), exponent):
                    count += 1
                    sigma[sites[0]] = -sigma[sites[0]]
                    if second >= 0:
                        sigma[sites[1]] = -sigma[sites[1]]
                    if may_underflow:
                        age = REFRESH
                        continue
                    _advance_all(
                        split, cache, image_weights, rows, image_rows, first, second, terms, ratio
                    )
                    if _may_underflow(image_weights):
                        age = REFRESH
            if draw >= 0:
                for i in range(n_sites):
                    samples[chain, draw, i] = sigma[i]
        accepted[chain] = count
    return accepted
