"""What an iteration knows of its wavefunction: configurations, local energies, weights."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from rbmqs.estimators.statistics import Stats, quick_statistics
from rbmqs.vmc.extensions.probe_chains import Astray

if TYPE_CHECKING:
    from rbmqs.sr import Jacobian
    from rbmqs.states.state import Wavefunction


@dataclass(frozen=True, eq=False)
class Measured:
    """Local energies of samples, or of all configurations.

    Parameters
    ----------
    spins : int8 (n, N)
    pairs : array
        `psi.unit_pairs(spins)`.
    local_energies : complex array (n,)
    energy : Stats
    acceptance : float
        Share of accepted proposals; 1 for a sum over all configurations.
    weights : float64 (n,) or None
        With mean one; None where all count alike.
    summed : bool
        Whether these are all configurations.
    n_astray : int
        How many of them, the last ones, are of scouts.
    n_lost : int
        Chains whose samples were left out.
    """

    spins: np.ndarray
    pairs: np.ndarray
    local_energies: np.ndarray
    energy: Stats
    acceptance: float
    weights: np.ndarray | None = None
    summed: bool = False
    n_astray: int = 0
    n_lost: int = 0

    def without(self, lost: np.ndarray) -> Measured:
        """The same without the samples of some chains, bool (n_chains,); the energy too."""
        n_chains, n_draws = len(lost), len(self.spins) // len(lost)
        kept = np.repeat(~lost, n_draws)
        energies = self.local_energies.reshape(n_chains, n_draws)[~lost]
        return replace(
            self,
            spins=self.spins[kept],
            pairs=self.pairs[kept],
            local_energies=energies.ravel(),
            energy=quick_statistics(energies),
            n_lost=int(lost.sum()),
        )

    def joined_by(self, psi: Wavefunction, astray: Astray) -> Measured:
        """The same with scouts for the equations; the energy stays that of the samples."""
        return replace(
            self,
            spins=np.concatenate([self.spins, astray.spins]),
            pairs=np.concatenate([self.pairs, psi.unit_pairs(astray.spins)]),
            local_energies=np.concatenate([self.local_energies, astray.local_energies]),
            weights=astray.weights(len(self.spins)),
            n_astray=len(astray),
        )

    def jacobian(self, psi: Wavefunction) -> Jacobian:
        """Log-derivatives at the configurations, with their weights."""
        return psi.jacobian(self.spins, self.pairs, self.weights)
