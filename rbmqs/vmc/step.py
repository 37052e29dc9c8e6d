"""One step of an iteration, with what keeps an optimisation from blowing up.

A plain step with fixed learning rate and shift diverges from random starts: near W = 0 the quantum
geometric tensor S falls like W^2 and the force like W, so a step is of order 1/W, and where samples
are fewer than parameters the solution follows the noise of the samples. Three things prevent it:

1. the length of a step in the metric S is at most `max_step`;
2. the shift starts large and falls, the learning rate falls as 1/t, so that late steps average
   over the noise of the samples;
3. a step after which the energy is not finite, or has risen by more than `RISE` of its error
   bars, is undone; the next ones are shorter and more damped until the run is healthy again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from rbmqs.estimators.stats import ROUNDING, Stats, nominal_error
from rbmqs.vmc.batch import Batch
from rbmqs.vmc.optimisers import OPTIMISERS
from rbmqs.vmc.records import StepRecord
from rbmqs.vmc.run_state import DivergedError, GoodPoint, RunState
from rbmqs.vmc.settings import RunSettings

RISE = 8.0
MAX_ROLLBACKS = 12  # in a row, before the run gives up


def step(
    batch: Batch,
    state: RunState,
    settings: RunSettings,
    extras: Mapping[str, Mapping[str, Any]] | None = None,
    options: Mapping[str, Any] | None = None,
) -> tuple[StepRecord, RunState]:
    """Change the parameters by what a batch says, or undo the step before.

    Parameters
    ----------
    extras : mapping, optional
        What extensions report, for the record.
    options : mapping, optional
        Keyword arguments of the optimiser.

    Raises
    ------
    DivergedError
        More than `MAX_ROLLBACKS` steps in a row were bad.
    """
    record = StepRecord(
        iteration=state.iteration,
        energy=batch.energy,
        acceptance=batch.acceptance,
        damping=state.optimiser.damping,
        summed=batch.summed,
        extras=dict(extras or {}),
    )
    trouble = has_diverged(batch.energy, state.last_good.energy if state.last_good else None)
    if trouble:
        return _roll_back(record, state, trouble)
    try:
        return _advance(record, batch, state, settings, options or {})
    except FloatingPointError as error:  # the solver met NaN, or a matrix it cannot factorise
        return _roll_back(record, state, str(error))


def _advance(
    record: StepRecord,
    batch: Batch,
    state: RunState,
    settings: RunSettings,
    options: Mapping[str, Any],
) -> tuple[StepRecord, RunState]:
    optimiser = OPTIMISERS[settings.optimiser.kind](settings.optimiser)
    iteration = settings.iteration_in_stage(state.iteration)
    update, remembered = optimiser.update(
        state.psi, batch, state.optimiser, **{"iteration": iteration, **options}
    )
    good = state.last_good
    if good is None or is_better(batch.energy, good.energy):
        good = GoodPoint(state.psi, state.chains.spins, batch.energy)
    record = replace(
        record,
        solve=update.solution.summary(),
        learning_rate=update.learning_rate,
        step_length=update.length,
        predicted_change=update.solution.predicted_change(update.learning_rate),
    )
    return record, replace(
        state, iteration=state.iteration + 1, psi=update.psi, optimiser=remembered,
        last_good=good, n_rollbacks=0,
    )  # fmt: skip


def _roll_back(record: StepRecord, state: RunState, trouble: str) -> tuple[StepRecord, RunState]:
    """Return to the last good parameters, with shorter and more damped steps to come."""
    good = state.last_good
    if good is None or state.n_rollbacks >= MAX_ROLLBACKS:
        raise DivergedError(
            f"stopped at iteration {state.iteration}: {trouble}, and "
            f"{state.n_rollbacks} returns to the last good parameters did not help",
            state,
        )
    optimiser = state.optimiser.after_rollback()
    record = replace(record, damping=optimiser.damping, status=f"step undone: {trouble}")
    # The error of the reference energy is doubled: it may have been a lucky fluctuation, and
    # must not block the run.
    loosened = replace(good.energy, error_of_mean=2.0 * good.energy.error_of_mean)
    return record, replace(
        state,
        iteration=state.iteration + 1,
        psi=good.psi,
        chains=replace(state.chains, spins=good.spins),
        optimiser=optimiser,
        last_good=replace(good, energy=loosened),
        n_rollbacks=state.n_rollbacks + 1,
    )


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
        return f"the energy rose by {rise:.3g} J, its error being {error:.2g} J"
    return ""
