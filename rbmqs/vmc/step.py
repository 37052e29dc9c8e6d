"""One step of stochastic reconfiguration, with what keeps it from blowing up.

A plain step with fixed learning rate and shift diverges from random starts: near W = 0 the metric
S falls like W^2 and the force like W, so a step is of order 1/W, and where samples are fewer than
parameters the solve follows the noise of the samples. Three things prevent it, in this order:

1. the length of a step in the metric S is at most `max_step`;
2. the shift starts large and falls, the learning rate falls as 1/t, so that late steps average
   over the noise of the samples;
3. a step after which the energy is not finite, or has risen by more than `RISE` of its error
   bars, is undone; the next ones are shorter and more damped until the run is healthy again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from rbmqs.estimators.stats import ROUNDING, Stats, nominal_error
from rbmqs.sr import Jacobian, SRSolution, solve
from rbmqs.states.state import VariationalState
from rbmqs.vmc.extensions.local_shift import DistanceShift
from rbmqs.vmc.settings import OptimiserSettings

RISE = 8.0
LOW_NOISE = (
    1e-6  # of the energy; on 10x10, alpha = 4, where it would be 1e-5, a rate of 0.02 cost 4e-5
)
_SHORTER, _RECOVERY = 0.5, 1.1
_SHIFT_GAIN = 2.0  # the shift grows as damping^-2: a step half as long is four times as damped


@dataclass(frozen=True, eq=False)
class OptimiserState:
    """What the optimiser remembers between iterations.

    Parameters
    ----------
    direction : array (n_parameters,)
        Last direction, for momentum; zeros at first.
    damping : float
        1 in a healthy run, smaller after a step was undone.
    """

    direction: np.ndarray
    damping: float = 1.0

    @classmethod
    def fresh(cls, psi: VariationalState) -> OptimiserState:
        """State before the first step."""
        return cls(np.zeros_like(psi.flat))

    def after_rollback(self) -> OptimiserState:
        """Shorter and more damped steps, momentum forgotten."""
        return OptimiserState(np.zeros_like(self.direction), self.damping * _SHORTER)


@dataclass(frozen=True, eq=False)
class Step:
    """A proposed change of the parameters.

    Parameters
    ----------
    psi : Wavefunction
        After the step.
    state : OptimiserState
    solve : Solve
    learning_rate : float
        In use, after damping and the limit on the length.
    length : float
        Fubini-Study distance of the step.
    """

    psi: VariationalState
    state: OptimiserState
    solve: SRSolution
    learning_rate: float
    length: float


def take_step(
    psi: VariationalState,
    jacobian: Jacobian,
    local_energies: np.ndarray,
    state: OptimiserState,
    settings: OptimiserSettings,
    iteration: int,
    low_noise: bool = False,
    distance_shift: DistanceShift | None = None,
) -> Step:
    """Solve for the direction and move along it.

    Parameters
    ----------
    local_energies : complex array (n_samples,)
    quiet : bool
        Whether the noise of the samples costs next to nothing, see `has_low_noise`.
    locality : Locality, optional
        Distances that the shift may grow with, see `OptimiserSettings.local_shift`.
    """
    gain = state.damping**-_SHIFT_GAIN
    momentum = 1 - psi.friction(iteration) if settings.momentum is None else settings.momentum
    blocks = None if distance_shift is None else distance_shift.unit_blocks(psi, jacobian.n_samples)
    record = solve(
        jacobian,
        local_energies,
        gain * settings.diag_shift_at(iteration),
        settings.solver,
        start=momentum * state.direction,
        relative_shift=gain * settings.relative_shift,
        min_snr=settings.min_snr,
        blocks=blocks,
    )
    wanted = settings.learning_rate_at(iteration, psi, low_noise) * state.damping
    learning_rate = _limited(wanted, record, settings)
    moved = psi.with_flat(psi.flat - learning_rate * record.direction)
    healthier = min(1.0, state.damping * _RECOVERY)
    return Step(
        moved,
        replace(state, direction=record.direction, damping=healthier),
        record,
        learning_rate,
        learning_rate * record.metric_norm,
    )


def _limited(learning_rate: float, record: SRSolution, settings: OptimiserSettings) -> float:
    """The learning rate, less where a step would be too long in the metric or for a parameter."""
    if learning_rate * record.metric_norm > settings.max_step:
        learning_rate = settings.max_step / record.metric_norm
    largest = float(np.abs(record.direction).max())
    if learning_rate * largest > settings.max_change:
        learning_rate = settings.max_change / largest
    return learning_rate


def has_low_noise(psi: VariationalState, energy: Stats) -> bool:
    """Whether steps at the `low_noise_rate` of psi carry little noise.

    Each of n_parameters directions is moved by noise of variance rate^2 Var / n_samples in an
    iteration and pulled back in proportion to the energy that it costs; what is left costs
    n_parameters Var rate / (4 n_samples) in all.
    """
    noise = psi.n_parameters * energy.variance * psi.low_noise_rate
    return noise <= 4 * energy.n_chains * energy.n_draws * LOW_NOISE * abs(energy.mean)


def is_better(energy: Stats, best: Stats | None) -> bool:
    """Whether an energy is the lowest yet, with two error bars allowed for luck."""
    if best is None:
        return True
    return energy.mean.real + 2 * energy.error_of_mean < best.mean.real + 2 * best.error_of_mean


def has_diverged(energy: Stats, best: Stats | None) -> str:
    """Why an energy says that the last step was a bad one; empty if it was not.

    Parameters
    ----------
    energy : Stats
        After the step.
    best : Stats or None
        Before it, or None at the first iteration.
    """
    if not np.isfinite(energy.mean):
        return "the energy is not finite"
    if best is None:
        return ""
    rise = energy.mean.real - best.mean.real
    error = float(np.hypot(energy.error_of_mean, best.error_of_mean))
    if error == 0:  # sums over all configurations: momentum may carry them uphill for a while
        error = nominal_error(max(energy.variance, best.variance))
    if rise > RISE * error + ROUNDING * abs(best.mean):
        return f"the energy rose by {rise:.3g}, its error being {error:.2g}"
    return ""
