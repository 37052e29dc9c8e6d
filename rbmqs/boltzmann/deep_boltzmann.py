"""Deep Boltzmann machine: layers of binary units, couplings between neighbouring layers only.

    E(v, h1, ..., hL) = -sum_l s_l.b_l - sum_l s_l W_l s_{l+1},    s_0 = v

Given the layers beside it a layer's units are independent, so that even and odd layers take
turns. Data side by mean field (a lower bound of log p), model side by persistent chains.
R. Salakhutdinov and G. Hinton, "Deep Boltzmann machines", AISTATS 2009.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import logsumexp

from hamiltonians.utils.checks import choice, positive_int
from rbmqs.boltzmann import ops
from rbmqs.boltzmann.belief_network import layer_sizes, new_rbm
from rbmqs.boltzmann.core.units import sum_softplus
from rbmqs.boltzmann.enumeration import all_states
from rbmqs.boltzmann.gradient_model import BinaryModel, GradientLearner, UnsupervisedModel
from rbmqs.boltzmann.keywords import estimator, keyword
from rbmqs.boltzmann.linalg import one_pool
from rbmqs.boltzmann.ops import Arrays
from rbmqs.boltzmann.randomness import new_stream

METHODS = ("pcd", "exact")
MAX_EVEN = 20  # units of even layers that are summed over exactly


class DeepLearner(GradientLearner):
    """Gradient of the mean-field bound of mean log p(v).

    Parameters
    ----------
    arrays : dict
        weights_0 (N, M1), weights_1 (M1, M2), ...; bias_0 (N,), bias_1 (M1,), ...
    """

    def __init__(self, arrays: Arrays, stream: np.ndarray, options: DeepBoltzmannMachine) -> None:
        self.depth = len(arrays) // 2  # hidden layers
        weights = tuple(f"weights_{k}" for k in range(self.depth))
        super().__init__(arrays, stream, options, weights)
        self.method = choice("method", options.method, METHODS)
        self.n_steps = positive_int("n_gibbs_steps", options.n_gibbs_steps)
        self.n_mean_field = positive_int("n_mean_field", options.n_mean_field)
        n_chains = options.batch_size if self.method == "pcd" else 0
        self.chains = self.random_layers(n_chains, stream)

    @property
    def sizes(self) -> list[int]:
        """Units of each layer, from the visible upwards."""
        return [len(self.arrays[f"bias_{k}"]) for k in range(self.depth + 1)]

    def random_layers(self, n: int, stream: np.ndarray) -> list[np.ndarray]:
        """Fair coins for all layers."""
        dtype = self.arrays["bias_0"].dtype
        return [ops.random_states((n, size), dtype, stream) for size in self.sizes]

    def memory(self) -> Arrays:
        """Velocities, randomness, chains."""
        return super().memory() | {f"chains_{k}": c for k, c in enumerate(self.chains)}

    def inputs(self, layers: list[Any], k: int) -> np.ndarray:
        """Inputs of layer k from the layers beside it, without biases."""
        parts = []
        if k > 0:
            parts.append(ops.times(layers[k - 1], self.arrays[f"weights_{k - 1}"]))
        if k < self.depth:
            parts.append(ops.times(layers[k + 1], self.arrays[f"weights_{k}"], transpose_b=True))
        return parts[0] if len(parts) == 1 else parts[0] + parts[1]

    def mean_field(self, rows: Any) -> list[Any]:
        """Visible rows and means of all hidden layers, the fixed point from a pass upwards."""
        layers = [rows]
        for k in range(1, self.depth + 1):
            doubled = 1 if k == self.depth else 2  # for the layer above, not there yet
            x = doubled * ops.times(layers[k - 1], self.arrays[f"weights_{k - 1}"])
            layers.append(ops.to_means(x, self.arrays[f"bias_{k}"]))
        for _ in range(self.n_mean_field):
            for k in range(1, self.depth + 1):
                layers[k] = ops.to_means(self.inputs(layers, k), self.arrays[f"bias_{k}"])
        return layers

    def gibbs(self, layers: list[np.ndarray], stream: np.ndarray) -> None:
        """Draw the even layers given the odd ones, then the odd ones, in place."""
        for k in [*range(0, self.depth + 1, 2), *range(1, self.depth + 1, 2)]:
            x = self.inputs(layers, k)
            layers[k][...] = ops.to_samples(x, self.arrays[f"bias_{k}"], stream)

    def gradient(self, batch: Any) -> Arrays:
        """Mean products of neighbouring layers in the data less those in the model."""
        data = self._statistics(self.mean_field(batch))
        model = self._exact_statistics() if self.method == "exact" else self._chain_statistics()
        return {name: data[name] - model[name] for name in self.arrays}

    def _statistics(self, layers: list[Any], share: np.ndarray | None = None) -> Arrays:
        n, dtype = layers[-1].shape[0], self.arrays["bias_0"].dtype
        weights = np.full(n, 1 / n, dtype) if share is None else share.astype(dtype)
        out = {}
        for k, layer in enumerate(layers):
            out[f"bias_{k}"] = np.asarray(layer.T @ weights).ravel()
            if k < self.depth:
                above = layers[k + 1] * weights[:, None]
                out[f"weights_{k}"] = ops.times(layer, above, transpose_a=True)
        return out

    def _chain_statistics(self) -> Arrays:
        for _ in range(self.n_steps):
            self.gibbs(self.chains, self.stream)
        layers = list(self.chains)
        for k in range(1, self.depth + 1, 2):  # odd layers' means given the even ones
            layers[k] = ops.to_means(self.inputs(layers, k), self.arrays[f"bias_{k}"])
        return self._statistics(layers)

    def even_states(self) -> tuple[list[Any], np.ndarray, float]:
        """All states of the even layers with means of the odd ones, probabilities, log Z."""
        even = range(0, self.depth + 1, 2)
        sizes = [self.sizes[k] for k in even]
        if sum(sizes) > MAX_EVEN:
            raise ValueError(
                f"exact sums go over the even layers, the visible one included: at most "
                f"{MAX_EVEN} units, got {sum(sizes)}"
            )
        states = all_states(sum(sizes)).astype(self.arrays["bias_0"].dtype)
        layers: list[Any] = [None] * (self.depth + 1)
        for k, part in zip(even, np.split(states, np.cumsum(sizes)[:-1], axis=1), strict=True):
            layers[k] = np.ascontiguousarray(part)
        log_weight = sum(layers[k] @ self.arrays[f"bias_{k}"].astype(np.float64) for k in even)
        for k in range(1, self.depth + 1, 2):
            x, bias = self.inputs(layers, k), self.arrays[f"bias_{k}"]
            log_weight = log_weight + sum_softplus(x, bias, bias.dtype.type(1))
            layers[k] = ops.to_means(x, bias)
        log_z = float(logsumexp(log_weight))
        return layers, np.exp(log_weight - log_z), log_z

    def _exact_statistics(self) -> Arrays:
        layers, probability, _ = self.even_states()
        return self._statistics(layers, probability)

    def log_weight_bound(self, layers: list[Any]) -> np.ndarray:
        """<-E> plus entropy of mean-field layers, (n,): below log sum_h exp(-E(v, h))."""
        total = np.zeros(layers[-1].shape[0])
        for k, layer in enumerate(layers):
            total += layer @ self.arrays[f"bias_{k}"].astype(np.float64)
            if k < self.depth:
                up = ops.times(layer, self.arrays[f"weights_{k}"])
                total += (up.astype(np.float64) * layers[k + 1]).sum(axis=1)
            if k:
                q = np.clip(layer.astype(np.float64), 1e-15, 1 - 1e-15)
                total -= (q * np.log(q) + (1 - q) * np.log1p(-q)).sum(axis=1)
        return total


@estimator
class DeepBoltzmannMachine(BinaryModel, UnsupervisedModel):
    """Deep Boltzmann machine over rows in [0, 1].

    Parameters
    ----------
    n_components : tuple of int
        Hidden units of each layer, from the data upwards.
    method : {"pcd", "exact"}
    n_gibbs_steps : int
        Gibbs steps of the chains in an update.
    n_mean_field : int
        Mean-field sweeps.
    pretrain_n_iter : int
        Epochs of greedy pretraining of each layer by CD-1, weights halved where a layer will have
        two neighbours; 0 for none.
    **options
        See `rbmqs.boltzmann.gradient_model.BinaryModel` and its base.

    Attributes
    ----------
    weights_, biases_ : lists of arrays, from the visible layer upwards
    training_ : Training
    """

    n_components: tuple[int, ...] = (500, 500)
    method: str = "pcd"
    n_gibbs_steps: int = 1
    n_mean_field: int = 10
    pretrain_n_iter: int = 5
    learning_rate: float = keyword(0.02)

    _accepts_sparse = True

    def _learner(self, rows: Any, seeds: list) -> DeepLearner:
        """Pretrain layer by layer: what all layers together start from."""
        learner = DeepLearner(self._start(rows, seeds[0]), new_stream(seeds[1]), self)
        if learner.method == "exact":
            learner.even_states()
        return learner

    def _publish(self, learner: DeepLearner) -> None:
        self.weights_ = [learner.arrays[f"weights_{k}"] for k in range(learner.depth)]
        self.biases_ = [learner.arrays[f"bias_{k}"] for k in range(learner.depth + 1)]
        self.components_ = self.weights_[-1].T

    def _start(self, rows: Any, seed: np.random.SeedSequence) -> Arrays:
        """Parameters of stacked RBMs; a unit between two layers gets half from each."""
        sizes = layer_sizes(self.n_components)
        n_iter = positive_int("pretrain_n_iter", self.pretrain_n_iter, minimum=0)
        arrays: Arrays = {}
        for k, (size, own) in enumerate(zip(sizes, seed.spawn(len(sizes)), strict=True)):
            options = {"method": "cd", "n_iter": n_iter or 1}
            rbm = new_rbm(self, size, own, **options)
            parameters = rbm.fit(rows).rbm_ if n_iter else rbm.untrained(rows)
            inner = n_iter > 0 and len(sizes) > 1 and 0 < k < len(sizes) - 1
            factor = parameters.dtype.type(0.5 if inner else 1)
            arrays[f"weights_{k}"] = parameters.weights * factor
            arrays.setdefault(f"bias_{k}", parameters.visible_bias)
            arrays[f"bias_{k + 1}"] = parameters.hidden_bias
            rows = parameters.hidden_mean(rows)
        return arrays

    def transform(self, X: Any) -> np.ndarray:
        """Mean-field means of the top layer, (n, M_top)."""
        with one_pool():
            return self._learned.mean_field(self.checked_rows(X))[-1]

    def reconstruct(self, X: Any) -> np.ndarray:
        """Means of the visible units given the mean-field means of the first hidden layer."""
        learner = self._learned
        with one_pool():
            layers = learner.mean_field(self.checked_rows(X))
            return ops.to_means(learner.inputs(layers, 0), learner.arrays["bias_0"])

    def log_partition(self) -> float:
        """log Z, exact, up to 20 units in the even layers (the visible one included)."""
        self.check_is_fitted()
        with one_pool():
            return self._learned.even_states()[2]

    def score_samples(self, X: Any) -> np.ndarray:
        """Mean-field lower bound of log p(v) of each row in nats, with the exact log Z."""
        with one_pool():
            layers = self._learned.mean_field(self.checked_rows(X))
            return self._learned.log_weight_bound(layers) - self.log_partition()

    def sample(
        self, n_samples: int = 1, n_steps: int = 1000, random_state: Any = None
    ) -> np.ndarray:
        """`n_samples` rows of 0 and 1 after `n_steps` of Gibbs sampling from random starts."""
        self.check_is_fitted()
        stream = ops.stream_of(random_state)
        with one_pool():
            layers = self._learned.random_layers(positive_int("n_samples", n_samples), stream)
            for _ in range(positive_int("n_steps", n_steps)):
                self._learned.gibbs(layers, stream)
        return layers[0]
