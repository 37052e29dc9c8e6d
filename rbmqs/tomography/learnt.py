"""A wavefunction that remembers from how many snapshots it was learnt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rbmqs.states.rbm import RBM


@dataclass(frozen=True, eq=False)
class LearntRBM(RBM):
    """An RBM fitted to measurements: error bars of what is measured in it contain their noise.

    With other parameters, as after a step of a run, it is a plain RBM.

    Parameters
    ----------
    n_snapshots : int, optional
        Independent measurements behind the parameters.
    """

    n_snapshots: int | None = None

    def with_parameters(self, parameters: Mapping[str, np.ndarray]) -> RBM:  # type: ignore[override]
        """A plain RBM with other values of the parameters."""
        return self.plain().with_parameters(parameters)

    def plain(self) -> RBM:
        """The same wavefunction without a past."""
        biases = (self.has_visible_bias, self.has_hidden_bias)
        return RBM(self.visible_bias, self.hidden_bias, self.weights, *biases)
