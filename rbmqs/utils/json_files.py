"""JSON files: written atomically, without what JSON does not know; read back as one table.

A table that is written gets the CRC-32 of its content, whatever its layout, as the key `crc32`.
Files of version 0.1.0 lack it.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from hamiltonians.utils.files import MAX_JSON_BYTES, bounded_json, checksum, write_atomically
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
    """Write plain values atomically: an indented table with its checksum, others as they are."""
    table = plain(value)
    if indent is not None and isinstance(table, dict):
        table["crc32"] = _sum(table)
    text = json.dumps(table, indent=indent, allow_nan=False)
    write_atomically(path, lambda file: file.write(text.encode()))


def read_json(path: Path) -> dict[str, Any]:
    """Read what `write_json` wrote.

    Raises
    ------
    DamagedError
        No readable table, or one that was changed.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_JSON_BYTES + 1)
        value = bounded_json(data, lambda data: parse_json(data.decode(), path))
    except (OSError, ValueError) as error:
        raise DamagedError(f"{path} cannot be read: {error}") from None
    if not isinstance(value, dict):
        raise DamagedError(f"{path} does not hold a table")
    known = value.pop("crc32", None)
    if known is not None and known != _sum(value):
        raise DamagedError(f"{path} does not match its checksum")
    return value


def _sum(table: dict[str, Any]) -> str:
    """Checksum of a table's content; keys that are numbers count as the texts they become."""
    table = json.loads(json.dumps(table))
    return checksum(json.dumps(table, sort_keys=True, separators=(",", ":")).encode())
