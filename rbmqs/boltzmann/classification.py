"""Classification RBM: an RBM over inputs and a label, with exact conditionals of the label.

    E(y, x, h) = -b.x - c.h - d_y - h.(x W) - h.U_y
    p(y | x) ~ exp(d_y + sum_j softplus(c_j + (x W)_j + U_yj))

H. Larochelle and Y. Bengio, "Classification using discriminative restricted Boltzmann machines",
ICML 2008, Eqs. 3-9.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from hamiltonians.utils.checks import choice, flag, number, positive_int
from rbmqs.boltzmann import ops
from rbmqs.boltzmann.classification_learner import Batch, ClassificationLearner, Shares, balanced
from rbmqs.boltzmann.core.classes import class_scores
from rbmqs.boltzmann.data import MIN_ROWS
from rbmqs.boltzmann.gradient_model import BinaryModel
from rbmqs.boltzmann.keywords import estimator
from rbmqs.boltzmann.labels import (
    ClassifierMethods,
    class_numbers,
    known_numbers,
    log_softmax,
)  # fmt: skip
from rbmqs.boltzmann.linalg import one_pool
from rbmqs.boltzmann.randomness import new_stream

OBJECTIVES = ("discriminative", "generative", "hybrid")
CHUNK = 4096  # rows classified at a time


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
