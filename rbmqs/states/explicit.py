"""Log-derivatives kept as they are: for wavefunctions whose gradient has no factors.

Tied and projected RBMs have few parameters, or gradients that are sums over a group; their
Jacobian (n_samples, n_parameters) is stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rbmqs.core.gram import centred_gram
from rbmqs.states.repeats import Repeats
from rbmqs.states.weights import centred, times_weights

# A stored matrix is read once a product, at 2 ms for 1024 x 2592 complex numbers: ten times what
# as many multiply-adds of a matrix product take.
_MEMORY_BOUND = 10.0


@dataclass(frozen=True, eq=False)
class ExplicitJacobian:
    """Log-derivatives O_k(sigma) of n samples; see `rbmqs.states.jacobian.Jacobian`.

    Parameters
    ----------
    log_derivatives : float64 or complex128 (n_samples, n_parameters)
    weights : float64 (n_samples,), optional
        Of the samples, with mean one; equal ones when not given.
    """

    log_derivatives: np.ndarray
    weights: np.ndarray | None = None

    @cached_property
    def _centred(self) -> np.ndarray:
        return centred(self.log_derivatives, self.weights)

    @property
    def n_samples(self) -> int:
        """Number of samples."""
        return self.log_derivatives.shape[0]

    @property
    def n_parameters(self) -> int:
        """Length of the parameter vector."""
        return self.log_derivatives.shape[1]

    @property
    def is_complex(self) -> bool:
        """Whether the parameters are complex."""
        return np.iscomplexobj(self.log_derivatives)

    @property
    def width(self) -> int:
        """Multiply-adds of an element of the Gram matrix."""
        return self.n_parameters

    @property
    def product_cost(self) -> float:
        """Of (O - <O>) v, in multiply-adds at the rate of matrix products."""
        return _MEMORY_BOUND * self.n_samples * self.n_parameters

    @property
    def is_finite(self) -> bool:
        """Whether no entry is NaN or infinite."""
        return bool(np.isfinite(self.log_derivatives).all())

    def times(self, vector: np.ndarray) -> np.ndarray:
        """(O - <O>) v, shape (n_samples,)."""
        return self._centred @ vector

    def adjoint_times(self, values: np.ndarray) -> np.ndarray:
        """(O - <O>)^dagger W y, shape (n_parameters,)."""
        values = times_weights(centred(values, self.weights), self.weights)
        return np.conj(np.conj(values) @ self._centred)

    def repeats(self) -> Repeats | None:
        """Not looked for: rows are compared by their spins, which are not kept."""
        return None if self.weights is None else Repeats.of_weights(self.weights)

    def gram(self, repeats: Repeats | None = None) -> np.ndarray:
        """Lower triangle of (O - <O>)(O - <O>)^dagger, parts (1 or 2, n_samples, n_samples).

        It is that of an RBM without visible units whose tanh's are the log-derivatives. With
        `repeats` each row is times the root of its weight. What lies above the diagonal is
        undefined.
        """
        no_spins = np.zeros((self.n_samples, 1))
        counts = np.ones(self.n_samples) if repeats is None else repeats.counts
        return centred_gram(no_spins, self._centred, counts, False, True)

    def rows(self, start: int, stop: int) -> np.ndarray:
        """Rows of the uncentred Jacobian."""
        return self.log_derivatives[start:stop]
