"""Units with real values that are Gaussian given the other layer."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from rbmqs.boltzmann import ops
from rbmqs.boltzmann.core.softmax import normal_units
from rbmqs.boltzmann.data import real_matrix
from rbmqs.boltzmann.ops import Arrays
from rbmqs.boltzmann.randomness import next_call
from rbmqs.boltzmann.unit_types import UNIT_TYPES, BinaryUnits

VARIANCE_FLOOR = 1e-4  # of a column's variance at the start: a unit on one point has none


@UNIT_TYPES.register("gaussian")
class GaussianUnits(BinaryUnits):
    """Real units, e = (v - b)^2 / (2 sigma^2) and s(v) = v / sigma^2: v given the other layer is
    normal with mean b + input and standard deviation sigma.

    sigma^2 = exp(log_variance) is learned or kept. K. Cho, A. Ilin and T. Raiko, "Improved
    learning of Gaussian-Bernoulli restricted Boltzmann machines", ICANN 2011, Eqs. 4-9.
    """

    names: tuple[str, ...] = ("bias", "log_variance")
    is_real = True

    def __init__(self, arrays: Arrays, learn: bool = False) -> None:
        super().__init__(arrays, learn)
        variance = arrays["log_variance"]
        self._floor = variance + np.log(VARIANCE_FLOOR).astype(variance.dtype)

    @classmethod
    def of_rows(cls, rows: Any, learn: bool = True) -> Self:
        """Mean of the columns, and their variance where it is learned, else 1."""
        variance = np.ones(rows.shape[1])
        if learn:
            variance = rows.var(axis=0, dtype=np.float64)
        if (variance == 0).any() and rows.shape[0] > 1:
            constant = int(np.flatnonzero(variance == 0)[0])
            raise ValueError(f"column {constant} of X is constant: drop it, or variance='unit'")
        start = {"bias": ops.column_mean(rows), "log_variance": np.log(variance + (variance == 0))}
        return cls({name: array.astype(rows.dtype) for name, array in start.items()}, learn)

    @staticmethod
    def check_rows(X: Any, dtype: Any, min_rows: int = 1) -> Any:
        """Real numbers in dense rows."""
        rows = real_matrix(X, "X", dtype, min_rows=min_rows)
        if not isinstance(rows, np.ndarray):
            raise TypeError("Sparse data was passed; real units need dense rows: X.toarray()")
        return rows

    @property
    def _precision(self) -> np.ndarray:
        return np.exp(-self.arrays["log_variance"])

    @property
    def scale(self) -> np.ndarray | None:
        """sigma."""
        return np.exp(0.5 * self.arrays["log_variance"])

    def scaled(self, v: Any) -> Any:
        """v / sigma^2."""
        return v * self._precision

    def mean(self, inputs: np.ndarray) -> np.ndarray:
        """b + input."""
        inputs += self.bias
        return inputs

    def sample(self, inputs: np.ndarray, stream: np.ndarray) -> np.ndarray:
        """Normal numbers about the mean."""
        noise = np.empty_like(inputs)
        normal_units(noise, next_call(stream))
        noise *= self.scale
        inputs += noise
        return self.mean(inputs)

    def log_weight(self, v: Any) -> np.ndarray:
        """-sum_i (v_i - b_i)^2 / (2 sigma_i^2)."""
        distance = np.asarray(v, np.float64) - self.bias
        return -0.5 * (distance**2) @ self._precision.astype(np.float64)

    def log_sum(self, inputs: np.ndarray) -> np.ndarray:
        """sum_i [log(2 pi sigma^2) / 2 + (m^2 - b^2) / (2 sigma^2)], m the mean."""
        bias = self.bias.astype(np.float64)
        mean = inputs + bias
        width = 0.5 * (np.log(2 * np.pi) + self.arrays["log_variance"]).sum(dtype=np.float64)
        return width + 0.5 * (mean**2 - bias**2) @ self._precision.astype(np.float64)

    def confine(self) -> None:
        """No variance below a ten-thousandth of the first."""
        np.maximum(self.arrays["log_variance"], self._floor, out=self.arrays["log_variance"])

    def statistics(self, v: Any, back: Any, share: np.ndarray) -> Arrays:
        """<(v - b)> / sigma^2, and <(v - b)^2 / 2 - v input> / sigma^2 for log sigma^2."""
        out = {"bias": (v - self.bias).T @ share * self._precision}
        if self.learn:
            square = 0.5 * (v - self.bias) ** 2 - v * back()
            out["log_variance"] = square.T @ share * self._precision
        return out

    def mean_statistics(self, inputs: Any, mean: np.ndarray, share: np.ndarray) -> Arrays:
        """As at the mean, and sigma^2 / 2 more of the square."""
        out = self.statistics(mean, inputs, share)
        if self.learn:
            out["log_variance"] += 0.5 * share.sum()
        return out
