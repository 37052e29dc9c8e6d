"""From a batch to a change of the parameters: stochastic reconfiguration, SGD, Adam.

Stochastic reconfiguration is recommended. The first-order methods are a baseline: they know nothing
of the metric, and take many times its iterations to the same energy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol

import numpy as np

from hamiltonians.utils.registry import Registry
from rbmqs.estimators.stats import Stats
from rbmqs.sr import SRSolution, solution_of, solve
from rbmqs.sr.solvers import Direction
from rbmqs.states.state import VariationalState
from rbmqs.utils.schedules import Schedule
from rbmqs.vmc.batch import Batch
from rbmqs.vmc.recommended import recommended
from rbmqs.vmc.run_state import OptimiserState
from rbmqs.vmc.settings import OptimiserSettings

RECOVERY = 1.1  # of the damping, in every healthy iteration
LOW_NOISE = 1e-6  # of the energy; where it was 1e-5, a rate of 0.02 cost 4e-5 (10x10, alpha = 4)
_SHIFT_GAIN = 2.0  # the shift grows as damping^-2: a step half as long is four times as damped
_DECAY, _SQUARES_DECAY, _EPSILON = 0.9, 0.999, 1e-8  # of Adam, as in its paper


@dataclass(frozen=True, eq=False)
class Update:
    """A proposed change of the parameters.

    Parameters
    ----------
    psi : VariationalState
        After the step.
    solution : SRSolution
        Direction, slope and length; of a first-order method too, whose shift is 0.
    learning_rate : float
        In use, after damping and the limits on the length.
    """

    psi: VariationalState
    solution: SRSolution
    learning_rate: float

    @property
    def length(self) -> float:
        """Fubini-Study distance of the step."""
        return self.learning_rate * self.solution.metric_norm


class Optimiser(Protocol):
    """Makes a step of a batch; built from `OptimiserSettings`.

    Parameters
    ----------
    settings : OptimiserSettings
    """

    def __init__(self, settings: OptimiserSettings) -> None: ...

    def update(
        self,
        psi: VariationalState,
        batch: Batch,
        state: OptimiserState,
        *,
        iteration: int,
        **options: Any,
    ) -> tuple[Update, OptimiserState]:
        """The wavefunction after a step, and what is remembered for the next one.

        Parameters
        ----------
        iteration : int
            That schedules count.
        **options
            Of extensions, see `rbmqs.vmc.extension.Extension.optimiser_options`.
        """


OPTIMISERS: Registry[Callable[[OptimiserSettings], Optimiser]] = Registry("optimiser")


@OPTIMISERS.register("sr")
@dataclass(frozen=True)
class StochasticReconfiguration:
    """Steps along (S + shift)^-1 F with SPRING's momentum, see `rbmqs.sr`."""

    settings: OptimiserSettings

    def update(
        self,
        psi: VariationalState,
        batch: Batch,
        state: OptimiserState,
        *,
        iteration: int,
        **options: Any,
    ) -> tuple[Update, OptimiserState]:
        """See `Optimiser.update`; options are those of `rbmqs.sr.solve`."""
        settings = self.settings
        gain = state.damping**-_SHIFT_GAIN
        momentum = settings.momentum
        if momentum is None:
            momentum = 1 - recommended(psi).friction(iteration)
        solution = solve(
            batch.jacobian(psi),
            batch.local_energies,
            gain * settings.diag_shift_at(iteration, psi, batch.summed),
            settings.solver,
            start=momentum * state.direction,
            **options,
        )
        low_noise = has_low_noise(psi, batch.energy)
        rate = settings.learning_rate_at(iteration, psi, low_noise, batch.summed)
        update = _limited(psi, solution, rate * state.damping, settings)
        return update, _healthier(replace(state, direction=solution.direction))


@dataclass(frozen=True)
class FirstOrder:
    """Steps along the gradient, or along what a method makes of it and of earlier ones."""

    settings: OptimiserSettings
    rate: ClassVar[Schedule]  # where the settings leave it open
    name: ClassVar[str]

    def update(
        self,
        psi: VariationalState,
        batch: Batch,
        state: OptimiserState,
        *,
        iteration: int,
        **options: Any,
    ) -> tuple[Update, OptimiserState]:
        """See `Optimiser.update`; there are no equations that options could change."""
        jacobian = batch.jacobian(psi)
        if not (np.isfinite(batch.local_energies).all() and jacobian.is_finite):
            raise FloatingPointError("local energies or log-derivatives hold NaN or infinity")
        deviations = jacobian.right_side(batch.local_energies)
        gradient = jacobian.adjoint_times(deviations) / jacobian.n_samples
        direction, state = self.direction(gradient, state)
        found = Direction(direction, 0.0, 0.0, 0, "")
        solution = solution_of(self.name, found, direction, jacobian, deviations)
        rate = (self.settings.learning_rate or self.rate)(iteration)  # type: ignore[operator]
        return _limited(psi, solution, rate * state.damping, self.settings), _healthier(state)

    def direction(
        self, gradient: np.ndarray, state: OptimiserState
    ) -> tuple[np.ndarray, OptimiserState]:
        """What the parameters move against, and the means of gradients."""
        raise NotImplementedError


@OPTIMISERS.register("sgd")
class SGD(FirstOrder):
    """Steps along the gradient F = <(E_loc - <E_loc>) O^*>, with momentum where it is asked for."""

    name = "sgd"
    rate = Schedule(0.05)

    def direction(
        self, gradient: np.ndarray, state: OptimiserState
    ) -> tuple[np.ndarray, OptimiserState]:
        """See `FirstOrder.direction`."""
        direction = gradient + (self.settings.momentum or 0.0) * state.direction
        return direction, replace(state, direction=direction)


@OPTIMISERS.register("adam")
class Adam(FirstOrder):
    """The gradient's mean over the root of its mean square (Kingma & Ba, arXiv:1412.6980)."""

    name = "adam"
    rate = Schedule(0.01)

    def direction(
        self, gradient: np.ndarray, state: OptimiserState
    ) -> tuple[np.ndarray, OptimiserState]:
        """See `FirstOrder.direction`; |gradient|^2 of complex parameters is taken as a whole."""
        decay = _DECAY if self.settings.momentum is None else self.settings.momentum
        n = state.n_updates + 1
        mean = decay * state.direction + (1 - decay) * gradient
        old = 0.0 if state.squares is None else state.squares
        squares = _SQUARES_DECAY * old + (1 - _SQUARES_DECAY) * abs(gradient) ** 2
        size = np.sqrt(squares / (1 - _SQUARES_DECAY**n)) + _EPSILON
        kept = replace(state, direction=mean, squares=squares, n_updates=n)
        return mean / (1 - decay**n) / size, kept


def _limited(
    psi: VariationalState, solution: SRSolution, rate: float, settings: OptimiserSettings
) -> Update:
    """The step, shorter where it would be too long in the metric or for a parameter."""
    if rate * solution.metric_norm > settings.max_step:
        rate = settings.max_step / solution.metric_norm
    largest = float(np.abs(solution.direction).max())
    if rate * largest > settings.max_change:
        rate = settings.max_change / largest
    return Update(psi.with_flat(psi.flat - rate * solution.direction), solution, rate)


def _healthier(state: OptimiserState) -> OptimiserState:
    return replace(state, damping=min(1.0, state.damping * RECOVERY))


def has_low_noise(psi: VariationalState, energy: Stats) -> bool:
    """Whether steps at the recommended `low_noise_rate` of psi carry little noise.

    Each of n_parameters directions is moved by noise of variance rate^2 Var / n_samples in an
    iteration and pulled back in proportion to the energy that it costs; what is left costs
    n_parameters Var rate / (4 n_samples) in all.
    """
    noise = psi.n_parameters * energy.variance * recommended(psi).low_noise_rate
    return noise <= 4 * energy.n_chains * energy.n_draws * LOW_NOISE * abs(energy.mean)
