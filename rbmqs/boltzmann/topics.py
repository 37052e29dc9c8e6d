"""Replicated softmax: a topic model of word counts, one RBM for each length of document.

    E(v, h) = -sum_k v_k b_k - D c.h - v W h,    D = sum_k v_k
    log p(v) = v.b + sum_j softplus(D c_j + (v W)_j) - log Z_D

of a sequence of D words with counts v. All documents share the parameters; the bias of the
hidden units scales with the length. R. Salakhutdinov and G. Hinton, "Replicated softmax: an
undirected topic model", NIPS 22 (2009), Eqs. 1-8.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from hamiltonians.utils.checks import choice, positive_int
from rbmqs.boltzmann import ops
from rbmqs.boltzmann.core.topics import add_words
from rbmqs.boltzmann.core.units import sum_softplus
from rbmqs.boltzmann.gradient_model import UnsupervisedModel
from rbmqs.boltzmann.keywords import estimator, keyword
from rbmqs.boltzmann.likelihood.annealing import LogZ, log_z_of
from rbmqs.boltzmann.linalg import one_pool
from rbmqs.boltzmann.randomness import new_stream, next_call
from rbmqs.boltzmann.topic_learner import AUTO_EXACT, TopicLearner, count_matrix, lengths_of


@estimator
class ReplicatedSoftmax(UnsupervisedModel):
    """Topic model of word counts (dense or CSR, documents by vocabulary).

    Parameters
    ----------
    n_components : int
        Hidden units (topics, of which any number may be on).
    method : {"auto", "cd", "pcd", "exact"}
        Contrastive divergence, persistent chains, or the sum over all hidden states, which "auto"
        takes up to 12 hidden units: chains mix badly between topics, more so in long documents,
        and a model trained by few steps puts weight where no document is.
    n_gibbs_steps : int
        Gibbs steps of an update.
    **options
        See `rbmqs.boltzmann.gradient_model.GradientModel`; `learning_rate` is
        multiplied by the size of the vocabulary.

    Attributes
    ----------
    components_ : array (M, K)
    intercept_words_ : array (K,)
    intercept_hidden_ : array (M,)
    training_ : Training
    """

    n_components: int = 12
    method: str = "auto"
    n_gibbs_steps: int = 1
    learning_rate: float = keyword(0.005)
    momentum: float = keyword(0.9)

    _accepts_sparse = True

    def check_rows(self, X: Any, min_rows: int = 1) -> sparse.csr_matrix:
        return count_matrix(X, self._type, min_rows=min_rows)

    def _learner(self, counts: sparse.csr_matrix, seeds: list) -> TopicLearner:
        n_hidden = positive_int("n_components", self.n_components)
        words = np.asarray(counts.sum(axis=0, dtype=np.float64)).ravel() + 0.1
        dtype = self._type
        arrays = {
            "weights": ops.small_weights(seeds[0], (counts.shape[1], n_hidden), dtype),
            "word_bias": np.log(words / words.sum()).astype(dtype),
            "hidden_bias": np.zeros(n_hidden, dtype),
        }
        return TopicLearner(arrays, new_stream(seeds[1]), self, lengths_of(counts))

    def _publish(self, learner: TopicLearner) -> None:
        arrays = learner.arrays
        self.components_ = arrays["weights"].T
        self.intercept_words_ = arrays["word_bias"]
        self.intercept_hidden_ = arrays["hidden_bias"]

    def _documents(self, X: Any) -> tuple[sparse.csr_matrix, np.ndarray]:
        counts = self.checked_rows(X)
        return counts, lengths_of(counts)

    def transform(self, X: Any) -> np.ndarray:
        """p(h_j = 1 | document), (n, M)."""
        with one_pool():
            return self._learned.hidden_mean(*self._documents(X))

    def sample(self, lengths: Any, n_steps: int = 1000, random_state: Any = None) -> np.ndarray:
        """Word counts of documents of these lengths, after `n_steps` of Gibbs sampling."""
        self.check_is_fitted()
        lengths = np.asarray(lengths, dtype=np.int64)
        if lengths.ndim != 1 or (lengths < 1).any():
            raise ValueError("lengths must be a list of integers of at least 1")
        learner, stream = self._learned, ops.stream_of(random_state)
        with one_pool():
            shape = (len(lengths), len(self.components_))
            hidden = ops.random_states(shape, self.components_.dtype, stream)
            for _ in range(positive_int("n_steps", n_steps)):
                counts = learner.draw_counts(hidden, lengths, stream)
                hidden = learner.draw_hidden(counts, lengths, stream)
        return counts.astype(np.int64)

    def log_partition(
        self, length: int, method: str = "auto", *, n_runs: int = 100, n_betas: int = 1000,
        random_state: Any = 0,
    ) -> LogZ:  # fmt: skip
        """log Z_D of documents of `length` words.

        "exact" sums over the hidden states (up to 20 units), "ais" anneals `n_runs` chains from
        the model without hidden units through `n_betas` temperatures; "auto" is exact up to 12
        units. Annealing misses topics that few chains reach: log Z is then too small, and
        likelihoods come out too large; compare two values of `n_betas`.
        """
        self.check_is_fitted()
        positive_int("length", length)
        with one_pool():
            if self._sums_exactly(method):
                return LogZ(
                    self._learned.enumerated().log_partition(length), 0.0, np.inf, 0, "exact"
                )
            lengths = np.full(positive_int("n_runs", n_runs), length)
            weights = self._anneal(lengths, n_betas, ops.stream_of(random_state))
        return log_z_of(0.0, weights, 1)

    def _sums_exactly(self, method: str) -> bool:
        choice("method", method, ("auto", "exact", "ais"))
        return method == "exact" or (method == "auto" and len(self.components_) <= AUTO_EXACT)

    def _anneal(self, lengths: np.ndarray, n_betas: int, stream: np.ndarray) -> np.ndarray:
        """log weights of chains annealed from hidden inputs times 0 to times 1, (n,).

        A state is the words' sum of weights x = D c + v W; p_beta(v) ~ exp(v.b) prod_j
        (1 + exp(beta x_j)). R. Neal, Statistics and Computing 11 (2001).
        """
        a = self._learned.arrays
        dtype = a["weights"].dtype
        no_bias = np.zeros_like(a["hidden_bias"])
        hidden = np.zeros((len(lengths), len(no_bias)), dtype)
        top = np.log(np.exp(a["word_bias"].astype(np.float64)).sum())
        log_weight = len(no_bias) * np.log(2.0) + lengths * top
        inputs, before = np.empty_like(hidden), dtype.type(0)
        for beta in np.linspace(0, 1, positive_int("n_betas", n_betas) + 1)[1:].astype(dtype):
            words = ops.times(hidden, a["weights"], transpose_b=True)
            add_words(
                words, a["word_bias"], before, lengths, a["weights"], next_call(stream), inputs
            )
            inputs += lengths[:, None] * a["hidden_bias"]
            log_weight += sum_softplus(inputs, no_bias, beta)
            log_weight -= sum_softplus(inputs, no_bias, before)
            hidden = ops.to_samples(beta * inputs, no_bias, stream)
            before = beta
        return log_weight

    def score_samples(self, X: Any, method: str = "auto", **options: Any) -> np.ndarray:
        """log p of each document as a sequence of words, in nats; options of `log_partition`.

        The log Z of every length that occurs is found once.
        """
        counts, lengths = self._documents(X)
        different, which = np.unique(lengths, return_inverse=True)
        with one_pool():
            log_weight = self._learned.log_weight(counts, lengths)
            if self._sums_exactly(method):
                every = self._learned.enumerated()
                log_z = [every.log_partition(int(n)) for n in different]
            else:
                log_z = [self.log_partition(int(n), method, **options).value for n in different]
        return log_weight - np.array(log_z)[which]

    def perplexity(self, X: Any, **options: Any) -> float:
        """exp(-mean over documents of log p(document) / words), lower is better."""
        return perplexity(self.score_samples(X, **options), lengths_of(self._documents(X)[0]))

    def score(self, X: Any, y: Any = None) -> float:
        """-log of the perplexity, higher is better."""
        return -float(np.log(self.perplexity(X)))


def perplexity(log_probability: np.ndarray, lengths: np.ndarray) -> float:
    """exp(-mean of log p(document) / words) (Salakhutdinov & Hinton, section 4.1)."""
    return float(np.exp(-np.mean(log_probability / lengths)))
