"""Arrays and a description in one .npz file, written atomically and read with suspicion.

The file holds plain arrays and one JSON text with the format, its version and the conventions.
Nothing is pickled, and no array is read before its size and type have been compared with what the
text says.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeVar

import numpy as np

_MAX_META_BYTES = 16 * 2**20

T = TypeVar("T")


class CheckpointError(ValueError):
    """A file that is not a usable checkpoint, with the reason in one line."""


class Kind(NamedTuple):
    """What a file must say that it is."""

    format: str
    version: int
    convention: str


def write_archive(
    path: Path, kind: Kind, arrays: dict[str, np.ndarray], meta: dict[str, Any]
) -> None:
    """Write atomically: to a neighbouring file first, then moved over the old one."""
    meta = {
        **meta,
        **kind._asdict(),
        "arrays": {name: [a.dtype.str, list(a.shape)] for name, a in arrays.items()},
    }
    text = np.frombuffer(json.dumps(meta).encode(), dtype=np.uint8)
    members: dict[str, Any] = {"meta": text, **arrays}
    write_atomically(path, lambda file: np.savez(file, **members))


def write_atomically(path: Path, write: Any) -> None:
    """Call `write(file)` on a neighbouring file, flush it to disk, and move it into place."""
    partial = path.with_name(path.name + ".partial")
    try:
        with open(partial, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def read_archive(
    path: Path, kind: Kind, assemble: Callable[[dict[str, Any], dict[str, np.ndarray]], T]
) -> T:
    """`assemble(meta, arrays)` of a file of this kind.

    Raises
    ------
    FileNotFoundError
        No such file.
    CheckpointError
        Truncated, foreign, of another convention or a newer version, or inconsistent: anything
        that `assemble` raises becomes one line.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_stored(path, archive)
            meta = _read_meta(path, archive)
            _check_meta(path, meta, kind)
            arrays = {name: _read_array(path, archive, name, meta) for name in meta["arrays"]}
        return assemble(meta, arrays)
    except (FileNotFoundError, CheckpointError):
        raise
    except Exception as error:  # a damaged file fails in more ways than can be listed
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        if isinstance(error, KeyError):
            reason = f"it lacks {reason}"
        raise CheckpointError(f"{path} is not a readable checkpoint: {reason}") from error


def _check_stored(path: Path, archive: zipfile.ZipFile) -> None:
    """Refuse compressed members: what is stored plainly cannot be larger than the file."""
    size = path.stat().st_size
    for info in archive.infolist():
        if info.compress_type != zipfile.ZIP_STORED or not info.file_size <= size:
            raise CheckpointError(
                f"{path} is not an rbmqs checkpoint: {info.filename} is compressed, or declares "
                f"more bytes than the file has"
            )


def _read_meta(path: Path, archive: zipfile.ZipFile) -> dict[str, Any]:
    if "meta.npy" not in archive.namelist():
        raise CheckpointError(f"{path} is not an rbmqs checkpoint: it has no description")
    if archive.getinfo("meta.npy").file_size > _MAX_META_BYTES:
        raise CheckpointError(f"{path} has a description of more than {_MAX_META_BYTES} bytes")
    with archive.open("meta.npy") as member:
        _, _, dtype = _read_header(member)
        if dtype != np.uint8:
            raise CheckpointError(f"{path} is not an rbmqs checkpoint: its description is no text")
        meta = json.loads(member.read())
    if not isinstance(meta, dict):
        raise CheckpointError(f"{path} is not an rbmqs checkpoint: its description is not a table")
    return meta


def _check_meta(path: Path, meta: dict[str, Any], kind: Kind) -> None:
    if meta.get("format") != kind.format:
        raise CheckpointError(f"{path} is not an rbmqs checkpoint: format {meta.get('format')!r}")
    if meta.get("version") != kind.version:
        raise CheckpointError(
            f"{path} has checkpoint version {meta.get('version')!r}, "
            f"this rbmqs reads {kind.version}"
        )
    if meta.get("convention") != kind.convention:
        raise CheckpointError(
            f"{path} uses another convention: {meta.get('convention')!r}, "
            f"this rbmqs uses {kind.convention!r}"
        )


def _read_array(
    path: Path, archive: zipfile.ZipFile, name: str, meta: dict[str, Any]
) -> np.ndarray:
    dtype, shape = np.dtype(meta["arrays"][name][0]), tuple(meta["arrays"][name][1])
    if dtype.hasobject:
        raise CheckpointError(f"{path}: array {name} holds Python objects, which are never read")
    expected = int(np.prod(shape, dtype=object)) * dtype.itemsize
    info = archive.getinfo(f"{name}.npy")
    if not expected <= info.file_size <= expected + 4096:
        raise CheckpointError(
            f"{path}: array {name} should take {expected} bytes and takes {info.file_size}"
        )
    with archive.open(info) as member:
        header = _read_header(member)
        if header[0] != shape or header[2] != dtype:
            raise CheckpointError(
                f"{path}: array {name} should be {dtype} {shape}, is {header[2]} {header[0]}"
            )
        data = member.read()
    array = np.frombuffer(data, dtype=dtype).reshape(shape, order="F" if header[1] else "C")
    return np.ascontiguousarray(array)


def _read_header(member: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, Fortran order and dtype of a .npy member, which is left at its data."""
    if np.lib.format.read_magic(member) == (1, 0):
        return np.lib.format.read_array_header_1_0(member)
    return np.lib.format.read_array_header_2_0(member)
