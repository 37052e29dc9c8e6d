"""Classifier of a deep belief network's layers and a softmax, fine-tuned by backpropagation.

G. Hinton and R. Salakhutdinov, Science 313 (2006); dropout as in N. Srivastava et al., JMLR 15
(2014), who pretrain the same way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Self

import numpy as np

from hamiltonians.utils.checks import number
from rbmqs.boltzmann import ops
from rbmqs.boltzmann.belief_network import DeepBeliefNetwork
from rbmqs.boltzmann.classification import CHUNK
from rbmqs.boltzmann.classification_learner import Batch
from rbmqs.boltzmann.core.classes import softmax_rows
from rbmqs.boltzmann.core.network import back_through_units, drop_units
from rbmqs.boltzmann.data import MIN_ROWS
from rbmqs.boltzmann.gradient_model import GradientLearner, GradientModel
from rbmqs.boltzmann.keywords import estimator
from rbmqs.boltzmann.labels import (
    UNKNOWN,
    ClassifierMethods,
    class_numbers,
    log_softmax,
)  # fmt: skip
from rbmqs.boltzmann.linalg import one_pool
from rbmqs.boltzmann.ops import Arrays
from rbmqs.boltzmann.plan import Plan
from rbmqs.boltzmann.randomness import new_stream, next_call, seed_sequence


class Layer(NamedTuple):
    """Activities of a layer (n, units) after dropout, their means before it, and the mask."""

    activity: Any
    mean: np.ndarray
    mask: np.ndarray


class NetworkLearner(GradientLearner):
    """Gradient of mean log p(y | x) of a network of logistic layers and a softmax on top.

    Parameters
    ----------
    arrays : dict
        weights_0, bias_0, ... up to the softmax.
    dropout : float
        Share of hidden units dropped in an update; `input_dropout` of the inputs.
    mean : array (D,), optional
        Mean input, for steps along the centred gradient; hidden units are centred on 1/2.
    """

    def __init__(self, arrays: Arrays, stream: np.ndarray, options: GradientModel,
                 dropout: float = 0.0, input_dropout: float = 0.0,
                 mean: np.ndarray | None = None) -> None:  # fmt: skip
        self.depth = len(arrays) // 2
        weights = tuple(f"weights_{k}" for k in range(self.depth))
        super().__init__(arrays, stream, options, weights)
        self.dropout, self.input_dropout, self.mean = dropout, input_dropout, mean

    def step(self, batch: Batch, rate: float) -> None:
        """One step, along the centred gradient if there is a mean input."""
        gradient = self.gradient(batch)
        if self.mean is not None:
            for k in range(self.depth):
                weights = gradient[f"weights_{k}"]
                offset = np.full(len(weights), 0.5, weights.dtype) if k else self.mean
                ops.centre(weights, gradient[f"bias_{k}"], offset)
        self.descent.step(gradient, rate)

    def gradient(self, batch: Batch) -> Arrays:
        """By backpropagation."""
        layers = self._forward(batch.inputs)
        error = self._output(layers[-1].activity).astype(np.float64)
        softmax_rows(error)
        error = -error.astype(layers[-1].activity.dtype)
        error[np.arange(len(error)), batch.labels] += 1
        error /= len(error)
        gradient = {}
        for k in reversed(range(self.depth)):
            gradient[f"weights_{k}"] = ops.times(layers[k].activity, error, transpose_a=True)
            gradient[f"bias_{k}"] = error.sum(axis=0)
            if k:
                error = ops.times(error, self.arrays[f"weights_{k}"], transpose_b=True)
                back_through_units(error, layers[k].mean, layers[k].mask)
        return gradient

    def _forward(self, inputs: Any) -> list[Layer]:
        layers = [self._dropped(inputs, self.input_dropout)]
        for k in range(self.depth - 1):
            layers.append(self._dropped(self._mean(layers[-1].activity, k), self.dropout))
        return layers

    def _dropped(self, mean: Any, share: float) -> Layer:
        if not share:
            return Layer(mean, mean, np.ones((1, 1)) if hasattr(mean, "tocsr") else
                         np.ones_like(mean))  # fmt: skip
        activity = mean.toarray() if hasattr(mean, "tocsr") else mean.copy()
        mask = np.empty_like(activity)
        drop_units(activity, mask, share, next_call(self.stream))
        return Layer(activity, mean, mask)

    def _mean(self, below: Any, k: int) -> np.ndarray:
        return ops.to_means(ops.times(below, self.arrays[f"weights_{k}"]), self.arrays[f"bias_{k}"])

    def _output(self, below: np.ndarray) -> np.ndarray:
        k = self.depth - 1
        return ops.times(below, self.arrays[f"weights_{k}"]) + self.arrays[f"bias_{k}"]

    def scores(self, inputs: Any) -> np.ndarray:
        """Inputs of the softmax without dropout, (n, C)."""
        for k in range(self.depth - 1):
            inputs = self._mean(inputs, k)
        return self._output(inputs)


@estimator
class DeepBeliefClassifier(ClassifierMethods, DeepBeliefNetwork):
    """Deep belief network with a softmax on top: greedy stacking, then backpropagation.

    Parameters
    ----------
    n_components, method, n_gibbs_steps, **options
        Of the stacking, see `DeepBeliefNetwork`; batch size, momentum and decay serve both.
    finetune_rate : float
        Learning rate of backpropagation.
    finetune_n_iter : int or "auto"
        Its epochs.
    finetune_seconds : float or None
        Ends it.
    dropout, input_dropout : float
        Share of the hidden units and of the inputs that an update of it leaves out.
    centred : bool
        Backpropagation along the gradient that is centred on the mean input (arXiv:1311.1354).
    unlabelled : object
        The entry of y that marks a row without label: such rows serve the stacking.

    Attributes
    ----------
    rbms_ : list of Parameters
        As they were stacked; `sample` and `transform` use them.
    network_ : NetworkLearner
    classes_ : array (C,)
    training_ : Training
        Of the fine-tuning.
    """

    finetune_rate: float = 0.1
    finetune_n_iter: int | str = "auto"
    finetune_seconds: float | None = None
    dropout: float = 0.0
    input_dropout: float = 0.0
    centred: bool = True
    unlabelled: Any = None

    def fit(self, X: Any, y: Any) -> Self:  # type: ignore[override]
        """Stack on all rows, fine-tune on those with a label.

        Raises
        ------
        ValueError
            Values outside [0, 1]; see `class_numbers`; unknown options.
        """
        rows = self.check_rows(X, MIN_ROWS)
        classes, numbers = class_numbers(y, rows.shape[0], self.unlabelled)
        for name in ("dropout", "input_dropout"):
            if number(name, getattr(self, name), at_least=0) >= 1:
                raise ValueError(f"{name} must be below 1, got {getattr(self, name)}")
        known = numbers != UNKNOWN
        seeds = seed_sequence(self.random_state).spawn(4)
        plan = Plan(
            int(known.sum()), self.finetune_n_iter, self.batch_size, self.finetune_rate,
            self.schedule, self.finetune_seconds, int(seeds[1].generate_state(1)[0]),
        )  # fmt: skip
        self._stack(rows)
        self._remember_columns(X, rows.shape[1])
        self.classes_ = classes
        mean = ops.column_mean(rows).astype(rows.dtype) if self.centred else None
        self.network_ = self._network(len(classes), seeds[2], new_stream(seeds[3]), mean)
        self._descend(self.network_, plan, labelled_batches(rows, numbers, known))
        return self

    def _network(
        self, n_classes: int, seed: Any, stream: np.ndarray, mean: np.ndarray | None
    ) -> NetworkLearner:
        arrays = {}
        for k, rbm in enumerate(self.rbms_):
            arrays[f"weights_{k}"] = rbm.weights.copy()
            arrays[f"bias_{k}"] = rbm.hidden_bias.copy()
        k, width, dtype = len(self.rbms_), self.rbms_[-1].n_hidden, self._type
        arrays[f"weights_{k}"] = ops.small_weights(seed, (width, n_classes), dtype)
        arrays[f"bias_{k}"] = np.zeros(n_classes, dtype)
        return NetworkLearner(arrays, stream, self, self.dropout, self.input_dropout, mean)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """log p(y | x), (n, C)."""
        rows = self.checked_rows(X)
        out = np.empty((rows.shape[0], len(self.classes_)))
        with one_pool():
            for start in range(0, len(out), CHUNK):
                part = slice(start, start + CHUNK)
                out[part] = self.network_.scores(rows[part])
        return log_softmax(out)


def labelled_batches(
    rows: Any, numbers: np.ndarray, known: np.ndarray
) -> Callable[[np.ndarray], Batch]:
    """Mini-batches of the rows that have a label."""
    places = np.flatnonzero(known)
    return lambda chosen: Batch(rows[places[chosen]], numbers[places[chosen]])
