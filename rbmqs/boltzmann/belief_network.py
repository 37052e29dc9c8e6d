"""Deep belief network: restricted Boltzmann machines stacked one by one.

The two top layers are an RBM, every layer below is generated from the one above:
p(v, h1, ..., hL) = p(v | h1) ... p(h_{L-2} | h_{L-1}) p(h_{L-1}, hL). G. Hinton, S. Osindero and
Y.-W. Teh, "A fast learning algorithm for deep belief nets", Neural Computation 18 (2006).
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from hamiltonians.utils.checks import positive_int
from rbmqs.boltzmann import ops
from rbmqs.boltzmann.bernoulli import BernoulliRBM
from rbmqs.boltzmann.data import MIN_ROWS
from rbmqs.boltzmann.gradient_model import BinaryModel
from rbmqs.boltzmann.keywords import TrainingKeywords, estimator
from rbmqs.boltzmann.linalg import one_pool


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
    rbms_ : list of Parameters
        One for each pair of layers, from the data upwards.
    components_ : array (M_top, M_below)
        Of the top RBM.
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
        rows = self.check_rows(X, MIN_ROWS)
        self._stack(rows)
        self._remember_columns(X, rows.shape[1])
        return self

    def _stack(self, rows: Any) -> None:
        sizes = layer_sizes(self.n_components)
        self.rbms_, self.trainings_ = [], []
        for size, seed in zip(sizes, self._seeds(len(sizes)), strict=True):
            options = {"method": self.method, "n_gibbs_steps": self.n_gibbs_steps}
            rbm = new_rbm(self, size, seed, **options).fit(rows)
            self.rbms_.append(rbm.rbm_)
            self.trainings_.append(rbm.training_)
            rows = rbm.transform(rows)
        self.training_, self.components_ = self.trainings_[-1], rbm.components_

    def transform(self, X: Any) -> np.ndarray:
        """Means of the top layer, propagated upwards, (n, M_top)."""
        rows = self.checked_rows(X)
        with one_pool():
            for rbm in self.rbms_:
                rows = rbm.hidden_mean(rows)
        return rows

    def reconstruct(self, X: Any) -> np.ndarray:
        """Means of the visible units, propagated upwards and down again."""
        rows = self.transform(X)
        with one_pool():
            for rbm in reversed(self.rbms_):
                rows = rbm.visible_mean(rows)
        return rows

    def sample(
        self, n_samples: int = 1, n_steps: int = 1000, random_state: Any = None
    ) -> np.ndarray:
        """Rows of 0 and 1: `n_steps` of Gibbs sampling in the top RBM, then downwards."""
        self.check_is_fitted()
        stream, top = ops.stream_of(random_state), self.rbms_[-1]
        with one_pool():
            rows = top.first_draw(positive_int("n_samples", n_samples), stream)
            rows = top.gibbs(rows, stream, positive_int("n_steps", n_steps))
            for rbm in reversed(self.rbms_[:-1]):
                rows = rbm.sample_visible(rows, stream)
        return rows


def layer_sizes(n_components: Any) -> list[int]:
    """Sizes of hidden layers, one at least."""
    sizes = [n_components] if np.ndim(n_components) == 0 else list(n_components)
    if not sizes:
        raise ValueError("n_components must name one hidden layer at least, got none")
    return [positive_int("n_components", size) for size in sizes]


def new_rbm(model: TrainingKeywords, size: int, seed: Any, **options: Any) -> BernoulliRBM:
    """An untrained RBM with the keywords of the training that a deep model has."""
    keywords = {name: getattr(model, name) for name in TrainingKeywords._parameter_names()}
    rbm = BernoulliRBM()
    return rbm.set_params(**keywords | {"n_components": size, "random_state": seed} | options)
