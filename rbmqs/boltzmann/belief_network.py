"""Deep belief network: restricted Boltzmann machines stacked one by one.

The two top layers are an RBM, every layer below is generated from the one above:
p(v, h1, ..., hL) = p(v | h1) ... p(h_{L-2} | h_{L-1}) p(h_{L-1}, hL). G. Hinton, S. Osindero and
Y.-W. Teh, "A fast learning algorithm for deep belief nets", Neural Computation 18 (2006).
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from hamiltonians.utils.checks import positive_int
from rbmqs.boltzmann.data import MIN_ROWS
from rbmqs.boltzmann.gradient_model import (
    BinaryModel,
    small_weights,
    stream_of,
    # fmt: skip,
)  # fmt: skip
from rbmqs.boltzmann.harmonium import HarmoniumLearner, random_states
from rbmqs.boltzmann.keywords import estimator
from rbmqs.boltzmann.layers import Harmonium
from rbmqs.boltzmann.linalg import one_pool
from rbmqs.boltzmann.randomness import new_stream
from rbmqs.boltzmann.unit_types import BinaryUnits


@estimator
class DeepBeliefNetwork(BinaryModel):
    """Greedy stack of restricted Boltzmann machines over rows in [0, 1].

    Parameters
    ----------
    n_components : tuple of int
        Hidden units of each layer, from the data upwards.
    method : {"cd", "pcd", "exact"}
    n_gibbs_steps : int
        Gibbs steps of an update.
    **options
        See `rbmqs.boltzmann.gradient_model.BinaryModel` and its base; `n_iter` counts epochs of
        each layer.

    Attributes
    ----------
    machines_ : list of Harmonium
        One for each pair of layers, from the data upwards.
    components_ : array (M_top, M_below)
        Of the top machine.
    trainings_ : list of Training
    """

    n_components: tuple[int, ...] = (500, 500)
    method: str = "cd"
    n_gibbs_steps: int = 1

    _accepts_sparse = True

    def fit(self, X: Any, y: Any = None) -> Self:
        """Train layer after layer, each on the means of the one below; y is ignored.

        Raises
        ------
        ValueError
            Values outside [0, 1], no layers, unknown options.
        """
        rows = self._unit_rows(X, MIN_ROWS)
        self._stack(rows)
        self._remember_columns(X, rows.shape[1])
        return self

    def _stack(self, rows: Any) -> None:
        sizes = layer_sizes(self.n_components)
        self.machines_, self.trainings_ = [], []
        for size, seed in zip(sizes, self._seeds(len(sizes)), strict=True):
            machine = self._train_layer(rows, size, seed)
            self.machines_.append(machine)
            self.trainings_.append(self.training_)
            rows = machine.hidden_mean(rows)
        self.components_ = self.machines_[-1].weights.T

    def _train_layer(self, rows: Any, size: int, seed: np.random.SeedSequence) -> Harmonium:
        seeds = seed.spawn(3)
        plan = self._plan(rows.shape[0], seeds[0])
        learner = HarmoniumLearner(
            new_machine(rows, size, seeds[1]), new_stream(seeds[2]), self, self.method,
            positive_int("n_gibbs_steps", self.n_gibbs_steps), self.batch_size,
        )  # fmt: skip
        self._descend(learner, plan, lambda chosen: rows[chosen])
        return learner.machine

    def transform(self, X: Any) -> np.ndarray:
        """Means of the top layer, propagated upwards, (n, M_top)."""
        self.check_is_fitted()
        rows = self._unit_rows(X)
        self._check_columns(X, rows.shape[1])
        with one_pool():
            for machine in self.machines_:
                rows = machine.hidden_mean(rows)
        return rows

    def reconstruct(self, X: Any) -> np.ndarray:
        """Means of the visible units, propagated upwards and down again."""
        rows = self.transform(X)
        with one_pool():
            for machine in reversed(self.machines_):
                rows = machine.visible_mean(rows)
        return rows

    def sample(self, n: int, n_steps: int = 1000, random_state: Any = None) -> np.ndarray:
        """Rows of 0 and 1: `n_steps` of Gibbs sampling in the top RBM, then downwards."""
        self.check_is_fitted()
        stream, top = stream_of(random_state), self.machines_[-1]
        with one_pool():
            hidden = random_states((positive_int("n", n), top.n_hidden), top.weights.dtype, stream)
            rows = top.sample_visible(hidden, stream)
            for _ in range(positive_int("n_steps", n_steps)):
                rows = top.sample_visible(top.sample_hidden(rows, stream), stream)
            for machine in reversed(self.machines_[:-1]):
                rows = machine.sample_visible(rows, stream)
        return rows


def layer_sizes(n_components: Any) -> list[int]:
    """Sizes of hidden layers, one at least."""
    sizes = [n_components] if np.ndim(n_components) == 0 else list(n_components)
    if not sizes:
        raise ValueError("n_components must name one hidden layer at least, got none")
    return [positive_int("n_components", size) for size in sizes]


def new_machine(rows: Any, n_hidden: int, seed: np.random.SeedSequence) -> Harmonium:
    """An RBM of binary units before training: small weights, biases of the data's means."""
    dtype = rows.dtype
    weights = small_weights(seed, (rows.shape[1], n_hidden), dtype)
    return Harmonium(BinaryUnits.of_rows(rows), weights, BinaryUnits.at_rest(n_hidden, dtype))
