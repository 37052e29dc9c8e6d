"""Replicated softmax: a topic model of word counts, one RBM for each length of document.

    E(v, h) = -sum_k v_k b_k - D c.h - v W h,    D = sum_k v_k
    log p(v) = v.b + sum_j softplus(D c_j + (v W)_j) - log Z_D

of a sequence of D words with counts v. All documents share the parameters; the bias of the
hidden units scales with the length. R. Salakhutdinov and G. Hinton, "Replicated softmax: an
undirected topic model", NIPS 22 (2009), Eqs. 1-8.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from scipy.special import logsumexp

from hamiltonians.utils.checks import choice, positive_int
from rbmqs.boltzmann import ops
from rbmqs.boltzmann.core.topics import add_words, draw_words, normalise_words
from rbmqs.boltzmann.core.units import sum_softplus
from rbmqs.boltzmann.data import and_more, real_matrix
from rbmqs.boltzmann.enumeration import MAX_BITS, all_states
from rbmqs.boltzmann.gradient_model import GradientLearner, UnsupervisedModel
from rbmqs.boltzmann.keywords import estimator, keyword
from rbmqs.boltzmann.likelihood.annealing import LogZ, log_z_of
from rbmqs.boltzmann.linalg import one_pool
from rbmqs.boltzmann.ops import Arrays
from rbmqs.boltzmann.randomness import new_stream, next_call

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

    def __init__(self, arrays: Arrays, stream: np.ndarray, options: ReplicatedSoftmax,
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
