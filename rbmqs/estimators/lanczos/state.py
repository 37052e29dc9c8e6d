"""Energy and variance of a wavefunction, each with its error."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from rbmqs.estimators.consistency import check_kinds
from rbmqs.estimators.error_bars import statistics
from rbmqs.estimators.error_propagation import function_statistics
from rbmqs.estimators.local import local_energies
from rbmqs.estimators.stats import Stats

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian
    from rbmqs.sampling.chains import Samples
    from rbmqs.states.state import VariationalState


@dataclass(frozen=True)
class EnergyVariance:
    """What bounds and extrapolations need to know about a state.

    Parameters
    ----------
    energy : Stats
        <H>, total, in Pauli units; its `variance` is that of H.
    variance : Stats
        <H^2> - <H>^2.
    """

    energy: Stats
    variance: Stats

    def to_dict(self) -> dict[str, Any]:
        """JSON-able form."""
        return {"energy": self.energy.to_dict(), "variance": self.variance.to_dict()}


def energy_variance(
    psi: VariationalState, hamiltonian: SpinHamiltonian, samples: Samples
) -> EnergyVariance:
    """Energy and variance with errors, from samples of |psi|^2.

    Parameters
    ----------
    psi : VariationalState
    hamiltonian : SpinHamiltonian
        Tells the sector and the rotation of its spins.
    samples : Samples
        Drawn from abs(psi)^2, axes (chain, draw, site).

    Returns
    -------
    EnergyVariance
        In Pauli units.
    """
    check_kinds(hamiltonian=hamiltonian, samples=samples)
    return from_local_energies(samples.of_all(local_energies(psi, hamiltonian, samples)))


def from_local_energies(values: np.ndarray) -> EnergyVariance:
    """Energy and variance from local energies (n_chains, n_draws)."""
    shift = values.real.mean()
    moments = np.stack([values.real - shift, abs(values - shift) ** 2], axis=2)
    variance = function_statistics(lambda x: x[..., 1] - x[..., 0] ** 2, moments)
    energy = replace(statistics(values.real), variance=float(variance.mean.real))
    return EnergyVariance(energy, variance)
