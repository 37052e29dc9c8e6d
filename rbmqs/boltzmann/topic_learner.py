"""Documents as counts of words, and gradients of the replicated softmax model."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from scipy.special import logsumexp

from hamiltonians.utils.checks import choice, positive_int
from rbmqs.boltzmann import ops
from rbmqs.boltzmann.core.topics import draw_words, normalise_words
from rbmqs.boltzmann.core.units import sum_softplus
from rbmqs.boltzmann.data import and_more, real_matrix
from rbmqs.boltzmann.enumeration import MAX_BITS, all_states
from rbmqs.boltzmann.gradient_model import GradientLearner
from rbmqs.boltzmann.ops import Arrays
from rbmqs.boltzmann.randomness import next_call

METHODS = ("auto", "cd", "pcd", "exact")
AUTO_EXACT = 12  # hidden units: 4096 states cost about what five steps of 100 chains do


def count_matrix(X: Any, dtype: Any, *, min_rows: int = 1) -> sparse.csr_matrix:
    """Word counts as CSR, documents by vocabulary.

    Raises
    ------
    ValueError
        A count that is negative or no integer, a document without words.
    """
    counts = sparse.csr_matrix(real_matrix(X, "X", np.float64, min_rows=min_rows))
    counts.eliminate_zeros()
    bad = (counts.data < 0) | (counts.data != np.floor(counts.data))
    if bad.any():
        raise ValueError(f"X must hold counts 0, 1, 2, ..., got {counts.data[bad][0]:g}")
    empty = np.diff(counts.indptr) == 0
    if empty.any():
        first = np.flatnonzero(empty)[0]
        raise ValueError(f"document {first}{and_more(empty)} without words: drop what is empty")
    return counts.astype(dtype)


def lengths_of(counts: sparse.csr_matrix) -> np.ndarray:
    """Words of each document, (n,) int."""
    return np.asarray(counts.sum(axis=1, dtype=np.float64)).ravel().astype(np.int64)


class HiddenStates(NamedTuple):
    """All hidden states (S, M), the distribution of words of each (S, K), log weight a word (S,).

    A document of D words has hidden state h with probability ~ exp(D log_weight).
    """

    states: np.ndarray
    words: np.ndarray
    log_weight: np.ndarray

    def log_partition(self, length: int) -> float:
        """log Z_D."""
        return float(logsumexp(length * self.log_weight))

    def probability(self, length: int) -> np.ndarray:
        """p(h) of documents of one length, (S,)."""
        return np.exp(length * self.log_weight - self.log_partition(length))


class TopicLearner(GradientLearner):
    """Gradient of mean log p of documents: exact on the data's side, three ways on the model's.

    Persistent chains have the lengths of documents too, the quantiles of those in the data:
    their mean is that of the model over documents of the data's lengths.
    """

    def __init__(self, arrays: Arrays, stream: np.ndarray, options: Any,
                 lengths: np.ndarray) -> None:  # fmt: skip
        super().__init__(arrays, stream, options)
        self.n_steps = positive_int("n_gibbs_steps", options.n_gibbs_steps)
        self.method = choice("method", options.method, METHODS)
        if self.method == "auto":
            few = len(arrays["hidden_bias"]) <= AUTO_EXACT
            self.method = "exact" if few else "cd"
        n_chains = options.batch_size if self.method == "pcd" else 0
        places = (np.arange(n_chains) + 0.5) / max(n_chains, 1)
        self.chain_lengths = np.quantile(lengths, places, method="inverted_cdf").astype(np.int64)
        shape = (n_chains, len(arrays["hidden_bias"]))
        self.chains = ops.random_states(shape, arrays["weights"].dtype, stream)

    def memory(self) -> Arrays:
        """Velocities, randomness, the chains' hidden units."""
        return super().memory() | {"chains": self.chains}

    def step(self, batch: sparse.csr_matrix, rate: float) -> None:
        """One step on the scale of the parameters.

        A word's gradient is as small as its share of all words: the rate is for a vocabulary of
        one, whatever the vocabulary. Hidden biases enter times the length, and go by as much less.
        """
        gradient = self.gradient(batch)
        gradient["hidden_bias"] /= lengths_of(batch).mean()
        self.descent.step(gradient, rate * len(self.arrays["word_bias"]))

    def gradient(self, batch: sparse.csr_matrix) -> Arrays:
        """Means over documents, divided by the mean length: steps fit any length."""
        lengths = lengths_of(batch)
        data = self._statistics(batch, self.hidden_mean(batch, lengths), lengths)
        model = self._model_side(batch, lengths)
        mean_length = lengths.mean()
        return {name: (data[name] - model[name]) / mean_length for name in data}

    def _model_side(self, batch: sparse.csr_matrix, lengths: np.ndarray) -> Arrays:
        if self.method == "exact":
            return self._exact_statistics(lengths)
        hidden = self.chains
        if self.method == "cd":
            hidden = self.draw_hidden(batch, lengths, self.stream)
        else:
            lengths = self.chain_lengths
        counts = self.draw_counts(hidden, lengths, self.stream)
        for _ in range(self.n_steps - 1):
            hidden = self.draw_hidden(counts, lengths, self.stream)
            counts = self.draw_counts(hidden, lengths, self.stream)
        if self.method == "pcd":
            self.chains[...] = self.draw_hidden(counts, lengths, self.stream)
        return self._statistics(counts, self.hidden_mean(counts, lengths), lengths)

    def _statistics(self, counts: Any, hidden: np.ndarray, lengths: np.ndarray) -> Arrays:
        n = len(lengths)
        return {
            "weights": ops.times(counts, hidden, transpose_a=True) / hidden.dtype.type(n),
            "word_bias": np.asarray(counts.sum(axis=0)).ravel() / n,
            "hidden_bias": lengths @ hidden / n,
        }

    def hidden_inputs(self, counts: Any, lengths: np.ndarray) -> np.ndarray:
        """D c + v W, (n, M)."""
        inputs = ops.times(counts, self.arrays["weights"])
        inputs += lengths[:, None] * self.arrays["hidden_bias"]
        return inputs

    @property
    def _no_bias(self) -> np.ndarray:
        return np.zeros_like(self.arrays["hidden_bias"])

    def hidden_mean(self, counts: Any, lengths: np.ndarray) -> np.ndarray:
        """p(h_j = 1 | v)."""
        return ops.to_means(self.hidden_inputs(counts, lengths), self._no_bias)

    def log_weight(self, counts: Any, lengths: np.ndarray) -> np.ndarray:
        """v.b + sum_j softplus(D c_j + (v W)_j), (n,)."""
        inputs = self.hidden_inputs(counts, lengths)
        bias = self.arrays["word_bias"].astype(np.float64)
        return np.asarray(counts @ bias) + sum_softplus(inputs, self._no_bias, inputs.dtype.type(1))

    def draw_hidden(self, counts: Any, lengths: np.ndarray, stream: np.ndarray) -> np.ndarray:
        """h drawn given v."""
        return ops.to_samples(self.hidden_inputs(counts, lengths), self._no_bias, stream)

    def draw_counts(
        self, hidden: np.ndarray, lengths: np.ndarray, stream: np.ndarray
    ) -> np.ndarray:
        """v drawn given h: D words from one softmax, (n, K)."""
        inputs = ops.times(hidden, self.arrays["weights"], transpose_b=True)
        draw_words(inputs, self.arrays["word_bias"], lengths, next_call(stream))
        return inputs

    def enumerated(self) -> HiddenStates:
        """All hidden states with their distributions of words, which all lengths share."""
        n_hidden = len(self.arrays["hidden_bias"])
        if n_hidden > MAX_BITS:
            raise ValueError(
                f"exact sums go over the hidden states: at most {MAX_BITS} hidden units, "
                f"got {n_hidden}; use log_partition(length, method='ais')"
            )
        states = all_states(n_hidden).astype(self.arrays["weights"].dtype)
        words = ops.times(states, self.arrays["weights"], transpose_b=True)
        log_weight = normalise_words(words, self.arrays["word_bias"])
        log_weight += states @ self.arrays["hidden_bias"].astype(np.float64)
        return HiddenStates(states, words, log_weight)

    def _exact_statistics(self, lengths: np.ndarray) -> Arrays:
        """One sum over the hidden states, each with the words all documents expect of it."""
        every = self.enumerated()
        expected = np.zeros(len(every.states))
        for length, number_of in zip(*np.unique(lengths, return_counts=True), strict=True):
            expected += number_of / len(lengths) * length * every.probability(length)
        share = expected.astype(every.words.dtype)[:, None]
        weighted = share * every.states
        return {
            "weights": ops.times(every.words, weighted, transpose_a=True),
            "word_bias": (share * every.words).sum(axis=0),
            "hidden_bias": weighted.sum(axis=0),
        }
