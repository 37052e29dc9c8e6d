"""Whether an optimisation has come to rest, judged from its history."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from rbmqs.estimators.error_bars import quick_statistics
from rbmqs.estimators.stats import ROUNDING
from rbmqs.estimators.verdict import Judgement
from rbmqs.vmc.records import StepRecord

WINDOW = 50  # iterations whose energies are averaged, at most
SHARE = 8  # a window is at most this fraction of the history: the last quarter counts
MIN_WINDOW = 5
# Relative fall of the energy per `WINDOW` that is no rest, a fifth of what is far. Of 56 runs
# better than 1e-4 (benchmarks/verdicts.py) 1 is alarmed without a reference, 3 by 1e-3.
SETTLED = 2e-3
UPPER = 2.0  # errors of the fall that are added to it: noise does not make it smaller
# Medians over a window. R-hat of chains that move is 1.0 to 1.3 in iterations of 8 draws; it is 2
# where the autocorrelation time is 1.5 times the draws.
_STUCK_R_HAT = 2.0
_MIN_ACCEPTED = 0.01


def present(history: Sequence[StepRecord]) -> Sequence[StepRecord]:
    """The iterations since the last change of the random start that is followed."""
    starts = [record.extra("multistart", "restart") for record in history]
    n = next((i for i, start in enumerate(reversed(starts)) if start != starts[-1]), None)
    return history if n is None else history[len(history) - n :]


def windows_fall(history: Sequence[StepRecord], window: int = WINDOW) -> tuple[float, float] | None:
    """Fall of the mean energy from the last window but one to the last, and its error.

    None while there are fewer than two windows.
    """
    if len(history) < 2 * window:
        return None
    means = np.array([record.energy.mean.real for record in history[-2 * window :]])
    errors = np.array([record.energy.error_of_mean for record in history[-2 * window :]])
    fall = means[:window].mean() - means[window:].mean()
    return float(fall), float(np.sqrt((errors**2).sum()) / window)


def has_settled(history: Sequence[StepRecord], trace: float = 0.0) -> bool:
    """Whether the energy no longer falls by more than its error: the early-stop criterion.

    The rounding of energies without an error bar is relative to their distance from the `trace`.
    """
    fall = windows_fall(present(history), 2 * WINDOW)
    if fall is None:
        return False
    rounding = ROUNDING * abs(history[-1].energy.mean.real - trace)
    return fall[0] < max(fall[1], rounding)


def judge_optimisation(
    history: Sequence[StepRecord], scale: float, lowest: float = -math.inf
) -> Judgement:
    """The level "settled", "still falling", "stuck", or "unfinished" for too few iterations.

    Parameters
    ----------
    history : sequence of StepRecord
    scale : float
        What errors of the energy are relative to, see `SpinHamiltonian.size_of`.
    lowest : float
        An energy that it cannot fall below.
    """
    history = present(history)
    window = min(WINDOW, len(history) // SHARE)
    last = history[-max(window, MIN_WINDOW) :]
    if any(record.status for record in last):
        undone = "steps were undone in the last iterations: lower learning_rate, raise diag_shift"
        return Judgement("stuck", (undone,))
    if window < MIN_WINDOW:
        few = f"fewer than {MIN_WINDOW * SHARE} iterations: too few to judge convergence"
        return Judgement("unfinished", (few,))
    size, error = _fall(history[-2 * window :])
    upper = size * WINDOW / window + UPPER * error
    left = history[-1].energy.mean.real - lowest
    if not min(upper, left) <= SETTLED * scale:
        return Judgement("still falling", (_falling(size, error, window, scale),))
    return _moving(last, scale)


def _fall(history: Sequence[StepRecord]) -> tuple[float, float]:
    """Fall from the first half to the second, and its error.

    The error is the larger of what samples tell and of what the scatter about a straight line does,
    which sees that energies of successive iterations depend on each other.
    """
    found = windows_fall(history, len(history) // 2)
    assert found is not None
    energies = np.array([record.energy.mean.real for record in history])
    times = np.arange(len(energies))
    scatter = energies - np.polynomial.Polynomial.fit(times, energies, 1)(times)
    return found[0], max(found[1], 2 * quick_statistics(scatter[None]).error_of_mean)


def _falling(size: float, error: float, window: int, scale: float) -> str:
    """How far the energy fell, or might have."""
    fall, noise = (x / scale if scale > 0 else math.inf for x in (size, error))
    if size > UPPER * error:
        return (
            f"the energy was still falling, by {fall:.1e} relative in the last {window} "
            f"iterations: run longer"
        )
    return (
        f"whether the energy still falls is hidden in its noise, {noise:.1e} relative over "
        f"{window} iterations: take more samples or run longer"
    )


def _moving(last: Sequence[StepRecord], scale: float) -> Judgement:
    """Whether the chains of the last iterations moved, where that makes a difference."""
    spread, r_hat, accepted = (
        float(np.median(values))
        for values in zip(
            *((math.sqrt(r.energy.variance), r.energy.r_hat, r.acceptance) for r in last),
            strict=True,
        )
    )
    advice = "steps follow the places where they are: more sweeps between draws, or n_replicas = 8"
    if not spread <= SETTLED * scale:
        if r_hat > _STUCK_R_HAT:
            disagree = f"the chains of the last iterations disagree (R_hat {r_hat:.2g})"
            return Judgement("stuck", (f"{disagree}: {advice}",))
        if accepted < _MIN_ACCEPTED:
            still = f"the chains of the last iterations accept {accepted:.2%} of their proposals"
            return Judgement("stuck", (f"{still}: {advice}",))
    return Judgement("settled")
