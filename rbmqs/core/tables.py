"""Tables of one parameter set: what a flip of one site does to every hidden unit."""

import math
from typing import NamedTuple

import numpy as np
from numba import prange

from hamiltonians.core.jit import inlined_exact_kernel, parallel_exact_kernel
from rbmqs.core.aligned import aligned_empty
from rbmqs.core.amplitude import real_unit_factors, unit_factors
from rbmqs.core.blas import address, row_product
from rbmqs.core.simd import LANES, RANGE, padded_units
from rbmqs.core.split_complex import split, split_numbers

BLOCK = 32  # samples whose angles come from one matrix product and stay in the cache
LARGEST_LOG = 300.0  # of C, up to which it is taken as a number
_PART = 8192  # numbers at a time: larger arrays are given back to the system and cost page faults
_AT_ONCE = 2**21  # numbers of amplitude cache: 16 MB, for the same reason
WIDE = 200.0  # |Re theta| up to which exp(-2 |theta|) is far from the end of the range


class FlipTables(NamedTuple):
    """What a flip of one site does to every hidden unit and to the amplitude.

    Row 2 i belongs to the flip of site i from sigma_i = +1, row 2 i + 1 to that from -1.

    Attributes
    ----------
    rows : ndarray, shape (2 N, parts, padded M), float64
        q = exp(-4 sigma_i W_ij); parts are (Re, Im) for complex weights and (q,) for real ones.
    scales : ndarray, shape (2, 2 N), complex128
        log C of the same flips, and C itself or 0 where it is not a moderate number.
    largest_exponent : ndarray, shape (N,), float64
        Largest sum over the factors of a lane of |log |q_k|| for a flip of the site.
    split : tuple of int
        Numbers of the parts, (0, 1) or (0,). Its length is known to the compiler, which leaves
        out what serves numbers of the other kind.
    may_overflow : bool
        Whether weights are so large that products may sink out of the range of doubles.
    """

    rows: np.ndarray
    scales: np.ndarray
    largest_exponent: np.ndarray
    split: tuple[int, ...]
    may_overflow: bool


def flip_tables(visible_bias, hidden_bias, weights):
    """`FlipTables` of one set of parameters, real or complex."""
    n_sites, n_hidden = weights.shape
    split = split_numbers(weights)
    rows = aligned_empty((n_sites, 2, len(split), padded_units(n_hidden)), float)
    largest_exponent = np.empty(n_sites)
    step = max(1, _PART // n_hidden)
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, n_sites, step):
            part = slice(start, start + step)
            _fill_rows(weights[part], rows[part])
            largest_exponent[part] = _largest_exponent(weights[part].real)
    largest_angle = (abs(hidden_bias.real) + abs(weights.real).sum(axis=0)).max()
    # 4: two sites a move, norms squared
    may_overflow = not (4.0 * largest_exponent.max() < RANGE and largest_angle < WIDE)
    log_up = -2.0 * visible_bias + 2.0 * weights.sum(axis=1)
    log_scale = np.stack([log_up, -log_up], axis=1).astype(complex).ravel()
    scales = with_exponentials(log_scale, LARGEST_LOG)
    rows = rows.reshape(2 * n_sites, *rows.shape[2:])
    return FlipTables(rows, scales, largest_exponent, split, may_overflow)


def _fill_rows(weights, rows):
    """q of the flips of some sites, weights (n, M) into rows (n, 2, parts, padded M)."""
    n_hidden = weights.shape[1]
    rows[:, :, 0, n_hidden:], rows[:, :, 1:, n_hidden:] = 1.0, 0.0
    logs = -4.0 * weights.real
    sizes = np.exp(logs), np.exp(-logs)
    if rows.shape[2] == 1:
        for down, size in enumerate(sizes):
            rows[:, down, 0, :n_hidden] = size
        return
    angle = -4.0 * weights.imag
    cosine, sine = np.cos(angle), np.sin(angle)
    for down, (size, sign) in enumerate(zip(sizes, (1.0, -1.0), strict=True)):
        np.multiply(size, cosine, out=rows[:, down, 0, :n_hidden])
        np.multiply(sign * size, sine, out=rows[:, down, 1, :n_hidden])


def _largest_exponent(weights):
    """`FlipTables.largest_exponent` of real parts (n, M)."""
    n_sites, n_hidden = weights.shape
    logs = np.zeros((n_sites, padded_units(n_hidden)))
    np.abs(4.0 * weights, out=logs[:, :n_hidden])
    return logs.reshape(n_sites, -1, LANES).sum(axis=1).max(axis=1)


def with_exponentials(logs, limit):
    """(2, n): the logarithms and their exponentials, 0 where a real part is beyond the limit."""
    moderate = abs(logs.real) < limit
    return np.stack([logs, np.exp(logs, where=moderate, out=np.zeros_like(logs))])


@inlined_exact_kernel
def fill_row(split, theta, t, cache, s):
    """Parts g and w (Re and Im each) of sample s from row t of angles."""
    n_hidden = theta.shape[2]
    if len(split) == 2:
        for j in range(n_hidden):
            g_re, g_im, w_re, w_im = unit_factors(theta[t, 0, j], theta[t, 1, j])
            cache[s, 0, j] = g_re
            cache[s, 1, j] = g_im
            cache[s, 2, j] = w_re
            cache[s, 3, j] = w_im
    else:
        for j in range(n_hidden):
            g, w = real_unit_factors(theta[t, 0, j])
            cache[s, 0, j] = g
            cache[s, 1, j] = w


@parallel_exact_kernel
def _fill_cache(split, gemm, spins, hidden_bias, weights, cache):
    n_samples, n_sites = spins.shape
    n_parts, n_hidden = hidden_bias.shape
    row = n_parts * n_hidden
    for block in prange((n_samples + BLOCK - 1) // BLOCK):
        first, last = block * BLOCK, min((block + 1) * BLOCK, n_samples)
        theta = np.empty((last - first, n_parts, n_hidden))
        for s in range(last - first):
            for part in range(n_parts):
                for j in range(n_hidden):
                    theta[s, part, j] = hidden_bias[part, j]
        for part in range(n_parts):
            row_product(
                gemm, ((spins, first * n_sites), n_sites), False,
                ((weights, part * n_sites * n_hidden), n_hidden), False,
                ((theta, part * n_hidden), row), (last - first, n_hidden, n_sites), 1.0, 1.0,
            )  # fmt: skip
        for s in range(first, last):
            fill_row(split, theta, s - first, cache, s)
            for j in range(n_hidden, cache.shape[2]):
                for part in range(cache.shape[1]):
                    cache[s, part, j] = 0.0
                cache[s, 0, j] = 1.0


def prepare(spins, hidden_bias, weights):
    """Parts of g = 1/(1 + z) and w = z/(1 + z), z = exp(2 theta), of many samples.

    Parameters
    ----------
    spins : float64 (n_samples, N)
    hidden_bias, weights : (M,), (N, M), real or complex

    Returns
    -------
    float64 (n_samples, 4 or 2, padded M)
        Parts Re g, Im g, Re w, Im w for complex weights, g and w for real ones.
    """
    n_parts = 4 if np.iscomplexobj(weights) else 2
    cache = aligned_empty((len(spins), n_parts, padded_units(weights.shape[1])), float)
    _fill_cache(
        split_numbers(weights),
        address("gemm", float),
        spins,
        split(hidden_bias),
        split(weights),
        cache,
    )
    return cache


def rows_at_once(tables):
    """Number of configurations whose amplitude cache are held at a time."""
    n_parts, n_units = tables.rows.shape[1:]
    return max(1, _AT_ONCE // (2 * n_parts * n_units))


@parallel_exact_kernel
def _fill_log_moduli(cache, n_hidden, out):
    n_samples, n_parts, _ = cache.shape
    half = n_parts // 2
    for s in prange(n_samples):
        total, product = 0.0, 1.0
        for j in range(n_hidden):
            g, w = 0.0, 0.0
            for part in range(half):
                g += cache[s, part, j] ** 2
                w += cache[s, half + part, j] ** 2
            product *= g * w
            if not 1e-100 < product < 1e100:
                total += math.log(product) if product > 0.0 else math.nan
                product = 1.0
        out[s] = -0.25 * (total + math.log(product))


def log_moduli(cache, n_hidden):
    """log |prod_j 2 cosh(theta_j)|, (n_samples,), from g w = 1 / (2 cosh theta)^2.

    NaN where a hidden unit leaves the range of a double: |Re theta| beyond 100.
    """
    out = np.empty(len(cache))
    _fill_log_moduli(cache, n_hidden, out)
    return out


def tanh_of_cache(cache, n_hidden):
    """tanh(theta) = w - g, shape (n_samples, M)."""
    if cache.shape[1] == 2:
        return cache[:, 1, :n_hidden] - cache[:, 0, :n_hidden]
    tanh = np.empty((cache.shape[0], n_hidden), dtype=complex)
    np.subtract(cache[:, 2, :n_hidden], cache[:, 0, :n_hidden], out=tanh.real)
    np.subtract(cache[:, 3, :n_hidden], cache[:, 1, :n_hidden], out=tanh.imag)
    return tanh
