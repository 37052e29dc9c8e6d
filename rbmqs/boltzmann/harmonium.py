"""Training and use of an RBM with any kind of visible units (see `rbmqs.boltzmann.layers`)."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from scipy import sparse

from hamiltonians.utils.checks import choice, positive_int
from rbmqs.boltzmann import rectified  # noqa: F401  registers its types
from rbmqs.boltzmann.conditional import complete, sample_clamped
from rbmqs.boltzmann.core.units import uniform_units
from rbmqs.boltzmann.data import row_weights
from rbmqs.boltzmann.gradient_model import (
    Arrays,
    GradientLearner,
    GradientModel,
    UnsupervisedModel,
    small_weights,
    stream_of,
)  # fmt: skip
from rbmqs.boltzmann.layers import Harmonium, anneal
from rbmqs.boltzmann.likelihood.annealing import LogZ, log_z_of
from rbmqs.boltzmann.linalg import one_pool
from rbmqs.boltzmann.randomness import new_stream, next_call
from rbmqs.boltzmann.unit_types import UNIT_TYPES, BinaryUnits

METHODS = ("pcd", "cd", "exact")


class HarmoniumLearner(GradientLearner):
    """Gradient of the mean log-likelihood: exact on the data's side, three ways on the model's.

    Parameters
    ----------
    machine : Harmonium
        Changed in place.
    method : {"pcd", "cd", "exact"}
        Persistent chains, chains that start at the mini-batch, the sum over all hidden states.
    n_gibbs_steps : int
        Gibbs steps of an update.
    n_chains : int
        Persistent chains.
    """

    def __init__(self, machine: Harmonium, stream: np.ndarray, options: GradientModel,
                 method: str, n_steps: int, n_chains: int) -> None:  # fmt: skip
        super().__init__(machine.arrays, stream, options)
        self.machine, self.n_steps = machine, n_steps
        self.method = choice("method", method, METHODS)
        self.row_weights: np.ndarray | None = None  # of the training rows, mean 1
        self._batch_weights: np.ndarray | None = None
        shape = (n_chains if method == "pcd" else 0, machine.n_hidden)
        self.chains = random_states(shape, machine.weights.dtype, stream)

    def memory(self) -> Arrays:
        """Velocities, randomness, the chains' hidden units."""
        return super().memory() | {"chains": self.chains}

    def update(self, rows: np.ndarray, rate: float) -> None:
        """One step from the rows with these numbers; one of small weight is a small step."""
        if self.row_weights is not None:
            weights = self.row_weights[rows]
            rate *= weights.mean()
            self._batch_weights = weights / (weights.mean() or 1)
        super().update(rows, rate)
        self._batch_weights = None

    def step(self, batch: Any, rate: float) -> None:
        """One step, on the scale of the visible units."""
        gradient = self.gradient(batch)
        self.machine.precondition(gradient)
        self.descent.step(gradient, rate)
        self.machine.confine()

    def gradient(self, batch: Any) -> Arrays:
        """<d(-E)> of the mini-batch with h averaged, less that of the model."""
        data = self.machine.statistics(batch, self._batch_weights)
        model = self._model_side(batch)
        return {name: data[name] - model[name] for name in data}

    def _model_side(self, batch: Any) -> Arrays:
        machine = self.machine
        if self.method == "exact":
            return machine.exact_statistics()
        start = self.chains
        if self.method == "cd":
            start = machine.sample_hidden(batch, self.stream)
        visible = machine.sample_visible(start, self.stream)
        for _ in range(self.n_steps - 1):
            hidden = machine.sample_hidden(visible, self.stream)
            visible = machine.sample_visible(hidden, self.stream)
        if self.method == "pcd":
            self.chains[...] = machine.sample_hidden(visible, self.stream)
        return machine.statistics(visible)


class HarmoniumModel(UnsupervisedModel):
    """Base of the estimators with one hidden layer; subclasses make the layer and check rows.

    Attributes
    ----------
    components_ : array (M, N)
    intercept_hidden_ : array (M,)
    intercept_visible_ : array (N,)
    machine_ : Harmonium
    training_ : Training
    """

    n_components: int
    hidden: str = "bernoulli"
    method: str
    n_gibbs_steps: int
    _sample_weight = None

    def fit(self, X: Any, y: Any = None, *, sample_weight: Any = None) -> Self:
        """Train on the rows of X, each counted `sample_weight` times; y is ignored.

        Raises
        ------
        TypeError, ValueError
            Rows the model cannot take, unknown options, negative weights.
        """
        self._sample_weight = sample_weight
        try:
            return super().fit(X)
        finally:
            del self._sample_weight

    def _layer(self, rows: Any) -> BinaryUnits:
        """The visible units at the start of training."""
        raise NotImplementedError

    def _decoded(self, rows: np.ndarray) -> np.ndarray:
        """Rows of the layer as the user's data."""
        return rows

    def _learner(self, rows: Any, seeds: list) -> HarmoniumLearner:
        n_hidden = positive_int("n_components", self.n_components)
        positive_int("n_gibbs_steps", self.n_gibbs_steps)
        layer, hidden = self._layer(rows), UNIT_TYPES[self.hidden].at_rest(n_hidden, self._type)
        weights = small_weights(seeds[0], (rows.shape[1], n_hidden), self._type)
        if layer.scale is not None:
            weights *= layer.scale[:, None]
        machine = Harmonium(layer, weights, hidden)
        learner = HarmoniumLearner(
            machine, new_stream(seeds[1]), self, self.method, self.n_gibbs_steps, self.batch_size
        )
        learner.row_weights = row_weights(self._sample_weight, rows.shape[0])
        return learner

    def _publish(self, learner: HarmoniumLearner) -> None:
        self.machine_ = learner.machine
        self._publish_machine()

    def _publish_machine(self) -> None:
        self.components_ = self.machine_.weights.T
        self.intercept_hidden_ = self.machine_.hidden_bias
        self.intercept_visible_ = self.machine_.visible.bias

    def transform(self, X: Any) -> np.ndarray:
        """Means of the hidden units given v, (n, M)."""
        with one_pool():
            return self.machine_.hidden_mean(self._rows(X))

    def free_energy(self, X: Any) -> np.ndarray:
        """F(v) = -log of the unnormalised probability (density) of each row."""
        with one_pool():
            return -self.machine_.log_weight(self._rows(X))

    def log_partition(self) -> float:
        """log Z, exact: a sum over one layer, or closed form for two Gaussian ones.

        Raises
        ------
        ValueError
            More than 20 units of two values in both layers: use `annealed_log_partition`.
        """
        self.check_is_fitted()
        with one_pool():
            return self.machine_.log_partition()

    def log_likelihood(self, X: Any) -> np.ndarray:
        """Exact log p(v) of each row in nats (a density where units are real)."""
        return -self.free_energy(X) - self.log_partition()

    def annealed_log_partition(
        self, n_betas: int = 1000, n_runs: int = 100, samples: Any = None, random_state: Any = None
    ) -> LogZ:
        """log Z by annealed importance sampling between free layers and the model.

        Parameters
        ----------
        n_betas, n_runs : int
            Steps of a run, runs.
        samples : array (n, N), optional
            Rows drawn from the model: reverse runs start there, and log Z lies above on average.
        """
        self.check_is_fitted()
        machine, stream = self.machine_, stream_of(random_state)
        betas = np.linspace(0.0, 1.0, positive_int("n_betas", n_betas) + 1)
        shape = (positive_int("n_runs", n_runs), len(machine.visible.bias))
        no_inputs = np.zeros((1, shape[1])), np.zeros((1, machine.n_hidden))
        start = float(machine.visible.log_sum(no_inputs[0])[0])
        start += float(machine.hidden.log_sum(no_inputs[1])[0])
        with one_pool():
            if samples is not None:
                return log_z_of(
                    start, anneal(machine, betas[::-1], self._rows(samples), stream), -1
                )
            rows = machine.visible.sample(np.zeros(shape, machine.weights.dtype), stream)
            return log_z_of(start, anneal(machine, betas, rows, stream), 1)

    def reconstruct(self, X: Any) -> np.ndarray:
        """Mean of v given the mean of h given each row."""
        with one_pool():
            mean = self.machine_.hidden_mean(self._rows(X))
            return self._means(self.machine_.visible_mean(mean))

    def _means(self, rows: np.ndarray) -> np.ndarray:
        """Means of the layer as the user sees them."""
        return rows

    def gibbs(self, X: Any, n_steps: int = 1, random_state: Any = None) -> np.ndarray:
        """Rows after `n_steps` of Gibbs sampling v -> h -> v that start at X."""
        rows, stream = self._rows(X), stream_of(random_state)
        with one_pool():
            for _ in range(positive_int("n_steps", n_steps)):
                hidden = self.machine_.sample_hidden(rows, stream)
                rows = self.machine_.sample_visible(hidden, stream)
        return self._decoded(rows)

    def sample_conditional(
        self, X: Any, known: Any, n_steps: int = 100, random_state: Any = None
    ) -> np.ndarray:
        """Units drawn given the known ones, whose values X holds; a mask (N,) or (n, N)."""
        rows, stream = self._dense(X), stream_of(random_state)
        mask = self._units_of(np.asarray(known))
        return self._decoded(sample_clamped(self.machine_, rows, mask, stream, n_steps))

    def impute(self, X: Any, n_steps: int = 200, random_state: Any = None) -> np.ndarray:
        """Missing values (NaN) replaced by their mean given the others (units' means, (n, N))."""
        self.check_is_fitted()
        table = np.asarray(X, np.float64)
        known = ~np.isnan(table)
        layer = self.machine_.visible
        start = 0.0 if layer.n_states is None else layer.all_states().min()
        rows, stream = self._dense(np.where(known, table, start)), stream_of(random_state)
        return complete(self.machine_, rows, self._units_of(known), stream, n_steps)

    def _dense(self, X: Any) -> np.ndarray:
        rows = self._rows(X)
        return rows.toarray() if sparse.issparse(rows) else rows

    def _units_of(self, columns: np.ndarray) -> np.ndarray:
        """A mask of the user's columns as one of the visible units."""
        return columns

    def sample(self, n: int, n_steps: int = 1000, random_state: Any = None) -> np.ndarray:
        """`n` rows after `n_steps` of Gibbs sampling that start at random hidden units."""
        self.check_is_fitted()
        machine, stream = self.machine_, stream_of(random_state)
        with one_pool():
            shape = (positive_int("n", n), machine.n_hidden)
            hidden = random_states(shape, machine.weights.dtype, stream)
            visible = machine.sample_visible(hidden, stream)
            for _ in range(positive_int("n_steps", n_steps)):
                visible = machine.sample_visible(machine.sample_hidden(visible, stream), stream)
        return self._decoded(visible)


def random_states(shape: tuple[int, ...], dtype: Any, stream: np.ndarray) -> np.ndarray:
    """Fair coins, 0 and 1."""
    out = np.empty(shape, dtype)
    uniform_units(out, next_call(stream))
    return np.floor(2 * out)
