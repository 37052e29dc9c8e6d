"""Classification RBM: an RBM over inputs and a label, with exact conditionals of the label.

    E(y, x, h) = -b.x - c.h - d_y - h.(x W) - h.U_y
    p(y | x) ~ exp(d_y + sum_j softplus(c_j + (x W)_j + U_yj))

H. Larochelle and Y. Bengio, "Classification using discriminative restricted Boltzmann machines",
ICML 2008, Eqs. 3-9.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy as np

from hamiltonians.utils.checks import choice, flag, number, positive_int
from rbmqs.boltzmann import ops
from rbmqs.boltzmann.core.classes import class_means, class_scores, softmax_rows
from rbmqs.boltzmann.core.units import uniform_units
from rbmqs.boltzmann.data import MIN_ROWS
from rbmqs.boltzmann.gradient_model import BinaryModel, GradientLearner
from rbmqs.boltzmann.keywords import estimator
from rbmqs.boltzmann.labels import (
    UNKNOWN,
    ClassifierMethods,
    class_numbers,
    known_numbers,
    log_softmax,
)  # fmt: skip
from rbmqs.boltzmann.linalg import one_pool
from rbmqs.boltzmann.ops import Arrays
from rbmqs.boltzmann.randomness import new_stream, next_call

OBJECTIVES = ("discriminative", "generative", "hybrid")
CHUNK = 4096  # rows classified at a time


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

    def __init__(self, arrays: Arrays, stream: np.ndarray, options: ClassificationRBM,
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


@estimator
class ClassificationRBM(ClassifierMethods, BinaryModel):
    """Restricted Boltzmann machine over inputs in [0, 1] and a class label.

    Parameters
    ----------
    n_components : int
        Hidden units.
    objective : {"discriminative", "generative", "hybrid"}
        log p(y | x), log p(x, y), or log p(y | x) + generative_weight log p(x, y).
    generative_weight : float
        alpha of Larochelle & Bengio, Eq. 8.
    unlabelled_weight : float
        Weight of log p(x) of rows without label (their Eq. 9). The objective is a mean over the
        rows with label plus this weight times the mean over those without.
    unlabelled : object
        The entry of y that marks a row without label, for instance -1.
    n_gibbs_steps : int
        Gibbs steps of contrastive divergence in the generative parts.
    centred : bool
        Steps along the gradient that is centred on the mean input (arXiv:1311.1354).
    draw_inputs : bool
        Inputs between 0 and 1 are probabilities, such as grey values: every step draws its rows
        from them anew. Classifiers that fit all rows generalise better so (docs/boltzmann.md);
        predictions take the probabilities themselves.
    **options
        See `rbmqs.boltzmann.gradient_model.BinaryModel` and its base.

    Attributes
    ----------
    classes_ : array (C,)
    components_ : array (M, D)
    class_components_ : array (M, C)
    intercept_hidden_, intercept_visible_, intercept_classes_ : arrays
    training_ : Training
    """

    n_components: int = 500
    objective: str = "hybrid"
    generative_weight: float = 0.01
    unlabelled_weight: float = 0.01
    unlabelled: Any = None
    n_gibbs_steps: int = 1
    centred: bool = True
    draw_inputs: bool = False

    _accepts_sparse = True

    def fit(self, X: Any, y: Any) -> Self:
        """Train on rows in [0, 1] (dense or CSR) with one label each.

        Raises
        ------
        ValueError
            Values outside [0, 1]; see `class_numbers`; unknown options.
        """
        rows = self.check_rows(X, MIN_ROWS)
        classes, numbers = class_numbers(y, rows.shape[0], self.unlabelled)
        seeds = self._seeds(3)
        plan = self._plan(rows.shape[0], seeds[0])
        learner = self._learner(rows, classes, seeds)
        learner.shares = balanced(learner.shares, numbers)
        self._remember_columns(X, rows.shape[1])
        self.classes_ = classes
        self._descend(learner, plan, lambda chosen: Batch(rows[chosen], numbers[chosen]))
        self._keep(learner)
        return self

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> Self:
        """One step from these rows; the first call must name all classes."""
        rows = self.check_rows(X)
        if not self.__sklearn_is_fitted__():
            if classes is None:
                raise ValueError("the first call of partial_fit must name all classes")
            fixed = np.unique(classes)
            learner = self._learner(rows, fixed, self._seeds(3))
            self._remember_columns(X, rows.shape[1])
            self.classes_ = fixed
            self._keep(learner)
        self._check_columns(X, rows.shape[1])
        numbers = known_numbers(y, rows.shape[0], self.classes_, self.unlabelled)
        with one_pool():
            self._learned.step(Batch(rows, numbers), self.learning_rate)
        return self

    def _learner(self, rows: Any, classes: np.ndarray, seeds: list) -> ClassificationLearner:
        positive_int("n_components", self.n_components)
        positive_int("n_gibbs_steps", self.n_gibbs_steps)
        shape, dtype = (rows.shape[1], self.n_components), self._type
        scale, mean = 1 / np.sqrt(max(shape)), ops.column_mean(rows)
        arrays = {
            "weights": ops.small_weights(seeds[1], shape, dtype, scale),
            "class_weights": ops.small_weights(
                seeds[1].spawn(1)[0], (len(classes), self.n_components), dtype, scale
            ),
            "visible_bias": ops.log_odds(mean, 1 / (2 + rows.shape[0])).astype(dtype),
            "hidden_bias": np.zeros(self.n_components, dtype),
            "class_bias": np.zeros(len(classes), dtype),
        }
        return ClassificationLearner(
            arrays, new_stream(seeds[2]), self, self._shares(), self.n_gibbs_steps,
            mean.astype(dtype) if self.centred else None, flag("draw_inputs", self.draw_inputs),
        )  # fmt: skip

    def _shares(self) -> Shares:
        choice("objective", self.objective, OBJECTIVES)
        alpha = number("generative_weight", self.generative_weight, at_least=0)
        beta = number("unlabelled_weight", self.unlabelled_weight, at_least=0)
        return {
            "discriminative": Shares(1.0, 0.0, beta),
            "generative": Shares(0.0, 1.0, 1.0),
            "hybrid": Shares(1.0, alpha, beta),
        }[self.objective]

    def _keep(self, learner: ClassificationLearner) -> None:
        self._learned = learner
        a = learner.arrays
        self.components_, self.class_components_ = a["weights"].T, a["class_weights"].T
        self.intercept_hidden_, self.intercept_visible_ = a["hidden_bias"], a["visible_bias"]
        self.intercept_classes_ = a["class_bias"]

    def decision_scores(self, X: Any) -> np.ndarray:
        """log p(x, y) + log Z - b.x for each class, (n, C)."""
        rows, a = self.checked_rows(X), self._learned.arrays
        label_inputs = a["class_weights"] + a["hidden_bias"]
        out = np.empty((rows.shape[0], len(self.classes_)))
        with one_pool():
            for start in range(0, len(out), CHUNK):
                part = slice(start, start + CHUNK)
                inputs = ops.times(rows[part], a["weights"])
                out[part] = class_scores(inputs, label_inputs, a["class_bias"])
        return out

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """log p(y | x), exact, (n, C)."""
        return log_softmax(self.decision_scores(X))

    def transform(self, X: Any) -> np.ndarray:
        """p(h_j = 1 | x), the label summed over, (n, M)."""
        probability = self.predict_proba(X).astype(self.components_.dtype)
        with one_pool():
            inputs = ops.times(self.checked_rows(X), self._learned.arrays["weights"])
            return self._learned._hidden(inputs, probability)[0]

    def sample(self, n_samples: int = 1, n_steps: int = 1000, random_state: Any = None) -> tuple:
        """Inputs (n, D) and labels (n,) after `n_steps` of Gibbs sampling from random starts."""
        self.check_is_fitted()
        learner, stream = self._learned, ops.stream_of(random_state)
        shape = (positive_int("n_samples", n_samples), len(self.components_))
        with one_pool():
            hidden = ops.random_states(shape, self.components_.dtype, stream)
            rows, labels = learner.sample_visible(hidden, stream)
            for _ in range(positive_int("n_steps", n_steps)):
                hidden = learner.sample_hidden(rows, labels, stream)
                rows, labels = learner.sample_visible(hidden, stream)
        return rows, self.classes_[labels.argmax(axis=1)]
