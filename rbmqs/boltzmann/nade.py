"""NADE, the tractable successor of the RBM: exact likelihoods and independent samples.

H. Larochelle and I. Murray, "The neural autoregressive distribution estimator", AISTATS 2011,
Eqs. 9-11; the gradient is their algorithm 1. Columns are visited in a fixed random order.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from hamiltonians.utils.checks import choice, positive_int
from rbmqs.boltzmann import ops
from rbmqs.boltzmann.core import nade as kernels
from rbmqs.boltzmann.gradient_model import (
    BinaryModel,
    GradientLearner,
    GradientModel,
    UnsupervisedModel,
)
from rbmqs.boltzmann.keywords import estimator, keyword
from rbmqs.boltzmann.linalg import one_pool
from rbmqs.boltzmann.ops import Arrays
from rbmqs.boltzmann.randomness import new_stream, next_call

NAMES = ("weights", "output_weights", "visible_bias", "hidden_bias")


class NADELearner(GradientLearner):
    """Exact gradient of mean log p; columns are visited in this order, as are parameters."""

    def __init__(self, arrays: Arrays, stream: np.ndarray, options: GradientModel,
                 order: np.ndarray) -> None:  # fmt: skip
        super().__init__(arrays, stream, options, NAMES[:2])
        self.order = order
        self._parts = tuple(np.empty((kernels.BLOCKS, *arrays[name].shape), arrays[name].dtype)
                            for name in NAMES)  # fmt: skip

    @property
    def ordered(self) -> tuple[np.ndarray, ...]:
        """Parameters in the order of the kernels."""
        return tuple(self.arrays[name] for name in NAMES)

    def in_order(self, rows: np.ndarray) -> np.ndarray:
        """Rows with their columns as they are visited."""
        return np.ascontiguousarray(rows[:, self.order])

    def gradient(self, batch: np.ndarray) -> Arrays:
        """Of the mean over the rows of the mini-batch."""
        for part in self._parts:
            part[...] = 0
        kernels.sum_gradients(self.in_order(batch), *self.ordered, self._parts)
        return {name: part.sum(axis=0) / part.dtype.type(len(batch))
                for name, part in zip(NAMES, self._parts, strict=True)}  # fmt: skip


@estimator
class NADE(BinaryModel, UnsupervisedModel):
    """Neural autoregressive distribution estimator over columns of 0 and 1.

    Parameters
    ----------
    n_components : int
        Hidden units.
    order : {"random", "columns"}
        In which columns are visited.
    **options
        See `rbmqs.boltzmann.gradient_model.BinaryModel` and its base.

    Attributes
    ----------
    components_ : array (M, N)
        W, columns as in the data.
    order_ : int array (N,)
    training_ : Training
    """

    n_components: int = 100
    order: str = "random"
    learning_rate: float = keyword(0.05)
    momentum: float = keyword(0.9)

    def check_rows(self, X: Any, min_rows: int = 1) -> np.ndarray:
        if sparse.issparse(X):
            raise TypeError("Sparse data was passed; NADE visits every column: X.toarray()")
        return self._binary_rows(X, min_rows)

    def _learner(self, rows: np.ndarray, seeds: list) -> NADELearner:
        n_hidden = positive_int("n_components", self.n_components)
        n_visible, dtype = rows.shape[1], self._type
        order = np.arange(n_visible)
        if choice("order", self.order, ("random", "columns")) == "random":
            order = np.random.default_rng(seeds[2]).permutation(n_visible)
        bias = ops.log_odds(ops.column_mean(rows), 1 / (2 + len(rows)))[order]
        weights, output_weights = seeds[0].spawn(2)
        scale = 1 / np.sqrt(n_visible)
        arrays = {
            "weights": ops.small_weights(weights, (n_visible, n_hidden), dtype, scale),
            "output_weights": ops.small_weights(output_weights, (n_visible, n_hidden), dtype),
            "visible_bias": bias.astype(dtype),
            "hidden_bias": np.zeros(n_hidden, dtype),
        }
        return NADELearner(arrays, new_stream(seeds[1]), self, order)

    def _publish(self, learner: NADELearner) -> None:
        self.order_ = learner.order

    @property
    def components_(self) -> np.ndarray:
        """W (M, N), columns as in the data."""
        return self._learned.arrays["weights"][np.argsort(self.order_)].T

    def _ordered(self, X: Any) -> np.ndarray:
        return self._learned.in_order(self.checked_rows(X))

    def transform(self, X: Any) -> np.ndarray:
        """Hidden units once all columns are read, logistic(c + v W), (n, M)."""
        rows, arrays = self._ordered(X), self._learned.arrays
        with one_pool():
            return ops.to_means(ops.times(rows, arrays["weights"]), arrays["hidden_bias"])

    def score_samples(self, X: Any) -> np.ndarray:
        """log p of each row in nats, exact."""
        return kernels.log_probabilities(self._ordered(X), *self._learned.ordered)

    def score(self, X: Any, y: Any = None) -> float:
        """Mean log p in nats."""
        return float(self.score_samples(X).mean())

    def sample(self, n_samples: int = 1, random_state: Any = None) -> np.ndarray:
        """Independent rows, (n, N)."""
        self.check_is_fitted()
        out = np.empty(
            (positive_int("n_samples", n_samples), len(self.order_)),
            self._learned.arrays["weights"].dtype,
        )
        kernels.draw_rows(*self._learned.ordered, next_call(ops.stream_of(random_state)), out)
        return out[:, np.argsort(self.order_)]
