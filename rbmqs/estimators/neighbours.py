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

from rbmqs.estimators.local import local_energies
from rbmqs.sampling.chains import Samples

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian
    from rbmqs.states.state import VariationalState

N_PAIRS = 512


def neighbour_variance(
    psi: VariationalState, hamiltonian: SpinHamiltonian, samples: Samples, energy: float
) -> float:
    """Variance of the energy from connected configurations of some of the samples.

    0 for a Hamiltonian without off-diagonal elements in its sector.
    """
    connections = hamiltonian.connections
    n_flips = len(connections.flip_ptr) - 1
    if n_flips == 0:
        return 0.0
    rng = np.random.default_rng(0)
    rows = samples.flat[rng.integers(len(samples.flat), size=N_PAIRS)]
    moved = rows.copy()
    for row, flip in zip(moved, rng.integers(n_flips, size=N_PAIRS), strict=True):
        start, end = connections.flip_ptr[flip : flip + 2]
        row[connections.flip_sites[start:end]] *= -1
    if hamiltonian.total_sz is not None:
        inside = moved.sum(axis=1) == rows.sum(axis=1)
        rows, moved = rows[inside], moved[inside]
    if len(rows) == 0:
        return 0.0
    log_ratio = psi.log_psi(moved).real - psi.log_psi(rows).real
    deviations = local_energies(psi, hamiltonian, Samples(moved[:, None], 1.0)).ravel() - energy
    with np.errstate(over="ignore"):
        return float(np.mean(np.exp(2 * log_ratio) * np.abs(deviations) ** 2))
