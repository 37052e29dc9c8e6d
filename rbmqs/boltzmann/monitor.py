"""How an RBM in training stands: likelihood figures that are cheap enough for every check."""

from __future__ import annotations

from typing import Any

import numpy as np

from rbmqs.boltzmann.learner import RBMLearner
from rbmqs.boltzmann.likelihood import exact_log_z, free_energy_gap, pseudo_log_likelihood
from rbmqs.boltzmann.likelihood.pseudo import MAX_WEIGHT

EXACT_BELOW = 10  # units of the smaller layer: 2^10 states take a millisecond
PSEUDO_ROWS = 64
GAP_ROWS = 1000


class MonitoredLearner(RBMLearner):
    """An `RBMLearner` that measures itself on fixed rows of the data."""

    def watch(self, X: Any, validation: Any) -> None:
        """Rows to measure on: evenly spread ones of the training and all validation data."""
        self.X, self.validation = X, validation
        self._few = _spread(X, PSEUDO_ROWS)
        self._many = _spread(X, GAP_ROWS)

    def monitor(self) -> dict[str, float]:
        """Exact log-likelihood of small RBMs, else pseudo-log-likelihood; gap; swap rates."""
        figures = {}
        machine = self.machine
        if min(machine.weights.shape) <= EXACT_BELOW:
            mean = machine.log_weight(self._many).mean()
            figures["log-likelihood"] = float(mean - exact_log_z(machine))
        elif np.abs(machine.weights).max() <= MAX_WEIGHT:
            figures["pseudo-log-likelihood"] = float(
                pseudo_log_likelihood(machine, self._few).mean()
            )
        if self.validation is not None:
            figures["free-energy gap"] = free_energy_gap(machine, self._many, self.validation)
        if hasattr(self.negative, "figures"):
            figures |= self.negative.figures()
        return figures


def _spread(X: Any, n: int) -> Any:
    """n rows at equal distances, or all of them."""
    if X.shape[0] <= n:
        return X
    return X[np.linspace(0, X.shape[0] - 1, n).astype(int)]
