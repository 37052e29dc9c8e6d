"""What all models trained along a gradient share: plan, learner, products."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from rbmqs.boltzmann.data import MIN_ROWS, unit_matrix
from rbmqs.boltzmann.descent import Descent
from rbmqs.boltzmann.keywords import TrainingKeywords
from rbmqs.boltzmann.linalg import one_pool
from rbmqs.boltzmann.ops import Arrays
from rbmqs.boltzmann.plan import Plan, Training
from rbmqs.boltzmann.training import train
from rbmqs.utils.interrupts import pass_on

Take = Callable[[np.ndarray], Any]  # from row numbers to a mini-batch


@dataclass(eq=False, repr=False, kw_only=True)
class GradientModel(TrainingKeywords):
    """Base of the models trained along a gradient: plan, loop, errors before `fit`."""

    def __getattr__(self, name: str) -> Any:
        """What training makes, asked for before `fit`, is an error that says so."""
        if name in ("_learned", "rbm_"):
            self.check_is_fitted()
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def _plan(self, n_rows: int, seed: np.random.SeedSequence) -> Plan:
        """The run that the keywords ask for; refuses what it cannot be."""
        return Plan(
            n_rows, self.n_iter, self.batch_size, self.learning_rate, self.schedule,
            self.max_seconds, int(seed.generate_state(1)[0]),
        )  # fmt: skip

    def _descend(self, learner: GradientLearner, plan: Plan, take: Take) -> Training:
        """Train on the mini-batches that `take` makes; the record stays as `training_`."""
        learner.take = take
        work = self.batch_size * max(array.size for array in learner.arrays.values())
        try:
            with one_pool(work), np.errstate(all="ignore"):  # the loop's guard watches
                self.training_ = train(learner, plan, show=bool(self.verbose))
        finally:
            learner.take = None
        return self.training_

    def check_rows(self, X: Any, min_rows: int = 1) -> Any:
        """Rows as the learner wants them: `shape`, and indexing by row numbers."""
        raise NotImplementedError

    def _columns(self, rows: Any) -> int:
        """Columns of the user's data."""
        return rows.shape[1]

    def _forget(self) -> None:
        """Drop what an earlier fit fixed and `check_rows` would hold new data to."""

    def checked_rows(self, X: Any) -> Any:
        """X as rows for the fitted model, which they must fit."""
        self.check_is_fitted()
        rows = self.check_rows(X)
        self._check_columns(X, self._columns(rows))
        return rows

    @property
    def status_(self) -> str:
        """Empty, or one sentence on why the training stopped early."""
        return self.training_.status


@dataclass(eq=False, repr=False, kw_only=True)
class BinaryModel(GradientModel):
    """Keyword of the models over units of 0 and 1.

    Parameters
    ----------
    binarize : float or None
        Values above it become 1, others 0; None takes only data that is in range already.
    """

    binarize: float | None = None

    def _binary_rows(self, X: Any, min_rows: int = 1) -> Any:
        """Rows of 0 and 1."""
        return unit_matrix(X, self._type, self.binarize, min_rows=min_rows, whole=True)

    def check_rows(self, X: Any, min_rows: int = 1) -> Any:
        """Rows of numbers in [0, 1]."""
        return unit_matrix(X, self._type, self.binarize, min_rows=min_rows)


class UnsupervisedModel(GradientModel):
    """What the models of rows without labels share: fit, partial_fit, checked rows.

    Subclasses say what rows they take (`check_rows`), how a learner starts (`_learner`) and which
    fitted attributes its arrays become (`_publish`).
    """

    _learned: Any  # the learner after training

    def _learner(self, rows: Any, seeds: list[np.random.SeedSequence]) -> GradientLearner:
        """A learner before its first step; seeds for the weights, the stream and what else."""
        raise NotImplementedError

    def _publish(self, learner: Any) -> None:
        """Set the fitted attributes, views of the learner's arrays."""
        raise NotImplementedError

    def fit(self, X: Any, y: Any = None) -> Self:
        """Train on the rows of X; y is ignored.

        Raises
        ------
        TypeError, ValueError
            Rows the model cannot take, unknown options.
        """
        self._forget()
        rows = self.check_rows(X, MIN_ROWS)
        order, *seeds = self._seeds(4)
        plan = self._plan(rows.shape[0], order)
        learner = self._learner(rows, seeds)
        self._descend(learner, plan, lambda chosen: rows[chosen])
        self._begin(X, rows, learner)
        pass_on(self.training_.interrupted, self)
        return self

    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """One step from these rows at the full learning rate."""
        rows = self.check_rows(X)
        if not self.__sklearn_is_fitted__():
            self._begin(X, rows, self._learner(rows, self._seeds(4)[1:]))
        self._check_columns(X, self._columns(rows))
        with one_pool():
            self._learned.step(rows, self.learning_rate)
        return self

    def _begin(self, X: Any, rows: Any, learner: GradientLearner) -> None:
        self._remember_columns(X, self._columns(rows))
        self._learned = learner
        self._publish(learner)


class GradientLearner:
    """A learner (see `rbmqs.boltzmann.training`) whose update is a step along `gradient`.

    Parameters
    ----------
    arrays : dict of arrays
        The parameters, changed in place.
    stream : array
        Randomness.
    options : GradientModel, StepOptions
        Gives momentum and decay.
    decayed : tuple of str
        Parameters that weight decay applies to.
    """

    def __init__(
        self,
        arrays: Arrays,
        stream: np.ndarray,
        options: Any,
        decayed: tuple[str, ...] = ("weights",),
    ) -> None:
        self.arrays, self.stream = arrays, stream
        self.take: Take | None = None
        self.descent = Descent(arrays, options.momentum, options.l1, options.l2, decayed)

    def parameters(self) -> Arrays:
        """The model's parameters."""
        return self.arrays

    def memory(self) -> Arrays:
        """Velocities and randomness; models with chains add them."""
        return self.descent.memory() | {"stream": self.stream}

    def update(self, rows: np.ndarray, rate: float) -> None:
        """One step from the rows with these numbers."""
        if self.take is None:
            raise RuntimeError("a learner without training rows can only `step`")
        self.step(self.take(rows), rate)

    def step(self, batch: Any, rate: float) -> None:
        """One step from a mini-batch."""
        self.descent.step(self.gradient(batch), rate)

    def gradient(self, batch: Any) -> Arrays:
        """Gradient of the mean objective of a mini-batch, an estimate where the model samples."""
        raise NotImplementedError

    def monitor(self) -> dict[str, float]:
        """Nothing measured."""
        return {}
