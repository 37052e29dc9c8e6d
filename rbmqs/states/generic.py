"""Sampling and local values of any wavefunction from its logarithm alone.

`log_psi` is called on many configurations at once; a wavefunction that can do better overrides
`sweep` and `add_off_diagonal` of `rbmqs.states.state.VariationalState`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rbmqs.core.proposals import accept_all, propose_all

if TYPE_CHECKING:
    from hamiltonians.operators.connections import Connections

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


def metropolis_sweep(log_psi: LogPsi, task: SweepTask) -> np.ndarray:
    """Move all chains in place, one proposal of each at a time; accepted moves, int64 (n_chains,).

    A chain takes the same path as in the kernels, but for ratios that differ by rounding.
    """
    spins, n_chains = task.spins, len(task.spins)
    log_norms = 2 * np.real(log_psi(spins))
    counts = np.zeros(n_chains, dtype=np.int64)
    sites = np.empty((n_chains, 3), dtype=np.int64)
    proposed = np.empty(n_chains, dtype=bool)
    for draw in range(-task.n_discard, task.drawn.shape[1]):
        for _ in range(task.sweep_size):
            propose_all(task.move, spins, task.rng, task.bonds, sites, proposed)
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
    """Copies of spins (n, N) with one site each turned, or two where the second is not negative."""
    rows = np.arange(len(spins))
    spins[rows, sites[:, 0]] *= -1
    both = sites[:, 1] >= 0
    spins[rows[both], sites[both, 1]] *= -1
    return spins


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
