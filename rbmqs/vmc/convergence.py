"""Whether an optimisation has come to rest, judged from its history."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rbmqs.estimators.stats import ROUNDING
from rbmqs.vmc.records import StepRecord

WINDOW = 50  # iterations whose energies are averaged
SETTLED = 1e-3  # relative fall of the energy per window that counts as unsettled
_SIGNIFICANT = 3.0


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


def has_settled(history: Sequence[StepRecord]) -> bool:
    """Whether the energy no longer falls by more than its error: the early-stop criterion."""
    fall = windows_fall(present(history), 2 * WINDOW)
    if fall is None:
        return False
    rounding = ROUNDING * abs(history[-1].energy.mean.real)  # energies without an error bar
    return fall[0] < max(fall[1], rounding)


def unrefined(history: Sequence[StepRecord]) -> list[str]:
    """Sentences on an optimisation that was still going on when it ended."""
    history = present(history)
    if any(record.status for record in history[-WINDOW:]):
        return ["steps were undone in the last iterations: lower learning_rate, raise diag_shift"]
    fall = windows_fall(history)
    if fall is None:
        return [f"fewer than {2 * WINDOW} iterations: too few to judge convergence"]
    size, error = fall
    relative = size / max(abs(history[-1].energy.mean.real), 1e-300)
    if size > _SIGNIFICANT * error and relative > SETTLED:
        return [
            f"the energy was still falling, by {relative:.1e} relative in the last {WINDOW} "
            f"iterations: run longer"
        ]
    return []
