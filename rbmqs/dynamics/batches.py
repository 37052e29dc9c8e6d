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
from rbmqs.sampling.chains import ChainState, Division, Sampler, Samples, room_for_draws
from rbmqs.sampling.metropolis import MetropolisSampler
from rbmqs.states.repeats import Repeats, find_repeats
from rbmqs.states.weights import mean_over, times_weights
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
    n_draws : int
        Samples; more than configurations where some were drawn more than once.

    Where MPI ranks divide the configurations, n counts those of this rank, and means, the energy
    and `n_draws` are those of all.
    """

    jacobian: Jacobian
    local_energies: np.ndarray
    energy: Stats
    weights: np.ndarray | None
    summed: bool = False
    n_draws: int = 0

    @cached_property
    def deviations(self) -> np.ndarray:
        """Local energies minus their mean, complex (n,)."""
        return self.local_energies - self._mean_of_all(self.local_energies)

    def mean_square(self, values: np.ndarray) -> float:
        """Mean of |values|^2 with the weights."""
        squares = np.abs(values) ** 2
        return self._mean_of_all(squares).real

    def _mean_of_all(self, values: np.ndarray) -> complex:
        ranks = self.jacobian.ranks
        own = values.sum() if self.weights is None else self.weights @ values
        return ranks.total(complex(own)) / ranks.total(len(values))


class StepBatch(Protocol):
    """Configurations that serve all stages of a step."""

    def at(self, psi: VariationalState, hamiltonian: SpinHamiltonian) -> Point:
        """The equations' ingredients at some parameters."""


@dataclass(frozen=True, eq=False)
class SampledBatch:
    """Samples of |psi_drawn|^exponent.

    Parameters
    ----------
    drawn_from : VariationalState
    samples : Samples
    exponent : float
    """

    drawn_from: VariationalState
    samples: Samples
    exponent: float = 2.0

    @cached_property
    def _repeats(self) -> Repeats | None:
        return find_repeats(self.samples.flat)

    @cached_property
    def _spins(self) -> np.ndarray:
        """Configurations (n, N), those drawn more than once only once."""
        flat = self.samples.flat
        return flat if self._repeats is None else flat[self._repeats.first]

    @property
    def _division(self) -> Division | None:
        return self.samples.division

    def _mean(self, values: np.ndarray, weights: np.ndarray | None) -> float:
        """Over the configurations of all ranks."""
        if self._division is None:
            return float(mean_over(values, weights))
        total = float(times_weights(values, weights).sum())
        return self._division.ranks.total(total) / self._n_configurations

    @cached_property
    def _n_configurations(self) -> int:
        n_own = len(self._spins)
        return n_own if self._division is None else self._division.ranks.total(n_own)

    @cached_property
    def _counts(self) -> np.ndarray | None:
        division = self._division
        if division is not None and division.ranks.everywhere(self._repeats is None):
            return None
        if self._repeats is None:
            return None if division is None else np.full(len(self._spins), self._per_count)
        counts: np.ndarray = self._repeats.counts
        return counts / counts.mean() if division is None else counts * self._per_count

    @property
    def _per_count(self) -> float:
        """Of a configuration drawn once on any rank."""
        return self._n_configurations / (self.samples.n_chains * self.samples.shape[1])

    @cached_property
    def _cache(self) -> np.ndarray:
        return self.drawn_from.prepare(self._spins)

    @cached_property
    def _log_modulus(self) -> np.ndarray:
        return self.drawn_from.log_modulus(self._spins, self._cache)

    def _ratios(self, psi: VariationalState, cache: np.ndarray | None = None) -> np.ndarray:
        """|psi|^2 / |psi_drawn|^exponent of each configuration, up to a factor."""
        logs = 2 * psi.log_modulus(self._spins, cache) - self.exponent * self._log_modulus
        division = self._division
        largest = logs.max() if division is None else division.ranks.largest(logs.max())
        found: np.ndarray = np.exp(logs - largest)
        return found

    def share(self, psi: VariationalState) -> float:
        """Effective number of samples at other parameters, as a part of their number."""
        ratios = self._ratios(psi)
        mean, square = self._mean(ratios, self._counts), self._mean(ratios**2, self._counts)
        return float(mean**2 / square)

    def at(self, psi: VariationalState, hamiltonian: SpinHamiltonian) -> Point:
        """See `StepBatch`."""
        is_first = psi is self.drawn_from
        cache = self._cache if is_first else psi.prepare(self._spins)
        spins = Samples(self._spins[:, None], self.samples.acceptance)
        values = local_energies(psi, hamiltonian, spins, cache).ravel()
        weights = self._counts
        if is_first and self.exponent == 2:
            series = values if self._repeats is None else values[self._repeats.kind]
            energy = quick_statistics(self.samples.of_all(series.reshape(self.samples.shape)))
        else:
            weights = times_weights(self._ratios(psi, cache), self._counts)
            weights = weights / self._mean(weights, None)
            energy = exact_statistics(*self._of_all(values, weights))
            if is_first:
                energy = replace(energy, error_of_mean=self._error(values - energy.mean))
        n_draws = self.samples.n_chains * self.samples.shape[1]
        jacobian = psi.jacobian(self._spins, cache, weights)
        if self._division is not None:
            jacobian = jacobian.over(self._division.ranks)
        return Point(jacobian, values, energy, weights, n_draws=n_draws)

    def _of_all(self, *arrays: np.ndarray) -> list[np.ndarray]:
        """Numbers of the configurations of all ranks."""
        if self._division is None:
            return list(arrays)
        ranks = self._division.ranks
        lengths = ranks.lengths(len(self._spins))
        return [ranks.gathered(array, lengths) for array in arrays]

    def _error(self, deviations: np.ndarray) -> float:
        """Of a weighted mean at the parameters of the samples."""
        ratios = self._ratios(self.drawn_from, self._cache)
        series = (ratios / mean_over(ratios, self._counts) * deviations).real
        series = series if self._repeats is None else series[self._repeats.kind]
        return quick_statistics(series.reshape(self.samples.shape)).error_of_mean


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
    psi: VariationalState,
    sampler: Sampler,
    chains: ChainState,
    n_draws: int,
    exponent: float = 2.0,
) -> tuple[SampledBatch, ChainState]:
    """A batch of fresh samples of |psi|^exponent, and the chains after them."""
    if exponent == 2:
        samples, chains = sampler.sample(psi, chains, n_draws)
        return SampledBatch(psi, samples), chains
    moves = tempered_moves(sampler)
    spins, rng = chains.spins.copy(), chains.rng.copy()
    rows = room_for_draws(len(spins), n_draws, psi.n_sites)
    n_discard = moves.n_discard_per_chain
    accepted = moves.advance(psi, spins, rng, np.full(len(spins), exponent / 2), n_discard, rows)
    n_proposals = len(spins) * (n_draws + n_discard) * int(moves.sweep_size or 1)
    samples = Samples(rows, float(accepted.sum()) / n_proposals)
    return SampledBatch(psi, samples, exponent), ChainState(spins, rng)


def tempered_moves(sampler: Sampler) -> MetropolisSampler:
    """The sampler, where its chains can sample other powers of |psi|.

    Raises
    ------
    ValueError
        It draws exactly, exchanges replicas or is divided between ranks.
    """
    if not isinstance(sampler, MetropolisSampler):
        kind = type(sampler).__name__
        raise ValueError(f"exponent must be 2 but for plain Metropolis chains, got a {kind}")
    return sampler
