"""Sampling and local values of any wavefunction from its logarithm alone.

`log_psi` is called on many configurations at once; a wavefunction that can do better overrides
`sweep` and `add_off_diagonal` of `rbmqs.states.state.VariationalState`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hamiltonians.operators.level_connections import LevelConnections, rows_of
from rbmqs.core.proposals import accept_all, propose_all, propose_all_levels

if TYPE_CHECKING:
    from hamiltonians.operators.connections import Connections
    from hamiltonians.operators.local_space import LocalSpace

AT_ONCE = 2**13  # configurations handed to log_psi or log_derivatives in one call

LogPsi = Callable[[np.ndarray], np.ndarray]


class SweepTask(NamedTuple):
    """Chains and how far they go; kernels take the first five before their tables, the rest after.

    Attributes
    ----------
    spins : ndarray, shape (n_chains, N), int8
        Updated in place.
    rng : ndarray, shape (n_chains, 4), uint64
        Random streams, updated in place.
    beta : ndarray, shape (n_chains,), float64
        Each chain samples |psi|^(2 beta).
    move : int
        A code of `rbmqs.core.proposals`.
    bonds : ndarray, shape (n_bonds, 2), int64
    n_discard, sweep_size : int
        Sweeps that are not recorded, and proposals a sweep.
    drawn : ndarray, shape (n_chains, n_draws, N), int8
        Filled with the recorded configurations.
    """

    spins: np.ndarray
    rng: np.ndarray
    beta: np.ndarray
    move: int
    bonds: np.ndarray
    n_discard: int
    sweep_size: int
    drawn: np.ndarray


def metropolis_sweep(log_psi: LogPsi, task: SweepTask, top: int = 1) -> np.ndarray:
    """Move all chains in place, one proposal of each at a time; accepted moves, int64 (n_chains,).

    A chain takes the same path as in the kernels, but for ratios that differ by rounding. Spins
    have 2 S_z from -top to top.
    """
    spins, n_chains = task.spins, len(task.spins)
    log_norms = 2 * np.real(log_psi(spins))
    counts = np.zeros(n_chains, dtype=np.int64)
    sites = np.empty((n_chains, 3 if top == 1 else 4), dtype=np.int64)
    proposed = np.empty(n_chains, dtype=bool)
    for draw in range(-task.n_discard, task.drawn.shape[1]):
        for _ in range(task.sweep_size):
            if top == 1:
                propose_all(task.move, spins, task.rng, task.bonds, sites, proposed)
            else:
                propose_all_levels(task.move, spins, task.rng, task.bonds, top, sites, proposed)
            chains = np.flatnonzero(proposed)
            if not len(chains):
                continue
            moved = _moved(spins[chains], sites[chains])
            new = 2 * np.real(log_psi(moved))
            with np.errstate(over="ignore", invalid="ignore"):  # two zeros of psi: nan, no move
                ratios = np.exp(new - log_norms[chains])
            accepted = np.empty(len(chains), dtype=bool)
            accept_all(ratios, chains, task.rng, task.beta, accepted)
            chains = chains[accepted]
            spins[chains], log_norms[chains] = moved[accepted], new[accepted]
            counts[chains] += 1
        if draw >= 0:
            task.drawn[:, draw] = spins
    return counts


def _moved(spins: np.ndarray, sites: np.ndarray) -> np.ndarray:
    """Copies of spins (n, N) with one site each moved, or two where the second is not negative.

    Spins of S > 1/2 have their new values in the columns of ``sites`` after the two sites.
    """
    rows, both = np.arange(len(spins)), sites[:, 1] >= 0
    places = (rows, sites[:, 0]), (rows[both], sites[both, 1])
    if sites.shape[1] == 3:
        for place in places:
            spins[place] *= -1
    else:
        spins[places[0]], spins[places[1]] = sites[:, 2], sites[both, 3]
    return spins


def diagonal_of_levels(
    sigma: np.ndarray, connections: LevelConnections, space: LocalSpace
) -> np.ndarray:
    """Diagonal elements of spins of any S, complex (n_samples,)."""
    numbers = rows_of(connections, space.levels(sigma))
    return (connections.constant + connections.diag[numbers].sum(axis=1)).astype(complex)


def add_levels(
    log_psi: LogPsi,
    sigma: np.ndarray,
    log_sigma: np.ndarray,
    connections: LevelConnections,
    space: LocalSpace,
    fixed_sector: bool,
    per_group: bool,
    out: np.ndarray,
) -> None:
    """`add_off_diagonal` of spins of any S; columns of ``out`` are groups of sites."""
    c = connections
    n_rows = max(1, AT_ONCE // max(1, c.max_elements))
    for start in range(0, len(sigma), n_rows):
        spins = sigma[start : start + n_rows]
        numbers = rows_of(c, space.levels(spins))
        found = []
        pairs = ((g, r) for g, own in enumerate(numbers.T) for r in np.unique(own).tolist())
        for g, r in pairs:
            which = np.flatnonzero(numbers[:, g] == r)
            for e in range(c.row_ptr[r], c.row_ptr[r + 1]):
                changes = slice(c.change_ptr[e], c.change_ptr[e + 1])
                if fixed_sector and c.change_by[changes].sum():
                    continue
                moved = spins[which]
                moved[:, c.group_sites[c.group_ptr[g] + c.change_at[changes]]] += c.change_by[
                    changes
                ]
                found.append((which, np.full(len(which), g), np.full(len(which), c.mel[e]), moved))
        if not found:
            continue
        rows, groups, elements, moved = map(np.concatenate, zip(*found, strict=True))
        with np.errstate(over="ignore", invalid="ignore"):  # inf where a ratio is out of range
            terms = elements * np.exp(in_chunks(log_psi, moved) - log_sigma[start + rows])
        np.add.at(out, (start + rows, groups if per_group else np.zeros_like(groups)), terms)


def add_off_diagonal(
    log_psi: LogPsi,
    sigma: np.ndarray,
    log_sigma: np.ndarray,
    connections: Connections,
    fixed_sector: bool,
    per_flip: bool,
    out: np.ndarray,
) -> None:
    """See `rbmqs.states.state.VariationalState.add_off_diagonal`; log_sigma is log psi(sigma)."""
    c = connections
    n_flips = len(c.flip_ptr) - 1
    if n_flips == 0:
        return
    is_flipped = _members(c.flip_ptr, c.flip_sites, c.n_sites)
    has_sign = _members(c.z_ptr, c.z_sites, c.n_sites)
    turned = (1 - 2 * is_flipped).astype(np.int8)
    n_rows = max(1, AT_ONCE // n_flips)
    for start in range(0, len(sigma), n_rows):
        spins = sigma[start : start + n_rows]
        signs = 1 - 2 * ((spins < 0) @ has_sign.T % 2)
        elements = np.add.reduceat(signs * c.coef, c.term_ptr[:-1], axis=1)
        if fixed_sector:
            elements[spins @ is_flipped.T != 0] = 0
        rows, flips = np.nonzero(elements)
        if not len(rows):
            continue
        logs = log_psi(spins[rows] * turned[flips])
        with np.errstate(over="ignore", invalid="ignore"):  # inf where a ratio is out of range
            terms = elements[rows, flips] * np.exp(logs - log_sigma[start + rows])
        columns = flips if per_flip else np.zeros_like(flips)
        np.add.at(out, (start + rows, columns), terms)


def _members(ptr: np.ndarray, sites: np.ndarray, n_sites: int) -> np.ndarray:
    """1 where a set, a compressed row, holds a site, else 0; float64 (n_sets, N)."""
    table = np.zeros((len(ptr) - 1, n_sites))
    table[np.repeat(np.arange(len(table)), np.diff(ptr)), sites] = 1
    return table


def in_chunks(function: LogPsi, sigma: np.ndarray, n_rows: int = AT_ONCE) -> np.ndarray:
    """The rows that a function gives for configurations (n, N), `n_rows` of them at a time."""
    if len(sigma) <= n_rows:
        return function(sigma)
    starts = range(0, len(sigma), n_rows)
    return np.concatenate([function(sigma[start : start + n_rows]) for start in starts])
