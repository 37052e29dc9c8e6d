"""Checks at the door: what an argument must be, said in one line that names it."""

import operator
from typing import Any

import numpy as np
from numpy.typing import NDArray


def integer(name: str, value: Any, minimum: int | None = None) -> int:
    """Return ``value`` as an int; refuse booleans, fractions and values below ``minimum``."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, got {value!r}") from None
    if isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be an integer, got the boolean {value!r}")
    if minimum is not None and number < minimum:
        raise ValueError(f"{name} must be at least {minimum}, got {number}")
    return number


def real_array(name: str, value: Any, shape: tuple[int, ...], what: str) -> NDArray[np.float64]:
    """Return ``value`` as a finite float64 array of ``shape``; a scalar is repeated.

    ``what`` names in words what the axes count, for the message.
    """
    array = as_real(name, value)
    if array.ndim and array.shape != shape:
        raise ValueError(
            f"{name} must be one number or an array of shape {shape} ({what}), "
            f"got shape {array.shape}"
        )
    return np.broadcast_to(array, shape).astype(np.float64)


def as_real(name: str, value: Any) -> NDArray[np.float64]:
    """Return ``value`` as a float64 array of any shape, all of it real and finite."""
    try:
        array = np.asarray(value)
    except ValueError:
        raise TypeError(f"{name} must be real numbers, got a ragged sequence") from None
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must be real numbers, got {_short(value)}")
    if not np.isfinite(array).all():
        bad = array[~np.isfinite(array)].flat[0]
        raise ValueError(f"{name} must be finite, got {bad}")
    return array.astype(np.float64)


def _short(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else text[:57] + "..."
