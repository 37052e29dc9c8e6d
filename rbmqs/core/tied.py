"""Log-derivatives of an RBM with tied weights, from the hidden units that are known already.

With units (f, g) of angle theta_fg = b_f + sum_i W_if s_g sigma[p_g(i)],

    O_b[f] = sum_g tanh theta_fg,    O_W[i, f] = sum_g s_g sigma[p_g(i)] tanh theta_fg:

|G| N F multiply-adds a configuration. The spins of ``ROWS`` elements are gathered at a time and
serve all features, each of whose sums is read and written once for them.
"""

import numba
import numpy as np
from numba import prange

from hamiltonians.core.jit import inlined_kernel, parallel_kernel

ROWS = 4


@inlined_kernel
def _fill_tanh(split, cache, row, image_weight, n_features, order, tanh):
    """image weight * tanh(theta_fg) of one configuration into tanh (parts * F, order)."""
    for f in range(n_features):
        for g in range(order):
            k = f * order + g
            re = cache[row, len(split), k] - cache[row, 0, k]
            if len(split) == 2:
                im = cache[row, 3, k] - cache[row, 1, k]
                tanh[f, g] = image_weight.real * re - image_weight.imag * im
                tanh[n_features + f, g] = image_weight.real * im + image_weight.imag * re
            else:
                tanh[f, g] = image_weight.real * re


@inlined_kernel
def _add_products(sigma, permutations, tanh, spins, gathered, sums):
    """sums[c, i] += sum_g sigma[p_g(i)] tanh[c, g], ``ROWS`` elements at a time."""
    n_group, n_sites = permutations.shape
    for i in range(numba.uint64(n_sites)):
        spins[i] = sigma[i]
    for first in range(0, n_group, ROWS):
        for r in range(ROWS):
            g = min(first + r, n_group - 1)
            for i in range(numba.uint64(n_sites)):
                gathered[r, i] = spins[numba.uint64(permutations[g, i])]
        left = n_group - first
        for c in range(sums.shape[0]):
            t0 = tanh[c, first]
            t1 = tanh[c, first + 1] if left > 1 else 0.0
            t2 = tanh[c, first + 2] if left > 2 else 0.0
            t3 = tanh[c, first + 3] if left > 3 else 0.0
            for i in range(numba.uint64(n_sites)):
                sums[c, i] += (
                    t0 * gathered[0, i] + t1 * gathered[1, i]
                    + t2 * gathered[2, i] + t3 * gathered[3, i]
                )  # fmt: skip


@parallel_kernel
def tied_derivatives(
    split, images, cache, image_weights, permutations, spin_inversion, n_features, out
):
    """Sums over images h of image weight w_h times the log-derivatives at h sigma by b and W.

    Parameters
    ----------
    split : tuple of int
        As in `rbmqs.core.tables.FlipTables`.
    images : int8 (n_samples, n_images, N)
    cache : float64 (n_samples * n_images, 2 parts, padded M)
        From `rbmqs.core.tables.prepare`; unit (f, g) is f |G| + g, and with spin inversion
        the elements that turn all spins follow those that do not.
    image_weights : complex128 (n_samples, n_images)
        Only the real part counts for real weights.
    permutations : integers (|G|, N)
        Without those elements.
    spin_inversion : bool
    n_features : int
    out : float64 (n_samples, F + N F, parts)
        Filled; W in C order.
    """
    n_images, n_sites = images.shape[1:]
    n_group = permutations.shape[0]
    order = 2 * n_group if spin_inversion else n_group
    n_columns = len(split) * n_features
    for s in prange(images.shape[0]):
        tanh = np.empty((n_columns, order))
        spins = np.empty(n_sites)
        gathered = np.empty((ROWS, n_sites))
        sums = np.zeros((n_columns, n_sites))
        of_bias = np.zeros(n_columns)
        for h in range(n_images):
            row = s * n_images + h
            _fill_tanh(split, cache, row, image_weights[s, h], n_features, order, tanh)
            for c in range(n_columns):
                for g in range(numba.uint64(order)):
                    of_bias[c] += tanh[c, g]
                if spin_inversion:
                    for g in range(numba.uint64(n_group)):
                        tanh[c, g] -= tanh[c, numba.uint64(n_group) + g]
            _add_products(images[s, h], permutations, tanh, spins, gathered, sums)
        for p in split:
            for f in range(n_features):
                c = p * n_features + f
                out[s, f, p] = of_bias[c]
                for i in range(n_sites):
                    out[s, n_features + i * n_features + f, p] = sums[c, i]
