"""Arrays in .npz files, written atomically and read with suspicion.

Ours hold plain arrays and one JSON text with the format, its version, the conventions, and type,
shape and checksum of each array. Nothing is pickled, and no array is read before its size and type
have been compared with what the text says, and that with what the file has. Each member carries the
checksum of the .npz format besides, so that a flipped bit is found in files of others too.
"""

from __future__ import annotations

import json
import math
import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple, Protocol, TypeVar

import numpy as np

from hamiltonians.utils.files import bounded_json, checksum, checksum_text, write_atomically
from hamiltonians.utils.memory import require_memory

_MAX_META_BYTES = 16 * 2**20
_MAX_DIRECTORY_BYTES = 2**20  # of the list of members: some 10,000
_MOST_EXPANSION = 200  # of a compressed file: tables of pixels reach 60
_LEAST_EXPANDED = 2**26  # bytes that any file may expand to
_HEADER_BYTES = 4096  # of an array in a file, at most
_PIECE = 2**22  # bytes read at once

T = TypeVar("T")


class CheckpointError(ValueError):
    """A file that is not a usable checkpoint, with the reason in one line."""


class Kind(NamedTuple):
    """What a file must say that it is."""

    format: str
    version: int
    convention: str


class Pieces(Protocol):
    """An array that is never whole: its rows come in pieces, in their order."""

    @property
    def dtype(self) -> np.dtype:
        """Of each piece."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of all."""

    def __iter__(self) -> Iterator[np.ndarray]:
        """The pieces, once."""


def write_archive(
    path: Path, kind: Kind, arrays: Mapping[str, np.ndarray | Pieces], meta: Mapping[str, Any]
) -> None:
    """Write atomically: to a neighbouring file first, then moved over the old one."""

    def write(file: IO[bytes]) -> None:
        with zipfile.ZipFile(file, "w") as archive:
            described = {name: _write_array(archive, name, a) for name, a in arrays.items()}
            text = json.dumps({**meta, **kind._asdict(), "arrays": described}).encode()
            _write_array(archive, "meta", np.frombuffer(text, np.uint8))

    write_atomically(path, write)


def _write_array(archive: zipfile.ZipFile, name: str, array: np.ndarray | Pieces) -> list[Any]:
    """Write a member; returns its dtype, shape and checksum."""
    header = {"descr": array.dtype.str, "fortran_order": False, "shape": array.shape}
    crc = 0
    with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
        np.lib.format.write_array_header_1_0(member, header)
        for piece in [array] if isinstance(array, np.ndarray) else array:
            data = _bytes(piece).data
            member.write(data)
            crc = zlib.crc32(data, crc)
    return [array.dtype.str, list(array.shape), checksum_text(crc)]


def _bytes(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8)


def read_archive(
    path: Path,
    kind: Kind,
    assemble: Callable[[dict[str, Any], dict[str, np.ndarray]], T],
    check: Callable[[dict[str, Any]], None] = lambda meta: None,
) -> T:
    """`assemble(meta, arrays)` of a file of this kind.

    Parameters
    ----------
    check : callable, optional
        Called with the description before any array is read, and raises where the file cannot be
        the one that is wanted: `meta["arrays"][name]` begins with dtype and shape.

    Raises
    ------
    FileNotFoundError
        No such file.
    CheckpointError
        Truncated, foreign, of another convention or a newer version, or inconsistent: anything
        that `assemble` raises becomes one line.
    """
    try:
        with _opened(path) as archive:
            _check_stored(path, archive)
            meta = _read_meta(path, archive)
            _check_meta(path, meta, kind)
            check(meta)
            arrays = {name: _read_array(path, archive, name, meta) for name in meta["arrays"]}
        return assemble(meta, arrays)
    except (FileNotFoundError, CheckpointError):
        raise
    except Exception as error:  # a damaged file fails in more ways than can be listed
        raise CheckpointError(f"{path} is not a readable checkpoint: {_reason(error)}") from error


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an .npz file without a description, compressed or not.

    Raises
    ------
    FileNotFoundError
        No such file.
    CheckpointError
        Damaged, or with members that declare more bytes than there is memory for.
    """
    try:
        with _opened(path) as archive:
            return {
                name.removesuffix(".npy"): _read_member(archive, name)
                for name in archive.namelist()
            }
    except (FileNotFoundError, CheckpointError):
        raise
    except Exception as error:  # a damaged file fails in more ways than can be listed
        raise CheckpointError(f"{path} is not a readable .npz file: {_reason(error)}") from error


def read_array(path: Path) -> np.ndarray:
    """The array of an .npy file; errors as in `read_arrays`."""
    try:
        with open(path, "rb") as file:
            return _read_data(file, path.stat().st_size)
    except FileNotFoundError:
        raise
    except Exception as error:
        raise CheckpointError(f"{path} is not a readable .npy file: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return f"it lacks {reason}" if isinstance(error, KeyError) else reason


def _opened(path: Path) -> zipfile.ZipFile:
    """The archive, once its list of members is known to be short and none to hold another."""
    size = os.stat(path).st_size
    with open(path, "rb") as file:
        file.seek(max(0, size - 42))
        tail = file.read()
        if tail[-22:-18] != b"PK\x05\x06":
            raise ValueError("it is cut short, or foreign")
        listed = struct.unpack("<I", tail[-10:-6])[0]
        if tail[:4] == b"PK\x06\x07":  # the same in 64 bits
            file.seek(min(struct.unpack("<Q", tail[8:16])[0], size))
            record = file.read(48)
            listed = struct.unpack("<Q", record[40:48])[0] if len(record) == 48 else size
    if listed > _MAX_DIRECTORY_BYTES:
        raise ValueError(f"the list of its members takes {listed} bytes")
    archive = zipfile.ZipFile(path)
    members = archive.infolist()
    stored, expanded = (
        sum(getattr(info, name) for info in members) for name in ("compress_size", "file_size")
    )
    try:
        if stored > size:
            raise ValueError(f"its members declare {expanded} bytes, it has {size}")
        require_expansion(expanded, size)
    except ValueError:
        archive.close()
        raise
    return archive


def require_expansion(n_bytes: int, size: int, what: str = "its members") -> None:
    """Refuse a file of `size` bytes that declares more content than tables of numbers reach."""
    if n_bytes > max(_LEAST_EXPANDED, _MOST_EXPANSION * size):
        raise ValueError(f"{what} declare {n_bytes} bytes, it has {size}")


def _check_stored(path: Path, archive: zipfile.ZipFile) -> None:
    """Refuse compressed members: what is stored plainly cannot be larger than the file."""
    for info in archive.infolist():
        if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
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
        meta = bounded_json(member.read())
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
    word, sizes, *sums = meta["arrays"][name]
    dtype, shape = np.dtype(word), tuple(sizes)
    if dtype.hasobject:
        raise CheckpointError(f"{path}: array {name} holds Python objects, which are never read")
    expected = math.prod(shape) * dtype.itemsize
    info = archive.getinfo(f"{name}.npy")
    if not expected <= info.file_size <= expected + _HEADER_BYTES:
        raise CheckpointError(
            f"{path}: array {name} should take {expected} bytes and takes {info.file_size}"
        )
    array = _read_member(archive, f"{name}.npy")
    if array.shape != shape or array.dtype != dtype:
        raise CheckpointError(
            f"{path}: array {name} should be {dtype} {shape}, is {array.dtype} {array.shape}"
        )
    if sums and sums[0] != checksum(_bytes(array).data):
        raise CheckpointError(f"{path}: array {name} does not match its checksum")
    return array


def _read_member(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    with archive.open(name) as member:
        array = _read_data(member, archive.getinfo(name).file_size)
        if member.read(1):
            raise ValueError(f"{name} goes on after its data")
    return array


def _read_data(file: IO[bytes], size: int) -> np.ndarray:
    """An array whose header says that its data take what is left of so many bytes.

    Read in pieces, so that a file that declares more than it has costs memory for what it has.
    """
    shape, fortran, dtype = _read_header(file)
    if dtype.hasobject:
        raise ValueError("it holds Python objects, which are never read")
    if any(n < 0 for n in shape):
        raise ValueError(f"its shape {shape} is negative")
    n_bytes = math.prod(shape) * dtype.itemsize
    if not 0 <= size - n_bytes <= 2 * _HEADER_BYTES:
        raise ValueError(f"its header says {n_bytes} bytes of data, it has {size} in all")
    require_memory(n_bytes, f"its array of shape {shape}")
    data = np.empty(n_bytes, np.uint8)
    done = 0
    while done < n_bytes:
        n_read = file.readinto(data.data[done : done + _PIECE])  # type: ignore[attr-defined]
        if not n_read:
            raise ValueError(f"it holds {done} bytes of data, its header says {n_bytes}")
        done += n_read
    array = data.view(dtype).reshape(shape, order="F" if fortran else "C")
    return np.ascontiguousarray(array)


def _read_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, Fortran order and dtype of a .npy member, which is left at its data."""
    if np.lib.format.read_magic(file) == (1, 0):
        return np.lib.format.read_array_header_1_0(file)
    return np.lib.format.read_array_header_2_0(file)
