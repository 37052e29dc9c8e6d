"""RBMs with visible units of one type: Gaussian ones, or any by name."""

from __future__ import annotations

import numpy as np

from hamiltonians.utils.checks import choice
from rbmqs.boltzmann.keywords import estimator, keyword
from rbmqs.boltzmann.layers import Harmonium
from rbmqs.boltzmann.ops import Arrays
from rbmqs.boltzmann.rbm_use import TrainedRBM
from rbmqs.boltzmann.real_units import GaussianUnits


@estimator
class LayeredRBM(TrainedRBM):
    """Restricted Boltzmann machine of any two types of units.

    Parameters
    ----------
    n_components : int
        Hidden units.
    visible, hidden : str
        "bernoulli", "spin", "relu", "drelu", "gaussian", hidden ones also "softmax" (one group);
        a name registered in `rbmqs.boltzmann.unit_types.UNIT_TYPES`, or "package.module:Class".
    method, n_gibbs_steps, **options
        See `rbmqs.boltzmann.rbm_model.RBMModel`, which lists the attributes too.
    """

    n_components: int = 100
    visible: str = "bernoulli"
    hidden: str = "bernoulli"
    learning_rate: float = keyword(0.01)


@estimator
class GaussianRBM(TrainedRBM):
    """Restricted Boltzmann machine for real data: a mixture of 2^M normal distributions.

    p(v | h) is normal with mean b + W h and standard deviation sigma, which is learned for each
    column as log sigma^2 (Cho, Ilin & Raiko 2011), starting at the data's, or kept at 1. Steps are
    on the scale of the columns: multiplying one by s shifts log-likelihoods by log s.

    Parameters
    ----------
    n_components : int
        Hidden units.
    variance : {"learn", "unit"}
        "unit" is for columns scaled to unit variance.
    hidden : str
        Type of the hidden units, as in `LayeredRBM`.
    method, n_gibbs_steps, **options
        See `rbmqs.boltzmann.rbm_model.RBMModel`, which lists the attributes too.

    Attributes
    ----------
    variance_ : array (N,)
        sigma^2.
    """

    n_components: int = 100
    variance: str = "learn"
    hidden: str = keyword("bernoulli")
    method: str = keyword("cd")
    learning_rate: float = keyword(0.01)

    visible = "gaussian"

    @property
    def _learns(self) -> bool:
        return choice("variance", self.variance, ("learn", "unit")) == "learn"

    def _visible_layer(self, rows: np.ndarray) -> GaussianUnits:
        return GaussianUnits.of_rows(rows, self._learns)

    def _stored_rbm(self, arrays: Arrays) -> Harmonium:
        rbm = super()._stored_rbm(arrays)
        rbm.visible.learn = self._learns
        return rbm

    @property
    def variance_(self) -> np.ndarray:
        """sigma^2 of each column given h."""
        return np.exp(self.rbm_.arrays["visible_log_variance"])
