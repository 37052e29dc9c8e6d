"""Split complex arrays: real parts, then imaginary parts, the layout in which kernels take them."""

from __future__ import annotations

import numpy as np

from hamiltonians.core.jit import inlined_exact_kernel


def split_numbers(values: np.ndarray) -> tuple[int, ...]:
    """Numbers of the parts of an array: (0, 1) for a complex one, (0,) for a real one."""
    return (0, 1) if np.iscomplexobj(values) else (0,)


def split(values: np.ndarray) -> np.ndarray:
    """Real and imaginary parts (2, ...), or one part (1, ...) for real values."""
    if np.iscomplexobj(values):
        return np.stack([values.real, values.imag])
    return values[None].copy()


def from_parts(parts: np.ndarray) -> np.ndarray:
    """The array whose `split` form is given: complex for two parts, real for one."""
    if len(parts) == 1:
        return parts[0]
    values = np.empty(parts.shape[1:], np.result_type(parts, np.complex64))
    values.real, values.imag = parts
    return values


@inlined_exact_kernel
def joined(split, values, first, k):
    """The number whose parts begin with the ``first`` of ``values``; real for a single part."""
    if len(split) == 2:
        return complex(values[first, k], values[first + 1, k])
    return values[first, k]
