"""What a fit climbs: the likelihood of shots as a function of a wavefunction's parameters.

The force is F_k = sum_t O_k(t)^* c_t^*, so that dL = 2 Re sum_k F_k^* dtheta_k, and the metric the
quantum geometric tensor S of the wavefunction: the Fisher information of any measurement is at most
4 S, and that of z measurements of a positive wavefunction is 4 S itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np

from hamiltonians.operators.sectors import Sector
from rbmqs.states.jacobian import Jacobian
from rbmqs.states.state import VariationalState
from rbmqs.tomography.likelihood import FullSum, normalised
from rbmqs.tomography.shots import Shots
from rbmqs.tomography.split_sums import split_sums_of

METRIC_SAMPLES = 4096  # configurations behind the metric; all of them where they are no more
CHUNK = 2**14  # configurations whose derivatives are in memory


class Slope(NamedTuple):
    """The likelihood at a point, and where it rises.

    Attributes
    ----------
    log_probabilities : float64 (n_distinct,)
        log P of each distinct outcome within its basis.
    force : array (n_parameters,)
        Of the mean over the counts asked for.
    jacobian : Jacobian
        Whose covariance is the metric.
    confusion : float64 (N, 2, 2) or None
        Derivatives by the readout errors.
    noise : float
        Standard error of all log-probabilities together, less that of the point before.
    """

    log_probabilities: np.ndarray
    force: np.ndarray
    jacobian: Jacobian
    confusion: np.ndarray | None
    noise: float = 0.0


class Objective(Protocol):
    """The likelihood of shots; by full sums or by samples."""

    @property
    def shots(self) -> Shots:
        """All shots."""

    def slope(
        self,
        psi: VariationalState,
        counts: np.ndarray,
        confusion: np.ndarray | None = None,
        draw: int = 0,
    ) -> Slope:
        """Log-probabilities of all outcomes, and the force of the mean over some counts.

        Parameters
        ----------
        psi : VariationalState
        counts : int array (n_distinct,)
            Of the shots that enter the mean.
        confusion : float64 (N, 2, 2), optional
            P(read | true) of each site.
        draw : int
            Numbers the random configurations.
        """


@dataclass(frozen=True, eq=False)
class ExactObjective:
    """The likelihood by full sums.

    Parameters
    ----------
    shots : Shots
    n_ancillas : int
        Sites of the wavefunction behind the measured ones.
    seed : int
        Of the configurations behind the metric.
    """

    shots: Shots
    n_ancillas: int = 0
    seed: int = 0

    @cached_property
    def full(self) -> FullSum:
        """The likelihood as a function of log psi."""
        return FullSum(self.shots, self.n_ancillas)

    @cached_property
    def sector(self) -> Sector:
        """All configurations."""
        return Sector(self.shots.n_sites + self.n_ancillas)

    def slope(
        self,
        psi: VariationalState,
        counts: np.ndarray,
        confusion: np.ndarray | None = None,
        draw: int = 0,
    ) -> Slope:
        """See `Objective.slope`."""
        sums = split_sums_of(psi)
        log_psi = psi.log_state_vector(self.sector) if sums is None else sums.log_psi()
        found = self.full.gradient(log_psi, confusion, counts)
        values = found.coefficients.conj()
        force = self._force(psi, values) if sums is None else sums.force(values)
        jacobian = self._jacobian(psi, abs(normalised(log_psi)) ** 2, draw)
        return Slope(found.log_probabilities, force, jacobian, found.confusion)

    def _force(self, psi: VariationalState, values: np.ndarray) -> np.ndarray:
        """sum_t O^* c^* over all configurations."""
        states = np.arange(len(values), dtype=np.uint64)
        return force_of(psi, lambda part: self.sector.states_to_spins(states[part]), values)

    def _jacobian(self, psi: VariationalState, probability: np.ndarray, draw: int) -> Jacobian:
        """Configurations with weights, or drawn from |psi|^2."""
        n = len(probability)
        if n <= METRIC_SAMPLES:
            return psi.jacobian(self.sector.configurations(), weights=probability * n)
        rng = np.random.default_rng([self.seed, draw])
        drawn = np.searchsorted(np.cumsum(probability), rng.random(METRIC_SAMPLES))
        states = np.minimum(drawn, n - 1).astype(np.uint64)
        return psi.jacobian(self.sector.states_to_spins(states))


def force_of(
    psi: VariationalState, spins_of: Callable[[slice], np.ndarray], values: np.ndarray
) -> np.ndarray:
    """sum_t O_t^* values_t, less O^* of one configuration times the sum of values.

    Parameters
    ----------
    psi : VariationalState
    spins_of : callable
        Configurations int8 (n, N) of a slice of `values`, `CHUNK` at a time.
    values : complex array (n_configurations,)
    """
    parts = (slice(start, start + CHUNK) for start in range(0, len(values), CHUNK))
    return np.asarray(sum(_part_of_force(psi, spins_of(part), values[part]) for part in parts))


def _part_of_force(psi: VariationalState, spins: np.ndarray, values: np.ndarray) -> np.ndarray:
    """sum_t O_t^* values_t over some configurations, less O^* of one times the sum of values.

    Jacobians centre. One configuration more, the same for all parts, makes the values of each part
    add up to zero; where those of all parts do, it cancels.
    """
    jacobian = psi.jacobian(np.concatenate([spins, np.ones((1, psi.n_sites), np.int8)]))
    deviations = jacobian.right_side(np.append(values, -values.sum()))
    # of an amplitude and a phase there are two rows a configuration, each times 2^(1/2)
    return jacobian.adjoint_times(deviations) * ((len(spins) + 1) / jacobian.n_samples)
