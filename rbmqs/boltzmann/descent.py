"""Steps along a gradient: momentum and weight decay, for arrays changed in place."""

from __future__ import annotations

import numpy as np

from hamiltonians.utils.checks import number
from rbmqs.boltzmann.core.momentum import momentum_step


class Descent:
    """Gradient ascent with momentum and decay on named arrays.

    velocity <- momentum velocity + rate (gradient - l2 w - l1 sign(w)), w <- w + velocity.

    Parameters
    ----------
    parameters : dict of arrays
        C-contiguous, changed in place by `step`.
    momentum : float
        In [0, 1).
    l1, l2 : float
        Weight decay, applied to the arrays named in `decayed`.
    decayed : tuple of str
    """

    def __init__(
        self,
        parameters: dict[str, np.ndarray],
        momentum: float = 0.0,
        l1: float = 0.0,
        l2: float = 0.0,
        decayed: tuple[str, ...] = ("weights",),
    ) -> None:
        check_momentum(momentum)
        number("l1", l1, at_least=0)
        number("l2", l2, at_least=0)
        self.parameters, self.decayed = parameters, decayed
        self.momentum, self.l1, self.l2 = momentum, l1, l2
        self.velocity = {name: np.zeros_like(array) for name, array in parameters.items()}

    def step(self, gradient: dict[str, np.ndarray], rate: float) -> None:
        """One step along the gradient of the quantity to maximise."""
        for name, change in gradient.items():
            l1, l2 = (self.l1, self.l2) if name in self.decayed else (0.0, 0.0)
            momentum_step(
                self.parameters[name].reshape(-1), self.velocity[name].reshape(-1),
                np.ascontiguousarray(change, self.parameters[name].dtype).reshape(-1),
                rate, self.momentum, l1, l2,
            )  # fmt: skip

    def memory(self) -> dict[str, np.ndarray]:
        """Velocities, for checkpoints."""
        return {f"velocity_{name}": array for name, array in self.velocity.items()}


def check_momentum(momentum: float) -> None:
    """Refuse a momentum outside [0, 1)."""
    if number("momentum", momentum, at_least=0) >= 1:
        raise ValueError(f"momentum must be below 1, got {momentum}")
