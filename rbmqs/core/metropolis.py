"""Metropolis sampling of |psi|^2 with look-up tables, chains shared between threads.

A chain holds each hidden unit as (c, z) with z/c = exp(2 theta), c real and the larger of |c|,
|z| equal to one when the factors were last made. Then

    |psi(sigma')/psi(sigma)|^2 = |C_F|^2 prod_l num_l / den_l,
    num_l = prod_{k in lane l} |c_k + z_k q_k|^2,   den_l = num_l at q = 1,

and an accepted move is one multiplication per unit, z_k <- z_k q_k, with den <- num. Keeping c
apart costs one load a unit and saves the renormalisation of products such as prod (1 + z_k),
which leave the double range at a few hundred units. Every ``REFRESH`` proposals the factors are
made again from the spins, which bounds the drift of rounding (below 1e-12, tested).

Lanes are hidden units of one chain, not chains in lockstep: a chain's units (8 KB at M = 320)
stay in the first-level cache, each chain proposes its own site, and a rejected exchange of
parallel spins costs nothing. In lockstep every lane gathers from a row of its own: a ratio takes
590 ns instead of 58 (M = 320, complex, 16 chains, AVX-512).

An exchange takes its row from a table by bond, 60 ns a ratio; multiplying the rows of its two sites
in registers takes 111 (bonds of an 80-site chain; 91 and 154 on 10x10, M = 400, where the table of
2.6 MB leaves the second-level cache): sampling as a whole is 14 % faster. Beyond `LARGEST_TABLE`,
where it is not, and in calls so short that making it would take longer, the table is not made.

Where a product leaves the range of doubles, the ratio is taken again by logarithms. Where it
could sink out of the range and return with digits lost, or z_k could underflow on its way (see
`rbmqs.core.tables.FlipTables.may_overflow`), ratios are always taken by
logarithms and the factors made again after every accepted move: slow, for weights beyond 5 or so.
"""

import math

import numba
import numpy as np
from numba import prange

from hamiltonians.core.jit import (
    exact_kernel,
    inlined_exact_kernel,
    inlined_kernel,
    kernel,
    parallel_kernel,
)
from rbmqs.core.aligned import aligned_doubles, aligned_empty
from rbmqs.core.proposals import BOND_EXCHANGE, metropolis_accepts, propose
from rbmqs.core.random import uniform
from rbmqs.core.simd import (
    LANES,
    complex_norms,
    complex_pair_norms,
    real_norms,
    real_pair_norms,
)
from rbmqs.core.split_complex import joined
from rbmqs.core.tables import with_exponentials

REFRESH = 4096
LARGEST_TABLE = 2**23  # bytes of the rows of exchanges
_TINY, _HUGE = 1e-200, 1e200
_PLAIN = 150.0  # |log C_F| up to which exp(log C_F) is tabulated: C_F of two sites is in range


@inlined_exact_kernel
def units_of_angles(split, theta, units):
    """Pairs (c, z) of one chain from its angles (parts, M)."""
    n_hidden = theta.shape[1]
    for j in range(n_hidden, units.shape[1]):
        units[0, j] = 1.0
        for p in split:
            units[1 + p, j] = 0.0
    for j in range(n_hidden):
        excess = max(theta[0, j], 0.0)
        units[0, j] = math.exp(-2.0 * excess)
        size = math.exp(2.0 * (theta[0, j] - excess))
        if len(split) == 2:
            units[1, j] = size * math.cos(2.0 * theta[1, j])
            units[2, j] = size * math.sin(2.0 * theta[1, j])
        else:
            units[1, j] = size


@exact_kernel
def refresh_units(split, spins, hidden_bias, weights, units):
    """Pairs (c, z) of one chain from its spins.

    spins : int8 (N,); hidden_bias : (parts, M); weights : (parts, N, M);
    units : float64 (1 + parts, padded M), parts c, Re z[, Im z]; ``split`` as in `FlipTables`.
    """
    n_sites = spins.shape[0]
    n_hidden = hidden_bias.shape[1]
    theta = np.empty(hidden_bias.shape)
    for p in split:
        for j in range(n_hidden):
            theta[p, j] = hidden_bias[p, j]
        for i in range(n_sites):
            if spins[i] > 0:
                for j in range(n_hidden):
                    theta[p, j] += weights[p, i, j]
            else:
                for j in range(n_hidden):
                    theta[p, j] -= weights[p, i, j]
    units_of_angles(split, theta, units)


@kernel
def multiply_rows(split, first, second, out):
    """out = first * second, elementwise on parts (Re, Im) or (real,); packed if all differ."""
    n = numba.uint64(first.shape[1])
    if len(split) == 2:
        for k in range(n):
            re = first[0, k] * second[0, k] - first[1, k] * second[1, k]
            im = first[0, k] * second[1, k] + first[1, k] * second[0, k]
            out[0, k] = re
            out[1, k] = im
    else:
        for k in range(n):
            out[0, k] = first[0, k] * second[0, k]


@inlined_kernel
def multiply_units(split, units, rows, row):
    """z <- z q in place: `multiply_rows` would find its arrays overlapping and not be packed."""
    n = numba.uint64(units.shape[1])
    if len(split) == 2:
        for k in range(n):
            re = units[1, k] * rows[row, 0, k] - units[2, k] * rows[row, 1, k]
            im = units[1, k] * rows[row, 1, k] + units[2, k] * rows[row, 0, k]
            units[1, k] = re
            units[2, k] = im
    else:
        for k in range(n):
            units[1, k] *= rows[row, 0, k]


@inlined_kernel
def lane_norms(split, units, rows, first, second, inverse_den, num):
    """prod_l num_l / den_l of a move that uses these rows; fills ``num`` (LANES,).

    ``second`` is negative for a flip of one site. Zero where the product left its range.
    """
    n = units.shape[1]
    size = len(split) * n
    r, r2 = first * size, second * size
    if len(split) == 2:
        if second < 0:
            product, ok = complex_norms(units, 0, rows, r, 0, n, inverse_den, num)
        else:
            product, ok = complex_pair_norms(units, 0, rows, r, r2, n, inverse_den, num)
    elif second < 0:
        product, ok = real_norms(units, 0, rows, r, 0, n, inverse_den, num)
    else:
        product, ok = real_pair_norms(units, 0, rows, r, r2, n, inverse_den, num)
    return product if ok else 0.0


@exact_kernel
def _log_norm_ratio(split, units, rows, first, second):
    """log prod_k |c_k + z_k q_k|^2 / |c_k + z_k|^2, unit by unit."""
    total = 0.0
    for k in range(units.shape[1]):
        c = units[0, k]
        z = joined(split, units, 1, k)
        old = abs(c + z)
        z *= joined(split, rows[first], 0, k)
        if second >= 0:
            z *= joined(split, rows[second], 0, k)
        total += 2.0 * (math.log(abs(c + z)) - math.log(old))
    return total


@inlined_exact_kernel
def norm_ratio(split, units, rows, first, second, scales, inverse_den, may_overflow, num):
    """|psi(sigma')/psi(sigma)|^2 of a move; leaves num_l in ``num``.

    Parameters
    ----------
    rows : float64 (2 N, parts, padded M)
        q of the flip of site i from up (row 2 i) and from down (row 2 i + 1), or of the moves of
        `exchange_rows`.
    first, second : int
        Rows of the moved sites; ``second`` negative for one site.
    scales : float64 (2, 2 N)
        log |C|^2 of the same flips and its exponential, 0 where that is out of range.
    """
    product = 0.0
    if not may_overflow:
        product = lane_norms(split, units, rows, first, second, inverse_den, num)
    total, scale = scales[0, first], scales[1, first]
    if second >= 0:
        total += scales[0, second]
        scale *= scales[1, second]
    if product > 0.0 and scale > 0.0:
        return product * scale
    if _TINY < product < _HUGE and abs(total) < 400.0:
        return product * math.exp(total)
    return math.exp(_log_norm_ratio(split, units, rows, first, second) + total)


def norm_scales(log_scale):
    """The ``scales`` of `norm_ratio` from log C (2 N,)."""
    return with_exponentials(2.0 * log_scale.real, _PLAIN)


@kernel
def fill_denominators(split, units, identity, inverse_den, num):
    """Denominators of one chain from fresh factors; ``identity`` is the row q = 1."""
    for lane in range(LANES):
        inverse_den[lane] = 1.0
    lane_norms(split, units, identity, 0, -1, inverse_den, num)
    for lane in range(LANES):
        inverse_den[lane] = 1.0 / num[lane]


@inlined_kernel
def commit(split, units, rows, first, second, num, inverse_den):
    """Accepted move: z <- z q, den <- num. False when a denominator nears the range's end."""
    multiply_units(split, units, rows, first)
    if second >= 0:
        multiply_units(split, units, rows, second)
    healthy = True
    for lane in range(LANES):
        inverse_den[lane] = 1.0 / num[lane]
        healthy &= _TINY < num[lane] < _HUGE
    return healthy


@inlined_kernel
def _row_number(spins, number, site):
    """Row of the flip of a site, or of the exchange on a bond that begins with it."""
    return 2 * number + numba.intp(spins[site] < 0)


@inlined_kernel
def rows_of_move(by_bond, spins, sites):
    """Row of a move, and of its second site where there is one without a row for both."""
    if by_bond:
        return _row_number(spins, sites[2], sites[0]), -1
    first = _row_number(spins, sites[0], sites[0])
    return first, _row_number(spins, sites[1], sites[1]) if sites[1] >= 0 else -1


@parallel_kernel
def _run_chains(
    split, spins, rng, beta, move, bonds, by_bond, rows, scales, may_overflow, hidden_bias, weights,
    n_discard, sweep_size, samples, accepted,
):  # fmt: skip
    n_chains, n_draws, n_sites = samples.shape
    n_units = rows.shape[2]
    for chain in prange(n_chains):
        units = aligned_doubles((1 + len(split)) * n_units).reshape((1 + len(split), n_units))
        identity = np.empty((1, len(split), n_units))
        for k in range(n_units):
            for p in split:
                identity[0, p, k] = 1.0 - p
        inverse_den = np.empty(LANES)
        num = np.empty(LANES)
        sites = np.empty(3, dtype=np.int64)
        sigma = spins[chain]
        stream = rng[chain]
        exponent = beta[chain]
        count = 0
        age = REFRESH
        for draw in range(-n_discard, n_draws):
            for _ in range(sweep_size):
                if age >= REFRESH:
                    refresh_units(split, sigma, hidden_bias, weights, units)
                    fill_denominators(split, units, identity, inverse_den, num)
                    age = 0
                age += 1
                if not propose(move, sigma, stream, bonds, sites):
                    continue
                first, second = rows_of_move(by_bond, sigma, sites)
                ratio = norm_ratio(
                    split, units, rows, first, second, scales, inverse_den, may_overflow, num
                )
                if metropolis_accepts(ratio, uniform(stream), exponent):
                    count += 1
                    sigma[sites[0]] = -sigma[sites[0]]
                    if sites[1] >= 0:
                        sigma[sites[1]] = -sigma[sites[1]]
                    healthy = commit(split, units, rows, first, second, num, inverse_den)
                    if may_overflow or not healthy:
                        age = REFRESH
            if draw >= 0:
                for i in range(n_sites):
                    samples[chain, draw, i] = sigma[i]
        accepted[chain] = count


@parallel_kernel
def multiply_pairs(split, rows, pairs, out):
    """out[k] = rows[pairs[k, 0]] * rows[pairs[k, 1]]."""
    for k in prange(len(pairs)):
        multiply_rows(split, rows[pairs[k, 0]], rows[pairs[k, 1]], out[k])


def exchange_table_pays(tables, bonds, proposals):
    """Whether a table of exchanges is small, safe and made in less time than it saves.

    ``proposals`` are those of one chain, not of all: results must not depend on how chains are
    divided between ranks.
    """
    n_rows = 2 * len(bonds)
    small = n_rows * tables.rows[0].nbytes <= LARGEST_TABLE
    return small and n_rows <= proposals and not tables.may_overflow


def exchange_rows(tables, bonds):
    """Rows and log C of exchanges, a table by bonds (B, 2).

    Row 2 b belongs to bond b = (i, j) while sigma_i = +1 and sigma_j = -1, row 2 b + 1 to the
    opposite.
    """
    pairs = (2 * bonds[:, None, :] + np.array([[0, 1], [1, 0]])).reshape(-1, 2)
    rows = aligned_empty((len(pairs), *tables.rows.shape[1:]), float)
    multiply_pairs(tables.split, tables.rows, pairs, rows)
    return rows, tables.scales[0][pairs].sum(axis=1)


def sample(
    spins, rng, beta, move, bonds, tables, hidden_bias, weights, n_discard, sweep_size, samples
):
    """Run every chain: discard ``n_discard`` sweeps, then record one configuration per sweep.

    Parameters
    ----------
    spins : int8 (n_chains, N)
        Current configurations, updated in place.
    rng : uint64 (n_chains, 4)
        Random streams, updated in place.
    beta : float64 (n_chains,)
        Each chain samples |psi|^(2 beta).
    move : int
        FLIP, BOND_EXCHANGE, PAIR_EXCHANGE or MIXED.
    bonds : int64 (n_bonds, 2)
    tables : rbmqs.core.tables.FlipTables
    hidden_bias, weights : float64 (parts, M), (parts, N, M)
    samples : int8 (n_chains, n_draws, N)
        Filled with the recorded configurations.

    Returns
    -------
    int64 (n_chains,)
        Accepted moves, discarded sweeps included.
    """
    accepted = np.zeros(len(spins), dtype=np.int64)
    proposals = (n_discard + samples.shape[1]) * sweep_size
    by_bond = move == BOND_EXCHANGE and exchange_table_pays(tables, bonds, proposals)
    if by_bond:
        rows, log_scale = exchange_rows(tables, bonds)
    else:
        rows, log_scale = tables.rows, tables.scales[0]
    _run_chains(
        tables.split, spins, rng, beta, move, bonds, by_bond, rows, norm_scales(log_scale),
        tables.may_overflow, hidden_bias, weights, n_discard, sweep_size, samples, accepted,
    )  # fmt: skip
    return accepted
