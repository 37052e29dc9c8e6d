"""JSON files: written atomically, without what JSON does not know; read back as one table."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from hamiltonians.utils.files import write_atomically
from rbmqs.utils.parsing import DamagedError, parse_json


def plain(value: Any) -> Any:
    """The same value in JSON's types, with null for nan and infinity."""
    if isinstance(value, dict):
        return {key: plain(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def write_json(path: Path, value: Any, indent: int | None = 1) -> None:
    """Write plain values atomically."""
    text = json.dumps(plain(value), indent=indent, allow_nan=False)
    write_atomically(path, lambda file: file.write(text.encode()))


def read_json(path: Path) -> dict[str, Any]:
    """Read what `write_json` wrote.

    Raises
    ------
    DamagedError
        No readable table.
    """
    try:
        value = parse_json(path.read_text(encoding="utf-8"), path)
    except (OSError, ValueError) as error:
        raise DamagedError(f"{path} cannot be read: {error}") from None
    if not isinstance(value, dict):
        raise DamagedError(f"{path} does not hold a table")
    return value
