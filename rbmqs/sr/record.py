"""What a solve of the stochastic-reconfiguration equations returns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class SRSolution:
    """Solution of (S + shift) x = F with the evidence that it is one.

    Parameters
    ----------
    direction : array (n_parameters,)
        x. The step is theta <- theta - learning_rate x.
    method : str
        "sample-space", "matrix-free" or "dense".
    diag_shift : float
        Shift in use; larger than asked for where the factorisation needed it.
    residual : float
        |(S + shift) x - F| / |F|.
    n_iterations : int
        Of an iterative solver, 0 otherwise.
    force_norm : float
        |F|.
    slope : float
        Predicted change of the energy per unit learning rate, -2 Re(F^dagger x).
    metric_norm : float
        sqrt(x^dagger S x): Fubini-Study distance moved per unit learning rate.
    advice : str
        Empty, or a sentence on what is wrong and what to change.
    """

    direction: np.ndarray
    method: str
    diag_shift: float
    residual: float
    n_iterations: int
    force_norm: float
    slope: float
    metric_norm: float
    advice: str

    def predicted_change(self, learning_rate: float) -> float:
        """First-order change of the energy for a step of `learning_rate`."""
        return learning_rate * self.slope

    def summary(self) -> dict:
        """Numbers of the solve without the direction, for logs."""
        return {
            "method": self.method,
            "diag_shift": self.diag_shift,
            "residual": self.residual,
            "n_iterations": self.n_iterations,
            "force_norm": self.force_norm,
            "metric_norm": self.metric_norm,
            "advice": self.advice,
        }
