"""Rectified units: ReLU (v >= 0) and double ReLU (a half normal distribution on either side)."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from scipy.special import erfcx, log_ndtr, ndtri_exp

from rbmqs.boltzmann.core.units import uniform_units
from rbmqs.boltzmann.ops import Arrays
from rbmqs.boltzmann.randomness import next_call
from rbmqs.boltzmann.real_units import GaussianUnits
from rbmqs.boltzmann.unit_types import UNIT_TYPES, BinaryUnits

LARGEST_LOG_RATIO = 10.0


class _HalfLine:
    """exp(-gamma x^2 / 2 + a x) on x > 0: log of its integral, its first two moments."""

    def __init__(self, a: np.ndarray, log_precision: np.ndarray) -> None:
        self.width = np.exp(-0.5 * log_precision)  # 1 / sqrt(gamma)
        self.z = z = a * self.width
        tail = erfcx(-np.minimum(z, 0) / np.sqrt(2))
        self.log_integral = np.where(
            z < 0,
            np.log(tail) + 0.5 * np.log(np.pi / 2),
            0.5 * np.log(2 * np.pi) + 0.5 * z**2 + log_ndtr(np.maximum(z, 0)),
        ) + np.log(self.width)
        with np.errstate(over="ignore"):
            ratio = np.sqrt(2 / np.pi) / erfcx(-z / np.sqrt(2))  # density over probability
        self.mean = self.width * (z + ratio)
        self.square = self.width**2 * (1 + z * (z + ratio))

    def sample(self, uniform: np.ndarray) -> np.ndarray:
        """x from uniform numbers in (0, 1]."""
        x = self.z - ndtri_exp(np.log(uniform) + log_ndtr(self.z))
        return self.width * np.maximum(x, 0)


@UNIT_TYPES.register("relu")
class ReLUUnits(GaussianUnits):
    """Units v >= 0, e = gamma v^2 / 2 - b v; gamma = exp(log_precision) is learned if visible."""

    names: tuple[str, ...] = ("bias", "log_precision")
    _centre: Any = 0.0  # log precision at the start of training

    def __init__(self, arrays: Arrays, learn: bool = False) -> None:
        BinaryUnits.__init__(self, arrays, learn)

    @classmethod
    def of_rows(cls, rows: Any, learn: bool = True) -> Self:
        """Half normal distributions with the mean square of the columns."""
        square = (rows.astype(np.float64) ** 2).mean(axis=0)
        start = -np.log(np.where(square > 0, square, 1.0)).astype(rows.dtype)
        arrays = {
            name: start.copy() if "precision" in name else np.zeros_like(start)
            for name in cls.names
        }
        units = cls(arrays, learn)
        units._centre = start
        return units

    @staticmethod
    def check_rows(X: Any, dtype: Any, min_rows: int = 1) -> Any:
        """Numbers of at least 0 in dense rows."""
        rows = GaussianUnits.check_rows(X, dtype, min_rows)
        if (rows < 0).any():
            raise ValueError(f"X must not be negative for visible 'relu', got {rows.min():g}")
        return rows

    def _sides(self, inputs: np.ndarray) -> list[tuple[int, str, str, _HalfLine]]:
        """Sign, names of bias and precision, distribution of |v| of every half line."""
        arrays = {name: array.astype(np.float64) for name, array in self.arrays.items()}
        names = [name for name in arrays if "bias" in name]
        out = []
        for sign, name in zip((1, -1), names, strict=False):
            log_precision = name.replace("bias", "log_precision")
            half = _HalfLine(sign * (inputs + arrays[name]), arrays[log_precision])
            out.append((sign, name, log_precision, half))
        return out

    @staticmethod
    def _shares(sides: list[tuple[int, str, str, _HalfLine]]) -> list[np.ndarray]:
        """Probability of every half line."""
        logs = [half.log_integral for *_, half in sides]
        total = np.logaddexp.reduce(logs, axis=0)
        return [np.exp(log - total) for log in logs]

    @property
    def scale(self) -> np.ndarray:
        """sqrt(gamma), the mean of both sides: weights go by the inverse size of the columns."""
        logs = [array for name, array in self.arrays.items() if "precision" in name]
        return np.exp(0.5 * sum(logs) / len(logs))

    def scaled(self, v: Any) -> Any:
        """v itself."""
        return v

    def mean(self, inputs: np.ndarray) -> np.ndarray:
        """Means over the half lines."""
        sides = self._sides(inputs)
        shares = self._shares(sides)
        inputs[...] = sum(
            p * sign * half.mean for p, (sign, *_, half) in zip(shares, sides, strict=True)
        )
        return inputs

    def sample(self, inputs: np.ndarray, stream: np.ndarray) -> np.ndarray:
        """A half line, then a number on it."""
        sides, uniform = self._sides(inputs), np.empty(inputs.shape)
        first = self._shares(sides)[0]
        uniform_units(uniform, next_call(stream))
        drawn = sides[0][-1].sample(1 - uniform)
        if len(sides) > 1:
            uniform_units(uniform, next_call(stream))
            other = -sides[1][-1].sample(1 - uniform)
            uniform_units(uniform, next_call(stream))
            drawn = np.where(uniform < first, drawn, other)
        inputs[...] = drawn
        return inputs

    def log_weight(self, v: Any) -> np.ndarray:
        """-sum_i e_i(v_i)."""
        v = np.asarray(v, np.float64)
        total = np.zeros(len(v))
        for sign, bias, log_precision, _ in self._sides(np.zeros((1, v.shape[1]))):
            part = np.maximum(sign * v, 0)
            total += sign * part @ self.arrays[bias].astype(np.float64)
            total -= 0.5 * part**2 @ np.exp(self.arrays[log_precision].astype(np.float64))
        return total

    def log_sum(self, inputs: np.ndarray) -> np.ndarray:
        """sum_i log of the integral over v_i."""
        logs = [half.log_integral for *_, half in self._sides(inputs)]
        return np.logaddexp.reduce(logs, axis=0).sum(axis=1)

    def confine(self) -> None:
        """Precisions within e^-10 and e^10 of those at the start."""
        for name, array in self.arrays.items():
            if "precision" in name:
                low, high = (self._centre + sign * LARGEST_LOG_RATIO for sign in (-1, 1))
                np.clip(array, low, high, out=array)

    def statistics(self, v: Any, back: Any, share: np.ndarray) -> Arrays:
        """<v> on each side, and -gamma <v^2> / 2 for log gamma."""
        out = {}
        for sign, bias, log_precision, _ in self._sides(np.zeros((1, v.shape[1]))):
            part = np.maximum(sign * v, 0)
            out[bias] = sign * part.T @ share
            if self.learn:
                gamma = np.exp(self.arrays[log_precision])
                out[log_precision] = -0.5 * gamma * ((part**2).T @ share)
        return out

    def mean_statistics(self, inputs: Any, mean: np.ndarray, share: np.ndarray) -> Arrays:
        """The same, averaged given the inputs."""
        sides, out = self._sides(inputs()), {}
        for p, (sign, bias, log_precision, half) in zip(self._shares(sides), sides, strict=True):
            out[bias] = sign * (p * half.mean).T @ share
            if self.learn:
                gamma = np.exp(self.arrays[log_precision])
                out[log_precision] = -0.5 * gamma * ((p * half.square).T @ share)
        return out


@UNIT_TYPES.register("drelu")
class DoubleReLUUnits(ReLUUnits):
    """Real units: e of `ReLUUnits` for v > 0, and another bias and precision for v < 0."""

    names = ("bias", "log_precision", "negative_bias", "negative_log_precision")

    @staticmethod
    def check_rows(X: Any, dtype: Any, min_rows: int = 1) -> Any:
        """Real numbers in dense rows."""
        return GaussianUnits.check_rows(X, dtype, min_rows)
