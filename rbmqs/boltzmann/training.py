"""The training loop that all models share: epochs, mini-batches, rates, guard, checkpoints.

A model hands over a `Learner`: arrays that are changed in place, one method that makes an update
from a mini-batch, and one that measures how it stands. The loop never looks inside.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from rbmqs.boltzmann.plan import EpochRecord, Plan, Training, rate_factor
from rbmqs.utils.interrupts import Interrupts
from rbmqs.utils.progress import Progress

SAVE_EVERY = 60.0  # seconds between checkpoints


class DivergenceWarning(UserWarning):
    """A training run was stopped and its last good parameters kept."""


class CheckpointWarning(UserWarning):
    """A checkpoint could not be written; the last one before it stays."""


class Learner(Protocol):
    """What the loop needs of a model in training."""

    def parameters(self) -> dict[str, np.ndarray]:
        """The model's parameters, arrays that `update` changes in place."""

    def memory(self) -> dict[str, np.ndarray]:
        """All else a resumed run needs (velocities, chains, stream), changed in place too."""

    def update(self, rows: np.ndarray, rate: float) -> None:
        """One parameter update from the training rows with these numbers."""

    def monitor(self) -> dict[str, float]:
        """Figures to record and show, the most telling one first; empty if there are none."""


Save = Callable[[Training], None]


def train(
    learner: Learner,
    plan: Plan,
    training: Training | None = None,
    *,
    show: bool = False,
    save: Save | None = None,
) -> Training:
    """Train until the plan is fulfilled, a signal arrives or the run diverges.

    The caller keeps what was learnt, then hands `interrupted` to `rbmqs.utils.interrupts.pass_on`.

    Parameters
    ----------
    learner : Learner
    plan : Plan
    training : Training, optional
        Of a run to continue, whose arrays the learner holds again; the result is the same as
        without the interruption.
    show : bool
        Progress on standard error.
    save : callable, optional
        Writes a checkpoint of learner and training; called at once and once a minute, then a file
        that cannot be written (a full disk) is a warning. The caller writes the last one.

    Returns
    -------
    Training
        After divergence the learner holds its last good arrays.
    """
    training = training or Training()
    training.status, training.interrupted = "", None
    clock = _Clock(plan, training)
    good = _copies(learner)
    if save is not None:
        save(training)
    saved = time.monotonic()
    with (
        Interrupts() as interrupts,
        Progress(plan.epochs, training.epoch, show, unit="epoch") as progress,
    ):
        while training.epoch < plan.epochs and not clock.is_over:
            rate = _run_epochs(learner, plan, training, clock)
            training.seconds = clock.seconds
            if not _is_sound(learner, plan.limit):
                _restore(learner, good)
                training.status = _advice(training, rate)
                break
            good = _copies(learner)
            record = EpochRecord(training.epoch, training.seconds, rate, learner.monitor())
            training.history.append(record)
            progress.advance(training.epoch, str(record))
            if interrupts.received is not None:
                training.interrupted = interrupts.received
                training.status = f"interrupted after epoch {training.epoch}"
                break
            if save is not None and time.monotonic() - saved > SAVE_EVERY:
                _save_if_possible(save, training)
                saved = time.monotonic()
    if training.status and training.interrupted is None:
        warnings.warn(training.status, DivergenceWarning, stacklevel=3)
    return training


def _save_if_possible(save: Save, training: Training) -> None:
    try:
        save(training)
    except OSError as error:
        warnings.warn(f"no checkpoint after epoch {training.epoch}, the run goes on: {error}",
                      CheckpointWarning, stacklevel=4)  # fmt: skip


class _Clock:
    """Fraction of a run that is done, in updates or in time, whichever is further."""

    def __init__(self, plan: Plan, training: Training) -> None:
        self._plan = plan
        self._started = time.monotonic() - training.seconds
        self.updates = training.epoch * plan.n_batches

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started

    @property
    def done(self) -> float:
        done = self.updates / (self._plan.epochs * self._plan.n_batches)
        if self._plan.max_seconds is not None:
            done = max(done, self.seconds / self._plan.max_seconds)
        return done

    @property
    def is_over(self) -> bool:
        return self._plan.max_seconds is not None and self.seconds >= self._plan.max_seconds


def _run_epochs(learner: Learner, plan: Plan, training: Training, clock: _Clock) -> float:
    """Epochs up to the next check; returns the last rate."""
    rate = plan.learning_rate
    stop = min(training.epoch + plan.epochs_per_check, plan.epochs)
    while training.epoch < stop:
        for rows in plan.batches(training.epoch):
            if clock.is_over:
                break
            rate = plan.learning_rate * rate_factor(plan.schedule, clock.done)
            learner.update(rows, rate)
            clock.updates += 1
        training.epoch += 1
    return rate


def _is_sound(learner: Learner, limit: float) -> bool:
    """Whether every parameter is finite and within the limit (NaN compares as false)."""
    arrays = learner.parameters().values()
    return all(bool(np.abs(array).max(initial=0) <= limit) for array in arrays)


def _copies(learner: Learner) -> dict[str, np.ndarray]:
    return {n: a.copy() for n, a in (learner.parameters() | learner.memory()).items()}


def _restore(learner: Learner, arrays: dict[str, np.ndarray]) -> None:
    if hasattr(learner, "restore"):  # for memories that grow along a run
        learner.restore(arrays)
    else:
        restore_in_place(learner, arrays)


def restore_in_place(owner: Any, arrays: dict[str, np.ndarray], skip: Any = ()) -> None:
    """Write saved arrays over those that `owner.parameters()` and `owner.memory()` give."""
    own = owner.parameters() if hasattr(owner, "parameters") else {}
    for name, array in (own | owner.memory()).items():
        if name not in skip:
            array[...] = arrays[name]


def _advice(training: Training, rate: float) -> str:
    good = training.history[-1].epoch if training.history else 0
    return (
        f"diverged in epoch {training.epoch} at learning rate {rate:.3g}; the parameters of epoch "
        f"{good} are kept: lower learning_rate"
    )
