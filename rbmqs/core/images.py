"""Images of a configuration under a group: their amplitudes and the sums of their gradients.

The image g sigma has (g sigma)_i = s_g sigma[p_g(i)], with s_g = -1 for elements that turn over
all spins. Permuting spins instead of weights lets one RBM and one set of tables serve every
element. The same sums make the two symmetric wavefunctions: tied weights are a product over
images, so log-derivatives add up, and a projection is a sum, so they add up with weights.
"""

import cmath
import math

import numba
import numpy as np
from numba import prange

from hamiltonians.core.jit import (
    exact_kernel,
    inlined_kernel,
    parallel_exact_kernel,
)
from rbmqs.core.simd import complex_ratio, real_ratio
from rbmqs.core.split_complex import joined
from rbmqs.core.tables import fill_row

_CANCELLED = 1e-14  # of the largest term: a sum below it is zero up to rounding


def images_in_parts(sigma, permutations, signs, n_rows):
    """Slices of configurations (n_samples, N), each with its images, some ``n_rows`` at a time.

    The images are int8 (n, |G|, N), with |G| permutations (|G|, N) and signs (|G|,).
    """
    turned = signs.astype(np.int8)[:, None]
    step = max(1, n_rows // len(permutations))
    for start in range(0, len(sigma), step):
        part = slice(start, start + step)
        yield part, sigma[part][:, permutations] * turned


@exact_kernel
def _log_of_units(split, theta, g, cache, row):
    """sum_j log 2 cosh(theta_j) of image g, unit by unit."""
    total = 0j
    for j in range(theta.shape[2]):
        angle = joined(split, theta[g], 0, j)
        up = angle.real >= 0.0
        total += angle if up else -angle
        total -= cmath.log(complex(joined(split, cache[row], len(split) if up else 0, j)))
    return total


@inlined_kernel
def _log_amplitude(split, theta, g, cache, row, majors):
    """sum_j log 2 cosh(theta_j) of image g, from angles (|G|, parts, M) and the factors in a row.

    2 cosh(theta) = exp(s theta) / m with s = sign(Re theta) and m the larger of g and w, so one
    logarithm serves all units. ``majors`` (2 parts, padded M) is 1 beyond M in its first row, 0 in
    the others and gets every m, so that the product of ratios makes theirs.
    """
    n_units, n_parts = majors.shape[1], len(split)
    re = im = 0.0
    for j in range(numba.uint64(theta.shape[2])):
        up = theta[g, 0, j] >= 0.0
        re += abs(theta[g, 0, j])
        majors[0, j] = cache[row, n_parts, j] if up else cache[row, 0, j]
        if n_parts == 2:
            im += theta[g, 1, j] if up else -theta[g, 1, j]
            majors[1, j] = cache[row, 3, j] if up else cache[row, 1, j]
    zeros = n_parts * n_units
    if n_parts == 2:
        product_re, product_im, ok = complex_ratio(majors, 0, majors, zeros, 0, n_units)
    else:
        product_re, ok = real_ratio(majors, 0, majors, zeros, 0, n_units)
        product_im = 0.0
    if ok:
        return complex(re, im) - cmath.log(complex(product_re, product_im))
    return _log_of_units(split, theta, g, cache, row)


@exact_kernel
def fill_images(
    split, sigma, permutations, signs, visible_bias, hidden_bias, weights, cache, log_psi
):
    """Hidden units and log-amplitudes of all images of one configuration.

    Parameters
    ----------
    split : tuple of int
        As in `rbmqs.core.tables.FlipTables`.
    sigma : int8 (N,)
    permutations : int64 (|G|, N)
    signs : float64 (|G|,)
    visible_bias, hidden_bias, weights : float64 (parts, N), (parts, M), (parts, N, M)
    cache : float64 (|G| or 1, 2 parts, padded M)
        Filled as by `rbmqs.core.tables.prepare`; a single row serves one image after the other.
    log_psi : complex128 (|G|,)
        Filled.

    Returns
    -------
    float64 (|G|, N)
        The images.
    """
    order, n_sites = permutations.shape
    n_hidden = hidden_bias.shape[1]
    images = np.empty((order, n_sites))
    theta = np.empty((order, len(split), n_hidden))  # rows in one piece: packed angles to factors
    for g in range(order):
        for i in range(n_sites):
            images[g, i] = signs[g] * sigma[permutations[g, i]]
    for p in split:
        angles = np.dot(images, weights[p])
        for g in range(order):
            for j in range(n_hidden):
                theta[g, p, j] = angles[g, j] + hidden_bias[p, j]
    cache[:, :, n_hidden:] = 0.0
    cache[:, 0, n_hidden:] = 1.0
    majors = np.zeros(cache.shape[1:])
    majors[0, n_hidden:] = 1.0
    for g in range(order):
        row = g if cache.shape[0] == order else 0
        fill_row(split, theta, g, cache, row)
        log_psi[g] = _log_amplitude(split, theta, g, cache, row, majors)
        for i in range(n_sites):
            log_psi[g] += images[g, i] * joined(split, visible_bias, 0, i)
    return images


@parallel_exact_kernel
def image_amplitudes(
    split, spins, permutations, signs, visible_bias, hidden_bias, weights, n_units, log_psi
):
    """log psi(g sigma) of every sample and element, into complex128 (n_samples, |G|).

    ``n_units`` is the padded number of hidden units; the other arguments are those of
    `fill_images`.
    """
    for s in prange(spins.shape[0]):
        cache = np.empty((1, 2 * len(split), n_units))
        fill_images(
            split, spins[s], permutations, signs, visible_bias, hidden_bias, weights, cache,
            log_psi[s],
        )  # fmt: skip


@parallel_exact_kernel
def image_gradients(
    split, spins, permutations, signs, visible_bias, hidden_bias, weights, n_units, image_weights,
    out,
):
    """Sums over elements of the log-derivatives of images, each with its image weight.

    Parameters
    ----------
    spins : int8 (n_samples, N)
    image_weights : complex128 (n_samples, |G|)
        Only the real part counts for real weights.
    out : float64 (parts, n_samples, N + M + N M)
        Derivatives by a, b and W (in C order).
    """
    n_sites, n_hidden = weights.shape[1:]
    order = permutations.shape[0]
    for s in prange(spins.shape[0]):
        cache = np.empty((order, 2 * len(split), n_units))
        log_psi = np.empty(order, dtype=np.complex128)
        images = fill_images(
            split, spins[s], permutations, signs, visible_bias, hidden_bias, weights, cache,
            log_psi,
        )  # fmt: skip
        tanh = np.empty((len(split), order, n_hidden))
        for g in range(order):
            for j in range(n_hidden):
                re = cache[g, len(split), j] - cache[g, 0, j]
                if len(split) == 2:
                    im = cache[g, 3, j] - cache[g, 1, j]
                    tanh[0, g, j] = image_weights[s, g].real * re - image_weights[s, g].imag * im
                    tanh[1, g, j] = image_weights[s, g].real * im + image_weights[s, g].imag * re
                else:
                    tanh[0, g, j] = image_weights[s, g].real * re
        start = n_sites + n_hidden
        for p in split:
            row = out[p, s]
            row[:start] = 0.0
            for g in range(order):
                weight = image_weights[s, g].imag if p == 1 else image_weights[s, g].real
                for i in range(n_sites):
                    row[i] += weight * images[g, i]
                for j in range(n_hidden):
                    row[n_sites + j] += tanh[p, g, j]
            row[start:] = np.dot(images.T, tanh[p]).ravel()


@exact_kernel
def image_weights_of(log_psi, characters, image_weights):
    """chi_g psi_g / sum_h chi_h psi_h into ``image_weights``; returns the logarithm of the sum.

    Where symmetry makes the sum vanish, weights are made with a sum of the size of rounding: large
    and finite, so that a chain that starts there leaves by its first move.

    Parameters
    ----------
    log_psi : complex128 (|G|,)
        log psi(g sigma).
    characters : complex128 (|G|,)
        Conjugates of chi(g), over |G|.
    """
    largest = -math.inf
    for g in range(log_psi.shape[0]):
        largest = max(largest, log_psi[g].real)
    total = 0j
    for g in range(log_psi.shape[0]):
        image_weights[g] = characters[g] * cmath.exp(log_psi[g] - largest)
        total += image_weights[g]
    log_sum = cmath.log(total) + largest
    if abs(total) < _CANCELLED / log_psi.shape[0]:
        total = complex(_CANCELLED / log_psi.shape[0], 0.0)
    for g in range(log_psi.shape[0]):
        image_weights[g] /= total
    return log_sum


@parallel_exact_kernel
def project(log_psi, characters, image_weights, log_sums):
    """`image_weights_of` every sample: (n_samples, |G|) into the same shape, and (n_samples,)."""
    for s in prange(log_psi.shape[0]):
        log_sums[s] = image_weights_of(log_psi[s], characters, image_weights[s])
