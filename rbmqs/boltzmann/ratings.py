"""Collaborative filtering: an RBM of softmax units, one for each item, most of them missing.

Every user has an RBM of the items he or she rated; all share their parameters.

    p(h_j = 1 | V) = logistic(c_j + sum_{i rated} (W[i, k_i, j] + D[i, j]))
    p(rating of i = k | h) ~ exp(b_ik + sum_j W[i, k, j] h_j)

R. Salakhutdinov, A. Mnih and G. Hinton, "Restricted Boltzmann machines for collaborative
filtering", ICML 2007, Eqs. 1-6 and 10-11 (the conditional RBM, whose D says that rating an item at
all tells something).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse

from hamiltonians.utils.checks import choice, positive_int
from rbmqs.boltzmann import ops
from rbmqs.boltzmann.core import ratings as kernels
from rbmqs.boltzmann.core.classes import softmax_rows
from rbmqs.boltzmann.data import and_more
from rbmqs.boltzmann.enumeration import MAX_BITS, all_states
from rbmqs.boltzmann.gradient_model import GradientLearner, UnsupervisedModel
from rbmqs.boltzmann.keywords import estimator, keyword
from rbmqs.boltzmann.linalg import one_pool
from rbmqs.boltzmann.ops import Arrays
from rbmqs.boltzmann.randomness import new_stream, next_call

METHODS = ("cd", "exact")


@dataclass(frozen=True)
class Ratings:
    """Ratings of some users: CSR without values but the number of each rating in the scale."""

    indptr: np.ndarray
    items: np.ndarray
    levels: np.ndarray
    n_items: int

    @property
    def n_users(self) -> int:
        """Rows."""
        return len(self.indptr) - 1

    @property
    def shape(self) -> tuple[int, int]:
        """Users and items."""
        return self.n_users, self.n_items

    @property
    def entries(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The arrays for the kernels."""
        return self.indptr, self.items, self.levels

    def __getitem__(self, users: np.ndarray) -> Ratings:
        """The ratings of these users."""
        sizes = np.diff(self.indptr)[users]
        indptr = np.concatenate([[0], sizes.cumsum()])
        places = np.repeat(self.indptr[users] - indptr[:-1], sizes) + np.arange(indptr[-1])
        return Ratings(indptr, self.items[places], self.levels[places], self.n_items)


def rating_matrix(X: Any) -> sparse.csr_matrix:
    """Ratings as CSR (users, items): what is stored is rated, also a stored zero.

    Dense arrays mark what is missing by NaN.

    Raises
    ------
    TypeError, ValueError
        No numbers, no two axes, infinity, NaN in a sparse matrix.
    """
    if not sparse.issparse(X):
        dense = np.asarray(X, dtype=np.float64)
        if dense.ndim != 2 or 0 in dense.shape:
            raise ValueError(f"ratings must be 2D, users by items, got shape {dense.shape}")
        users, items = np.nonzero(~np.isnan(dense))
        X = sparse.coo_matrix((dense[users, items], (users, items)), shape=dense.shape)
    if 0 in X.shape:
        raise ValueError(f"ratings must be 2D, users by items, got shape {X.shape}")
    entries = sparse.coo_matrix(X)  # keeps double entries, which CSR would add up
    pairs = entries.row.astype(np.int64) * X.shape[1] + entries.col
    if len(np.unique(pairs)) != len(pairs):
        raise ValueError("ratings hold an item twice for the same user")
    matrix = sparse.csr_matrix(X, dtype=np.float64, copy=True)  # the caller's stays as it is
    if not np.isfinite(matrix.data).all():
        raise ValueError("ratings must be finite, got NaN or infinity")
    matrix.sort_indices()
    return matrix


class RatingsLearner(GradientLearner):
    """Gradient of mean log p of users' ratings (given which items they rated)."""

    def __init__(self, arrays: Arrays, stream: np.ndarray, options: RatingsRBM) -> None:
        super().__init__(arrays, stream, options)
        self.n_steps = positive_int("n_gibbs_steps", options.n_gibbs_steps)
        self.method = choice("method", options.method, METHODS)
        self.conditional = bool(options.conditional)

    def hidden_inputs(self, ratings: Ratings) -> np.ndarray:
        """Inputs with biases, (users, M)."""
        a = self.arrays
        out = np.empty((ratings.n_users, len(a["hidden_bias"])), a["weights"].dtype)
        kernels.hidden_inputs(*ratings.entries, a["weights"], self._rated, a["hidden_bias"], out)
        return out

    @property
    def _rated(self) -> np.ndarray:
        if self.conditional:
            return self.arrays["rated_weights"]
        n_items, _, n_hidden = self.arrays["weights"].shape
        return np.broadcast_to(self.arrays["weights"].dtype.type(0), (n_items, n_hidden))

    @property
    def _no_bias(self) -> np.ndarray:
        return np.zeros_like(self.arrays["hidden_bias"])

    def hidden_mean(self, ratings: Ratings) -> np.ndarray:
        """p(h_j = 1 | ratings)."""
        return ops.to_means(self.hidden_inputs(ratings), self._no_bias)

    def level_probability(self, ratings: Ratings, hidden: np.ndarray) -> np.ndarray:
        """p(rating of the item = k | h) for the items rated, (ratings, K)."""
        a = self.arrays
        out = np.empty((len(ratings.items), a["level_bias"].shape[1]), hidden.dtype)
        kernels.level_inputs(
            ratings.indptr, ratings.items, a["weights"], a["level_bias"], hidden, out
        )
        softmax_rows(out)
        return out

    def gradient(self, batch: Ratings) -> Arrays:
        """Means over the users of the mini-batch."""
        n_levels = self.arrays["level_bias"].shape[1]
        out = {name: np.zeros_like(array) for name, array in self.arrays.items()}
        given = np.eye(n_levels, dtype=self.arrays["weights"].dtype)[batch.levels]
        self._add(out, batch, given, self.hidden_mean(batch), 1.0)
        if self.method == "exact":
            self._add_exact(out, batch)
        else:
            self._add_chains(out, batch)
        for change in out.values():
            change /= batch.n_users
        return out

    def _add(self, out: Arrays, ratings: Ratings, share: np.ndarray, hidden: np.ndarray,
             sign: float) -> None:  # fmt: skip
        signed = share * share.dtype.type(sign)
        kernels.add_products(ratings.indptr, ratings.items, signed, hidden, out["weights"])
        np.add.at(out["level_bias"], ratings.items, signed)
        out["hidden_bias"] += hidden.sum(axis=0) * out["hidden_bias"].dtype.type(sign)
        if self.conditional:
            once = np.full((len(ratings.items), 1), sign, share.dtype)
            target = out["rated_weights"][:, None]
            kernels.add_products(ratings.indptr, ratings.items, once, hidden, target)

    def _add_chains(self, out: Arrays, batch: Ratings) -> None:
        ratings = batch
        for _ in range(self.n_steps):
            hidden = ops.to_samples(self.hidden_inputs(ratings), self._no_bias, self.stream)
            levels = np.empty_like(batch.levels)
            kernels.draw_levels(
                self.level_probability(batch, hidden), next_call(self.stream), levels
            )
            ratings = replace(batch, levels=levels)
        drawn = np.eye(out["level_bias"].shape[1], dtype=out["weights"].dtype)[ratings.levels]
        self._add(out, ratings, drawn, self.hidden_mean(ratings), -1.0)

    def _add_exact(self, out: Arrays, batch: Ratings) -> None:
        states, probability, _ = self.hidden_states(batch)
        for state, weight in zip(states, probability.T, strict=True):
            hidden = np.tile(state, (batch.n_users, 1))
            share = self.level_probability(batch, hidden)
            hidden *= weight[:, None]
            each = np.repeat(weight, np.diff(batch.indptr))[:, None]
            self._add(out, batch, share, hidden, -1.0)
            np.add.at(out["level_bias"], batch.items, share * (1 - each))

    def hidden_states(self, ratings: Ratings) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Hidden states, their probabilities for each user (users, states), log Z (users,).

        The sums are over all ratings that the users could have given to the same items.
        """
        a = self.arrays
        n_hidden = len(a["hidden_bias"])
        if n_hidden > MAX_BITS:
            raise ValueError(
                f"exact sums go over the hidden states: at most {MAX_BITS} hidden units, "
                f"got {n_hidden}"
            )
        states = all_states(n_hidden).astype(a["weights"].dtype)
        free = replace(ratings, levels=np.zeros_like(ratings.levels))
        bare = np.zeros((ratings.n_users, n_hidden), a["weights"].dtype)
        no_weights = np.zeros((a["weights"].shape[0], 1, n_hidden), a["weights"].dtype)
        kernels.hidden_inputs(*free.entries, no_weights, self._rated, a["hidden_bias"], bare)
        log_weight = bare.astype(np.float64) @ states.T
        kernels.log_level_sums(
            ratings.indptr, ratings.items, a["weights"], a["level_bias"], states, log_weight
        )
        top = log_weight.max(axis=1, keepdims=True)
        log_z = top + np.log(np.exp(log_weight - top).sum(axis=1, keepdims=True))
        return states, np.exp(log_weight - log_z), log_z[:, 0]


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
