"""Gaussian-Bernoulli RBM: real visible units, binary hidden ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from rbmqs.boltzmann.data import real_matrix
from rbmqs.boltzmann.gradient_model import column_mean
from rbmqs.boltzmann.harmonium import HarmoniumModel
from rbmqs.boltzmann.keywords import estimator, keyword
from rbmqs.boltzmann.layers import GaussianUnits


@estimator
class GaussianRBM(HarmoniumModel):
    """Restricted Boltzmann machine for real data: a mixture of 2^M normal distributions.

    p(v | h) is normal with mean b + W h and standard deviation sigma, which is learned for each
    column as log sigma^2 (Cho, Ilin & Raiko 2011), starting at the data's, or kept at 1.

    Parameters
    ----------
    n_components : int
        Hidden units.
    variance : {"learn", "unit"}
        "unit" is for columns scaled to unit variance.
    algorithm : {"pcd", "cd", "exact"}
    n_steps : int
        Gibbs steps of an update.
    **options
        See `rbmqs.boltzmann.gradient_model.GradientModel`.

    Attributes
    ----------
    variance_ : array (N,)
        sigma^2; the others in `HarmoniumModel`.
    """

    n_components: int = 100
    variance: str = "learn"
    algorithm: str = "cd"
    n_steps: int = 1
    learning_rate: float = keyword(0.01)

    def _check_rows(self, X: Any, min_rows: int = 1) -> np.ndarray:
        if sparse.issparse(X):
            raise TypeError("Sparse data was passed; real units need dense rows: X.toarray()")
        return real_matrix(X, "X", self._type, min_rows=min_rows)

    def _layer(self, rows: np.ndarray) -> GaussianUnits:
        from hamiltonians.utils.checks import choice

        learn = choice("variance", self.variance, ("learn", "unit")) == "learn"
        mean = column_mean(rows)
        variance = rows.var(axis=0, dtype=np.float64) if learn else np.ones(rows.shape[1])
        if learn and (variance == 0).any() and rows.shape[0] > 1:
            constant = int(np.flatnonzero(variance == 0)[0])
            raise ValueError(f"column {constant} of X is constant: drop it, or variance='unit'")
        variance = np.where(variance > 0, variance, 1.0)
        dtype = self._type
        return GaussianUnits(mean.astype(dtype), np.log(variance).astype(dtype), learn)

    @property
    def variance_(self) -> np.ndarray:
        """sigma^2 of each column given h."""
        return np.exp(self.machine_.arrays["log_variance"])
