"""Files that are written whole or not at all, checked by a checksum, and bounded before reading."""

from __future__ import annotations

import hashlib
import json
import os
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

MAX_JSON_BYTES = 2**29  # a study of 100,000 points writes 2**28
_LEAST_JSON_MEMORY = 2**25  # bytes of Python objects that are always allowed


def write_atomically(path: Path, write: Any) -> None:
    """Call `write(file)` on a neighbouring file, flush it to disk, and move it into place."""
    partial = path.with_name(path.name + ".partial")
    try:
        with open(partial, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as error:
        if error.errno and error.filename is None:  # `write` to a full disk knows no name
            error.filename = str(path)
        raise
    finally:
        partial.unlink(missing_ok=True)


def check_writable(path: str | Path) -> None:
    """Refuse an output that cannot be written, before the work that leads to it.

    Raises
    ------
    OSError
        There is no such directory, the path is a directory, or the place is not writable.
    """
    path = Path(path)
    if not path.absolute().parent.is_dir():
        raise FileNotFoundError(f"no such directory: {path.absolute().parent} for {path.name}")
    if path.is_dir():
        raise IsADirectoryError(f"output {path} is a directory, a file is wanted")
    trial = path.with_name(path.name + ".partial")
    try:
        with open(trial, "wb") as file:
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise type(error)(f"output {path} cannot be written: {error.strerror}") from None
    finally:
        trial.unlink(missing_ok=True)


@contextmanager
def goes_on_without(path: Path) -> Iterator[None]:
    """Warn, and go on, where a file that can be written again later cannot be written now."""
    try:
        yield
    except OSError as error:
        text = f"{path} could not be written ({error.strerror or error}): the run goes on without"
        warnings.warn(text, RuntimeWarning, stacklevel=3)


def checksum(data: bytes | memoryview) -> str:
    """CRC-32 as eight hexadecimal digits: finds every error of up to 32 neighbouring bits."""
    return checksum_text(zlib.crc32(data))


def checksum_text(crc: int) -> str:
    """A CRC-32 as `checksum` writes it."""
    return f"{crc:08x}"


def check_beside(path: Path) -> None:
    """Compare a file with the SHA-256 in `NAME.sha256` beside it, where there is one.

    Raises
    ------
    ValueError
        It is another.
    """
    beside = path.with_name(path.name + ".sha256")
    if not beside.exists():
        return
    with open(path, "rb") as file, open(beside, encoding="ascii", errors="replace") as sums:
        if hashlib.file_digest(file, "sha256").hexdigest() != sums.read(64).lower():
            raise ValueError(f"{path} does not match its checksum in {beside.name}")


def write_beside(path: Path) -> None:
    """Write `NAME.sha256` beside a file, in the form of `sha256sum`."""
    with open(path, "rb") as file:
        line = f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {path.name}\n"
    beside = path.with_name(path.name + ".sha256")
    write_atomically(beside, lambda file: file.write(line.encode()))


def bounded_json(data: bytes, parse: Callable[[bytes], Any] = json.loads) -> Any:
    """The value of a JSON text whose objects are known to fit into memory.

    Raises
    ------
    ValueError
        Not JSON, nested too deeply, or of so many small values that it would take far more memory
        than the text.
    """
    containers = data.count(b"[") + data.count(b"{")
    memory = 64 * containers + 24 * data.count(b",")
    if memory > max(_LEAST_JSON_MEMORY, 4 * len(data)) or len(data) > MAX_JSON_BYTES:
        raise ValueError(f"its {len(data)} bytes would take {memory} bytes of memory or more")
    try:
        return parse(data)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
