"""The axes of a study: lists, ranges, and the product of all of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from hamiltonians.utils.brief import brief
from hamiltonians.utils.checks import choice, number, positive_int, short
from rbmqs.utils.tables import flatten

_RANGE_KEYS = ("start", "stop", "num", "spacing")
MAX_POINTS = 10_000  # of a study: checking one takes about 4 ms, and each has a directory


def is_range(value: Any) -> bool:
    """Whether a table is a range such as { start = 0.5, stop = 1.5, num = 11 }."""
    return isinstance(value, Mapping) and "start" in value and "stop" in value


def axes_of(grid: Any) -> dict[str, list[Any]]:
    """Values of every axis by dotted path.

    Raises
    ------
    ValueError
        Not lists or ranges, empty, or values given twice.
    """
    if not isinstance(grid, Mapping):
        raise ValueError(f"[grid] must be a table of lists, got {short(grid)}")
    return {path: _values(path, value) for path, value in flatten(grid, is_range).items()}


def product(axes: Mapping[str, list[Any]]) -> Iterator[dict[str, Any]]:
    """Every combination, the last axis running fastest."""
    for values in itertools.product(*axes.values()):
        yield dict(zip(axes, values, strict=True))


def _values(path: str, value: Any) -> list[Any]:
    values = _range(path, value) if is_range(value) else value
    if not isinstance(values, list) or not values:
        raise ValueError(
            f"axis {path!r} must be a list that is not empty or a range with start, stop and num, "
            f"got {brief(value)}"
        )
    if len(values) > MAX_POINTS:
        raise ValueError(f"axis {path!r} has {len(values)} values, at most {MAX_POINTS} allowed")
    if len({_hashable(value) for value in values}) < len(values):
        raise ValueError(f"axis {path!r} has a value twice: {brief(values)}")
    return values


def _hashable(value: Any) -> Any:
    return repr(value) if isinstance(value, list | dict) else value


def _range(path: str, table: Mapping[str, Any]) -> list[float]:
    """Values equally spaced, or with equal ratios, rounded to 12 digits as a person writes them."""
    for key in table:
        choice(f"key of the range {path!r}", key, _RANGE_KEYS)
    start, stop = (number(f"{name} of {path!r}", table[name]) for name in ("start", "stop"))
    n_values = positive_int(f"num of {path!r}", table.get("num"), minimum=2)
    if n_values > MAX_POINTS:
        raise ValueError(f"num of {path!r} must be at most {MAX_POINTS}, got {n_values}")
    spacing = choice(f"spacing of {path!r}", table.get("spacing", "linear"), ("linear", "log"))
    if not np.isfinite(stop - start):
        raise ValueError(f"start and stop of {path!r} are too far apart: {start:g} to {stop:g}")
    if spacing == "linear":
        values = np.linspace(start, stop, n_values)
    elif start > 0 and stop > 0:
        values = np.geomspace(start, stop, n_values)
    else:
        raise ValueError(f"spacing 'log' of {path!r} needs positive start and stop")
    return [float(f"{value:.12g}") for value in values]
