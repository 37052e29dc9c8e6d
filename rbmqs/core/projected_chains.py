"""Metropolis chains of a projected wavefunction, Psi(sigma) = sum_g chi_g psi(g sigma).

A chain holds the image weights w_g = chi_g psi(g sigma) / Psi(sigma). A move multiplies each
image's amplitude by a ratio r_g of the RBM that is projected, so that

    Psi(sigma') / Psi(sigma) = sum_g w_g r_g,        w_g <- w_g r_g / sum_h w_h r_h.

Flipping site i of sigma flips site p_g^-1(i) of g sigma: one table of rows serves every element.
The hidden units of an image are pairs (c, z), as in `rbmqs.core.metropolis`, with |c + z| = 1 when
they are made: a ratio takes five loads and eight fused operations a unit, an accepted move no
division. Every ``REFRESH`` proposals the images are made again from the spins. Where an image
weight is below ``UNDERFLOW``, so that it could vanish and later matter again, or where a product
left its range, they are made again after the move.
"""

import cmath
import math

import numba
import numpy as np
from numba import prange

from hamiltonians.core.jit import exact_kernel, inlined_exact_kernel, parallel_exact_kernel
from rbmqs.core.aligned import aligned_doubles
from rbmqs.core.images import fill_images, image_weights_of
from rbmqs.core.metropolis import (
    exchange_rows,
    exchange_table_pays,
    multiply_units,
    rows_of_move,
)
from rbmqs.core.proposals import BOND_EXCHANGE, metropolis_accepts, propose
from rbmqs.core.random import uniform
from rbmqs.core.simd import (
    WIDTH,
    complex_image_ratio,
    complex_pair_image_ratio,
    real_image_ratio,
    real_pair_image_ratio,
)
from rbmqs.core.split_complex import joined
from rbmqs.core.tables import LARGEST_LOG, with_exponentials

REFRESH = 256
UNDERFLOW = 1e-200


@exact_kernel
def _ratio_by_logs(split, units, g, rows, first, second):
    """prod_k (c_k + z_k q_k) / (c_k + z_k) without overflow on the way, for image g."""
    total = 0j
    for k in range(units.shape[2]):
        c, z = units[g, 0, k], joined(split, units[g], 1, k)
        total -= cmath.log(complex(c + z))
        z *= joined(split, rows[first], 0, k)
        if second >= 0:
            z *= joined(split, rows[second], 0, k)
        total += cmath.log(complex(c + z))
    return total


@inlined_exact_kernel
def _product_ratio(split, units, g, rows, first, second, inverse, num):
    """(prod_k (c_k + z_k q_k) over its value before, whether it stayed in range) of image g."""
    n_units = units.shape[2]
    u, lane = g * units.shape[1] * n_units, g * len(split) * WIDTH
    size = len(split) * n_units
    r, r2 = first * size, second * size
    if len(split) == 2:
        if second < 0:
            re, im, ok = complex_image_ratio(units, u, rows, r, 0, n_units, inverse, num, lane)
        else:
            re, im, ok = complex_pair_image_ratio(
                units, u, rows, r, r2, n_units, inverse, num, lane
            )
        return complex(re, im), ok
    if second < 0:
        re, ok = real_image_ratio(units, u, rows, r, 0, n_units, inverse, num, lane)
    else:
        re, ok = real_pair_image_ratio(units, u, rows, r, r2, n_units, inverse, num, lane)
    return complex(re, 0.0), ok


@exact_kernel
def _fill_terms(
    split, units, inverse, num, image_weights, rows, image_rows, first, second, scales,
    may_overflow, terms,
):  # fmt: skip
    """Terms w_g r_g of a move; their sum, and whether all came from products.

    ``first`` and ``second`` are rows of ``image_rows``, the second negative where one is the whole
    move; ``num`` gets the products of the lanes.
    """
    total, in_range = 0j, True
    for g in range(units.shape[0]):
        r1 = image_rows[first, g]
        r2 = image_rows[second, g] if second >= 0 else -1
        scale = scales[1, r1]
        if second >= 0:
            scale *= scales[1, r2]
        product, ok = 0j, False
        if not may_overflow:
            product, ok = _product_ratio(split, units, g, rows, r1, r2, inverse, num)
        if ok and scale != 0j:
            terms[g] = image_weights[g] * (product * scale)
        else:
            in_range = False
            log_scale = scales[0, r1]
            if second >= 0:
                log_scale += scales[0, r2]
            log_ratio = _ratio_by_logs(split, units, g, rows, r1, r2) + log_scale
            terms[g] = image_weights[g] * cmath.exp(log_ratio)
        total += terms[g]
    return total, in_range


@inlined_exact_kernel
def _invert_lanes(split, num, inverse):
    """1 / num into ``inverse``, both (|G|, parts, WIDTH)."""
    for g in range(num.shape[0]):
        for lane in range(numba.uint64(WIDTH)):
            if len(split) == 2:
                re, im = num[g, 0, lane], num[g, 1, lane]
                size = 1.0 / (re * re + im * im)
                inverse[g, 0, lane], inverse[g, 1, lane] = re * size, -im * size
            else:
                inverse[g, 0, lane] = 1.0 / num[g, 0, lane]


@inlined_exact_kernel
def _advance(
    split, units, inverse, num, image_weights, rows, image_rows, first, second, terms, ratio
):
    """Units, lanes and weights of every image after an accepted move."""
    factor = 1.0 / ratio
    for g in range(units.shape[0]):
        multiply_units(split, units[g], rows, image_rows[first, g])
        if second >= 0:
            multiply_units(split, units[g], rows, image_rows[second, g])
        image_weights[g] = terms[g] * factor
    _invert_lanes(split, num, inverse)


@exact_kernel
def _refresh(split, sigma, rbm, group, identity, cache, log_psi, units, inverse, num, weights):
    """Images of a chain from its spins: c = |g|, z = w g^* / |g| of `rbmqs.core.amplitude`."""
    permutations, signs, characters = group
    visible_bias, hidden_bias, couplings = rbm
    fill_images(
        split, sigma, permutations, signs, visible_bias, hidden_bias, couplings, cache, log_psi
    )
    image_weights_of(log_psi, characters, weights)
    for g in range(units.shape[0]):
        for k in range(numba.uint64(units.shape[2])):
            if len(split) == 2:
                re, im = cache[g, 0, k], cache[g, 1, k]
                largest = max(abs(re), abs(im))  # its square may underflow
                inverse_of = 1.0 / largest if largest > 0.0 else 1.0
                re, im = re * inverse_of, im * inverse_of
                size = math.sqrt(re * re + im * im)
                scale = 1.0 / size if size > 0.0 else 1.0
                re, im = re * scale, im * scale
                if size == 0.0:
                    re = 1.0
                units[g, 0, k] = largest * size
                units[g, 1, k] = cache[g, 2, k] * re + cache[g, 3, k] * im
                units[g, 2, k] = cache[g, 3, k] * re - cache[g, 2, k] * im
            else:
                units[g, 0, k], units[g, 1, k] = cache[g, 0, k], cache[g, 1, k]
        _product_ratio(split, units, g, identity, 0, -1, inverse, num)
    _invert_lanes(split, num, inverse)


@inlined_exact_kernel
def _may_underflow(image_weights):
    """Whether an image weight is too small to be carried along by multiplication."""
    for g in range(image_weights.shape[0]):
        size = abs(image_weights[g].real) + abs(image_weights[g].imag)
        if not size > UNDERFLOW:
            return True
    return False


@parallel_exact_kernel
def _run_chains(
    spins, rng, beta, move, bonds, by_bond, split, rows, scales, may_overflow, rbm, group,
    image_rows, n_discard, sweep_size, samples, accepted,
):  # fmt: skip
    n_chains, n_draws, n_sites = samples.shape
    n_parts, n_units = len(split), rows.shape[2]
    order = image_rows.shape[1]
    for chain in prange(n_chains):
        cache = np.empty((order, 2 * n_parts, n_units))
        shape, lanes = (order, 1 + n_parts, n_units), (order, n_parts, WIDTH)
        units = aligned_doubles(order * (1 + n_parts) * n_units).reshape(shape)
        num = aligned_doubles(order * n_parts * WIDTH).reshape(lanes)
        inverse = np.ones(lanes)
        identity = np.zeros((1, n_parts, n_units))
        identity[0, 0] = 1.0
        log_psi = np.empty(order, dtype=np.complex128)
        weights = np.empty(order, dtype=np.complex128)
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
                    _refresh(
                        split, sigma, rbm, group, identity, cache, log_psi, units, inverse, num,
                        weights,
                    )  # fmt: skip
                    may_underflow = may_overflow or _may_underflow(weights)
                    age = 0
                age += 1
                if not propose(move, sigma, stream, bonds, sites):
                    continue
                first, second = rows_of_move(by_bond, sigma, sites)
                ratio, in_range = _fill_terms(
                    split, units, inverse, num, weights, rows, image_rows, first, second, scales,
                    may_overflow, terms,
                )  # fmt: skip
                size = ratio.real * ratio.real + ratio.imag * ratio.imag
                if metropolis_accepts(size, uniform(stream), exponent):
                    count += 1
                    sigma[sites[0]] = -sigma[sites[0]]
                    if sites[1] >= 0:
                        sigma[sites[1]] = -sigma[sites[1]]
                    if may_underflow or not in_range:
                        age = REFRESH
                        continue
                    _advance(
                        split, units, inverse, num, weights, rows, image_rows, first, second,
                        terms, ratio,
                    )  # fmt: skip
                    if _may_underflow(weights):
                        age = REFRESH
            if draw >= 0:
                for i in range(n_sites):
                    samples[chain, draw, i] = sigma[i]
        accepted[chain] = count


def _images_of_exchanges(image_rows, bonds):
    """Rows of `exchange_rows` for each image of an exchange (2 B, |G|), None where one is no bond.

    image_rows : as of `sample_projected`; a row's number is 2 site, plus 1 from down.
    """
    n_sites = len(image_rows) // 2
    numbers = np.full((n_sites, n_sites), -1)
    forward = 2 * np.arange(len(bonds))
    numbers[bonds[:, 1], bonds[:, 0]] = forward + 1
    numbers[bonds[:, 0], bonds[:, 1]] = forward
    first = np.stack([image_rows[2 * bonds[:, 0]], image_rows[2 * bonds[:, 0] + 1]], axis=1)
    second = np.stack([image_rows[2 * bonds[:, 1] + 1], image_rows[2 * bonds[:, 1]]], axis=1)
    found = numbers[first // 2, second // 2]
    if found.min(initial=0) < 0:
        return None
    return np.ascontiguousarray((found ^ (first % 2)).reshape(2 * len(bonds), -1))


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
    *elements, image_rows = group
    rows, scales, by_bond = tables.rows, tables.scales, False
    proposals = (n_discard + samples.shape[1]) * sweep_size * len(elements[0])
    if move == BOND_EXCHANGE and exchange_table_pays(tables, bonds, proposals):
        images = _images_of_exchanges(image_rows, bonds)
        if images is not None:
            rows, log_scale = exchange_rows(tables, bonds)
            scales, image_rows, by_bond = with_exponentials(log_scale, LARGEST_LOG), images, True
    accepted = np.zeros(len(spins), dtype=np.int64)
    _run_chains(
        spins, rng, beta, move, bonds, by_bond, tables.split, rows, scales, tables.may_overflow,
        rbm, tuple(elements), image_rows, n_discard, sweep_size, samples, accepted,
    )  # fmt: skip
    return accepted
