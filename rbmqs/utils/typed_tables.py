"""Nested tables, as TOML and JSON give them, read into dataclasses by their type hints.

Nothing is converted: 5.7 is no integer and "yes" no boolean. Names, defaults and kinds are those of
the dataclass, so that a setting is described once.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np

from hamiltonians.utils.brief import brief

_SCALARS: dict[Any, tuple[str, tuple[type, ...]]] = {
    bool: ("true or false", (bool,)),
    int: ("an integer", (int,)),
    float: ("a number", (int, float)),
    str: ("a text", (str,)),
}


@cache
def hints_of(kind: type) -> dict[str, Any]:
    """Type hints of the fields of a dataclass, by name."""
    hints = get_type_hints(kind)
    return {f.name: hints[f.name] for f in fields(kind)}


def members(hint: Any) -> tuple[Any, ...]:
    """The kinds that a hint allows, None left out."""
    union = get_origin(hint) in (Union, types.UnionType)
    return tuple(m for m in (get_args(hint) if union else (hint,)) if m is not type(None))


def shape_of(hint: Any) -> Mapping[str, Any] | None:
    """Type hints of the keys of a table, None for what is no table; a mapping of hints is one."""
    if isinstance(hint, Mapping):
        return hint
    kind = next((m for m in members(hint) if is_dataclass(m)), None)
    return None if kind is None else hints_of(kind)  # type: ignore[arg-type]


def unknown_keys(table: Mapping[str, Any], shape: Mapping[str, Any], where: str) -> Iterator[str]:
    """A sentence for each unknown key, also in tables within the table."""
    for key, value in table.items():
        if key not in shape:
            place = f" in [{where}]" if where else ""
            yield f"unknown key {key!r}{place}; known: {', '.join(shape)}"
        elif isinstance(value, Mapping):
            yield from unknown_keys(value, shape_of(shape[key]) or dict.fromkeys(value, Any), key)


def known_keys(table: Mapping[str, Any], shape: Mapping[str, Any]) -> dict[str, Any]:
    """A table without its unknown keys, also in tables within it."""
    return {
        key: known_keys(value, nested)
        if isinstance(value, Mapping) and (nested := shape_of(shape[key]))
        else value
        for key, value in table.items()
        if key in shape
    }


def read_table(kind: Any, table: Any, where: str = "") -> Any:
    """A dataclass from a table.

    Raises
    ------
    ValueError
        An unknown or missing key, a value of another kind; and what the dataclass refuses.
    """
    if not isinstance(table, Mapping):
        raise ValueError(f"{where or 'configuration'} must be a table, got {brief(table)}")
    hints = hints_of(kind)
    for problem in unknown_keys(table, hints, where):
        raise ValueError(problem)
    for field in fields(kind):
        if field.name not in table and field.default is field.default_factory is MISSING:
            place = f" in [{where}]" if where else ""
            raise ValueError(f"{field.name} is missing{place}")
    return kind(**{key: read_value(key, value, hints[key]) for key, value in table.items()})


def read_value(name: str, value: Any, hint: Any) -> Any:
    """A value of the kind that a type hint asks for; a ValueError that names it otherwise."""
    value = value.item() if isinstance(value, np.generic) else value
    if hint is Any or (value is None and type(None) in get_args(hint)):
        return value
    for kind in members(hint):
        if _fits(value, kind):
            return _converted(name, value, kind)
    words = filter(None, dict.fromkeys(_word(kind) for kind in members(hint)))
    raise ValueError(f"{name} must be {' or '.join(words)}, got {brief(value)}")


def _fits(value: Any, kind: Any) -> bool:
    if kind in _SCALARS:
        return isinstance(value, _SCALARS[kind][1]) and isinstance(value, bool) == (kind is bool)
    if get_origin(kind) in (list, tuple):
        return isinstance(value, list | tuple)
    return _word(kind) == "a table" and isinstance(value, Mapping)


def _word(kind: Any) -> str:
    if kind in _SCALARS:
        return _SCALARS[kind][0]
    if get_origin(kind) in (list, tuple):
        return "a list"
    return (
        "a table" if is_dataclass(kind) or issubclass(get_origin(kind) or object, Mapping) else ""
    )


def _converted(name: str, value: Any, kind: Any) -> Any:
    if kind is float:
        try:
            return float(value)
        except OverflowError:
            raise ValueError(f"{name} must be a number below 1e308") from None
    if kind in _SCALARS:
        return value
    if is_dataclass(kind):
        return read_table(kind, value, name)
    inner, container = get_args(kind), get_origin(kind)
    if container in (list, tuple):
        return container(read_value(f"{name}[{k}]", v, inner[0]) for k, v in enumerate(value))
    return {key: read_value(f"{name}.{key}", v, inner[1]) for key, v in value.items()}
