"""The restricted Boltzmann machine over zeros and ones as a scikit-learn-shaped estimator."""

from __future__ import annotations

from typing import Any

import numpy as np

from hamiltonians.utils.archive import Kind
from rbmqs.boltzmann import ops
from rbmqs.boltzmann.data import unit_matrix
from rbmqs.boltzmann.fused_learner import BinaryLearner
from rbmqs.boltzmann.keywords import estimator, keyword
from rbmqs.boltzmann.likelihood import pseudo_log_likelihood
from rbmqs.boltzmann.ops import Arrays
from rbmqs.boltzmann.parameters import Parameters
from rbmqs.boltzmann.randomness import seed_sequence
from rbmqs.boltzmann.rbm_use import TrainedRBM
from rbmqs.boltzmann.rows import Rows


@estimator
class BernoulliRBM(TrainedRBM):
    """Restricted Boltzmann machine with visible and hidden units of 0 and 1.

        p(v, h) = exp(b.v + c.h + v W h) / Z

    Trained by stochastic gradient ascent on the log-likelihood; the defaults are those that reach
    the best likelihood in a given time (docs/boltzmann.md has the figures).

    Parameters
    ----------
    n_components, method, n_gibbs_steps, n_chains, n_temperatures
        See `rbmqs.boltzmann.rbm_model.RBMModel`, which lists the attributes too.
    learning_rate : float or "auto"
        At the start; it falls by `schedule`. "auto" is 10 / sqrt(N M) with an exact gradient,
        30 / sqrt(N M) with a sampled one, at most 0.5; of fewer than 1000 rows, n, a sampled one
        takes (n / 1000)^(2/3) of that (a row of `partial_fit` counts as one of many).
    batch_size : int or "auto"
        "auto" is 100, less (10 at least) where `n_iter` epochs made fewer than 5000 updates;
        3 to 100, a 2000th of the rows, where `n_iter` and `learning_rate` are both numbers.
    n_iter : int or "auto"
        Epochs; "auto" makes 20 000 updates, 1500 where the gradient is exact.
    momentum : float or "auto"
        "auto" is 0.9 with an exact gradient and 0 with a sampled one.
    centred : bool
        Centred gradient (arXiv:1311.1354).
    sparsity_target, sparsity_cost : float
        Mean activity the hidden units are drawn to, and how strongly; no target when None.
    binarize : float or None
        Values above it become 1, others 0; None takes data in [0, 1], as probabilities.
    **options
        See `rbmqs.boltzmann.keywords.TrainingKeywords`.

    Attributes
    ----------
    rbm_ : Parameters
        The others in `RBMModel`.
    """

    n_components: int = 256
    method: str = keyword("auto")
    learning_rate: Any = keyword("auto")
    batch_size: Any = keyword("auto")
    momentum: Any = keyword("auto")
    centred: bool = keyword(False)
    sparsity_target: float | None = keyword(None)
    sparsity_cost: float = keyword(0.1)
    binarize: float | None = keyword(None)

    _accepts_sparse = True
    file_kind = Kind(
        "rbmqs-boltzmann", 1, "units 0 and 1; E = -b.v - c.h - v W h; W (visible, hidden)"
    )
    _learner_type = BinaryLearner

    def check_rows(self, X: Any, min_rows: int = 1) -> Any:
        return unit_matrix(X, None, self.binarize, min_rows=min_rows)

    def _first_rbm(self, rows: Any, data: Rows, seed: np.random.SeedSequence) -> Parameters:
        """Small random weights, visible biases of the data's frequencies, hidden biases zero."""
        weights = ops.small_weights(seed, (data.n_features, self.n_components), self._type)
        bias = ops.log_odds(data.mean(), 1 / (2 * len(data)))
        return Parameters(weights, bias, np.zeros(self.n_components))

    def untrained(self, rows: Any) -> Parameters:
        """The parameters that `fit` would start from."""
        return self._first_rbm(rows, Rows(rows), seed_sequence(self.random_state))

    def _stored_rbm(self, arrays: Arrays) -> Parameters:
        return Parameters(arrays["weights"], arrays["visible_bias"], arrays["hidden_bias"])

    def _decoded(self, rows: np.ndarray) -> np.ndarray:
        return rows.astype(np.uint8)

    def score_samples(self, X: Any) -> np.ndarray:
        """Pseudo-log-likelihood of each row, (n,): sum_i log p(v_i | v without i).

        scikit-learn draws one unit at random; this is the sum over all of them.
        """
        return pseudo_log_likelihood(self.rbm_, self.checked_rows(X))

    def score(self, X: Any, y: Any = None) -> float:
        """Mean of `score_samples`, for model selection."""
        return float(self.score_samples(X).mean())
