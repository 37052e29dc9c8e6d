"""Ratings of items by users, and gradients of an RBM of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse

from hamiltonians.utils.checks import choice, positive_int
from rbmqs.boltzmann import ops
from rbmqs.boltzmann.core import ratings as kernels
from rbmqs.boltzmann.core.classes import softmax_rows
from rbmqs.boltzmann.enumeration import MAX_BITS, all_states
from rbmqs.boltzmann.gradient_model import GradientLearner
from rbmqs.boltzmann.ops import Arrays
from rbmqs.boltzmann.randomness import next_call

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

    def __init__(self, arrays: Arrays, stream: np.ndarray, options: Any) -> None:
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
