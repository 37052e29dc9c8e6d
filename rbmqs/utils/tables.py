"""Nested tables addressed by dotted paths: `lattice.length` is table["lattice"]["length"]."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from hamiltonians.utils.checks import short


def set_path(table: dict[str, Any], path: str, value: Any) -> None:
    """Put a value at a dotted path, making the tables on the way.

    Raises
    ------
    ValueError
        Something on the way is not a table.
    """
    *sections, key = path.split(".")
    for depth, section in enumerate(sections):
        table = table.setdefault(section, {})
        if not isinstance(table, dict):
            place = f" in [{'.'.join(sections[:depth])}]" if depth else ""
            raise ValueError(f"{section}{place} must be a table, got {short(table)}")
    table[key] = value


def flatten(
    table: Mapping[str, Any], is_leaf: Callable[[Any], bool] = lambda value: False, prefix: str = ""
) -> dict[str, Any]:
    """All values of a nested table by dotted path, in order.

    Parameters
    ----------
    is_leaf : callable
        Tells which tables are values themselves.
    """
    flat: dict[str, Any] = {}
    for key, value in table.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping) and not is_leaf(value):
            flat |= flatten(value, is_leaf, f"{path}.")
        else:
            flat[path] = value
    return flat


def digest(value: Any) -> str:
    """SHA-256 of plain JSON values, independent of the order of keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
