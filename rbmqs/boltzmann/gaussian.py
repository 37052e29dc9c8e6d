"""RBMs with visible units of one type: Gaussian ones, or any by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import numpy as np

from hamiltonians.utils.archive import Kind, read_archive, write_archive
from hamiltonians.utils.checks import choice
from rbmqs.boltzmann.harmonium import HarmoniumModel
from rbmqs.boltzmann.keywords import described, estimator, keyword
from rbmqs.boltzmann.layers import Harmonium
from rbmqs.boltzmann.unit_types import UNIT_TYPES, BinaryUnits, GaussianUnits

KIND = Kind("rbmqs-layered", 1, "two layers, E = e(v) + e(h) - s(v) W s(h); W (visible, hidden)")


@estimator
class GaussianRBM(HarmoniumModel):
    """Restricted Boltzmann machine for real data: a mixture of 2^M normal distributions.

    p(v | h) is normal with mean b + W h and standard deviation sigma, which is learned for each
    column as log sigma^2 (Cho, Ilin & Raiko 2011), starting at the data's, or kept at 1.

    Parameters
    ----------
    n_components : int
        Hidden units.
    hidden : str
        Their type: "bernoulli", "spin", "relu", "drelu", "gaussian", "softmax".
    variance : {"learn", "unit"}
        "unit" is for columns scaled to unit variance.
    method : {"pcd", "cd", "exact"}
    n_gibbs_steps : int
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
    method: str = "cd"
    n_gibbs_steps: int = 1
    hidden: str = keyword("bernoulli")
    learning_rate: float = keyword(0.01)

    def _check_rows(self, X: Any, min_rows: int = 1) -> np.ndarray:
        return GaussianUnits.check_rows(X, self._type, min_rows)

    def _layer(self, rows: np.ndarray) -> GaussianUnits:
        learn = choice("variance", self.variance, ("learn", "unit")) == "learn"
        return GaussianUnits.of_rows(rows, learn)

    @property
    def variance_(self) -> np.ndarray:
        """sigma^2 of each column given h."""
        return np.exp(self.machine_.arrays["visible_log_variance"])


@estimator
class LayeredRBM(HarmoniumModel):
    """Restricted Boltzmann machine of any two types of units.

    Parameters
    ----------
    n_components : int
        Hidden units.
    visible, hidden : str
        "bernoulli", "spin", "relu", "drelu", "gaussian", hidden ones also "softmax" (one group);
        a name registered in `rbmqs.boltzmann.unit_types.UNIT_TYPES`, or "package.module:Class".
    method : {"pcd", "cd", "exact"}
    n_gibbs_steps : int
        Gibbs steps of an update.
    **options
        See `rbmqs.boltzmann.keywords.TrainingKeywords`.

    Attributes
    ----------
    machine_ : Harmonium
        Both layers; the others in `HarmoniumModel`.
    """

    n_components: int = 100
    visible: str = "bernoulli"
    hidden: str = "bernoulli"
    method: str = "pcd"
    n_gibbs_steps: int = 1
    learning_rate: float = keyword(0.01)

    def _check_rows(self, X: Any, min_rows: int = 1) -> Any:
        return UNIT_TYPES[self.visible].check_rows(X, self._type, min_rows)

    def _layer(self, rows: Any) -> BinaryUnits:
        return UNIT_TYPES[self.visible].of_rows(rows)

    def save(self, path: str | Path) -> None:
        """Write the parameters and the constructor's keywords to an .npz file."""
        self.check_is_fitted()
        write_archive(Path(path), KIND, self.machine_.arrays, described(self))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what `save` wrote."""

        def assemble(meta: dict[str, Any], arrays: dict[str, np.ndarray]) -> Any:
            model, weights = cls(**meta["parameters"]), arrays["weights"]
            layers = []
            for side, n in zip(("visible", "hidden"), weights.shape, strict=True):
                layer = UNIT_TYPES[getattr(model, side)].at_rest(n, weights.dtype)
                layer.arrays = {name: arrays[f"{side}_{name}"] for name in layer.arrays}
                layers.append(layer)
            model.machine_ = Harmonium(layers[0], weights, layers[1])
            model.n_features_in_ = len(weights)
            model._publish_machine()
            return model

        return read_archive(Path(path), KIND, assemble)
