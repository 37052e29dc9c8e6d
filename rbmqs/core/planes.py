"""Complex arrays as planes of real numbers, the layout in which kernels take them."""

from __future__ import annotations

import numpy as np


def planes(values: np.ndarray) -> np.ndarray:
    """Real and imaginary planes (2, ...), or one plane (1, ...) for real values."""
    if np.iscomplexobj(values):
        return np.stack([values.real, values.imag])
    return values[None].copy()


def from_planes(parts: np.ndarray) -> np.ndarray:
    """The array whose `planes` are given: complex for two planes, real for one."""
    if len(parts) == 1:
        return parts[0]
    values = np.empty(parts.shape[1:], dtype=complex)
    values.real, values.imag = parts
    return values
