"""The parameters of a restricted Boltzmann machine over 0 and 1, and what follows from them.

    E(v, h) = -b.v - c.h - v W h
    F(v) = -log sum_h exp(-E(v, h)) = -b.v - sum_j softplus(c_j + (v W)_j)

An RBM is a value. `transposed` swaps the layers, so that every formula is written once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse

from hamiltonians.utils.checks import finite
from rbmqs.boltzmann.core import gibbs
from rbmqs.boltzmann.core.units import mean_units, sum_softplus
from rbmqs.boltzmann.linalg import multiply, one_pool
from rbmqs.boltzmann.randomness import next_call
from rbmqs.core.blas import address

CHUNK = 4096  # rows worked on at a time: bounds memory, not results


@dataclass(frozen=True, eq=False)
class Parameters:
    """Parameters of an RBM of N visible and M hidden units.

    Parameters
    ----------
    weights : array (N, M)
        W, float32 or float64; the biases are brought to its type.
    visible_bias : array (N,)
        b.
    hidden_bias : array (M,)
        c.

    Raises
    ------
    ValueError
        Shapes that do not fit, values that are not finite.
    """

    weights: np.ndarray
    visible_bias: np.ndarray
    hidden_bias: np.ndarray

    def __post_init__(self) -> None:
        weights = np.ascontiguousarray(self.weights)
        if weights.dtype not in (np.float32, np.float64):
            weights = weights.astype(np.float64)
        if weights.ndim != 2 or 0 in weights.shape:
            raise ValueError(f"weights must have two axes, both positive, got {weights.shape}")
        object.__setattr__(self, "weights", weights)
        finite("weights", weights)
        for name, size in zip(("visible_bias", "hidden_bias"), weights.shape, strict=True):
            bias = np.ascontiguousarray(getattr(self, name), dtype=weights.dtype)
            if bias.shape != (size,):
                raise ValueError(f"{name} must have shape ({size},), got {bias.shape}")
            finite(name, bias)
            object.__setattr__(self, name, bias)

    @property
    def n_visible(self) -> int:
        """Number of visible units N."""
        return self.weights.shape[0]

    @property
    def n_hidden(self) -> int:
        """Number of hidden units M."""
        return self.weights.shape[1]

    @property
    def dtype(self) -> np.dtype:
        """float32 or float64."""
        return self.weights.dtype

    @cached_property
    def transposed(self) -> Parameters:
        """The same RBM with its layers swapped."""
        return Parameters(self.weights.T, self.hidden_bias, self.visible_bias)

    def in_double(self) -> Parameters:
        """The same parameters in double precision."""
        return Parameters(self.weights.astype(np.float64), self.visible_bias, self.hidden_bias)

    def rows(self, units: Any) -> np.ndarray:
        """Rows as a contiguous array of the RBM's type."""
        dense = units.toarray() if sparse.issparse(units) else units
        return np.ascontiguousarray(dense, dtype=self.dtype)

    def hidden_inputs(self, visible: Any) -> np.ndarray:
        """v W without biases, (n, M); a sparse v costs by its non-zeros."""
        if sparse.issparse(visible):
            return np.asarray(visible.astype(self.dtype) @ self.weights)
        with one_pool():
            return multiply(self.rows(visible), self.weights)

    def hidden_mean(self, visible: Any) -> np.ndarray:
        """p(h_j = 1 | v), (n, M)."""
        inputs = self.hidden_inputs(visible)
        mean_units(inputs, self.hidden_bias, self.dtype.type(1))
        return inputs

    def visible_mean(self, hidden: Any) -> np.ndarray:
        """p(v_i = 1 | h), (n, N)."""
        return self.transposed.hidden_mean(hidden)

    def sample_hidden(self, visible: np.ndarray, stream: np.ndarray) -> np.ndarray:
        """h drawn from p(h | v), (n, M); advances the stream."""
        return self._sample(visible, False, self.hidden_bias, stream)

    def sample_visible(self, hidden: np.ndarray, stream: np.ndarray) -> np.ndarray:
        """v drawn from p(v | h), (n, N); advances the stream."""
        return self._sample(hidden, True, self.visible_bias, stream)

    def _sample(
        self, given: np.ndarray, downwards: bool, bias: np.ndarray, stream: np.ndarray
    ) -> np.ndarray:
        given = self.rows(given)
        out = np.empty((len(given), len(bias)), self.dtype)
        scale = np.ones(len(given), self.dtype)
        with one_pool():
            gibbs.sample_layer(
                address("gemm", self.dtype), given, self.weights, downwards, bias, scale, bias,
                next_call(stream), out,
            )  # fmt: skip
        return out

    def gibbs(self, visible: np.ndarray, stream: np.ndarray, n_steps: int = 1) -> np.ndarray:
        """v after `n_steps` steps of block Gibbs sampling v -> h -> v."""
        for _ in range(n_steps):
            visible = self.sample_visible(self.sample_hidden(visible, stream), stream)
        return visible

    def energy(self, visible: np.ndarray, hidden: np.ndarray) -> np.ndarray:
        """E(v, h) of matching rows, (n,), in double precision."""
        visible, hidden = np.asarray(visible, np.float64), np.asarray(hidden, np.float64)
        coupling = np.einsum("ij,ij->i", visible @ self.weights.astype(np.float64), hidden)
        return -(visible @ self.visible_bias + hidden @ self.hidden_bias + coupling)

    def log_weight(self, visible: Any) -> np.ndarray:
        """-F(v) = log sum_h exp(-E(v, h)), (n,), in double precision."""
        out = np.empty(visible.shape[0])
        for part in chunks(len(out)):
            rows = visible[part]
            dot = rows.astype(np.float64) @ self.visible_bias.astype(np.float64)
            inputs = self.hidden_inputs(rows)
            out[part] = dot + sum_softplus(inputs, self.hidden_bias, self.dtype.type(1))
        return out

    def free_energy(self, visible: Any) -> np.ndarray:
        """F(v), (n,): -log of the unnormalised probability of v."""
        return -self.log_weight(visible)


def chunks(n: int, size: int = CHUNK) -> Iterator[slice]:
    """Slices that cover range(n)."""
    for start in range(0, n, size):
        yield slice(start, min(n, start + size))
