"""Metropolis sampling of |psi|^2 with look-up tables, chains shared between threads.

A chain holds each hidden unit as (c, z) with z/c = exp(2 theta), c real and the larger of |c|,
|z| equal to one when the pair was last made. Then

    |psi(sigma')/psi(sigma)|^2 = |C_F|^2 prod_l num_l / den_l,
    num_l = prod_{k in lane l} |c_k + z_k q_k|^2,   den_l = num_l at q = 1,

and an accepted move is one multiplication per unit, z_k <- z_k q_k, with den <- num. Keeping c
apart costs one load a unit and saves the renormalisation of products such as prod (1 + z_k),
which leave the double range at a few hundred units. Every ``REFRESH`` proposals the pairs are
made again from the spins, which bounds the drift of rounding (below 1e-12, tested).

Where a product leaves the range of doubles, the ratio is taken again by logarithms. Where it
could sink out of the range and return with digits lost, or z_k could underflow on its way (rows
steeper than `rbmqs.core.lanes.STEEP`, |Re theta| above ``WIDE``), ratios are always taken by
logarithms and the pairs made again after every accepted move: slow, for weights beyond 5 or so.
"""

import math

import numba
import numpy as np
from numba import prange

from hamiltonians.core.jit import exact_kernel, kernel, parallel_kernel
from rbmqs.core.lanes import ROWS, STEEP, real_fold, steepness
from rbmqs.core.random import below, uniform

REFRESH = 4096
WIDE = 200.0
_TINY, _HUGE = 1e-200, 1e200


@exact_kernel
def refresh_units(spins, hidden_bias, weights, units):
    """Pairs (c, z) of one chain from its spins.

    spins : int8 (N,); hidden_bias : (planes, M); weights : (planes, N, M);
    units : float64 (1 + planes, padded M), planes c, Re z[, Im z].
    """
    n_sites = spins.shape[0]
    planes, n_hidden = hidden_bias.shape
    theta = hidden_bias.copy()
    for p in range(planes):
        for i in range(n_sites):
            if spins[i] > 0:
                for j in range(n_hidden):
                    theta[p, j] += weights[p, i, j]
            else:
                for j in range(n_hidden):
                    theta[p, j] -= weights[p, i, j]
    units[0, n_hidden:] = 1.0
    units[1:, n_hidden:] = 0.0
    for j in range(n_hidden):
        excess = max(theta[0, j], 0.0)
        units[0, j] = math.exp(-2.0 * excess)
        size = math.exp(2.0 * (theta[0, j] - excess))
        if planes == 2:
            units[1, j] = size * math.cos(2.0 * theta[1, j])
            units[2, j] = size * math.sin(2.0 * theta[1, j])
        else:
            units[1, j] = size


@kernel
def lane_norms(units, table, num):
    """num[l] = prod over the units k of lane l of |c_k + z_k q_k|^2."""
    n_lanes = numba.uint64(num.shape[0])
    if table.shape[0] == 2:
        for lane in range(n_lanes):
            product = 1.0
            for row in range(numba.uint64(ROWS)):
                k = row * n_lanes + lane
                f_re = units[0, k] + units[1, k] * table[0, k] - units[2, k] * table[1, k]
                f_im = units[1, k] * table[1, k] + units[2, k] * table[0, k]
                product *= f_re * f_re + f_im * f_im
            num[lane] = product
    else:
        for lane in range(n_lanes):
            product = 1.0
            for row in range(numba.uint64(ROWS)):
                k = row * n_lanes + lane
                product *= units[0, k] + units[1, k] * table[0, k]
            num[lane] = product * product


@kernel
def multiply_rows(first, second, out):
    """out = first * second, elementwise on planes (Re, Im) or (real,)."""
    n = numba.uint64(first.shape[1])
    if first.shape[0] == 2:
        for k in range(n):
            re = first[0, k] * second[0, k] - first[1, k] * second[1, k]
            im = first[0, k] * second[1, k] + first[1, k] * second[0, k]
            out[0, k] = re
            out[1, k] = im
    else:
        for k in range(n):
            out[0, k] = first[0, k] * second[0, k]


@kernel
def _accept(units, table):
    """z <- z q."""
    multiply_rows(units[1:], table, units[1:])


@exact_kernel
def _log_norm_ratio(units, table):
    """log prod_k |c_k + z_k q_k|^2 / |c_k + z_k|^2, unit by unit."""
    total = 0.0
    for k in range(units.shape[1]):
        if table.shape[0] == 2:
            new = math.hypot(
                units[0, k] + units[1, k] * table[0, k] - units[2, k] * table[1, k],
                units[1, k] * table[1, k] + units[2, k] * table[0, k],
            )
            old = math.hypot(units[0, k] + units[1, k], units[2, k])
        else:
            new = abs(units[0, k] + units[1, k] * table[0, k])
            old = abs(units[0, k] + units[1, k])
        total += 2.0 * (math.log(new) - math.log(old))
    return total


@exact_kernel
def _probability_ratio(product, log_scale, units, table):
    """|psi'/psi|^2 from the folded product of lanes; by logarithms where that left the range."""
    if _TINY < product < _HUGE and abs(log_scale) < 400.0:
        return product * math.exp(log_scale)
    return math.exp(_log_norm_ratio(units, table) + log_scale)


@kernel
def norm_ratio(units, table, log_scale, inverse_den, wild, num, fold):
    """|psi(sigma')/psi(sigma)|^2 of the flip whose row is ``table``; leaves num_l in ``num``."""
    lane_norms(units, table, num)
    if wild:
        return _probability_ratio(0.0, log_scale, units, table)
    for lane in range(num.shape[0]):
        fold[lane] = num[lane] * inverse_den[lane]
    return _probability_ratio(real_fold(fold), log_scale, units, table)


@exact_kernel
def is_wild(table, hidden_bias, weights):
    """Whether weights are so large that products may sink out of the range of doubles."""
    if not 4.0 * steepness(table).max() < STEEP:  # two sites a move, norms squared
        return True
    for j in range(hidden_bias.shape[1]):
        angle = abs(hidden_bias[0, j])
        for i in range(weights.shape[1]):
            angle += abs(weights[0, i, j])
        if not angle < WIDE:
            return True
    return False


@exact_kernel
def metropolis_accepts(ratio, random_number):
    """The acceptance rule: accept with probability min(1, ratio); a NaN is never accepted."""
    return random_number < ratio


@kernel
def _reset(spins, hidden_bias, weights, units, identity, inverse_den):
    """Fresh pairs and denominators of one chain."""
    refresh_units(spins, hidden_bias, weights, units)
    lane_norms(units, identity, inverse_den)
    for lane in range(inverse_den.shape[0]):
        inverse_den[lane] = 1.0 / inverse_den[lane]


@kernel
def _commit(units, table, num, inverse_den):
    """Accepted move: z <- z q, den <- num. False when a denominator nears the range's end."""
    _accept(units, table)
    healthy = True
    for lane in range(num.shape[0]):
        inverse_den[lane] = 1.0 / num[lane]
        healthy &= _TINY < num[lane] < _HUGE
    return healthy


@kernel
def _propose_flip(spins, rng, sites):
    """A uniformly chosen site."""
    sites[0] = below(rng, spins.shape[0])
    return True


@kernel
def _propose_bond(spins, rng, bonds, sites):
    """A uniformly chosen bond; False where its spins are parallel (exchange changes nothing)."""
    bond = below(rng, bonds.shape[0])
    sites[0] = bonds[bond, 0]
    sites[1] = bonds[bond, 1]
    return spins[sites[0]] != spins[sites[1]]


@kernel
def _propose_pair(spins, rng, sites):
    """Two uniformly chosen sites; False where their spins are parallel or the sites equal."""
    sites[0] = below(rng, spins.shape[0])
    sites[1] = below(rng, spins.shape[0])
    return spins[sites[0]] != spins[sites[1]]


FLIP, BOND_EXCHANGE, PAIR_EXCHANGE = 0, 1, 2


@kernel
def _propose(move, spins, rng, bonds, sites):
    if move == FLIP:
        return _propose_flip(spins, rng, sites)
    if move == BOND_EXCHANGE:
        return _propose_bond(spins, rng, bonds, sites)
    return _propose_pair(spins, rng, sites)


@kernel
def _row_of_move(move, spins, sites, table, log_scale, pair_row):
    """Table row and log |C_F|^2 of the proposed move; exchange rows are multiplied here."""
    s0 = numba.intp(spins[sites[0]] < 0)
    if move == FLIP:
        return table[sites[0], s0], 2.0 * log_scale[sites[0], s0]
    s1 = 1 - s0
    multiply_rows(table[sites[0], s0], table[sites[1], s1], pair_row)
    return pair_row, 2.0 * (log_scale[sites[0], s0] + log_scale[sites[1], s1])


@parallel_kernel
def sample(
    spins, rng, move, bonds, table, log_scale, hidden_bias, weights, n_discard, sweep_size, samples
):
    """Run every chain: discard ``n_discard`` sweeps, then record one configuration per sweep.

    Parameters
    ----------
    spins : int8 (n_chains, N)
        Current configurations, updated in place.
    rng : uint64 (n_chains, 4)
        Random streams, updated in place.
    move : int
        FLIP, BOND_EXCHANGE or PAIR_EXCHANGE.
    bonds : int64 (n_bonds, 2)
    table, log_scale
        From `rbmqs.core.tables.flip_tables`, log_scale its real part.
    hidden_bias, weights : float64 (planes, M), (planes, N, M)
    samples : int8 (n_chains, n_draws, N)
        Filled with the recorded configurations.

    Returns
    -------
    int64 (n_chains,)
        Accepted moves, discarded sweeps included.
    """
    n_chains, n_draws = samples.shape[:2]
    planes, n_units = table.shape[2], table.shape[3]
    accepted = np.zeros(n_chains, dtype=np.int64)
    wild = is_wild(table, hidden_bias, weights)
    for chain in prange(n_chains):
        units = np.empty((1 + planes, n_units))
        pair_row = np.empty((planes, n_units))
        identity = np.zeros((planes, n_units))
        identity[0] = 1.0
        inverse_den = np.empty(n_units // ROWS)
        num = np.empty(n_units // ROWS)
        fold = np.empty(n_units // ROWS)
        sites = np.zeros(2, dtype=np.int64)
        sigma = spins[chain]
        stream = rng[chain]
        count = 0
        age = REFRESH
        for draw in range(-n_discard, n_draws):
            for _ in range(sweep_size):
                if age >= REFRESH:
                    _reset(sigma, hidden_bias, weights, units, identity, inverse_den)
                    age = 0
                age += 1
                if not _propose(move, sigma, stream, bonds, sites):
                    continue
                row, log_c = _row_of_move(move, sigma, sites, table, log_scale, pair_row)
                ratio = norm_ratio(units, row, log_c, inverse_den, wild, num, fold)
                if metropolis_accepts(ratio, uniform(stream)):
                    count += 1
                    sigma[sites[0]] = -sigma[sites[0]]
                    if move != FLIP:
                        sigma[sites[1]] = -sigma[sites[1]]
                    if not _commit(units, row, num, inverse_den) or wild:
                        age = REFRESH
            if draw >= 0:
                samples[chain, draw] = sigma
        accepted[chain] = count
    return accepted
