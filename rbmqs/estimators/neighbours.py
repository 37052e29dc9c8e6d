"""The variance as the configurations next to the samples tell it.

Samples of |psi|^2 do not see configurations at which psi nearly vanishes and H psi does not: a
wavefunction that has collapsed onto a few configurations has equal local energies there. Let sigma
be drawn from |psi|^2 and sigma' be one of its connected configurations. Then

    |psi(sigma') / psi(sigma)|^2 |E_loc(sigma') - E|^2

has the variance as its mean where every configuration has as many connected ones, or one over their
number of it where only one of those of sigma' has weight; and it stays finite where psi(sigma')
goes to zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hamiltonians.operators.level_connections import LevelConnections, rows_of
from rbmqs.estimators.local import local_energies
from rbmqs.sampling.chains import Samples

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian
    from hamiltonians.operators.local_space import LocalSpace
    from rbmqs.states.state import VariationalState

N_PAIRS = 512


def neighbour_variance(
    psi: VariationalState, hamiltonian: SpinHamiltonian, samples: Samples, energy: float
) -> float:
    """Variance of the energy from connected configurations of some of the samples.

    0 for a Hamiltonian without off-diagonal elements in its sector. Ranks that divide the samples
    call this together.
    """
    connections, rng = hamiltonian.connections, np.random.default_rng(0)
    own, rows = samples.chosen(rng.integers(samples.n_all, size=N_PAIRS))
    if isinstance(connections, LevelConnections):
        rows, moved = _moved_levels(rows, own, connections, psi.hilbert, rng)
    else:
        n_flips = len(connections.flip_ptr) - 1
        if n_flips == 0:
            return 0.0
        moved = rows.copy()
        for row, flip in zip(moved, rng.integers(n_flips, size=N_PAIRS)[own], strict=True):
            start, end = connections.flip_ptr[flip : flip + 2]
            row[connections.flip_sites[start:end]] *= -1
    if hamiltonian.total_sz is not None:
        inside = moved.sum(axis=1) == rows.sum(axis=1)
        rows, moved = rows[inside], moved[inside]
    found = np.empty(0)
    if len(rows):
        log_ratio = psi.log_psi(moved).real - psi.log_psi(rows).real
        values = local_energies(psi, hamiltonian, Samples(moved[:, None], 1.0)).ravel()
        with np.errstate(over="ignore"):
            found = np.exp(2 * log_ratio) * np.abs(values - energy) ** 2
    mean = samples.mean(found)
    return 0.0 if mean is None else mean.real


def _moved_levels(
    rows: np.ndarray,
    own: np.ndarray,
    c: LevelConnections,
    space: LocalSpace,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Rows of spins of any S, and what an element of each leads to.

    Numbers are drawn for the rows of all ranks, of which `own` says which are here. The group of
    sites and the number of the element are drawn alike for all; rows without such an element are
    left out, so that a move and its reverse have one probability.
    """
    most = int(np.diff(c.row_ptr).max(initial=0))
    if most == 0:
        return rows[:0], rows[:0]
    groups = rng.integers(len(c.first_row), size=len(own))[own]
    places = rng.integers(most, size=len(own))[own]
    numbers = rows_of(c, space.levels(rows))[np.arange(len(rows)), groups]
    kept = np.flatnonzero(places < np.diff(c.row_ptr)[numbers])
    moved = rows.copy()
    for k in kept.tolist():
        e = c.row_ptr[numbers[k]] + places[k]
        changes = slice(c.change_ptr[e], c.change_ptr[e + 1])
        sites = c.group_sites[c.group_ptr[groups[k]] + c.change_at[changes]]
        moved[k, sites] += c.change_by[changes]
    return rows[kept], moved[kept]
