"""Gradients of a classification RBM: exact where discriminative, else by Gibbs chains."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from rbmqs.boltzmann import ops
from rbmqs.boltzmann.core.classes import class_means, class_scores, softmax_rows
from rbmqs.boltzmann.core.units import uniform_units
from rbmqs.boltzmann.gradient_model import GradientLearner
from rbmqs.boltzmann.labels import (
    UNKNOWN,
)  # fmt: skip
from rbmqs.boltzmann.ops import Arrays
from rbmqs.boltzmann.randomness import next_call


class Shares(NamedTuple):
    """Weights of the parts of the objective, for a row."""

    discriminative: float  # of log p(y | x)
    generative: float  # of log p(x, y)
    unlabelled: float  # of log p(x), where there is no label


def balanced(shares: Shares, numbers: np.ndarray) -> Shares:
    """Shares that make means over the rows with and without label of a mean over all rows."""
    known = float(np.mean(numbers != UNKNOWN))
    if known == 1.0:
        return shares
    s = shares
    return Shares(s.discriminative / known, s.generative / known, s.unlabelled / (1 - known))


class Batch(NamedTuple):
    """Inputs (n, D) and numbers of their classes (n,), -1 where unknown."""

    inputs: Any
    labels: np.ndarray


class Joint(NamedTuple):
    """Inputs, one-hot labels and hidden means of a mini-batch of chains, and rows' weights."""

    inputs: np.ndarray
    labels: np.ndarray
    hidden: np.ndarray
    share: np.ndarray


class ClassificationLearner(GradientLearner):
    """Gradient of the objective: exact where it is discriminative, CD-k where it is generative.

    Parameters
    ----------
    arrays : dict
        weights W (D, M), class_weights U (C, M), visible_bias b, hidden_bias c, class_bias d.
    shares : Shares
    n_gibbs_steps : int
        Gibbs steps of contrastive divergence.
    offset : array (D,), optional
        Subtracted from the inputs, in the sense of a change of variables, before a step.
    draws : bool
        Each step takes inputs of 0 and 1 drawn from the given probabilities.
    """

    def __init__(self, arrays: Arrays, stream: np.ndarray, options: Any,
                 shares: Shares, n_steps: int,
                 offset: np.ndarray | None = None, draws: bool = False) -> None:  # fmt: skip
        super().__init__(arrays, stream, options, ("weights", "class_weights"))
        self.shares, self.n_steps, self.offset, self.draws = shares, n_steps, offset, draws

    def step(self, batch: Batch, rate: float) -> None:
        """One step, along the centred gradient if there is an offset."""
        if self.draws:
            batch = Batch(drawn_units(batch.inputs, self.stream), batch.labels)
        gradient = self.gradient(batch)
        if self.offset is not None:
            ops.centre(gradient["weights"], gradient["hidden_bias"], self.offset)
        self.descent.step(gradient, rate)

    def gradient(self, batch: Batch) -> Arrays:
        """Of (1/n) sum_i [s_d log p(y|x) + s_g log p(x, y)] or, unlabelled, s_u log p(x)."""
        inputs = ops.times(batch.inputs, self.arrays["weights"])
        probability = class_scores(inputs, self._label_inputs(), self.arrays["class_bias"])
        softmax_rows(probability)
        share, chain_share = self._label_shares(batch.labels, probability)
        hidden, sums = self._hidden(inputs, share)
        gradient = {
            "weights": ops.times(batch.inputs, hidden, transpose_a=True),
            "class_weights": sums,
            "hidden_bias": hidden.sum(axis=0),
            "class_bias": share.sum(axis=0),
        }
        if chain_share.any():
            gradient["visible_bias"] = self._rows_sum(batch.inputs, chain_share)
            self._subtract(gradient, self.model_side(batch, probability, chain_share))
        for change in gradient.values():
            change /= len(batch.labels)
        return gradient

    def _label_inputs(self) -> np.ndarray:
        return self.arrays["class_weights"] + self.arrays["hidden_bias"]

    def _label_shares(
        self, labels: np.ndarray, probability: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Weight of each class in the data side (n, C), and of each row's chain (n,)."""
        known = (labels != UNKNOWN)[:, None]
        target = labels[:, None] == np.arange(probability.shape[1])
        s = self.shares
        labelled = s.discriminative * (target - probability) + s.generative * target
        share = np.where(known, labelled, s.unlabelled * probability)
        chains = np.where(known[:, 0], s.generative, s.unlabelled)
        dtype = self.arrays["weights"].dtype
        return share.astype(dtype), chains.astype(dtype)

    def _hidden(self, inputs: np.ndarray, share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        hidden, sums = np.empty_like(inputs), np.empty_like(self.arrays["class_weights"])
        class_means(inputs, self._label_inputs(), share, hidden, sums)
        return hidden, sums

    def _rows_sum(self, rows: Any, share: np.ndarray) -> np.ndarray:
        return np.asarray(rows.T @ share).ravel().astype(share.dtype)

    def _subtract(self, gradient: Arrays, model: Joint) -> None:
        weighted = model.hidden * model.share[:, None]
        gradient["weights"] -= ops.times(model.inputs, weighted, transpose_a=True)
        gradient["class_weights"] -= ops.times(model.labels, weighted, transpose_a=True)
        gradient["visible_bias"] -= self._rows_sum(model.inputs, model.share)
        gradient["hidden_bias"] -= weighted.sum(axis=0)
        gradient["class_bias"] -= self._rows_sum(model.labels, model.share)

    def model_side(self, batch: Batch, probability: np.ndarray, share: np.ndarray) -> Joint:
        """Chains of k Gibbs steps from the data, a label drawn from p(y | x) where none is."""
        rows = batch.inputs.toarray() if hasattr(batch.inputs, "toarray") else batch.inputs
        labels = np.where(
            batch.labels == UNKNOWN, drawn_classes(probability, self.stream), batch.labels
        )
        one_hot = np.eye(probability.shape[1], dtype=share.dtype)[labels]
        hidden = np.empty(0)
        for _ in range(self.n_steps):
            hidden = self.sample_hidden(rows, one_hot, self.stream)
            rows, one_hot = self.sample_visible(hidden, self.stream)
        inputs = ops.times(rows, self.arrays["weights"])
        inputs += one_hot @ self.arrays["class_weights"]
        return Joint(rows, one_hot, ops.to_means(inputs, self.arrays["hidden_bias"]), share)

    def sample_hidden(
        self, rows: np.ndarray, one_hot: np.ndarray, stream: np.ndarray
    ) -> np.ndarray:
        """h drawn given inputs and labels."""
        inputs = ops.times(rows, self.arrays["weights"]) + one_hot @ self.arrays["class_weights"]
        return ops.to_samples(inputs, self.arrays["hidden_bias"], stream)

    def sample_visible(
        self, hidden: np.ndarray, stream: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and one-hot labels drawn given h."""
        a = self.arrays
        rows = ops.times(hidden, a["weights"], transpose_b=True)
        ops.to_samples(rows, a["visible_bias"], stream)
        probability = (hidden @ a["class_weights"].T + a["class_bias"]).astype(np.float64)
        softmax_rows(probability)
        labels = drawn_classes(probability, stream)
        return rows, np.eye(probability.shape[1], dtype=hidden.dtype)[labels]


def drawn_units(probability: Any, stream: np.ndarray) -> Any:
    """Units of 0 and 1 drawn from probabilities (n, D), dense or CSR; advances the stream."""
    values = probability.data[None] if hasattr(probability, "toarray") else probability
    uniform = np.empty(values.shape, values.dtype)
    uniform_units(uniform, next_call(stream))
    units = (uniform < values).astype(values.dtype)
    if values is probability:
        return units
    drawn = probability.copy()
    drawn.data = units[0]
    return drawn


def drawn_classes(probability: np.ndarray, stream: np.ndarray) -> np.ndarray:
    """One class a row, drawn from rows of probabilities; advances the stream."""
    uniform = np.empty((len(probability), 1))
    uniform_units(uniform, next_call(stream))
    below = probability.cumsum(axis=1)[:, :-1] <= uniform
    return below.sum(axis=1)
