"""Text of users and of files, parsed: whatever is wrong with it is one sentence."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

MAX_DEPTH = 50  # of tables in tables; a study file has four, a description of a lattice three
MAX_BYTES = 2**24  # of a file that a person writes


class DamagedError(ValueError):
    """A file that is not what was written."""


@contextmanager
def describing(path: str | Path) -> Iterator[None]:
    """Say of what a file lacks, or holds in another form than was written, that it is damaged.

    Raises
    ------
    DamagedError
        In place of any error of looking up, converting or decoding.
    """
    try:
        yield
    except (DamagedError, FileNotFoundError):
        raise
    except KeyError as error:
        raise DamagedError(f"{path} is damaged: it lacks {error.args[0]!r}") from None
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
        raise DamagedError(f"{path} is damaged: {error}") from None


def parse_json(text: str, name: str | Path) -> Any:
    """A JSON value; a ValueError that names what was parsed where it is none, or nested deeply."""
    return _parse(json.loads, text, f"{name} is not valid JSON")


def parse_toml(text: str, name: str | Path) -> dict[str, Any]:
    """A TOML table, in the same way."""
    return _parse(tomllib.loads, text.replace("\r\n", "\n"), f"{name} is not valid TOML")


def read_toml(path: str | Path) -> dict[str, Any]:
    """The table of a TOML file.

    Raises
    ------
    ValueError
        Not readable as TOML, with the place; larger than 16 MiB or nested deeper than 50 tables.
    """
    return parse_toml(read_text(path), path)


def read_text(path: str | Path) -> str:
    """A text file that a person wrote; a ValueError for one that is larger than 16 MiB."""
    with open(path, "rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ValueError(f"{path} must be at most {MAX_BYTES} bytes long")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not valid TOML: {error}") from None


def _parse(parser: Callable[[str], Any], text: str, complaint: str) -> Any:
    too_deep = f"{complaint}: nested deeper than {MAX_DEPTH}"
    try:
        value = parser(text)
    except RecursionError:
        raise ValueError(too_deep) from None
    except ValueError as error:
        raise ValueError(f"{complaint}: {error}") from None
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return value
    raise ValueError(too_deep)


def _inside(value: Any) -> list[Any]:
    """The tables and lists that a table or list holds."""
    if isinstance(value, dict):
        value = list(value.values())
    return [v for v in value if isinstance(v, dict | list)] if isinstance(value, list) else []
