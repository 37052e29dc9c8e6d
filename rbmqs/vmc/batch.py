"""What an iteration knows of its wavefunction: configurations, local energies, weights."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from rbmqs.estimators.error_bars import quick_statistics
from rbmqs.estimators.stats import Stats
from rbmqs.vmc.extensions.probe_chains import OutlyingSamples

if TYPE_CHECKING:
    from rbmqs.sr import Jacobian
    from rbmqs.states.state import VariationalState


@dataclass(frozen=True, eq=False)
class Batch:
    """Local energies of samples, or of all configurations.

    Parameters
    ----------
    spins : int8 (n, N)
    pairs : array
        `psi.prepare(spins)`.
    local_energies : complex array (n,)
    energy : Stats
    acceptance : float
        Share of accepted proposals; 1 for a sum over all configurations.
    weights : float64 (n,) or None
        With mean one; None where all count alike.
    summed : bool
        Whether these are all configurations.
    n_outlying : int
        How many of them, the last ones, are of probe chains.
    n_stuck : int
        Chains whose samples were left out.
    """

    spins: np.ndarray
    pairs: np.ndarray
    local_energies: np.ndarray
    energy: Stats
    acceptance: float
    weights: np.ndarray | None = None
    summed: bool = False
    n_outlying: int = 0
    n_stuck: int = 0

    def without(self, stuck: np.ndarray) -> Batch:
        """The same without the samples of some chains, bool (n_chains,); the energy too."""
        n_chains, n_draws = len(stuck), len(self.spins) // len(stuck)
        kept = np.repeat(~stuck, n_draws)
        energies = self.local_energies.reshape(n_chains, n_draws)[~stuck]
        return replace(
            self,
            spins=self.spins[kept],
            pairs=self.pairs[kept],
            local_energies=energies.ravel(),
            energy=quick_statistics(energies),
            n_stuck=int(stuck.sum()),
        )

    def joined_by(self, psi: VariationalState, outlying: OutlyingSamples) -> Batch:
        """The same with probe chains for the equations; the energy stays that of the samples."""
        return replace(
            self,
            spins=np.concatenate([self.spins, outlying.spins]),
            pairs=np.concatenate([self.pairs, psi.prepare(outlying.spins)]),
            local_energies=np.concatenate([self.local_energies, outlying.local_energies]),
            weights=outlying.weights(len(self.spins)),
            n_outlying=len(outlying),
        )

    def jacobian(self, psi: VariationalState) -> Jacobian:
        """Log-derivatives at the configurations, with their weights."""
        return psi.jacobian(self.spins, self.pairs, self.weights)
