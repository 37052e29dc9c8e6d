"""Collaborative filtering: an RBM of softmax units, one for each item, most of them missing.

Every user has an RBM of the items he or she rated; all share their parameters.

    p(h_j = 1 | V) = logistic(c_j + sum_{i rated} (W[i, k_i, j] + D[i, j]))
    p(rating of i = k | h) ~ exp(b_ik + sum_j W[i, k, j] h_j)

R. Salakhutdinov, A. Mnih and G. Hinton, "Restricted Boltzmann machines for collaborative
filtering", ICML 2007, Eqs. 1-6 and 10-11 (the conditional RBM, whose D says that rating an item at
all tells something).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hamiltonians.utils.checks import positive_int
from rbmqs.boltzmann import ops
from rbmqs.boltzmann.core import ratings as kernels
from rbmqs.boltzmann.core.classes import softmax_rows
from rbmqs.boltzmann.data import and_more
from rbmqs.boltzmann.gradient_model import UnsupervisedModel
from rbmqs.boltzmann.keywords import estimator, keyword
from rbmqs.boltzmann.linalg import one_pool
from rbmqs.boltzmann.randomness import new_stream
from rbmqs.boltzmann.ratings_learner import Ratings, RatingsLearner, rating_matrix


@estimator
class RatingsRBM(UnsupervisedModel):
    """Restricted Boltzmann machine for ratings of which most are missing.

    Parameters
    ----------
    n_components : int
        Hidden units.
    scale : tuple of numbers
        The ratings that can be given, ascending.
    conditional : bool
        Let hidden units see which items were rated (the conditional RBM).
    method : {"cd", "exact"}
    n_gibbs_steps : int
        Gibbs steps of contrastive divergence.
    **options
        See `rbmqs.boltzmann.gradient_model.GradientModel`.

    Attributes
    ----------
    weights_ : array (I, K, M)
    intercept_levels_ : array (I, K)
    intercept_hidden_ : array (M,)
    training_ : Training
    """

    n_components: int = 100
    scale: tuple[float, ...] = (1, 2, 3, 4, 5)
    conditional: bool = True
    method: str = "cd"
    n_gibbs_steps: int = 1
    learning_rate: float = keyword(0.5)
    momentum: float = keyword(0.8)
    l2: float = keyword(0.0002)

    _accepts_sparse = True

    def _levels(self) -> np.ndarray:
        scale = np.asarray(self.scale, dtype=np.float64)
        if scale.ndim != 1 or len(scale) < 2 or (np.diff(scale) <= 0).any():
            raise ValueError(f"scale must be two or more ascending numbers, got {self.scale}")
        return scale

    def check_rows(self, X: Any, min_rows: int = 1) -> Ratings:
        scale, matrix = self._levels(), rating_matrix(X)
        levels = np.searchsorted(scale, matrix.data).clip(max=len(scale) - 1)
        bad = scale[levels] != matrix.data
        if bad.any():
            allowed = ", ".join(f"{level:g}" for level in scale)
            raise ValueError(
                f"ratings must be one of {allowed}, got {matrix.data[bad][0]:g}{and_more(bad)}"
            )
        if matrix.shape[0] < min_rows or not matrix.nnz:
            raise ValueError(
                f"ratings of {min_rows} user(s) are needed, got {matrix.shape[0]} users with "
                f"{matrix.nnz} ratings"
            )
        indptr, items = matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64)
        return Ratings(indptr, items, levels.astype(np.int64), matrix.shape[1])

    def _learner(self, ratings: Ratings, seeds: list) -> RatingsLearner:
        n_hidden = positive_int("n_components", self.n_components)
        n_items, n_levels, dtype = ratings.n_items, len(self._levels()), self._type
        number_of = np.zeros((n_items, n_levels))
        np.add.at(number_of, (ratings.items, ratings.levels), 1)
        number_of += 2 * (number_of.sum(axis=0) + 1) / (number_of.sum() + n_levels)
        arrays = {
            "weights": ops.small_weights(seeds[0], (n_items, n_levels, n_hidden), dtype),
            "level_bias": np.log(number_of / number_of.sum(axis=1, keepdims=True)).astype(dtype),
            "hidden_bias": np.zeros(n_hidden, dtype),
        }
        if self.conditional:
            arrays["rated_weights"] = np.zeros((n_items, n_hidden), dtype)
        return RatingsLearner(arrays, new_stream(seeds[1]), self)

    def _publish(self, learner: RatingsLearner) -> None:
        arrays = learner.arrays
        self.weights_, self.intercept_levels_ = arrays["weights"], arrays["level_bias"]
        self.intercept_hidden_ = arrays["hidden_bias"]

    def transform(self, X: Any) -> np.ndarray:
        """p(h_j = 1 | a user's ratings), (users, M)."""
        with one_pool():
            return self._learned.hidden_mean(self.checked_rows(X))

    @property
    def _n_features_out(self) -> int:
        return len(self.intercept_hidden_)

    def predict_proba(self, X: Any, users: Any, items: Any) -> np.ndarray:
        """p(rating = each of the scale | the user's ratings X) of pairs (user, item), (n, K).

        Exact: the hidden units are summed over.
        """
        inputs = self._learned.hidden_inputs(self.checked_rows(X))
        users, items = (np.asarray(a, dtype=np.int64).ravel() for a in (users, items))
        for name, index, size in (
            ("users", users, len(inputs)),
            ("items", items, len(self.weights_)),
        ):
            if len(index) and not (index.min() >= 0 and index.max() < size):
                raise ValueError(f"{name} must lie between 0 and {size - 1}, got "
                                 f"{index.min()} to {index.max()}")  # fmt: skip
        if len(users) != len(items):
            raise ValueError(f"got {len(users)} users and {len(items)} items: give pairs")
        out = np.empty((len(users), self.weights_.shape[1]))
        kernels.level_scores(users, items, inputs, self.weights_, self.intercept_levels_, out)
        softmax_rows(out)
        return out

    def predict(self, X: Any, users: Any, items: Any) -> np.ndarray:
        """Expected rating of pairs (user, item) given the ratings X."""
        return self.predict_proba(X, users, items) @ self._levels()

    def rmse(self, X: Any, held_out: Any) -> float:
        """Root mean square error on the stored entries of `held_out`, given the ratings X."""
        rest = rating_matrix(held_out).tocoo()
        error = self.predict(X, rest.row, rest.col) - rest.data
        return float(np.sqrt(np.mean(error**2)))

    def log_likelihood(self, X: Any) -> np.ndarray:
        """Exact log p of each user's ratings given which items are rated, (users,)."""
        ratings = self.checked_rows(X)
        learner = self._learned
        inputs = learner.hidden_inputs(ratings).astype(np.float64)
        own = self.intercept_levels_[ratings.items, ratings.levels].astype(np.float64)
        owner = np.repeat(np.arange(ratings.n_users), np.diff(ratings.indptr))
        log_weight = np.bincount(owner, own, ratings.n_users)
        return log_weight + np.logaddexp(0, inputs).sum(axis=1) - learner.hidden_states(ratings)[2]
