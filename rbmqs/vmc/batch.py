"""What an iteration knows of its wavefunction: configurations, local energies, weights."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from rbmqs.estimators.error_bars import quick_statistics
from rbmqs.estimators.stats import Stats

if TYPE_CHECKING:
    from rbmqs.sr import Jacobian
    from rbmqs.states.state import VariationalState


@dataclass(frozen=True, eq=False)
class Batch:
    """Local energies of samples, or of all configurations.

    Parameters
    ----------
    spins : int8 (n, N)
    cache : array
        `psi.prepare(spins)`.
    local_energies : complex array (n,)
    energy : Stats
    acceptance : float
        Share of accepted proposals; 1 for a sum over all configurations.
    weights : float64 (n,) or None
        With mean one; None where all count alike.
    summed : bool
        Whether these are all configurations.
    """

    spins: np.ndarray
    cache: Any
    local_energies: np.ndarray
    energy: Stats
    acceptance: float
    weights: np.ndarray | None = None
    summed: bool = False

    def without(self, stuck: np.ndarray) -> Batch:
        """The same without the samples of some chains, bool (n_chains,); the energy too."""
        n_chains, n_draws = len(stuck), len(self.spins) // len(stuck)
        kept = np.repeat(~stuck, n_draws)
        energies = self.local_energies.reshape(n_chains, n_draws)[~stuck]
        return replace(
            self,
            spins=self.spins[kept],
            cache=self.cache[kept],
            local_energies=energies.ravel(),
            energy=quick_statistics(energies),
        )

    def joined_by(
        self,
        psi: VariationalState,
        spins: np.ndarray,
        local_energies: np.ndarray,
        weights: np.ndarray,
    ) -> Batch:
        """The same with more configurations for the equations; the energy stays as it is.

        Parameters
        ----------
        spins : int8 (n_more, N)
        local_energies : array (n_more,)
        weights : float64 (n + n_more,)
            Of all, with mean one.
        """
        return replace(
            self,
            spins=np.concatenate([self.spins, spins]),
            cache=np.concatenate([self.cache, psi.prepare(spins)]),
            local_energies=np.concatenate([self.local_energies, local_energies]),
            weights=weights,
        )

    def jacobian(self, psi: VariationalState) -> Jacobian:
        """Log-derivatives at the configurations, with their weights."""
        return psi.jacobian(self.spins, self.cache, self.weights)
