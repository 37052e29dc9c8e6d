"""Images of a configuration under a group: their amplitudes and the sums of their gradients.

The image g sigma has (g sigma)_i = s_g sigma[p_g(i)], with s_g = -1 for elements that turn over
all spins. Permuting spins instead of weights lets one RBM and one set of tables serve every
element. The same sums make the two symmetric wavefunctions: tied weights are a product over
images, so log-derivatives add up, and a projection is a sum, so they add up with weights.
"""

import cmath
import math

import numpy as np
from numba import prange

from hamiltonians.core.jit import exact_kernel, inlined_exact_kernel, parallel_exact_kernel
from rbmqs.core.split_complex import joined
from rbmqs.core.tables import fill_row

_SMALL, _LARGE = 1e-100, 1e100
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


@inlined_exact_kernel
def _log_amplitude(split, theta, g, cache):
    """sum_j log 2 cosh(theta_j) of image g, from angles (|G|, parts, M) and the cache of its units.

    2 cosh(theta) = exp(s theta) / m with s = sign(Re theta) and m the larger of g and w, so one
    logarithm serves as many units as a product of m's holds.
    """
    total, product = 0j, 1.0 + 0j
    for j in range(theta.shape[2]):
        angle = joined(split, theta[g], 0, j)
        up = angle.real >= 0.0
        product *= joined(split, cache[g], len(split) if up else 0, j)
        total += angle if up else -angle
        size = abs(product.real) + abs(product.imag)
        if not _SMALL < size < _LARGE:
            total -= cmath.log(product)
            product = 1.0 + 0j
    return total - cmath.log(product)


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
    cache : float64 (|G|, 2 parts, padded M)
        Filled as by `rbmqs.core.tables.prepare`.
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
    for g in range(order):
        fill_row(split, theta, g, cache, g)
        log_psi[g] = _log_amplitude(split, theta, g, cache)
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
        cache = np.empty((permutations.shape[0], 2 * len(split), n_units))
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
