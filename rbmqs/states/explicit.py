"""Log-derivatives kept as they are: for wavefunctions whose gradient has no factors.

Tied and projected RBMs have few parameters, or gradients that are sums over a group; their
Jacobian (n_samples, n_parameters) is stored.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rbmqs.core.gram import centred_gram
from rbmqs.states.repeats import Repeats
from rbmqs.states.weights import centred, deviations, times_weights

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

    def right_side(self, local_values: np.ndarray) -> np.ndarray:
        """Deviations of local values; their real part where parameters are real."""
        return deviations(local_values, self.weights, self.is_complex)

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


class RealParameterJacobian(ExplicitJacobian):
    """Complex log-derivatives by real parameters, such as those of an amplitude and a phase.

    Their equations hold the real parts of S and F,

        Re <O^* O> = <Re O Re O> + <Im O Im O>,      Re <O^* e> = <Re O Re e> + <Im O Im e>,

    which are those of twice as many real samples: 2^(1/2) Re O and 2^(1/2) Im O, centred.
    """

    @classmethod
    def of(cls, rows: np.ndarray, weights: np.ndarray | None) -> RealParameterJacobian:
        """From complex128 rows (n_samples, n_parameters); twice as many weights result."""
        twice = None if weights is None else np.tile(weights, 2)
        return cls(parts_below(centred(rows, weights)), twice)

    def right_side(self, local_values: np.ndarray) -> np.ndarray:
        """Deviations of local values, real parts before imaginary ones, times 2^(1/2)."""
        weights = None if self.weights is None else self.weights[: len(local_values)]
        return parts_below(centred(local_values, weights))


def explicit_jacobian(
    rows: np.ndarray, weights: np.ndarray | None, is_complex: bool
) -> ExplicitJacobian:
    """The Jacobian of log-derivatives (n_samples, n_parameters) by complex or real parameters."""
    if np.iscomplexobj(rows) and not is_complex:
        return RealParameterJacobian.of(rows, weights)
    return ExplicitJacobian(rows.astype(complex if is_complex else float), weights)


def parts_below(values: np.ndarray) -> np.ndarray:
    """Real parts of numbers or rows above their imaginary parts, times 2^(1/2)."""
    return math.sqrt(2) * np.concatenate([values.real, values.imag])
