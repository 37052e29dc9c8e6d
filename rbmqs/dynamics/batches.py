"""The configurations of a step, at which the equations are set up for every stage.

One step draws once. Its stages are at slightly different parameters, where the samples count with
the weights |psi|^2 / |psi_drawn|^2: stages share their noise, so that differences between them, on
which the error estimate of a step rests, are those of the equations; and a step that is repeated
finds the same samples.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np

from rbmqs.estimators.error_bars import quick_statistics
from rbmqs.estimators.local import local_energies
from rbmqs.estimators.stats import Stats
from rbmqs.sampling.chains import ChainState, Sampler, Samples
from rbmqs.states.weights import centred
from rbmqs.vmc.full_summation import Summation, exact_statistics

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian
    from rbmqs.states.jacobian import Jacobian
    from rbmqs.states.state import VariationalState


@dataclass(frozen=True, eq=False)
class Point:
    """What the equations at some parameters are made of.

    Parameters
    ----------
    jacobian : Jacobian
        Centred log-derivatives at n configurations.
    local_energies : complex (n,)
    energy : Stats
        Mean and error; of reweighted samples without an error.
    weights : float64 (n,) or None
        With mean one; None where all count alike.
    summed : bool
        Whether these are all configurations.
    """

    jacobian: Jacobian
    local_energies: np.ndarray
    energy: Stats
    weights: np.ndarray | None
    summed: bool = False

    @cached_property
    def deviations(self) -> np.ndarray:
        """Local energies minus their mean, complex (n,)."""
        return centred(self.local_energies, self.weights)

    def mean_square(self, values: np.ndarray) -> float:
        """Mean of |values|^2 with the weights."""
        squares = np.abs(values) ** 2
        return float(np.mean(squares if self.weights is None else self.weights * squares))


class StepBatch(Protocol):
    """Configurations that serve all stages of a step."""

    def at(self, psi: VariationalState, hamiltonian: SpinHamiltonian) -> Point:
        """The equations' ingredients at some parameters."""


@dataclass(frozen=True, eq=False)
class SampledBatch:
    """Samples of |psi_drawn|^2.

    Parameters
    ----------
    drawn_from : VariationalState
    samples : Samples
    """

    drawn_from: VariationalState
    samples: Samples

    @cached_property
    def _log_psi(self) -> np.ndarray:
        return self.drawn_from.log_psi(self.samples.flat).real

    def weights_at(self, psi: VariationalState) -> np.ndarray:
        """|psi / psi_drawn|^2 of each sample, with mean one."""
        logs = 2 * (psi.log_psi(self.samples.flat).real - self._log_psi)
        weights = np.exp(logs - logs.max())
        return weights / weights.mean()

    def share(self, psi: VariationalState) -> float:
        """Effective number of samples at other parameters, as a part of their number."""
        return float(1 / np.mean(self.weights_at(psi) ** 2))

    def at(self, psi: VariationalState, hamiltonian: SpinHamiltonian) -> Point:
        """See `StepBatch`."""
        spins = self.samples.flat
        cache = psi.prepare(spins)
        energies = local_energies(psi, hamiltonian, self.samples, cache)
        if psi is self.drawn_from:
            weights, energy = None, quick_statistics(energies)
        else:
            weights = self.weights_at(psi)
            energy = exact_statistics(energies.ravel(), weights)
        return Point(psi.jacobian(spins, cache, weights), energies.ravel(), energy, weights)


@dataclass(frozen=True, eq=False)
class SummedBatch:
    """All configurations.

    Parameters
    ----------
    summation : Summation
    """

    summation: Summation

    def at(self, psi: VariationalState, hamiltonian: SpinHamiltonian) -> Point:
        """See `StepBatch`."""
        batch = replace(self.summation, hamiltonian=hamiltonian).batch(psi)
        return Point(batch.jacobian(psi), batch.local_energies, batch.energy, batch.weights, True)


def drawn(
    psi: VariationalState, sampler: Sampler, chains: ChainState, n_draws: int
) -> tuple[SampledBatch, ChainState]:
    """A batch of fresh samples, and the chains after them."""
    samples, chains = sampler.sample(psi, chains, n_draws)
    return SampledBatch(psi, samples), chains
