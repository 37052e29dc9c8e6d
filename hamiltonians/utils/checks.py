"""Checks at the door: what an argument must be, said in one line that names it."""

import math
import numbers
import operator
from collections.abc import Hashable
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray


def integer(name: str, value: Any, minimum: int | None = None) -> int:
    """Return ``value`` as an int; refuse booleans, fractions and values below ``minimum``."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, got {short(value)}") from None
    if isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be an integer, got the boolean {value!r}")
    if minimum is not None and number < minimum:
        raise ValueError(f"{name} must be at least {minimum}, got {number}")
    return number


def positive_int(name: str, value: object, minimum: int = 1) -> int:
    """``value`` as an int of at least ``minimum``; see `integer`."""
    return integer(name, value, minimum)


def number(
    name: str, value: object, *, above: float | None = None, at_least: float | None = None
) -> float:
    """``value`` as a finite float within bounds.

    Raises
    ------
    TypeError
        Not a real number.
    ValueError
        Not finite, or out of bounds.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number, got {short(value)}")
    result = float(value)
    if not math.isfinite(result):
        raise ValueError(f"{name} must be finite, got {result}")
    if above is not None and not result > above:
        raise ValueError(f"{name} must be greater than {above:g}, got {result}")
    if at_least is not None and not result >= at_least:
        raise ValueError(f"{name} must be at least {at_least:g}, got {result}")
    return result


def checked_seed(name: str, value: Any) -> Any:
    """A ``value`` that makes a stream of random numbers: a whole number, or what NumPy has made."""
    if value is None or isinstance(value, np.random.SeedSequence | np.random.Generator):
        return value
    return integer(name, value, minimum=0)


def root_seed(value: int | np.random.SeedSequence) -> np.random.SeedSequence:
    """The root of all streams of random numbers of a seed."""
    if isinstance(value, np.random.SeedSequence):
        return value
    return np.random.SeedSequence(integer("seed", value, minimum=0))


def choice(name: str, value: object, allowed: tuple[str, ...]) -> str:
    """``value`` if it is one of the ``allowed`` words."""
    if not isinstance(value, Hashable) or value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {short(value)}")
    return str(value)


def instance(name: str, value: object, kind: type) -> None:
    """Refuse what is not of a class."""
    if not isinstance(value, kind):
        article = "an" if kind.__name__[0] in "AEIOU" else "a"
        raise TypeError(f"{name} must be {article} {kind.__name__}, got {short(value)}")


def flag(name: str, value: object) -> bool:
    """``value`` if it is true or false: a word such as "no" would count as true."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be true or false, got {short(value)}")
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
        raise TypeError(f"{name} must be real numbers, got {short(value)}")
    if not np.isfinite(array).all():
        bad = array[~np.isfinite(array)].flat[0]
        raise ValueError(f"{name} must be finite, got {bad}")
    return array.astype(np.float64)


def short(value: Any) -> str:
    """What was got, in one line of at most 60 characters."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else text[:57] + "..."
