"""Sampling, local values and gradients of a pair product times an RBM, summed over images.

A configuration of as many spins up as down, at sites u_a and d_b, has the amplitude

    Psi(sigma) = s(sigma) sum_g chi_g det F_g[u_a, d_b] psi(g sigma),

where F_g(i, j) is the pairing amplitude of the sites that i and j of sigma are in the image g sigma
(see `rbmqs.states.pair_product`), so that all images share the lists of sites. The sign s brings
the electrons into the order of sites; an exchange of u_a and d_b, each of which takes the other's
place in the lists, changes it. With W = A^-1 of A_ab = F(u_a, d_b) the determinant changes by

    r = x y - W_ba (z - F(d_b, u_a)),      y = (W F[u, u_a])_b,
    x = (F[d_b, d] W)_a,                   z = F[d_b, d] W F[u, u_a],

and W by a matrix of rank two (Sherman & Morrison, Ann. Math. Stat. 21, 124 (1950)). The vector
W F[u, u_a] costs N^2/4 operations a proposal. With F[d, d] W kept beside W a ratio costs N, but an
accepted move 8 times N^2/4 instead of 2: dearer beyond one acceptance in eight. Local values take
all N^2/4 ratios of an image from three matrix products.

W is made again from the spins every ``REFRESH`` proposals, and where a row of A W after a move is
further from that of the unit matrix than ``DRIFT``, as on the way to or from a zero. Complex
parameters give complex F; the RBM has its parts apart as elsewhere (`rbmqs.core.tables`).
"""

import cmath

import numpy as np
from numba import prange

from hamiltonians.core.jit import (
    exact_kernel,
    inlined_exact_kernel,
    inlined_kernel,
    kernel,
    parallel_exact_kernel,
)
from rbmqs.core.images import fill_images, image_weights_of
from rbmqs.core.projected import advance, element_of, ratio_of_rows
from rbmqs.core.proposals import metropolis_accepts, propose
from rbmqs.core.random import uniform

REFRESH = 256
DRIFT = 1e-8
_UNDERFLOW = 1e-200
_SINGULAR = 1e-9  # of the largest element: smaller pivots are replaced, which keeps w_g W finite


@inlined_kernel
def _lists(sigma, ups, downs, place):
    """Sites of spins up and down in ascending order, and the place of each site in its list."""
    n_up, n_down = 0, 0
    for i in range(sigma.shape[0]):
        if sigma[i] > 0:
            place[i] = n_up
            if n_up < ups.shape[0]:
                ups[n_up] = i
            n_up += 1
        else:
            place[i] = n_down
            if n_down < downs.shape[0]:
                downs[n_down] = i
            n_down += 1
    return n_up == n_down


@exact_kernel
def invert(pairing, ups, downs, inverse):
    """log det A of A_ab = pairing[u_a, d_b], and the transposed inverse, W_ba into inverse[a, b].

    Gauss-Jordan elimination in place with row pivots.
    """
    n = ups.shape[0]
    largest = 0.0
    for a in range(n):
        for b in range(n):
            inverse[b, a] = pairing[ups[a], downs[b]]
            largest = max(largest, abs(inverse[b, a]))
    smallest = _SINGULAR * largest if largest > 0.0 else 1e-150
    rows = np.arange(n)
    log_det = 0j
    for k in range(n):
        pivot = k
        for i in range(k + 1, n):
            if abs(inverse[i, k]) > abs(inverse[pivot, k]):
                pivot = i
        if pivot != k:
            log_det += 1j * np.pi
            rows[k], rows[pivot] = rows[pivot], rows[k]
            for j in range(n):
                kept = inverse[k, j]
                inverse[k, j] = inverse[pivot, j]
                inverse[pivot, j] = kept
        if abs(inverse[k, k]) < smallest:
            inverse[k, k] = smallest
        log_det += cmath.log(complex(inverse[k, k]))
        factor = 1.0 / inverse[k, k]
        inverse[k, k] = 1.0
        for j in range(n):
            inverse[k, j] *= factor
        for i in range(n):
            if i != k:
                factor = inverse[i, k]
                inverse[i, k] = 0.0
                for j in range(n):
                    inverse[i, j] -= factor * inverse[k, j]
    row = np.empty(n, dtype=inverse.dtype)
    for i in range(n):
        for k in range(n):
            row[rows[k]] = inverse[i, k]
        inverse[i] = row
    return log_det


@kernel
def exchange_ratio(pairing, turned, inverse, ups, downs, a, b, column):
    """det A' / det A of the exchange of u_a and d_b; W F[u, u_a] into ``column``.

    pairing, turned : (N, N), F and its transpose; inverse : (N/2, N/2), W_ba at [a, b].
    """
    n = ups.shape[0]
    up, down = ups[a], downs[b]
    column[:] = 0.0
    for k in range(n):
        factor = turned[up, ups[k]]
        for j in range(n):
            column[j] += factor * inverse[k, j]
    x = z = pairing[0, 0] * 0.0
    for j in range(n):
        element = pairing[down, downs[j]]
        x += element * inverse[a, j]
        z += element * column[j]
    return x * column[b] - inverse[a, b] * (z - pairing[down, up])


@kernel
def exchange_update(pairing, inverse, ups, downs, a, b, ratio, column, row):
    """W after the exchange of u_a and d_b, before the lists change; |(A W)_aa - 1| of the new ones.

    ``ratio`` and ``column`` are those of `exchange_ratio`, ``row`` is scratch (N/2,).

    A' = A + U V with U = [e_a, w] and V = [v; e_b], and W' = W - W U (1 + V W U)^-1 V W, where v
    changes row a and w the rest of column b.
    """
    n = ups.shape[0]
    up, down = ups[a], downs[b]
    corner = inverse[a, b]
    old, new = pairing[up, down], pairing[down, up]
    for k in range(n):
        row[k] = new * inverse[k, b]
    row[a] -= 1.0
    for k in range(n):
        for j in range(n):
            row[k] += pairing[down, downs[j]] * inverse[k, j]
    for j in range(n):
        column[j] += old * inverse[a, j]
    column[b] -= 1.0
    m11, m22 = 1.0 + row[a], 1.0 + column[b]  # m11 m22 - m12 corner is the ratio
    m12 = new * column[b]
    for j in range(n):
        m12 += (pairing[down, downs[j]] - pairing[up, downs[j]]) * column[j]
    inverse_det = 1.0 / ratio if ratio != 0.0 else ratio
    own = inverse[a].copy()  # W e_a
    for k in range(n):
        first = (m22 * row[k] - m12 * inverse[k, b]) * inverse_det
        second = (m11 * inverse[k, b] - corner * row[k]) * inverse_det
        for j in range(n):
            inverse[k, j] -= own[j] * first + column[j] * second
    unit = new * inverse[a, b]
    for j in range(n):
        unit += pairing[down, downs[j]] * inverse[a, j]
    return abs(unit - 1.0)


@inlined_exact_kernel
def _prepare(
    split, sigma, pairings, permutations, signs, factors, visible_bias, hidden_bias, rbm_weights,
    ups, downs, place, inverses, cache, weights,
):
    """Lists, inverses, hidden units and image weights of one configuration, from its spins."""
    _lists(sigma, ups, downs, place)
    log_psi = np.empty(weights.shape[0], dtype=np.complex128)
    fill_images(
        split, sigma, permutations, signs, visible_bias, hidden_bias, rbm_weights, cache, log_psi
    )
    for g in range(weights.shape[0]):
        log_psi[g] += invert(pairings[0, g], ups, downs, inverses[g])
    return image_weights_of(log_psi, factors, weights)


@inlined_exact_kernel
def _may_vanish(weights):
    """Whether an image weight is too small to be carried along by multiplication."""
    for g in range(weights.shape[0]):
        if not abs(weights[g].real) + abs(weights[g].imag) > _UNDERFLOW:
            return True
    return False


@parallel_exact_kernel
def sample_pairs(
    spins, rng, beta, move, bonds, tables, rbm, group, pairings, n_discard, sweep_size, samples
):
    """Run every chain: discard ``n_discard`` sweeps, then record one configuration per sweep.

    Flips of single sites leave the space of as many spins up as down and are never accepted.

    Parameters
    ----------
    spins, rng, beta, move, bonds, tables, rbm, group, n_discard, sweep_size, samples
        As in `rbmqs.core.projected.sample_projected`; the characters of ``group`` are times the
        signs of the images' determinants.
    pairings : float64 or complex128 (2, |G|, N, N)
        F_g and their transposes.

    Returns
    -------
    int64 (n_chains,)
        Accepted moves, discarded sweeps included.
    """
    visible_bias, hidden_bias, rbm_weights = rbm
    permutations, signs, factors, image_rows = group
    n_chains, n_draws, n_sites = samples.shape
    split, rows, scales = tables.split, tables.rows, tables.scales
    may_overflow = tables.may_overflow
    n_units = rows.shape[2]
    order, half = factors.shape[0], n_sites // 2
    accepted = np.zeros(n_chains, dtype=np.int64)
    for chain in prange(n_chains):
        cache = np.empty((order, 2 * len(split), n_units))
        scratch = np.empty((len(split), n_units))
        weights = np.empty(order, dtype=np.complex128)
        terms = np.empty(order, dtype=np.complex128)
        ratios = np.empty(order, dtype=pairings.dtype)
        inverses = np.empty((order, half, half), dtype=pairings.dtype)
        columns = np.empty((order, half), dtype=pairings.dtype)
        row = np.empty(half, dtype=pairings.dtype)
        ups, downs = np.empty(half, dtype=np.int64), np.empty(half, dtype=np.int64)
        place = np.empty(n_sites, dtype=np.int64)
        sites = np.zeros(3, dtype=np.int64)
        sigma = spins[chain]
        stream = rng[chain]
        count, age = 0, REFRESH
        for draw in range(-n_discard, n_draws):
            for _ in range(sweep_size):
                if age >= REFRESH:
                    _prepare(
                        split, sigma, pairings, permutations, signs, factors, visible_bias,
                        hidden_bias, rbm_weights, ups, downs, place, inverses, cache, weights,
                    )  # fmt: skip
                    age = 0
                age += 1
                if not propose(move, sigma, stream, bonds, sites):
                    continue
                up, down = sites[0], sites[1]
                if down < 0 or sigma[up] == sigma[down]:
                    uniform(stream)
                    continue
                if sigma[up] < 0:
                    up, down = down, up
                a, b = place[up], place[down]
                ratio = 0j
                for g in range(order):
                    ratios[g] = exchange_ratio(
                        pairings[0, g], pairings[1, g], inverses[g], ups, downs, a, b, columns[g]
                    )
                    terms[g] = -weights[g] * ratios[g] * ratio_of_rows(
                        split, cache, g, rows, image_rows[2 * up, g], image_rows[2 * down + 1, g],
                        scales, may_overflow, scratch,
                    )
                    ratio += terms[g]
                size = ratio.real * ratio.real + ratio.imag * ratio.imag
                if not metropolis_accepts(size, uniform(stream), beta[chain]):
                    continue
                count += 1
                sigma[up], sigma[down] = -1, 1
                if may_overflow:
                    age = REFRESH
                    continue
                for g in range(order):
                    drift = exchange_update(
                        pairings[0, g], inverses[g], ups, downs, a, b, ratios[g], columns[g], row
                    )
                    if not drift < DRIFT:
                        age = REFRESH
                    first, second = image_rows[2 * up, g], image_rows[2 * down + 1, g]
                    advance(split, cache, g, rows, first, second)
                    weights[g] = terms[g] / ratio
                ups[a], downs[b] = down, up
                place[down], place[up] = a, b
                if _may_vanish(weights):
                    age = REFRESH
            if draw >= 0:
                for i in range(n_sites):
                    samples[chain, draw, i] = sigma[i]
        accepted[chain] = count
    return accepted


@inlined_kernel
def _all_ratios(pairing, inverse, ups, downs, ratios):
    """-r of every exchange of u_a and d_b into ratios[a, b]."""
    half = ups.shape[0]
    of_ups = np.empty((half, half), dtype=pairing.dtype)
    of_downs = np.empty((half, half), dtype=pairing.dtype)
    for i in range(half):
        for j in range(half):
            of_ups[i, j] = pairing[ups[j], ups[i]]
            of_downs[i, j] = pairing[downs[j], downs[i]]
    x = np.dot(inverse, of_downs)
    y = np.dot(of_ups, inverse)
    z = np.dot(y, of_downs)
    for a in range(half):
        for b in range(half):
            z[a, b] = inverse[a, b] * (z[a, b] - pairing[downs[b], ups[a]]) - x[a, b] * y[a, b]
            ratios[a, b] = z[a, b]


@parallel_exact_kernel
def add_pairs(spins, connections, per_flip, tables, rbm, group, pairings, out):
    """Add sum_sigma' <sigma|O|sigma'> Psi(sigma')/Psi(sigma) of flips of two sites.

    Parameters
    ----------
    spins : int8 (n_samples, N)
        As many up as down.
    connections : hamiltonians.operators.connections.Connections
        Other flips than of two sites add nothing.
    per_flip : bool
        Whether each flip has a column of its own.
    tables, rbm, group, pairings
        As in `sample_pairs`.
    out : complex128 (n_samples, 1), or (n_samples, n_flips) if per_flip
    """
    visible_bias, hidden_bias, rbm_weights = rbm
    permutations, signs, factors, image_rows = group
    n_sites = spins.shape[1]
    split, rows, scales = tables.split, tables.rows, tables.scales
    may_overflow = tables.may_overflow
    n_units = rows.shape[2]
    order, half = factors.shape[0], n_sites // 2
    flip_ptr, flip_sites = connections.flip_ptr, connections.flip_sites
    for s in prange(spins.shape[0]):
        cache = np.empty((order, 2 * len(split), n_units))
        scratch = np.empty((len(split), n_units))
        weights = np.empty(order, dtype=np.complex128)
        inverses = np.empty((order, half, half), dtype=pairings.dtype)
        ratios = np.empty((order, half, half), dtype=pairings.dtype)
        ups, downs = np.empty(half, dtype=np.int64), np.empty(half, dtype=np.int64)
        place = np.empty(n_sites, dtype=np.int64)
        sigma = spins[s]
        _prepare(
            split, sigma, pairings, permutations, signs, factors, visible_bias, hidden_bias,
            rbm_weights, ups, downs, place, inverses, cache, weights,
        )  # fmt: skip
        for g in range(order):
            _all_ratios(pairings[0, g], inverses[g], ups, downs, ratios[g])
        for f in range(flip_ptr.shape[0] - 1):
            if flip_ptr[f + 1] - flip_ptr[f] != 2:
                continue
            element = element_of(sigma, connections, f, True)
            if element == 0j:
                continue
            up, down = flip_sites[flip_ptr[f]], flip_sites[flip_ptr[f] + 1]
            if sigma[up] < 0:
                up, down = down, up
            a, b = place[up], place[down]
            ratio = 0j
            for g in range(order):
                ratio += weights[g] * ratios[g, a, b] * ratio_of_rows(
                    split, cache, g, rows, image_rows[2 * up, g], image_rows[2 * down + 1, g],
                    scales, may_overflow, scratch,
                )
            out[s, f if per_flip else 0] += element * ratio


@parallel_exact_kernel
def pair_amplitudes(spins, pairings, log_dets, log_signs):
    """log det of every sample and image, and log s(sigma), -inf where ups and downs differ.

    spins : int8 (n_samples, N); pairings : (|G|, N, N), F_g; log_dets : complex128
    (n_samples, |G|), to which it is added; log_signs : complex128 (n_samples,), filled.
    """
    n_sites = spins.shape[1]
    half = n_sites // 2
    for s in prange(spins.shape[0]):
        ups, downs = np.empty(half, dtype=np.int64), np.empty(half, dtype=np.int64)
        place = np.empty(n_sites, dtype=np.int64)
        if not _lists(spins[s], ups, downs, place):
            log_signs[s] = complex(-np.inf, 0.0)
            continue
        odd = 0
        for b in range(half):
            for a in range(half):
                odd ^= downs[b] < ups[a]
        log_signs[s] = complex(0.0, np.pi * odd)
        inverse = np.empty((half, half), dtype=pairings.dtype)
        for g in range(pairings.shape[0]):
            log_dets[s, g] += invert(pairings[g], ups, downs, inverse)


@parallel_exact_kernel
def pair_gradients(spins, pairings, numbers, signs, image_weights, out):
    """Sums over images of d log det / d (pairing amplitudes), each with its image weight.

    Parameters
    ----------
    spins : int8 (n_samples, N)
        As many up as down.
    pairings : (|G|, N, N)
    numbers, signs : int64 and float64 (|G|, N, N)
        F_g(i, j) = signs * amplitude[numbers], or 0 where the number is negative.
    image_weights : complex128 (n_samples, |G|)
    out : complex128 (n_samples, n_amplitudes)
        To which it is added.
    """
    n_sites = spins.shape[1]
    half = n_sites // 2
    for s in prange(spins.shape[0]):
        ups, downs = np.empty(half, dtype=np.int64), np.empty(half, dtype=np.int64)
        place = np.empty(n_sites, dtype=np.int64)
        _lists(spins[s], ups, downs, place)
        inverse = np.empty((half, half), dtype=pairings.dtype)
        for g in range(pairings.shape[0]):
            invert(pairings[g], ups, downs, inverse)
            for a in range(half):
                for b in range(half):
                    number = numbers[g, ups[a], downs[b]]
                    if number >= 0:
                        factor = image_weights[s, g] * signs[g, ups[a], downs[b]]
                        out[s, number] += factor * inverse[a, b]
