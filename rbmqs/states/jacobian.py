"""The log-derivatives of an RBM on a set of samples, kept in factors.

O = [sigma, t, sigma (x) t] with t = tanh(theta): everything stochastic reconfiguration needs is a
product with S (n_samples, N) and T (n_samples, M). The Jacobian (n_samples, n_parameters), 21 GB
at N = 100, M = 3200 and 4096 samples, is never formed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from rbmqs.core.blas import address
from rbmqs.core.gram import centred_gram
from rbmqs.core.jacobian_products import (
    SINGLE_BLOCKS,
    UNIT_BLOCK,
    weight_adjoint,
    weight_products,
)
from rbmqs.core.split_complex import from_parts, split
from rbmqs.states.repeats import Repeats, find_repeats
from rbmqs.states.weights import centred, deviations, times_weights


class Jacobian(Protocol):
    """Centred log-derivatives O_k(sigma) - <O_k> of n samples, as the solvers use them.

    W is the diagonal matrix of the samples' weights, ones where they count alike.
    """

    @property
    def weights(self) -> np.ndarray | None:
        """Weight of each sample in means, float64 (n_samples,) with mean one; None for ones."""

    @property
    def n_samples(self) -> int:
        """Number of samples."""

    @property
    def n_parameters(self) -> int:
        """Length of the parameter vector."""

    @property
    def is_complex(self) -> bool:
        """Whether the parameters are complex."""

    @property
    def width(self) -> int:
        """Multiply-adds of an element of the Gram matrix."""

    @property
    def product_cost(self) -> float:
        """Of (O - <O>) v, in multiply-adds at the rate of matrix products."""

    @property
    def is_finite(self) -> bool:
        """Whether no entry is NaN or infinite."""

    def right_side(self, local_values: np.ndarray) -> np.ndarray:
        """Deviations of local values from their mean, as `adjoint_times` takes them."""

    def times(self, vector: np.ndarray) -> np.ndarray:
        """(O - <O>) v, shape (n_samples,)."""

    def adjoint_times(self, values: np.ndarray) -> np.ndarray:
        """(O - <O>)^dagger W y, shape (n_parameters,)."""

    def repeats(self) -> Repeats | None:
        """Rows that are alike; None where nearly all differ and all count alike."""

    def gram(self, repeats: Repeats | None = None) -> np.ndarray:
        """Lower triangle of (O - <O>)(O - <O>)^dagger, parts (1 or 2, n_samples, n_samples).

        With `repeats` one row for each kind, times the root of its count on both sides.
        """

    def rows(self, start: int, stop: int) -> np.ndarray:
        """Rows of the Jacobian, centred or not."""


@dataclass(frozen=True, eq=False)
class FactorisedJacobian:
    """Centred log-derivatives O_k(sigma) - <O_k>, as products only.

    Parameters
    ----------
    spins : float64 (n_samples, N)
    tanh : float64 or complex128 (n_samples, M)
    has_visible_bias, has_hidden_bias : bool
        Which biases are parameters; the order of parameters is a, b, W as in `RBM.flat`.
    weights : float64 (n_samples,), optional
        Of the samples, with mean one; equal ones when not given.
    """

    spins: np.ndarray
    tanh: np.ndarray
    has_visible_bias: bool
    has_hidden_bias: bool
    weights: np.ndarray | None = None

    @property
    def n_samples(self) -> int:
        """Number of samples."""
        return self.spins.shape[0]

    @property
    def n_parameters(self) -> int:
        """Length of the parameter vector."""
        n_sites, n_hidden = self.spins.shape[1], self.tanh.shape[1]
        return (
            n_sites * n_hidden + self.has_visible_bias * n_sites + self.has_hidden_bias * n_hidden
        )

    @property
    def is_complex(self) -> bool:
        """Whether the parameters are complex."""
        return np.iscomplexobj(self.tanh)

    @property
    def width(self) -> int:
        """Multiply-adds of an element of the Gram matrix."""
        return self.spins.shape[1] + self.tanh.shape[1]

    @property
    def product_cost(self) -> float:
        """Of (O - <O>) v, in multiply-adds at the rate of matrix products."""
        return float(self.n_samples * self.n_parameters)

    @property
    def is_finite(self) -> bool:
        """Whether no entry is NaN or infinite."""
        return bool(np.isfinite(self.tanh).all())

    def right_side(self, local_values: np.ndarray) -> np.ndarray:
        """Deviations of local values; their real part where parameters are real."""
        return deviations(local_values, self.weights, self.is_complex)

    def split(self, vector: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Parts of a parameter vector that belong to a, b and W (empty where fixed)."""
        start = self.has_visible_bias * self.spins.shape[1]
        stop = start + self.has_hidden_bias * self.tanh.shape[1]
        weights = vector[stop:].reshape(self.spins.shape[1], self.tanh.shape[1])
        return vector[:start], vector[start:stop], weights

    def times(self, vector: np.ndarray) -> np.ndarray:
        """(O - <O>) v, shape (n_samples,)."""
        return centred(self.product(vector), self.weights)

    def product(self, vector: np.ndarray) -> np.ndarray:
        """O v, shape (n_samples,)."""
        a, b, weights = self.split(vector)
        parts = np.empty((2 if np.iscomplexobj(weights) else 1, self.n_samples), self.tanh.dtype)
        gemm = address("gemm", self.spins.dtype)
        weight_products(gemm, self.spins, self.tanh, split(weights), parts)
        product = parts[0] if len(parts) == 1 else parts[0] + 1j * parts[1]
        if self.has_visible_bias:
            product = product + self.spins @ a
        if self.has_hidden_bias:
            product = product + self.tanh @ b
        return product

    def adjoint_times(self, values: np.ndarray) -> np.ndarray:
        """(O - <O>)^dagger W y, shape (n_parameters,)."""
        return self.adjoint_product(times_weights(centred(values, self.weights), self.weights))

    def adjoint_product(self, values: np.ndarray) -> np.ndarray:
        """O^dagger y, shape (n_parameters,)."""
        is_complex = self.is_complex or np.iscomplexobj(values)
        spins, n_hidden = self.spins, self.tanh.shape[1]
        weights = np.empty((1 + is_complex, spins.shape[1], n_hidden), spins.dtype)
        # Samples are summed up at once in double precision, whose bits runs are compared by.
        blocks = (UNIT_BLOCK, max(self.n_samples, 1)) if spins.dtype == float else SINGLE_BLOCKS
        weight_adjoint(address("gemm", spins.dtype), spins, self.tanh, values, *blocks, weights)
        parts = [from_parts(weights).ravel()]
        if self.has_hidden_bias:
            parts.insert(0, values @ np.conj(self.tanh))
        if self.has_visible_bias:
            parts.insert(0, (values @ self.spins).astype(parts[0].dtype))
        return np.concatenate(parts)

    @cached_property
    def _repeats(self) -> Repeats | None:
        return find_repeats(self.spins, self.weights)

    def repeats(self) -> Repeats | None:
        """Samples that are alike, or None where nearly all differ and count alike."""
        return self._repeats

    def gram(self, repeats: Repeats | None = None) -> np.ndarray:
        """Lower triangle of (O - <O>)(O - <O>)^dagger, in parts (1 or 2, n_samples, n_samples).

        With `repeats` one row for each kind, times the root of its count on both sides. What lies
        above the diagonal is undefined.
        """
        spins, tanh, counts = self.different(repeats)
        return centred_gram(spins, tanh, counts, self.has_visible_bias, self.has_hidden_bias)

    def different(self, repeats: Repeats | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Spins and tanh's of one sample of each kind, and how many there are of it."""
        if repeats is None:
            return self.spins, self.tanh, np.ones(self.n_samples)
        return self.spins[repeats.first], self.tanh[repeats.first], repeats.counts

    def rows(self, start: int, stop: int) -> np.ndarray:
        """Rows of the uncentred Jacobian, for covariance matrices built in blocks."""
        spins, tanh = self.spins[start:stop], self.tanh[start:stop]
        parts = [(spins[:, :, None] * tanh[:, None, :]).reshape(len(spins), -1)]
        if self.has_hidden_bias:
            parts.insert(0, tanh)
        if self.has_visible_bias:
            parts.insert(0, spins.astype(tanh.dtype))
        return np.concatenate(parts, axis=1)
