"""Logs: one JSON object a line, each with the CRC-32 of the rest of the line as its last key.

Logs of version 0.1.0 have no checksums. Making one takes 3 us.
"""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from hamiltonians.utils.files import bounded_json, checksum, goes_on_without, write_atomically
from rbmqs.utils.parsing import DamagedError

_MOST_BYTES = 2**24  # of a line
_SIGNATURE = re.compile(rb', "crc32": "([0-9a-f]{8})"}')

T = TypeVar("T")


class LineWriter:
    """Appends lines to a file, each at once.

    Parameters
    ----------
    path : Path
        Written anew.
    first : iterable of dict
        The lines that it begins with.
    """

    def __init__(self, path: Path, first: Iterable[dict[str, Any]]) -> None:
        start = b"".join(map(_line, first))
        write_atomically(path, lambda file: file.write(start))
        self._path, self._size, self._pending = path, len(start), b""
        self._file = open(path, "ab", buffering=0)  # noqa: SIM115

    def write(self, values: dict[str, Any]) -> None:
        """Append one line, and those that a full disk has kept out."""
        self._pending += _line(values)
        with goes_on_without(self._path):
            try:
                if self._file.write(self._pending) < len(self._pending):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            except OSError:
                self._file.truncate(self._size)  # no half line
                raise
            self._size += len(self._pending)
            self._pending = b""

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _line(values: dict[str, Any]) -> bytes:
    line = json.dumps(values).encode()
    return b'%s, "crc32": "%s"}\n' % (line[:-1], checksum(line).encode())


def _content(line: bytes) -> tuple[dict[str, Any], bool]:
    """The table of a line without its checksum, and whether it had one."""
    line = line.rstrip(b"\n")
    found = _SIGNATURE.fullmatch(line[-22:])
    if found:
        line = line[:-22] + b"}"
        if checksum(line) != found[1].decode():
            raise ValueError("it does not match its checksum")
    value = bounded_json(line)
    if not isinstance(value, dict):
        raise ValueError("it is not a table")
    return value, found is not None


def readable_lines(path: Path) -> list[dict[str, Any]]:
    """The tables of all lines but the first that are whole; damaged ones are left out."""
    found = []
    with Path(path).open("rb") as file:
        file.readline(_MOST_BYTES)
        while line := file.readline(_MOST_BYTES):
            try:
                found += [_content(line)[0]] if line.endswith(b"\n") else []
            except ValueError:
                continue
    return found


def read_lines(
    path: str | Path, form: str, record: Callable[[dict[str, Any]], T], what: str
) -> tuple[dict[str, Any], list[T]]:
    """The first line and `record` of each further one; a last line that was cut short is left out.

    Parameters
    ----------
    form : str
        What the first line must say as its `format`.
    what : str
        Names such a file in messages.

    Raises
    ------
    DamagedError
        Another file, or a line of it was changed.
    """
    path, number = Path(path), 1  # open(True) would be standard output
    records: list[T] = []
    try:
        with path.open("rb") as file:
            line = file.readline(_MOST_BYTES)
            if not line:
                raise ValueError("it is empty")
            first, has_sums = _content(line)
            if first.get("format") != form:
                raise ValueError(f"it does not say format {form!r}")
            while line := file.readline(_MOST_BYTES):
                number += 1
                if not line.endswith(b"\n") and not _SIGNATURE.search(line):
                    break
                values, has_sum = _content(line)
                if has_sum != has_sums:
                    raise ValueError("it lacks its checksum, or the first line does")
                records.append(record(values))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedError(f"{path} is not {what}: line {number}: {error}") from None
    return first, records
