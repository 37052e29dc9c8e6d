"""What an iteration knows of its wavefunction: configurations, local energies, weights."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from rbmqs.estimators.error_bars import quick_statistics
from rbmqs.estimators.stats import Stats
from rbmqs.sampling.chains import Division

if TYPE_CHECKING:
    from rbmqs.states.jacobian import Jacobian
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
    division : Division or None
        Where these are the configurations of one of several MPI ranks; the energy is that of all.
    series : complex array (n_chains, n_draws) or None
        Local energies of all ranks then.
    """

    spins: np.ndarray
    cache: Any
    local_energies: np.ndarray
    energy: Stats
    acceptance: float
    weights: np.ndarray | None = None
    summed: bool = False
    division: Division | None = None
    series: np.ndarray | None = None

    @cached_property
    def n_samples(self) -> int:
        """Configurations, those of other ranks too; all ranks ask together."""
        return (
            len(self.spins) if self.division is None else self.division.ranks.total(len(self.spins))
        )

    @property
    def by_chain(self) -> np.ndarray:
        """Local energies of samples by chain, those of other ranks too."""
        if self.series is not None:
            return self.series
        return self.local_energies.reshape(-1, self.energy.n_draws)

    def without(self, stuck: np.ndarray) -> Batch:
        """The same without the samples of some chains of all, bool (n_chains,); the energy too."""
        energies = self.by_chain[~stuck]
        own = stuck if self.division is None else stuck[self.division.mine]
        kept = np.repeat(~own, self.energy.n_draws)
        return replace(
            self,
            spins=self.spins[kept],
            cache=self.cache[kept],
            local_energies=self.local_energies[kept],
            energy=quick_statistics(energies),
            series=None if self.series is None else energies,
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
        jacobian = psi.jacobian(self.spins, self.cache, self.weights)
        return jacobian if self.division is None else jacobian.over(self.division.ranks)
