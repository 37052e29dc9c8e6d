"""A shift that does not depend on how parameters are scaled: (S + eps_1 diag(S) + eps_2) x = F.

A parameter with a small variance of its log-derivative is damped no more than one with a large
variance (Sorella, Casula & Rocca, J. Chem. Phys. 127, 014105 (2007), where
eps_1 diag(S) is the whole shift). With D = eps_1 diag(S) + eps_2 and y = D^(1/2) x the equations
are those of a Jacobian with scaled columns and the shift 1, so that every solver that forms no
Gram matrix takes them as they are; conjugate gradients are preconditioned by it besides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from rbmqs.sr.solvers import Direction
from rbmqs.states.jacobian import Jacobian
from rbmqs.states.repeats import Repeats
from rbmqs.states.weights import times_weights

ROW_BLOCK = 256
METHODS = ("dense", "matrix-free")  # the Gram matrix of scaled columns no longer factorises


@dataclass(frozen=True, eq=False)
class ScaledJacobian:
    """Centred log-derivatives O_k - <O_k>, each times a number of its own.

    Parameters
    ----------
    jacobian : Jacobian
    scale : float64 (n_parameters,)
        Positive.
    """

    jacobian: Jacobian
    scale: np.ndarray

    @property
    def weights(self) -> np.ndarray | None:
        """Weight of each sample in means."""
        return self.jacobian.weights

    @property
    def n_samples(self) -> int:
        """Number of samples."""
        return self.jacobian.n_samples

    @property
    def n_parameters(self) -> int:
        """Length of the parameter vector."""
        return self.jacobian.n_parameters

    @property
    def is_complex(self) -> bool:
        """Whether the parameters are complex."""
        return self.jacobian.is_complex

    @property
    def width(self) -> int:
        """Multiply-adds of an element of the Gram matrix: scaled columns do not factorise."""
        return self.n_parameters

    @property
    def product_cost(self) -> float:
        """Of (O - <O>) v, in multiply-adds at the rate of matrix products."""
        return self.jacobian.product_cost

    @property
    def is_finite(self) -> bool:
        """Whether no entry is NaN or infinite."""
        return self.jacobian.is_finite

    def repeats(self) -> Repeats | None:
        """Not looked for: they serve the Gram matrix only."""
        return None

    def gram(self, repeats: Repeats | None = None) -> np.ndarray:
        """Not to be had in factors."""
        raise NotImplementedError(f"relative_shift takes one of the solvers {METHODS}")

    def right_side(self, local_values: np.ndarray) -> np.ndarray:
        """That of the Jacobian without scales."""
        return self.jacobian.right_side(local_values)

    def times(self, vector: np.ndarray) -> np.ndarray:
        """(O - <O>) scale v, shape (n_samples,)."""
        return self.jacobian.times(self.scale * vector)

    def adjoint_times(self, values: np.ndarray) -> np.ndarray:
        """scale (O - <O>)^dagger W y, shape (n_parameters,)."""
        return self.scale * self.jacobian.adjoint_times(values)

    def rows(self, start: int, stop: int) -> np.ndarray:
        """Rows of the uncentred Jacobian."""
        return self.scale * self.jacobian.rows(start, stop)


def with_relative_shift(
    solver: Callable[[Jacobian, np.ndarray, float], Direction],
    jacobian: Jacobian,
    deviations: np.ndarray,
    diag_shift: float,
    relative_shift: float,
) -> Direction:
    """Solve (S + relative_shift diag(S) + diag_shift) x = F with one of the `METHODS`."""
    scale = 1.0 / np.sqrt(relative_shift * variances(jacobian) + diag_shift)
    found = solver(ScaledJacobian(jacobian, scale), deviations, 1.0)
    return replace(found, x=scale * found.x, diag_shift=diag_shift * found.diag_shift)


def variances(jacobian: Jacobian) -> np.ndarray:
    """diag(S): the variance of each log-derivative, float64 (n_parameters,)."""
    n, p = jacobian.n_samples, jacobian.n_parameters
    squares, mean = np.zeros(p), np.zeros(p, complex)
    for start in range(0, n, ROW_BLOCK):
        part = slice(start, min(start + ROW_BLOCK, n))
        weights = None if jacobian.weights is None else jacobian.weights[part]
        rows = jacobian.rows(part.start, part.stop)
        squares += times_weights(rows.real**2 + rows.imag**2, weights).sum(axis=0)
        mean += times_weights(rows, weights).sum(axis=0)
    return np.maximum(squares / n - abs(mean / n) ** 2, 0.0)
