"""The Boltzmann machine without restrictions: couplings between all units.

    E(s) = -b.s - s J s / 2,    s = (v, h) of 0 and 1, J symmetric, zero diagonal

Without hidden units it is the pairwise (Ising) model of maximum entropy; with them and without
couplings inside a layer it is the RBM. D. Ackley, G. Hinton and T. Sejnowski, Cognitive Science 9
(1985); chains and mean field as in R. Salakhutdinov, ICML 2008.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from scipy.special import logsumexp

from hamiltonians.utils.checks import choice, positive_int
from rbmqs.boltzmann import ops
from rbmqs.boltzmann.core.general import mean_field, sweep
from rbmqs.boltzmann.enumeration import all_states
from rbmqs.boltzmann.gradient_model import BinaryModel, GradientLearner, UnsupervisedModel
from rbmqs.boltzmann.keywords import estimator, keyword
from rbmqs.boltzmann.linalg import multiply, one_pool
from rbmqs.boltzmann.ops import Arrays
from rbmqs.boltzmann.randomness import new_stream, next_call

METHODS = ("pcd", "exact")
POSTERIORS = ("mean field", "exact")
MAX_UNITS = 20  # summed over exactly: a million states


class GeneralLearner(GradientLearner):
    """Gradient of mean log p(v), or of its mean-field bound where h is averaged by mean field.

    Parameters
    ----------
    n_visible : int
        The first units are visible.
    posterior : {"mean field", "exact"}
        How hidden units are averaged given the data.
    """

    def __init__(self, arrays: Arrays, stream: np.ndarray, options: BoltzmannMachine,
                 n_visible: int) -> None:  # fmt: skip
        super().__init__(arrays, stream, options, ("couplings",))
        self.n_visible, self.n_units = n_visible, len(arrays["bias"])
        self.method = choice("method", options.method, METHODS)
        self.posterior = choice("posterior", options.posterior, POSTERIORS)
        self.n_steps = positive_int("n_gibbs_steps", options.n_gibbs_steps)
        self.n_sweeps = positive_int("n_mean_field", options.n_mean_field)
        n_chains = options.batch_size if self.method == "pcd" else 0
        self.chains = ops.random_states((n_chains, self.n_units), arrays["bias"].dtype, stream)

    def memory(self) -> Arrays:
        """Velocities, randomness, chains."""
        return super().memory() | {"chains": self.chains}

    def gradient(self, batch: np.ndarray) -> Arrays:
        """<s s'> and <s> of the mini-batch less those of the model."""
        data = self.data_moments(batch)
        model = self._model_moments()
        second = data[1] - model[1]
        np.fill_diagonal(second, 0)
        return {"couplings": second, "bias": data[0] - model[0]}

    def data_moments(self, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """<s> and <s s'> with v given and h averaged."""
        if self.n_visible == self.n_units:
            return moments(batch)
        if self.posterior == "exact":
            return self._clamped_moments(batch)
        mean = self.mean_field(batch)
        first, second = moments(mean)
        spread = mean * (1 - mean)
        spread[:, : self.n_visible] = 0
        second[np.diag_indices_from(second)] += spread.mean(axis=0)
        return first, second

    def mean_field(self, batch: np.ndarray) -> np.ndarray:
        """Visible units and the means of hidden ones, (n, units)."""
        hidden = np.full((len(batch), self.n_units - self.n_visible), 0.5, batch.dtype)
        mean = np.hstack([batch, hidden])
        mean_field(
            mean, self.arrays["couplings"], self.arrays["bias"], self.n_visible, self.n_sweeps
        )
        return mean

    def _clamped_moments(self, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        states = self._states(self.n_units - self.n_visible)
        first, second = np.zeros(self.n_units), np.zeros((self.n_units, self.n_units))
        for row in batch:
            joint = np.hstack([np.tile(row, (len(states), 1)), states])
            share = softmax(self.log_weight(joint))
            one, two = moments(joint, share)
            first, second = first + one / len(batch), second + two / len(batch)
        return first, second

    def _model_moments(self) -> tuple[np.ndarray, np.ndarray]:
        if self.method == "exact":
            states = self._states(self.n_units)
            return moments(states, softmax(self.log_weight(states)))
        for _ in range(self.n_steps):
            sweep(self.chains, *self._kernel_arrays, 0, next_call(self.stream))
        return moments(self.chains)

    @property
    def _kernel_arrays(self) -> tuple[np.ndarray, np.ndarray]:
        return self.arrays["couplings"], self.arrays["bias"]

    def _states(self, n: int) -> np.ndarray:
        if n > MAX_UNITS:
            raise ValueError(f"exact sums go over all states: at most {MAX_UNITS} units, got {n}")
        return all_states(n).astype(self.arrays["bias"].dtype)

    def log_weight(self, states: np.ndarray) -> np.ndarray:
        """-E of rows (n, units), in double precision."""
        s = states.astype(np.float64)
        return s @ self.arrays["bias"] + 0.5 * ((s @ self.arrays["couplings"]) * s).sum(axis=1)

    def log_partition(self) -> float:
        """log Z by summing over all states."""
        return float(logsumexp(self.log_weight(self._states(self.n_units))))

    def log_weight_of_visible(self, rows: np.ndarray) -> np.ndarray:
        """log sum_h exp(-E(v, h)) of each row."""
        states = self._states(self.n_units - self.n_visible)
        if not states.shape[1]:
            return self.log_weight(rows)
        return np.array([
            logsumexp(self.log_weight(np.hstack([np.tile(row, (len(states), 1)), states])))
            for row in rows
        ])  # fmt: skip


def moments(states: np.ndarray, share: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """<s> and <s s'> over rows, with weights `share` (equal if None)."""
    weighted = (
        states / len(states) if share is None else states * share[:, None].astype(states.dtype)
    )
    weighted = weighted.astype(states.dtype)
    return weighted.sum(axis=0), multiply(states, weighted, transpose_a=True)


def softmax(log_weight: np.ndarray) -> np.ndarray:
    """Weights as probabilities."""
    return np.exp(log_weight - logsumexp(log_weight))


@estimator
class BoltzmannMachine(BinaryModel, UnsupervisedModel):
    """General Boltzmann machine over columns of 0 and 1.

    Parameters
    ----------
    n_components : int
        Hidden units; 0 for no hidden ones at all.
    method : {"pcd", "exact"}
        Persistent chains, or the sum over all states (up to 20 units).
    posterior : {"mean field", "exact"}
        How hidden units are averaged given the data: mean field ascends a lower bound.
    n_gibbs_steps : int
        Sweeps of the chains in an update.
    n_mean_field : int
        Mean-field sweeps.
    **options
        See `rbmqs.boltzmann.gradient_model.BinaryModel` and its base.

    Attributes
    ----------
    couplings_ : array (N + M, N + M)
        J, visible units first.
    intercept_ : array (N + M,)
    training_ : Training
    """

    n_components: int = 0
    method: str = "pcd"
    posterior: str = "mean field"
    n_gibbs_steps: int = 1
    n_mean_field: int = 10
    learning_rate: float = keyword(0.05)

    def check_rows(self, X: Any, min_rows: int = 1) -> np.ndarray:
        if sparse.issparse(X):
            raise TypeError("Sparse data was passed; couplings join all columns: X.toarray()")
        return self._binary_rows(X, min_rows)

    def _learner(self, rows: np.ndarray, seeds: list) -> GeneralLearner:
        n_hidden = positive_int("n_components", self.n_components, minimum=0)
        n, dtype = rows.shape[1] + n_hidden, self._type
        upper = np.triu(0.1 * np.random.default_rng(seeds[0]).standard_normal((n, n)), 1)
        upper[: rows.shape[1], : rows.shape[1]] = 0
        bias = ops.log_odds(ops.column_mean(rows), 1 / (2 + len(rows)))
        arrays = {
            "couplings": (upper + upper.T).astype(dtype),
            "bias": np.concatenate([bias, np.zeros(n_hidden)]).astype(dtype),
        }
        learner = GeneralLearner(arrays, new_stream(seeds[1]), self, rows.shape[1])
        if learner.method == "exact":
            learner._states(n)
        return learner

    def _publish(self, learner: GeneralLearner) -> None:
        self.couplings_, self.intercept_ = learner.arrays["couplings"], learner.arrays["bias"]

    def transform(self, X: Any) -> np.ndarray:
        """Mean-field means of the hidden units given each row, (n, M)."""
        with one_pool():
            return self._learned.mean_field(self.checked_rows(X))[:, self._learned.n_visible :]

    @property
    def _n_features_out(self) -> int:
        return self._learned.n_units - self._learned.n_visible

    def log_partition(self) -> float:
        """log Z, exact, up to 20 units in all."""
        self.check_is_fitted()
        return self._learned.log_partition()

    def score_samples(self, X: Any) -> np.ndarray:
        """Exact log p(v) of each row in nats, up to 20 units in all."""
        return self._learned.log_weight_of_visible(self.checked_rows(X)) - self.log_partition()

    def sample(
        self, n_samples: int = 1, n_steps: int = 1000, random_state: Any = None
    ) -> np.ndarray:
        """`n_samples` rows after `n_steps` sweeps that start at random units."""
        self.check_is_fitted()
        learner, stream = self._learned, ops.stream_of(random_state)
        shape = (positive_int("n_samples", n_samples), learner.n_units)
        states = ops.random_states(shape, self.intercept_.dtype, stream)
        for _ in range(positive_int("n_steps", n_steps)):
            sweep(states, *learner._kernel_arrays, 0, next_call(stream))
        return states[:, : learner.n_visible]

    def gibbs(self, X: Any, n_steps: int = 1, random_state: Any = None) -> np.ndarray:
        """Rows after `n_steps` sweeps over all units that start at X."""
        learner, stream, rows = self._learned, ops.stream_of(random_state), self.checked_rows(X)
        hidden = ops.random_states(
            (len(rows), learner.n_units - learner.n_visible), rows.dtype, stream
        )
        states = np.hstack([rows, hidden])
        sweep(states, *learner._kernel_arrays, learner.n_visible, next_call(stream))
        for _ in range(positive_int("n_steps", n_steps)):
            sweep(states, *learner._kernel_arrays, 0, next_call(stream))
        return states[:, : learner.n_visible]
