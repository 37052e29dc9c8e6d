"""Spins of any S: tables of moves (site, from, to), local values and Metropolis chains.

A site is in one of d levels, k = S - S_z. With numbers V[i, k, j] for each level, a hidden unit has
the angle theta_j = b_j + sum_i V[i, k_i, j], and a move of site i from level k to l multiplies
z_j = exp(2 theta_j) by q_j = exp(2 (V[i, l, j] - V[i, k, j])): row (i d + k) d + l of the tables.
All else is as for flips of spins 1/2 (`rbmqs.core.metropolis`, `rbmqs.core.amplitude`).
"""

import cmath

import numpy as np
from numba import prange

from hamiltonians.core.jit import (
    exact_kernel,
    inlined_kernel,
    parallel_exact_kernel,
    parallel_kernel,
)
from rbmqs.core.aligned import aligned_empty
from rbmqs.core.local_energy import log_product
from rbmqs.core.metropolis import (
    REFRESH,
    commit,
    fill_denominators,
    multiply_rows,
    norm_ratio,
    norm_scales,
    units_of_angles,
)
from rbmqs.core.projected import ratio_of_rows
from rbmqs.core.proposals import metropolis_accepts, propose_levels
from rbmqs.core.random import uniform
from rbmqs.core.simd import LANES, RANGE, padded_units
from rbmqs.core.split_complex import split_numbers
from rbmqs.core.tables import LARGEST_LOG, WIDE, FlipTables, with_exponentials


def level_tables(level_bias, hidden_bias, level_weights):
    """`FlipTables` with a row for each move of a site between levels, staying included.

    level_bias : (N, d), added to log psi; hidden_bias : (M,); level_weights : (N, d, M), V
    """
    n_sites, d, n_hidden = level_weights.shape
    n_units, split = padded_units(n_hidden), split_numbers(level_weights)
    rows = aligned_empty((n_sites * d * d, len(split), n_units), float)
    rows[:, 0, n_hidden:], rows[:, 1:, n_hidden:] = 1.0, 0.0
    change = level_weights[:, None] - level_weights[:, :, None]  # (N, from, to, M)
    change = change.reshape(-1, n_hidden)
    with np.errstate(over="ignore", invalid="ignore"):
        q = np.exp(2.0 * change)
        rows[:, 0, :n_hidden] = q.real
        if len(split) == 2:
            rows[:, 1, :n_hidden] = q.imag
    logs = np.zeros((len(rows), n_units))
    np.abs(2.0 * change.real, out=logs[:, :n_hidden])
    of_lanes = logs.reshape(n_sites, d * d, -1, LANES).sum(axis=2)
    largest_exponent = of_lanes.max(axis=(1, 2))
    largest_angle = (abs(hidden_bias.real) + abs(level_weights.real).max(axis=1).sum(axis=0)).max()
    may_overflow = not (4.0 * largest_exponent.max() < RANGE and largest_angle < WIDE)
    log_scale = (level_bias[:, None] - level_bias[:, :, None]).ravel() - change.sum(axis=1)
    scales = with_exponentials(log_scale.astype(complex), LARGEST_LOG)
    return FlipTables(rows, scales, largest_exponent, split, may_overflow)


@inlined_kernel
def _first_element(spins, s, g, connections, top):
    """Row of group g of `LevelConnections` on sample s."""
    row = connections.first_row[g]
    for p in range(connections.group_ptr[g], connections.group_ptr[g + 1]):
        level = (top - np.intp(spins[s, connections.group_sites[p]])) >> 1
        row += connections.strides[p] * level
    return row


@parallel_kernel
def diagonal_of_levels(spins, connections, top):
    """Diagonal elements of every sample (n_samples, N), complex128."""
    values = np.empty(spins.shape[0], dtype=np.complex128)
    for s in prange(spins.shape[0]):
        total = connections.constant
        for g in range(connections.first_row.shape[0]):
            total += connections.diag[_first_element(spins, s, g, connections, top)]
        values[s] = total
    return values


@parallel_exact_kernel
def add_levels(spins, cache, tables, connections, top, fixed_sector, per_group, out):
    """Add sum_sigma' <sigma|O|sigma'> psi(sigma')/psi(sigma), sigma' != sigma, of every sample.

    Parameters
    ----------
    spins : int8 (n_samples, N)
        Twice S_z, from -top to top.
    cache, tables
        As in `rbmqs.core.local_energy.add_off_diagonal`; tables from `level_tables`.
    connections : hamiltonians.operators.LevelConnections
    top : int
        2 S.
    fixed_sector : bool
        Whether amplitudes outside the samples' sector of S_z count as zero.
    per_group : bool
        Whether each group of sites has a column of its own.
    out : complex128 (n_samples, 1), or (n_samples, n_groups) if per_group
    """
    rows, scales, split = tables.rows, tables.scales, tables.split
    may_overflow = tables.may_overflow  # a tuple within a tuple cannot enter the loop
    group_ptr, group_sites = connections.group_ptr, connections.group_sites
    change_ptr, n_groups = connections.change_ptr, connections.first_row.shape[0]
    d, most = top + 1, 0
    for e in range(change_ptr.shape[0] - 1):
        most = max(most, change_ptr[e + 1] - change_ptr[e])
    for s in prange(spins.shape[0]):
        scratch = np.empty((len(split), rows.shape[2]))
        moves = np.empty(max(most, 2), dtype=np.intp)
        for g in range(n_groups):
            start, total = group_ptr[g], 0j
            row = _first_element(spins, s, g, connections, top)
            for e in range(connections.row_ptr[row], connections.row_ptr[row + 1]):
                count, moment, log_scale = 0, 0, 0j
                moves[1] = -1
                for c in range(change_ptr[e], change_ptr[e + 1]):
                    site = group_sites[start + connections.change_at[c]]
                    by = np.intp(connections.change_by[c])
                    level = (top - np.intp(spins[s, site])) >> 1
                    moves[count] = (site * d + level) * d + level - (by >> 1)
                    log_scale += scales[0, moves[count]]
                    moment += by
                    count += 1
                if fixed_sector and moment != 0:
                    continue
                if count <= 2:
                    ratio = ratio_of_rows(
                        split, cache, s, rows, moves[0], moves[1], scales, may_overflow, scratch,
                    )  # fmt: skip
                else:
                    scratch[:] = rows[moves[0]]
                    for p in range(1, count):
                        multiply_rows(split, scratch, rows[moves[p]], scratch)
                    ratio = cmath.exp(log_product(split, cache, s, scratch) + log_scale)
                total += connections.mel[e] * ratio
            out[s, g if per_group else 0] += total


@exact_kernel
def refresh_levels(split, spins, hidden_bias, level_weights, units):
    """`refresh_units` of a chain from its levels; level_weights : (parts, N, d, M)."""
    n_hidden, top = hidden_bias.shape[1], level_weights.shape[2] - 1
    theta = np.empty(hidden_bias.shape)
    for p in split:
        for j in range(n_hidden):
            theta[p, j] = hidden_bias[p, j]
        for i in range(spins.shape[0]):
            level = (top - np.intp(spins[i])) >> 1
            for j in range(n_hidden):
                theta[p, j] += level_weights[p, i, level, j]
    units_of_angles(split, theta, units)


@inlined_kernel
def _row(spins, site, value, d):
    """Row of the move of a site to another value."""
    level, to = (d - 1 - np.intp(spins[site])) >> 1, (d - 1 - np.intp(value)) >> 1
    return (site * d + level) * d + to


@parallel_kernel
def _run_chains(
    split, spins, rng, beta, move, bonds, rows, scales, may_overflow, hidden_bias, level_weights,
    n_discard, sweep_size, samples, accepted,
):  # fmt: skip
    n_chains, n_draws, n_sites = samples.shape
    n_units, d = rows.shape[2], level_weights.shape[2]
    for chain in prange(n_chains):
        units = np.empty((1 + len(split), n_units))
        identity = np.empty((1, len(split), n_units))
        for k in range(n_units):
            for p in split:
                identity[0, p, k] = 1.0 - p
        inverse_den, num = np.empty(LANES), np.empty(LANES)
        move_to = np.empty(4, dtype=np.int64)
        sigma, stream, exponent = spins[chain], rng[chain], beta[chain]
        count, age = 0, REFRESH
        for draw in range(-n_discard, n_draws):
            for _ in range(sweep_size):
                if age >= REFRESH:
                    refresh_levels(split, sigma, hidden_bias, level_weights, units)
                    fill_denominators(split, units, identity, inverse_den, num)
                    age = 0
                age += 1
                if not propose_levels(move, sigma, stream, bonds, d - 1, move_to):
                    continue
                first, second = _row(sigma, move_to[0], move_to[2], d), -1
                if move_to[1] >= 0:
                    second = _row(sigma, move_to[1], move_to[3], d)
                ratio = norm_ratio(
                    split, units, rows, first, second, scales, inverse_den, may_overflow, num
                )
                if metropolis_accepts(ratio, uniform(stream), exponent):
                    count += 1
                    sigma[move_to[0]] = move_to[2]
                    if second >= 0:
                        sigma[move_to[1]] = move_to[3]
                    healthy = commit(split, units, rows, first, second, num, inverse_den)
                    if may_overflow or not healthy:
                        age = REFRESH
            if draw >= 0:
                for i in range(n_sites):
                    samples[chain, draw, i] = sigma[i]
        accepted[chain] = count


def sample_levels(
    spins, rng, beta, move, bonds, tables, hidden_bias, level_weights, n_discard, sweep_size,
    samples,
):  # fmt: skip
    """`rbmqs.core.metropolis.sample` of spins of any S; level_weights : (parts, N, d, M)."""
    accepted = np.zeros(len(spins), dtype=np.int64)
    _run_chains(
        tables.split, spins, rng, beta, move, bonds, tables.rows, norm_scales(tables.scales[0]),
        tables.may_overflow, hidden_bias, level_weights, n_discard, sweep_size, samples, accepted,
    )  # fmt: skip
    return accepted
