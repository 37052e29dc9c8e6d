"""How long a training is, in which mini-batches and at which rates, and what it has done so far."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hamiltonians.utils.checks import choice, number, positive_int

SCHEDULES = ("linear", "cosine", "constant")
UPDATES = 20_000  # of a run whose length is "auto"
CHECK_EVERY = 100  # updates between checks, at least


@dataclass(frozen=True)
class Plan:
    """How long and in which steps a run goes.

    Parameters
    ----------
    n_rows : int
        Training rows.
    n_iter : int or "auto"
        Epochs; "auto" takes as many as make `n_updates` updates, one at least.
    batch_size : int
    learning_rate : float
    schedule : {"linear", "cosine", "constant"}
        How the rate falls along the run.
    max_seconds : float or None
        Ends the run, and brings the rate to its final value by then.
    seed : int
        Of the order of rows.
    limit : float
        A parameter beyond this size counts as divergence.
    n_updates : int
        Updates of an "auto" run.
    """

    n_rows: int
    n_iter: int | str = "auto"
    batch_size: int = 100
    learning_rate: float = 0.1
    schedule: str = "linear"
    max_seconds: float | None = None
    seed: int = 0
    limit: float = math.inf
    n_updates: int = UPDATES

    def __post_init__(self) -> None:
        positive_int("batch_size", self.batch_size)
        if isinstance(self.n_iter, str):
            choice("n_iter", self.n_iter, ("auto",))
        else:
            positive_int("n_iter", self.n_iter)
        number("learning_rate", self.learning_rate, above=0)
        choice("schedule", self.schedule, SCHEDULES)
        if self.max_seconds is not None:
            number("max_seconds", self.max_seconds, above=0)

    @property
    def n_batches(self) -> int:
        """Mini-batches of an epoch."""
        return -(-self.n_rows // self.batch_size)

    @property
    def epochs(self) -> int:
        """Epochs of the whole run."""
        if isinstance(self.n_iter, str):
            return max(1, round(self.n_updates / self.n_batches))
        return int(self.n_iter)

    @property
    def epochs_per_check(self) -> int:
        """Epochs between two checks: one, or more where epochs are a few updates."""
        return -(-CHECK_EVERY // self.n_batches)

    def batches(self, epoch: int) -> list[np.ndarray]:
        """Row numbers of the mini-batches of one epoch, sizes differing by one at most."""
        order = np.random.default_rng([self.seed, epoch]).permutation(self.n_rows)
        return np.array_split(order, self.n_batches)


@dataclass(frozen=True)
class EpochRecord:
    """How the model stood at a check: epochs and seconds so far, rate, figures of its monitor."""

    epoch: int
    seconds: float
    rate: float
    figures: dict[str, float]

    def __str__(self) -> str:
        return ", ".join(f"{name} {value:.4g}" for name, value in self.figures.items())


@dataclass
class Training:
    """State and history of a run; `status` is empty or one sentence on why it stopped early."""

    epoch: int = 0
    seconds: float = 0.0
    history: list[EpochRecord] = field(default_factory=list)
    status: str = ""
    interrupted: int | None = None


def rate_factor(schedule: str, done: float) -> float:
    """Factor on the learning rate when the fraction `done` (0 to 1) of the run is over.

    "linear" falls from 1 to 0 as 1 - done, "cosine" as (1 + cos(pi done)) / 2, "constant" is 1.
    """
    if schedule == "linear":
        return max(0.0, 1.0 - done)
    return 0.5 * (1.0 + math.cos(math.pi * min(done, 1.0))) if schedule == "cosine" else 1.0


def describe(training: Training) -> dict[str, Any]:
    """The training as plain values, for checkpoints."""
    return {
        "epoch": training.epoch,
        "seconds": training.seconds,
        "history": [
            [record.epoch, record.seconds, record.rate, record.figures]
            for record in training.history
        ],
    }


def training_from(description: dict[str, Any]) -> Training:
    """Inverse of `describe`."""
    history = [EpochRecord(int(e), float(s), float(r), dict(f)) for e, s, r, f in
               description["history"]]  # fmt: skip
    epoch = positive_int("epoch", description["epoch"], minimum=0)
    return Training(epoch, float(description["seconds"]), history)
