"""An RBM of units 0 and 1 on both sides: the layered RBM with fused kernels."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from scipy import sparse

from rbmqs.boltzmann.core import gibbs
from rbmqs.boltzmann.layers import Harmonium
from rbmqs.boltzmann.linalg import one_pool
from rbmqs.boltzmann.ops import Arrays
from rbmqs.boltzmann.randomness import next_call
from rbmqs.boltzmann.unit_types import BinaryUnits
from rbmqs.core.blas import address


class Parameters(Harmonium):
    """Parameters of an RBM of N visible and M hidden units of 0 and 1.

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

    def __init__(self, weights: Any, visible_bias: Any, hidden_bias: Any) -> None:
        weights = np.ascontiguousarray(weights)
        if weights.dtype not in (np.float32, np.float64):
            weights = weights.astype(np.float64)
        if weights.ndim != 2 or 0 in weights.shape:
            raise ValueError(f"weights must have two axes, both positive, got {weights.shape}")
        layers = []
        given = {"visible_bias": visible_bias, "hidden_bias": hidden_bias}
        for (name, bias), size in zip(given.items(), weights.shape, strict=True):
            array = np.ascontiguousarray(bias, dtype=weights.dtype)
            if array.shape != (size,):
                raise ValueError(f"{name} must have shape ({size},), got {array.shape}")
            layers.append(BinaryUnits({"bias": array}))
        super().__init__(layers[0], weights, layers[1])

    def with_arrays(self, arrays: Arrays) -> Parameters:
        """Other parameters."""
        return Parameters(arrays["weights"], arrays["visible_bias"], arrays["hidden_bias"])

    def rows(self, units: Any) -> np.ndarray:
        """Rows as a contiguous array of the RBM's type."""
        dense = units.toarray() if sparse.issparse(units) else units
        return np.ascontiguousarray(dense, dtype=self.dtype)

    def sample_hidden(self, v: Any, stream: np.ndarray) -> np.ndarray:
        """h drawn from p(h | v), (n, M); advances the stream."""
        out = np.empty((v.shape[0], self.n_hidden), self.dtype)
        with one_pool():
            return self.draw(self.rows(v), out, stream)

    def sample_visible(self, h: Any, stream: np.ndarray) -> np.ndarray:
        """v drawn from p(v | h), (n, N); advances the stream."""
        out = np.empty((h.shape[0], self.n_visible), self.dtype)
        with one_pool():
            return self.draw(self.rows(h), out, stream, downwards=True)

    def draw(
        self, given: Any, out: np.ndarray, stream: np.ndarray, *, downwards: bool = False,
        mean: np.ndarray | None = None, betas: Any = None, base: np.ndarray | None = None,
    ) -> np.ndarray:  # fmt: skip
        """As in `Harmonium`, in one pass of a fused kernel; `given` is of the RBM's type."""
        weights, bias = self.weights, self.visible_bias if downwards else self.hidden_bias
        gemm, scale = address("gemm", weights.dtype), _ones(len(out), weights.dtype)
        scale = scale if betas is None else betas
        settings = (gemm, given, weights, downwards, bias, scale, bias if base is None else base)
        if mean is None:
            gibbs.sample_layer(*settings, next_call(stream), out)
        else:
            gibbs.mean_and_sample_layer(*settings, next_call(stream), mean, out)
        return out

    def average(self, v: Any, out: np.ndarray) -> None:
        """out <- p(h_j = 1 | v), in one pass of a fused kernel; v is of the RBM's type."""
        weights, bias = self.weights, self.hidden_bias
        gemm, scale = address("gemm", weights.dtype), _ones(len(out), weights.dtype)
        gibbs.mean_layer(gemm, v, weights, False, bias, scale, bias, out)


@lru_cache(maxsize=64)
def _ones(n: int, dtype: np.dtype) -> np.ndarray:
    """Inverse temperatures of the RBM itself; an update of a small RBM takes 70 us."""
    return np.ones(n, dtype)
