"""The table on disk: CSV for every program, HDF5 with units for pandas, xarray and h5py."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any

import numpy as np

from hamiltonians.utils.files import checksum, write_atomically
from rbmqs.studies.schema import BY_NAME
from rbmqs.studies.table import Table, typed_column
from rbmqs.utils.parsing import describing

CSV, HDF5 = "table.csv", "table.h5"
_FORMAT = "rbmqs-table 1"
_FIRST_LINE = re.compile(rb"# format: rbmqs-table 1, crc32 of what follows ([0-9a-f]{8})\n")
_LAST_LINE = re.compile(rb"\ncrc32 ([0-9a-f]{8})\n")  # of a table.h5; 16 bytes
_MOST_BYTES = 2**30
_WORDS: dict[str, Any] = {"": None, "true": True, "false": False}


def load_table(path: str | Path) -> Table:
    """The table of a study from its directory, its table.csv or its table.h5.

    Parameters
    ----------
    path : path

    Returns
    -------
    Table

    Raises
    ------
    FileNotFoundError, ValueError
        No table there, or not one of this format.
    """
    path = Path(path)
    path = path / CSV if path.is_dir() else path
    return read_hdf5(path) if path.suffix in (".h5", ".hdf5", ".nc") else read_csv(path)


def write_tables(table: Table, directory: Path) -> None:
    """Write table.csv and table.h5 into a directory."""
    write_csv(table, directory / CSV)
    write_hdf5(table, directory / HDF5)


def write_csv(table: Table, path: Path) -> None:
    """Comment lines with the provenance, a line of names, one line a point.

    Numbers are written so that reading them gives the same bits back; a missing value is empty.
    """
    text = io.StringIO()
    text.write(f"# axes: {' '.join(table.axes)}\n")
    for key, value in table.meta.items():
        text.write(f"# {key}: {' '.join(value.split())}\n")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    for row in zip(*table.columns.values(), strict=True):
        writer.writerow([_written(value) for value in row])
    data = text.getvalue().encode()
    first = f"# format: {_FORMAT}, crc32 of what follows {checksum(data)}\n".encode()
    write_atomically(path, lambda file: file.write(first + data))


def read_csv(path: str | Path) -> Table:
    """The table that `write_csv` wrote.

    Raises
    ------
    DamagedError
        Not such a file, or one that was changed.
    """
    path = Path(path)
    with describing(path):
        return _parsed_csv(path, _content(path))


def _content(path: Path) -> bytes:
    with open(path, "rb") as file:
        data = file.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise ValueError(f"a table has at most {_MOST_BYTES} bytes")
    return data


def _parsed_csv(path: Path, data: bytes) -> Table:
    found = _FIRST_LINE.match(data)
    if found:
        data = data[found.end() :]
        if checksum(data) != found[1].decode():
            raise ValueError("it does not match its checksum")
    lines = data.decode().splitlines()
    comments = [line[2:].partition(": ") for line in lines if line.startswith("# ")]
    meta = {key: value for key, _, value in comments}
    if not found and meta.pop("format", None) != _FORMAT:  # version 0.1.0 had no checksum
        raise ValueError("it is not a table of this version of rbmqs")
    axes = tuple(meta.pop("axes", "").split())
    rows = list(csv.reader(line for line in lines if not line.startswith("#")))
    if not rows or any(len(row) != len(rows[0]) for row in rows):
        raise ValueError("it is cut short")
    values = zip(*rows[1:], strict=True) if len(rows) > 1 else [()] * len(rows[0])
    columns = {
        name: _column(name, list(texts)) for name, texts in zip(rows[0], values, strict=True)
    }
    return Table(columns, axes, meta, path.parent)


def write_hdf5(table: Table, path: Path) -> None:
    """One dataset a column along the dimension `point`, with unit and meaning as attributes.

    The file is also a valid netCDF-4 file: `xarray.open_dataset(path, engine="h5netcdf")`. Behind
    what HDF5 reads, a last line holds the checksum.
    """
    import h5py

    def write(target: Any) -> None:
        buffer = io.BytesIO()
        with h5py.File(buffer, "w") as file:
            file.attrs.update({"format": _FORMAT, "axes": " ".join(table.axes), **table.meta})
            file.attrs["columns"] = list(table.columns)
            scale = file.create_dataset("point", data=np.arange(len(table)))
            scale.make_scale("point")
            for name, column in table.columns.items():
                _write_dataset(file, name, column, scale)
        data = buffer.getvalue()
        target.write(data + f"\ncrc32 {checksum(data)}\n".encode())

    write_atomically(path, write)


def read_hdf5(path: str | Path) -> Table:
    """The table that `write_hdf5` wrote; errors as in `read_csv`."""
    path = Path(path)
    with describing(path):
        data = _content(path)
        found = _LAST_LINE.fullmatch(data[-16:])
        if found and checksum(data[:-16]) != found[1].decode():
            raise ValueError("it does not match its checksum")
        try:
            return _parsed_hdf5(path, data)
        except (OSError, RuntimeError) as error:  # as h5py says that a file is cut short
            raise ValueError(str(error)) from None


def _parsed_hdf5(path: Path, data: bytes) -> Table:
    import h5py

    with h5py.File(io.BytesIO(data), "r") as file:
        meta = {key: str(value) for key, value in file.attrs.items()}
        if meta.pop("format", None) != _FORMAT:
            raise ValueError("it is not a table of this version of rbmqs")
        axes = tuple(meta.pop("axes").split())
        if sum(item.size * item.dtype.itemsize for item in file.values()) > len(data):
            raise ValueError("it declares more than it holds")
        columns = {name: _read_dataset(file[name]) for name in file.attrs["columns"]}
    meta.pop("columns")
    return Table(columns, axes, meta, path.parent)


def _write_dataset(file: Any, name: str, column: np.ndarray, scale: Any) -> None:
    import h5py

    if column.dtype == object:
        data = file.create_dataset(name, data=column, dtype=h5py.string_dtype())
    else:
        stored = column.astype(np.int8) if column.dtype == bool else column
        data = file.create_dataset(name, data=stored)
    data.dims[0].attach_scale(scale)
    known = BY_NAME.get(name)
    data.attrs["units"] = known.unit if known else ""
    data.attrs["long_name"] = known.meaning if known else "setting of the study"


def _read_dataset(data: Any) -> np.ndarray:
    if data.dtype == object:
        return data.asstr()[:].astype(object)
    return data[:].astype(bool) if data.dtype == np.int8 else data[:]


def _written(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float | np.floating):
        return "" if np.isnan(value) else repr(float(value))
    return str(value)


def _column(name: str, texts: list[str]) -> np.ndarray:
    """Values of a column; words of the schema's text columns are not read as numbers."""
    known = BY_NAME.get(name)
    is_text = known is not None and known.kind is str
    return typed_column(name, list(texts) if is_text else [_read(text) for text in texts])


def _read(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
