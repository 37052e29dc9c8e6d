"""Learning rates along a run, as functions of the fraction of the run that is done."""

from __future__ import annotations

from hamiltonians.utils.checks import choice

SCHEDULES = ("linear", "cosine", "constant")


def rate_factor(schedule: str, done: float) -> float:
    """Factor on the learning rate when the fraction `done` (0 to 1) of the run is over.

    "linear" falls from 1 to 0 as 1 - done, "cosine" as (1 + cos(pi done)) / 2, "constant" is 1.
    """
    choice("schedule", schedule, SCHEDULES)
    if schedule == "linear":
        return max(0.0, 1.0 - done)
    if schedule == "cosine":
        from math import cos, pi

        return 0.5 * (1.0 + cos(pi * min(done, 1.0)))
    return 1.0
