"""Files of shots: text as QuCumber writes it, tables, JSON of Qiskit and Cirq, HDF5, NumPy.

Each reader gives what `rbmqs.tomography.formats.as_shots` takes.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from hamiltonians.utils.checks import number, short
from rbmqs.tomography.bases import LETTERS
from rbmqs.tomography.formats import Convention, as_shots
from rbmqs.tomography.shots import Shots


class Found(NamedTuple):
    """What is in a file: shots and bases, and which end is site 0 where the format says so."""

    shots: Any
    bases: Any = None
    site_0: str | None = None


def read_shots(
    path: str | Path,
    bases: Any = None,
    *,
    up: int = 0,
    site_0: str | None = None,
    basis_site_0: str | None = None,
    table: str | None = None,
    entry: int | None = None,
    n_shots: int | None = None,
) -> Shots:
    """Shots from a file.

    Parameters
    ----------
    path : str or Path
        By its ending: ``.txt`` or ``.dat``, one shot a row (QuCumber); ``.csv``, a table with the
        columns of `as_shots`; ``.json``, counts by basis, a result of Qiskit (counts of experiments
        whose header's name or metadata names the basis) or of Cirq (measurements whose key names
        it); ``.h5`` or ``.hdf5``; ``.npz`` with arrays ``shots``, ``bases`` and, optionally,
        ``counts``.
    bases : optional
        A text file of bases, row for row as the shots (QuCumber), or as of `as_shots`.
    up, site_0, basis_site_0
        See `Convention`. Left is site 0 by default, right in a result of Qiskit.
    table : str, optional
        Name of the data set of an HDF5 file: shots (n, N), or counts or relative frequencies
        (n_bases, 2^N); beside it a data set or attribute ``bases`` (or ``tomo_order``).
    entry : int, optional
        Along the first axis of a data set of three.
    n_shots : int, optional
        Of each basis, where a table holds relative frequencies.

    Returns
    -------
    Shots

    Raises
    ------
    ValueError
        An ending that is not known, or content that does not fit.
    """
    path = Path(path)
    if path.suffix not in _READERS:
        raise ValueError(f"shots must end in one of {', '.join(_READERS)}, got {path.name}")
    if path.suffix in (".h5", ".hdf5"):
        found = _read_hdf5(path, table, entry, n_shots)
    else:
        found = _READERS[path.suffix](path)
    given = found.bases
    if bases is not None:
        if given is not None:
            raise ValueError(f"bases must not be given with {path.name}, which has them")
        given = _read_bases(Path(bases)) if is_file(bases) else bases
    end = site_0 or found.site_0 or "left"
    return as_shots(found.shots, given, Convention(up, end, basis_site_0))


def read_target(path: str | Path) -> np.ndarray:
    """A state vector or density matrix: ``.npy``, or rows "real imaginary" of text.

    Raises
    ------
    ValueError
        Another ending, or rows that are no numbers.
    """
    path = Path(path)
    if path.suffix == ".npy":
        return np.load(path)
    if path.suffix not in (".txt", ".dat"):
        raise ValueError(f"target must end in .npy, .txt or .dat, got {path.name}")
    try:
        rows = np.loadtxt(path, ndmin=2)
    except ValueError as error:
        raise ValueError(f"{path.name} must hold rows of numbers: {error}") from None
    if rows.shape[1] > 2:
        raise ValueError(f"{path.name} must have columns real and imaginary, got {rows.shape[1]}")
    return rows[:, 0] + 1j * (rows[:, 1] if rows.shape[1] == 2 else 0)


def is_file(bases: Any) -> bool:
    return isinstance(bases, Path) or (isinstance(bases, str) and bool(set(bases) & set("./\\")))


def _rows(path: Path) -> list[str]:
    rows = [line.strip() for line in path.read_text().splitlines()]
    found = [row for row in rows if row and not row.startswith("#")]
    if not found:
        raise ValueError(f"{path.name} must hold one row a shot, got an empty file")
    return found


def _read_text(path: Path) -> Found:
    """Rows "0 1 1 0" or "0110" or "1 -1 1"; a basis may come first in a row: "XZY 011"."""
    rows = _rows(path)
    bases = None
    if set(rows[0]) & set(LETTERS):
        pairs = [row.split(maxsplit=1) for row in rows]
        short_row = next((row for row, pair in zip(rows, pairs, strict=True) if len(pair) < 2), "")
        if short_row:
            raise ValueError(
                f"{path.name} must hold a basis and an outcome a row, got {short_row!r}"
            )
        bases, rows = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    if "-1" in set(" ".join(rows).split()):
        return Found(_whole_numbers(rows, path.name), bases)
    return Found([row.replace(".0", "").replace(" ", "").replace("\t", "") for row in rows], bases)


def _whole_numbers(rows: list[str], name: str) -> list[list[int]]:
    try:
        return [[int(float(word)) for word in row.split()] for row in rows]
    except ValueError as error:
        raise ValueError(f"{name} must hold bits or spins, got {error}") from None


def _read_bases(path: Path) -> list[str]:
    """Rows "X Z Y" or "XZY"."""
    return ["".join(row.split()) for row in _rows(path)]


def _read_csv(path: Path) -> Found:
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows:
        raise ValueError(f"{path.name} must have a line of names and rows, got neither")
    columns: dict[str, Any] = {}
    for name in rows[0]:
        values = [row[name] for row in rows]
        is_count = name == "count" or (name[:1] == "n" and set(name[1:]) <= set("01"))
        columns[name] = np.array([_as_number(v, path.name) for v in values]) if is_count else values
    return Found(columns)


def _as_number(text: str, name: str) -> float:
    try:
        return float(text)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must hold whole numbers as counts, got {short(text)}") from None


def _read_json(path: Path) -> Found:
    try:
        content = json.loads(path.read_text())
    except ValueError as error:
        raise ValueError(f"{path.name} must be JSON: {error}") from None
    if not isinstance(content, Mapping):
        raise ValueError(f"{path.name} must hold a table of bases, got {short(content)}")
    if "results" in content:
        return _of_qiskit(content["results"], path.name)
    for name in ("measurements", "records"):
        if name in content:
            return Found({str(k): _of_cirq(v) for k, v in content[name].items()})
    return Found(content)


def _of_qiskit(results: Any, name: str) -> Found:
    """Counts in hexadecimal numbers of each experiment; qubit 0 is the last bit."""
    shots, bases = [], []
    for k, one in enumerate(results):
        header = one.get("header", {})
        basis = (header.get("metadata") or {}).get("basis") or header.get("name", "")
        counts = one.get("data", {}).get("counts")
        if counts is None:
            raise ValueError(f"{name} must hold counts of each experiment, none in number {k}")
        width = int(header.get("memory_slots", len(basis)))
        shots.append({_bits_of(key, width): value for key, value in counts.items()})
        bases.append(str(basis))
    return Found(shots, bases, "right")


def _bits_of(key: str, width: int) -> str:
    return f"{int(key, 16):0{width}b}" if key.startswith("0x") else key.replace(" ", "")


def _of_cirq(record: Any) -> np.ndarray:
    """Bits (repetitions, qubits), as lists or packed as `cirq.to_json` does."""
    if isinstance(record, Mapping):
        shape = tuple(record["shape"])
        packed = np.frombuffer(bytes.fromhex(record["packed_digits"]), np.uint8)
        is_packed = record.get("binary", True)
        bits = np.unpackbits(packed)[: int(np.prod(shape))] if is_packed else packed
        return bits.reshape(-1, shape[-1]).astype(np.int64)
    return np.asarray(record)


def _read_npz(path: Path) -> Found:
    with np.load(path) as arrays:
        return _of_arrays({name: arrays[name] for name in arrays.files}, path.name)


def _of_arrays(arrays: Mapping[str, np.ndarray], name: str) -> Found:
    """Arrays "shots" (n, N) or strings, "bases", and "counts" of rows."""
    if "shots" not in arrays:
        raise ValueError(f"{name} must hold an array 'shots', got {', '.join(arrays) or 'none'}")
    bases = _texts(arrays["bases"]) if "bases" in arrays else None
    shots = arrays["shots"]
    if "counts" not in arrays:
        return Found(_texts(shots) if shots.dtype.kind in "SUO" else shots, bases)
    if shots.dtype.kind in "SUO":
        outcomes = list(_texts(shots))
    else:
        signs = {1: "+", -1: "-"} if (shots < 0).any() else {0: "0", 1: "1"}
        outcomes = ["".join(signs.get(int(s), "?") for s in row) for row in shots]
    columns: dict[str, Any] = {"outcome": outcomes, "count": arrays["counts"]}
    return Found(columns, bases)


def _texts(array: np.ndarray) -> Any:
    """Strings of NumPy or HDF5; other arrays as they are."""
    if array.dtype.kind not in "SUO":
        return array
    found = [x.decode() if isinstance(x, bytes) else str(x) for x in array.ravel()]
    return found if array.ndim == 1 else np.array(found).reshape(array.shape)


def _read_hdf5(path: Path, table: str | None, entry: int | None, n_shots: int | None) -> Found:
    """Data sets "shots", "bases", "counts", or a table of counts by basis and outcome."""
    import h5py  # reading takes a tenth of a second

    with h5py.File(path) as file:
        sets = {name: one for name, one in file.items() if isinstance(one, h5py.Dataset)}
        if table is None and "shots" in sets:
            return _of_arrays({name: one[()] for name, one in sets.items()}, path.name)
        if table is None or table not in sets:
            raise ValueError(
                f"table must be one of {', '.join(sets)} in {path.name}, got {table!r}"
            )
        values = sets[table][()]
        attributes = {**file.attrs, **sets[table].attrs}
        labels = sets["bases"][()] if "bases" in sets else None
        for name in ("tomo_order", "bases"):
            labels = attributes.get(name, labels)
    if values.ndim == 3:
        if entry is None or not 0 <= entry < len(values):
            raise ValueError(f"entry must be 0 to {len(values) - 1} for table {table}, got {entry}")
        values = values[entry]
    if labels is None or values.ndim != 2 or len(labels) != len(values):
        raise ValueError(f"table {table} must have one row a basis, named by an attribute 'bases'")
    if n_shots is not None:
        values = values * number("n_shots", n_shots, at_least=1)
    elif values.max() <= 1:
        raise ValueError(f"n_shots must be given: table {table} holds relative frequencies")
    return Found(*_by_basis(np.asarray(values, float), _texts(np.asarray(labels))))


def _by_basis(values: np.ndarray, labels: Any) -> tuple[list[dict[str, float]], list[str]]:
    """Counts (n_bases, 2^N), near whole numbers, as mappings."""
    n_sites = int(values.shape[1]).bit_length() - 1
    if 2**n_sites != values.shape[1]:
        raise ValueError(f"a table of counts must have 2^N columns, got {values.shape[1]}")
    whole = np.rint(values)
    values = np.where(abs(values - whole) < 1e-6 * np.maximum(1, whole), whole, values)
    rows = [{f"{k:0{n_sites}b}": v for k, v in enumerate(row)} for row in values]
    return rows, [str(label) for label in labels]


_READERS: dict[str, Callable[[Path], Found]] = {
    ".txt": _read_text,
    ".dat": _read_text,
    ".csv": _read_csv,
    ".json": _read_json,
    ".npz": _read_npz,
    ".h5": lambda path: _read_hdf5(path, None, None, None),
    ".hdf5": lambda path: _read_hdf5(path, None, None, None),
}
