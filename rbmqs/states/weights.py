"""Means over samples that do not all count alike.

Weights have mean one: those of n samples add up to n, and None stands for n ones.
"""

from __future__ import annotations

import numpy as np


def mean_over(values: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """Mean of numbers or rows (n_samples, ...)."""
    if weights is None:
        return values.mean(axis=0)
    return weights @ values / len(values)


def centred(values: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """Deviations from that mean."""
    return values - mean_over(values, weights)


def deviations(values: np.ndarray, weights: np.ndarray | None, is_complex: bool) -> np.ndarray:
    """Deviations from the mean; the real part where derivatives by real parameters are real."""
    found = centred(values, weights)
    return found if is_complex else np.ascontiguousarray(found.real)


def times_weights(values: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """Numbers or rows (n_samples, ...), each times its weight."""
    if weights is None:
        return values
    return weights.reshape(-1, *[1] * (values.ndim - 1)) * values
