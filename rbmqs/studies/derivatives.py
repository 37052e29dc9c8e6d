"""Derivatives of measured values along an axis, with errors."""

from __future__ import annotations

import numpy as np

Derivative = tuple[np.ndarray, np.ndarray, np.ndarray]


def first_derivative(x: np.ndarray, y: np.ndarray, error: np.ndarray) -> Derivative:
    """Differences between neighbours: positions halfway, slopes, one-sigma errors.

    Parameters
    ----------
    x, y, error : array (n,)
        Ascending positions, values, independent one-sigma errors.
    """
    step = np.diff(x)
    return (x[1:] + x[:-1]) / 2, np.diff(y) / step, np.hypot(error[1:], error[:-1]) / step


def second_derivative(x: np.ndarray, y: np.ndarray, error: np.ndarray) -> Derivative:
    """Second differences at the inner positions, of first order where steps are unequal."""
    left, right = x[1:-1] - x[:-2], x[2:] - x[1:-1]
    width = (left + right) / 2
    weights = np.stack([1 / (left * width), -(1 / left + 1 / right) / width, 1 / (right * width)])
    values, errors = (np.stack([v[:-2], v[1:-1], v[2:]]) for v in (y, error))
    return x[1:-1], (weights * values).sum(axis=0), np.sqrt(((weights * errors) ** 2).sum(axis=0))
