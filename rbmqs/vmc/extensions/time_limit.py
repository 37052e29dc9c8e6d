"""Schedules that end with the time: a run cut short ends with small, lightly damped steps too.

Learning rate, shift and momentum are functions of the iteration. Where time and not `n_iterations`
ends a run, the last quarter of its iterations goes through what is left of the schedules, up to
iteration `LENGTH` at least: late steps average over the noise of samples.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rbmqs.vmc.batch import Batch
from rbmqs.vmc.extension import Extension, RunContext, register_extension
from rbmqs.vmc.run_state import RunState

LENGTH = 700  # of a run by default, to whose end schedules lead
COOLING = 0.25  # of the iterations
_TIMESCALE = 100.0  # of the schedules by default


@register_extension("time_limit")
class TimeLimit(Extension):
    """Tells the optimiser another iteration where time is nearly over."""

    def __init__(self, run: RunContext) -> None:
        super().__init__(run)
        self._begun: int | None = None  # schedule's iteration at which restarts were over

    def optimiser_options(self, batch: Batch, state: RunState) -> Mapping[str, Any]:
        """The iteration of the schedules, where it is not that of the run."""
        settings, clock = self.run.settings, self.run.clock
        if not clock.is_limited or settings.is_restart(state.iteration):
            return {}
        t, n_left = settings.iteration_in_stage(state.iteration), clock.n_iterations_left()
        if self._begun is None:
            self._begun = t
        if state.iteration + n_left >= settings.n_iterations:
            return {}
        found = cooled(t, t - self._begun, n_left)
        return {"iteration": found} if found > t else {}


def cooled(t: float, n_done: float, n_left: float) -> float:
    """Iteration of the schedules at iteration t, with so many behind it and ahead of it.

    1 + t / 100 grows by equal factors in the last quarter.
    """
    cold = COOLING * (n_done + n_left)
    if not n_left < cold:
        return t
    share = 1 - n_left / cold
    now, last = 1 + t / _TIMESCALE, 1 + max(t + n_left, LENGTH) / _TIMESCALE
    return _TIMESCALE * (now * (last / now) ** share - 1)
