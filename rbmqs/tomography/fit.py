"""Maximum likelihood: natural gradient with a shift that adapts itself, or Adam, stopped in time.

A step along (S + shift)^-1 F is taken if the likelihood rises, and the shift falls or grows with
the ratio of the gain to the one that the metric predicts (Levenberg and Marquardt). Shots that are
held out say when to stop: once they do not become likelier any more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rbmqs.sr.matrix import DividedMatrix
from rbmqs.sr.positive import conjugate_gradients, solve_positive
from rbmqs.sr.solvers import covariance
from rbmqs.states.jacobian import Jacobian
from rbmqs.states.state import VariationalState
from rbmqs.tomography.objective import Objective, Slope
from rbmqs.tomography.readout import stepped
from rbmqs.tomography.starts import hidden_units_of

MAX_DENSE = 1500  # parameters up to which the metric is factorised
FIRST_SHIFT, LEAST_SHIFT, LARGEST_SHIFT = 1e-2, 1e-8, 1e6
LONGEST_STEP = 0.5  # in the metric, which is the Fubini-Study distance
GOOD_RATIO, POOR_RATIO = 0.5, 0.2  # of the gain to the predicted one
CONVERGED = 0.1  # nats of all shots together, a tenth of what one standard error costs
PATIENCE = 8  # such steps in a row, or steps without a better value of the shots held out
PATIENCE_OF_ADAM = 80  # whose steps gain little each, and may lose
AMPLE = 50  # shots a real parameter: with more, overfitting costs less than 0.01 nats a shot
SIGMAS = 2.0  # of a fall of the likelihood of the shots held out, to count as overfitting
_DECAY, _SQUARES_DECAY, _EPSILON = 0.9, 0.999, 1e-8  # of Adam, as in its paper
_CG_TOLERANCE, _CG_ITERATIONS = 1e-6, 300


@dataclass(frozen=True)
class FitRecord:
    """One step of a fit.

    Parameters
    ----------
    stage : str
        "start k", "train" or "refit".
    n_hidden : int
        Hidden units, of the amplitude where there is a phase too; 0 for other wavefunctions.
    iteration : int
    log_likelihood : float
        Mean over the shots that are fitted, in nats.
    held_out : float or None
        Mean over the shots held out.
    shift : float
        Added to the metric.
    """

    stage: str
    n_hidden: int
    iteration: int
    log_likelihood: float
    held_out: float | None
    shift: float


@dataclass(frozen=True, eq=False)
class FitState:
    """Where a fit is, as a value.

    Parameters
    ----------
    psi : VariationalState
    confusion : float64 (N, 2, 2) or None
        Readout errors P(read | true).
    shift : float
    iteration : int
    slow : int
        Steps in a row that gained nearly nothing.
    best : tuple of VariationalState, confusion and log-probabilities, or None
        At the best value of the shots held out.
    since_best : int
        Steps since then.
    refused : int
        Steps in a row that would have lowered the likelihood: each raises the shift by twice as
        much as the one before. From 1e-8 to 0.01 five are needed, twelve at a factor of four.
    moments : tuple of two arrays, or None
        Of Adam.
    overfits : bool
        Whether the fit ended because the shots held out had become worse.
    """

    psi: VariationalState
    confusion: np.ndarray | None = None
    shift: float = FIRST_SHIFT
    iteration: int = 0
    slow: int = 0
    best: tuple[VariationalState, np.ndarray | None, np.ndarray] | None = None
    since_best: int = 0
    refused: int = 0
    moments: tuple[np.ndarray, np.ndarray] | None = None
    overfits: bool = False


class Fit:
    """Climbs the likelihood of some of the shots from a state, step by step.

    Parameters
    ----------
    objective : Objective
    counts : int array (n_distinct,)
        Of the shots that are fitted.
    held : int array (n_distinct,) or None
        Of the shots that are held out.
    state : FitState
    learns_readout : bool
        Whether the confusion matrices are fitted too.
    learning_rate : float or None
        Of Adam; None for the natural gradient.
    """

    def __init__(
        self,
        objective: Objective,
        counts: np.ndarray,
        held: np.ndarray | None,
        state: FitState,
        learns_readout: bool = False,
        learning_rate: float | None = None,
    ) -> None:
        self._objective, self._counts, self._held = objective, counts, held
        self._learns_readout, self._rate = learns_readout, learning_rate
        self._patience = PATIENCE if learning_rate is None else PATIENCE_OF_ADAM
        self.state = state
        self.slope = self._slope(state)
        self._metric: np.ndarray | None = None
        if state.best is None:  # a fit that goes on has noted where it is
            self._note_held_out(self.slope)

    @property
    def n_shots(self) -> int:
        """Number of shots that are fitted."""
        return int(self._counts.sum())

    @property
    def is_precise(self) -> bool:
        """Whether a small gain says something: not by samples, nor by Adam's many small steps."""
        return self._rate is None and self.slope.noise == 0

    @property
    def value(self) -> float:
        """Mean log-likelihood of the shots that are fitted."""
        return mean_over(self._counts, self.slope.log_probabilities)

    @property
    def held_out(self) -> float | None:
        """Mean log-likelihood of the shots held out."""
        return None if self._held is None else mean_over(self._held, self.slope.log_probabilities)

    @property
    def has_converged(self) -> bool:
        """Whether the last steps gained less than noise."""
        return self.state.slow >= self._patience or self.state.shift > LARGEST_SHIFT

    @property
    def has_stalled(self) -> bool:
        """Whether the shots held out have not become likelier for some steps."""
        return self._held is not None and self.state.since_best >= self._patience

    @property
    def overfits(self) -> bool:
        """Whether the shots held out have become worse by more than chance."""
        state = self.state
        if self._held is None or state.best is None:
            return False
        n_real = state.psi.n_parameters * (1 + state.psi.is_complex)
        if self._counts.sum() > AMPLE * n_real:
            return False
        fall, error = difference(self._held, state.best[2], self.slope.log_probabilities)
        return fall > SIGMAS * error

    def step(self) -> None:
        """One step, or a larger shift where it would lower the likelihood."""
        state, before = self.state, self.value
        moved, predicted = self._adam() if self._rate else self._natural()
        slope = self._slope(moved)
        gain = mean_over(self._counts, slope.log_probabilities) - before
        if self._rate is None and not gain > -2 * slope.noise:
            self.state = replace(
                state,
                shift=state.shift * 4 * 2**state.refused,
                iteration=state.iteration + 1,
                refused=state.refused + 1,
            )
            return
        is_slow = gain * self._counts.sum() < CONVERGED
        self.state = replace(
            moved,
            shift=state.shift if self._rate else _adapted(state.shift, gain / predicted),
            slow=state.slow + 1 if is_slow else 0,
            refused=0,
        )
        self.slope, self._metric = slope, None
        self._note_held_out(slope)

    def record(self, stage: str) -> FitRecord:
        """The present values."""
        state = self.state
        return FitRecord(
            stage,
            hidden_units_of(state.psi),
            state.iteration,
            self.value,
            self.held_out,
            state.shift,
        )

    def _slope(self, state: FitState) -> Slope:
        return self._objective.slope(state.psi, self._counts, state.confusion, state.iteration)

    def _natural(self) -> tuple[FitState, float]:
        """The state after a step along the natural gradient, and the gain that it promises."""
        state, slope = self.state, self.slope
        if self._metric is None and len(slope.force) <= MAX_DENSE:
            self._metric = covariance(slope.jacobian)
        direction, length = _direction(slope, self._metric, state.shift)
        rate = min(1.0, LONGEST_STEP / max(length, 1e-300))
        predicted = 2 * rate * np.vdot(slope.force, direction).real - 2 * (rate * length) ** 2
        return self._moved(rate * direction, rate), max(float(predicted), 1e-300)

    def _adam(self) -> tuple[FitState, float]:
        state, force = self.state, self.slope.force
        mean, squares = state.moments or (np.zeros_like(force), np.zeros(len(force)))
        mean = _DECAY * mean + (1 - _DECAY) * force
        squares = _SQUARES_DECAY * squares + (1 - _SQUARES_DECAY) * abs(force) ** 2
        n = state.iteration + 1
        size = np.sqrt(squares / (1 - _SQUARES_DECAY**n)) + _EPSILON
        assert self._rate is not None
        moved = self._moved(self._rate * mean / (1 - _DECAY**n) / size, 1.0)
        return replace(moved, moments=(mean, squares)), 1.0

    def _moved(self, change: np.ndarray, rate: float) -> FitState:
        state = self.state
        confusion = state.confusion
        if self._learns_readout and confusion is not None:
            assert self.slope.confusion is not None
            confusion = stepped(confusion, self.slope.confusion, rate / (1 + state.shift))
        psi = state.psi.with_flat(state.psi.flat + change)
        return replace(state, psi=psi, confusion=confusion, iteration=state.iteration + 1)

    def _note_held_out(self, slope: Slope) -> None:
        state = self.state
        if self._held is None:
            return
        found = mean_over(self._held, slope.log_probabilities)
        if state.best is None or found > mean_over(self._held, state.best[2]):
            best = (state.psi, state.confusion, slope.log_probabilities)
            self.state = replace(state, best=best, since_best=0)
        else:
            self.state = replace(state, since_best=state.since_best + 1)


def mean_over(counts: np.ndarray, values: np.ndarray) -> float:
    """Mean of values of distinct outcomes over shots with these counts."""
    return float(counts @ values) / float(counts.sum())


def difference(counts: np.ndarray, first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """Mean of first - second over shots with these counts, and its standard error."""
    change, n = first - second, float(counts.sum())
    mean = mean_over(counts, change)
    variance = mean_over(counts, (change - mean) ** 2)
    return mean, float(np.sqrt(variance / max(n - 1, 1)))


def _direction(slope: Slope, metric: np.ndarray | None, shift: float) -> tuple[np.ndarray, float]:
    """(S + shift)^-1 F and its length in the metric."""
    jacobian: Jacobian = slope.jacobian
    n = jacobian.n_samples

    def product(vector: np.ndarray) -> np.ndarray:
        return jacobian.adjoint_times(jacobian.times(vector)) / n + shift * vector

    if metric is None:
        x = conjugate_gradients(product, slope.force, _CG_TOLERANCE, _CG_ITERATIONS)[0]
        squared: Any = np.vdot(x, product(x) - shift * x).real
    else:
        x = solve_positive(DividedMatrix.of(metric), slope.force, shift).x
        squared = np.vdot(x, metric @ x).real
    return x, float(np.sqrt(max(squared, 0.0)))


def _adapted(shift: float, ratio: float) -> float:
    """The shift of the next step, from the ratio of the gain to the predicted one."""
    if ratio > GOOD_RATIO:
        return max(shift / 2, LEAST_SHIFT)
    return shift * 2 if ratio < POOR_RATIO else shift
