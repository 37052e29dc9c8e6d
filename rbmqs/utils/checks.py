"""Checks of arguments at the door: each failure is one line with what was got and is allowed."""

from __future__ import annotations

import math
import numbers
from dataclasses import fields
from typing import Any

import numpy as np


def positive_int(name: str, value: object, minimum: int = 1) -> int:
    """`value` as an int of at least `minimum`.

    Raises
    ------
    TypeError
        Not an integer (booleans and floats are not integers).
    ValueError
        Smaller than `minimum`.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} must be an integer of at least {minimum}, got {value!r}")
    if value < minimum:
        raise ValueError(f"{name} must be at least {minimum}, got {value}")
    return int(value)


def number(
    name: str, value: object, *, above: float | None = None, at_least: float | None = None
) -> float:
    """`value` as a finite float within bounds.

    Raises
    ------
    TypeError
        Not a real number.
    ValueError
        Not finite, or out of bounds.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number, got {value!r}")
    result = float(value)
    if not math.isfinite(result):
        raise ValueError(f"{name} must be finite, got {result}")
    if above is not None and not result > above:
        raise ValueError(f"{name} must be greater than {above:g}, got {result}")
    if at_least is not None and not result >= at_least:
        raise ValueError(f"{name} must be at least {at_least:g}, got {result}")
    return result


def choice(name: str, value: object, allowed: tuple[str, ...]) -> str:
    """`value` if it is one of the `allowed` words."""
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {value!r}")
    return str(value)


def flag(name: str, value: object) -> bool:
    """`value` if it is true or false: a word such as "no" would count as true."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be true or false, got {value!r}")
    return bool(value)


def plain_fields(settings: Any) -> None:
    """Turn NumPy numbers in the fields of a frozen dataclass into Python's, which JSON knows."""
    for field in fields(settings):
        value = getattr(settings, field.name)
        if isinstance(value, np.generic):
            object.__setattr__(settings, field.name, value.item())


def finite(name: str, array: np.ndarray) -> None:
    """Refuse NaN and infinity, saying how many and where the first is."""
    bad = ~np.isfinite(array)
    if bad.any():
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ValueError(f"{name} has {bad.sum()} values that are not finite, first at {where}")


def spin_array(name: str, sigma: object, n_sites: int) -> np.ndarray:
    """Spins as int8 of shape (..., n_sites).

    Raises
    ------
    ValueError
        Wrong last axis, or entries other than +1 and -1.
    """
    array = np.asarray(sigma)
    if array.ndim == 0 or array.shape[-1] != n_sites:
        raise ValueError(f"{name} must have shape (..., {n_sites}), got {array.shape}")
    if not np.all((array == 1) | (array == -1)):
        raise ValueError(f"{name} must hold spins +1 and -1 only")
    return np.ascontiguousarray(array, dtype=np.int8)
