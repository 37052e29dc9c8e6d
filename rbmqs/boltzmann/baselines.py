"""Plain models to beat: word counts without topics or with one each, ratings by their biases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy import sparse
from scipy.special import logsumexp

from hamiltonians.utils.checks import number, positive_int
from rbmqs.boltzmann.topic_learner import count_matrix, lengths_of
from rbmqs.boltzmann.topics import perplexity


@dataclass(eq=False)
class MixtureOfUnigrams:
    """Each document draws one topic, and all its words from the topic's distribution.

    One topic is the unigram model. Fitted by expectation-maximisation; `prior` words of every
    kind are added to each topic.

    Parameters
    ----------
    n_topics : int
    prior : float
    n_iter : int
        Steps of expectation-maximisation.
    seed : int
        Of the first topics.
    """

    n_topics: int = 1
    prior: float = 0.1
    n_iter: int = 100
    seed: int = 0

    def fit(self, X: Any) -> Self:
        """Fit to word counts, documents by vocabulary."""
        counts = count_matrix(X, np.float64)
        positive_int("n_topics", self.n_topics)
        number("prior", self.prior, above=0)
        rng = np.random.default_rng(self.seed)
        share = rng.dirichlet(np.ones(self.n_topics), counts.shape[0])
        for _ in range(positive_int("n_iter", self.n_iter)):
            words = (counts.T @ share).T + self.prior
            self.log_words_ = np.log(words / words.sum(axis=1, keepdims=True))
            self.log_share_ = np.log((share.sum(axis=0) + self.prior)
                                     / (share.sum() + self.prior * self.n_topics))  # fmt: skip
            joint = self._joint(counts)
            share = np.exp(joint - logsumexp(joint, axis=1, keepdims=True))
        return self

    def _joint(self, counts: sparse.csr_matrix) -> np.ndarray:
        return counts @ self.log_words_.T + self.log_share_

    def score_samples(self, X: Any) -> np.ndarray:
        """log p of each document as a sequence of words."""
        return logsumexp(self._joint(count_matrix(X, np.float64)), axis=1)

    def perplexity(self, X: Any) -> float:
        """As `ReplicatedSoftmax.perplexity`."""
        counts = count_matrix(X, np.float64)
        return perplexity(self.score_samples(counts), lengths_of(counts))


@dataclass(eq=False)
class BiasBaseline:
    """Rating = mean + bias of the user + bias of the item, by ridge regression.

    The biases are found by alternating exact solutions, with penalty `ridge` each.

    Parameters
    ----------
    ridge : float
        Number of ratings at the mean that each user and each item is given.
    n_iter : int
        Alternations between users and items.
    """

    ridge: float = 5.0
    n_iter: int = 20

    def fit(self, X: Any) -> Self:
        """Fit to ratings, CSR (users, items), stored entries only."""
        ratings = sparse.coo_matrix(X)
        users, items, values = ratings.row, ratings.col, ratings.data.astype(np.float64)
        self.mean_ = values.mean()
        self.users_, self.items_ = np.zeros(ratings.shape[0]), np.zeros(ratings.shape[1])
        for _ in range(self.n_iter):
            self._solve(self.items_, items, values - self.mean_ - self.users_[users])
            self._solve(self.users_, users, values - self.mean_ - self.items_[items])
        return self

    def _solve(self, bias: np.ndarray, which: np.ndarray, rest: np.ndarray) -> None:
        number_of = np.bincount(which, minlength=len(bias))
        bias[:] = np.bincount(which, rest, len(bias)) / (number_of + self.ridge)

    def predict(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Ratings of pairs."""
        return self.mean_ + self.users_[users] + self.items_[items]

    def rmse(self, held_out: Any) -> float:
        """Root mean square error on the stored entries of another CSR matrix."""
        rest = sparse.coo_matrix(held_out)
        error = self.predict(rest.row, rest.col) - rest.data
        return float(np.sqrt(np.mean(error**2)))
