"""Files of shots: text as QuCumber writes it, tables, JSON of Qiskit and Cirq, HDF5, NumPy.

Each reader gives what `rbmqs.tomography.formats.as_shots` takes.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from hamiltonians.utils.archive import read_array, read_arrays, require_expansion
from hamiltonians.utils.checks import number, short
from rbmqs.tomography.bases import LETTERS
from rbmqs.tomography.formats import Convention, as_shots
from rbmqs.tomography.shots import Shots
from rbmqs.tomography.tables import Counted
from rbmqs.utils.parsing import describing, parse_json

MOST_SITES = 4096  # that a file may name by a number alone


class Found(NamedTuple):
    """What is in a file: shots, bases, which end is site 0 where the format says so, names of sets
    that may be other words than bases."""

    shots: Any
    bases: Any = None
    site_0: str | None = None
    names: tuple[str, ...] = ()


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
        By its ending: ``.txt`` or ``.dat``, one shot a row (QuCumber); ``.csv`` or ``.tsv``, a
        table with the columns of `as_shots`, or rows as of text; ``.json``, counts by basis or a
        list of counts, results of Qiskit (experiments whose header's name or metadata names the
        basis) or of Cirq (measurements whose key names it), where `bases` name it otherwise;
        ``.h5`` or ``.hdf5``; ``.npy``; ``.npz`` with arrays ``shots``, ``bases`` and, optionally,
        ``counts``.
    bases : optional
        A text file of bases, row for row as the shots (QuCumber), or as of `as_shots`.
    up, site_0, basis_site_0
        See `Convention`. Left is site 0 by default, right in a result of Qiskit.
    table : str, optional
        Path of the data set of an HDF5 file: ``shots`` (n, N), or counts or relative frequencies
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
    kind = path.suffix.lower()
    if kind not in _READERS and kind not in HDF5:
        raise ValueError(
            f"shots must end in one of {', '.join([*_READERS, *HDF5])}, got {path.name}"
        )
    if not path.is_file():
        raise FileNotFoundError(f"no such file: {path}")
    if kind in HDF5:
        try:
            found = _read_hdf5(path, table, entry, n_shots)
        except (OSError, RuntimeError, KeyError) as error:  # as h5py says that a file is damaged
            reason = " ".join(str(error).split())
            raise ValueError(f"{path.name} is damaged: {reason}") from None
    else:
        for name, value in (("table", table), ("entry", entry), ("n_shots", n_shots)):
            if value is not None:
                raise ValueError(f"{name} must not be given for {path.name}, it is for HDF5 files")
        found = _READERS[kind](path)
    given = found.bases
    if bases is not None:
        if given is not None:
            raise ValueError(f"bases must not be given with {path.name}, which has them")
        given = _read_bases(Path(bases)) if is_file(bases) else bases
    elif given is None and len(found.names) > 1:
        raise ValueError(
            f"bases must be given, one for each of {len(found.names)} sets of {path.name}, whose "
            f"names are none: {short(', '.join(found.names))}"
        )
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
        return read_array(path)
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


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{path.name} must hold text, got other bytes") from None


def _rows(path: Path) -> list[list[str]]:
    """Words of each row."""
    rows = [re.split(r"[\s,;]+", line.strip(" \t,;")) for line in _text_of(path).splitlines()]
    found = [row for row in rows if row[0] and not row[0].startswith("#")]
    if not found:
        raise ValueError(f"{path.name} must hold one row a shot, got an empty file")
    return found


def _is_basis(word: str) -> bool:
    return bool(word) and set(word.upper()) <= set(LETTERS)


def _read_text(path: Path) -> Found:
    """Rows "0 1 1 0" or "0110", "1 -1 1", "1.0 0.0"; a basis may come first: "XZY 011"."""
    rows, bases = _rows(path), None
    if _is_basis(rows[0][0]):
        n_letters = [next((k for k, w in enumerate(r) if not _is_basis(w)), 0) for r in rows]
        if 0 in n_letters:
            wrong = " ".join(rows[n_letters.index(0)])
            raise ValueError(f"{path.name} must hold a basis and an outcome a row, got {wrong!r}")
        bases = ["".join(row[:n]) for row, n in zip(rows, n_letters, strict=True)]
        rows = [row[n:] for row, n in zip(rows, n_letters, strict=True)]
    words = set().union(*rows)
    if all(re.fullmatch("[01]+", word) for word in words) or all(
        re.fullmatch("[+-]+", word) for word in words
    ):
        return Found(["".join(row) for row in rows], bases)
    numbers = {}
    for word in words:
        try:
            numbers[word] = float(word)
        except ValueError:
            raise ValueError(f"{path.name} must hold bits or spins, got {word!r}") from None
    return Found([[numbers[word] for word in row] for row in rows], bases)


def _read_bases(path: Path) -> list[str]:
    """Rows "X Z Y" or "XZY"."""
    return ["".join(row) for row in _rows(path)]


def _read_csv(path: Path) -> Found:
    """A table with a line of names; rows of text where the first line has none."""
    lines = _text_of(path).splitlines()
    head = next((line for line in lines if line.strip()), "")
    if not re.search("[A-Za-z]", head):
        return _read_text(path)
    delimiter = max(",;\t", key=head.count)
    names, *rows = list(csv.reader(lines, delimiter=delimiter, skipinitialspace=True))
    names, rows = [name.strip() for name in names], [row for row in rows if row]
    wrong = next((row for row in rows if len(row) != len(names)), None)
    if wrong is not None or not rows:
        got = "none" if wrong is None else delimiter.join(wrong)
        raise ValueError(f"{path.name} must have rows of {len(names)} columns, got {got}")
    columns: dict[str, Any] = {}
    for name, values in zip(names, zip(*rows, strict=True), strict=True):
        is_count = name.lower() in ("count", "counts") or re.fullmatch("n[01]+", name)
        words = [value.strip() for value in values]
        columns[name] = np.array([_as_number(w, path.name) for w in words]) if is_count else words
    return Found(columns)


def _as_number(text: str, name: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{name} must hold whole numbers as counts, got {short(text)}") from None


def _read_json(path: Path) -> Found:
    content = parse_json(_text_of(path), path.name)
    with describing(path.name):
        if isinstance(content, Mapping) and "results" in content:
            return _of_qiskit(content["results"])
        results = content if isinstance(content, list) else [content]
        sets: dict[str, Any] = {}
        for one in results:
            found = {}
            if isinstance(one, Mapping):
                found = one.get("measurements", one.get("records", {}))
            sets |= {str(key): _of_cirq(record) for key, record in found.items()}
        if sets:
            return _named(list(sets.values()), list(sets), None)
    if not isinstance(content, Mapping | list):
        raise ValueError(f"{path.name} must hold a table of bases, got {short(content)}")
    return Found(content)


def _named(shots: list[Any], names: list[str], site_0: str | None) -> Found:
    """Sets of shots whose names are their bases, unless they are other words."""
    return Found(shots, names if all(map(_is_basis, names)) else None, site_0, tuple(names))


def _of_qiskit(results: Any) -> Found:
    """Counts in hexadecimal numbers, or shots, of each experiment; qubit 0 is the last bit."""
    shots, bases = [], []
    for one in results:
        header = one.get("header", {})
        basis = (header.get("metadata") or {}).get("basis") or header.get("name", "")
        data = one["data"]
        counts = data["counts"] if "counts" in data else Counter(data["memory"])
        width = int(header.get("memory_slots", len(basis)))
        if not 0 <= width <= MOST_SITES:
            raise ValueError(f"memory_slots must be 0 to {MOST_SITES}, got {width}")
        shots.append({_bits_of(key, width): value for key, value in counts.items()})
        bases.append(str(basis))
    return _named(shots, bases, "right")


def _bits_of(key: str, width: int) -> str:
    return f"{int(key, 16):0{width}b}" if key.startswith("0x") else key.replace(" ", "")


def _of_cirq(record: Any) -> np.ndarray:
    """Bits (repetitions, qubits), as lists or packed as `cirq.to_json` does."""
    if not isinstance(record, Mapping):
        return np.asarray(record)
    shape = tuple(record["shape"])
    bits = np.frombuffer(bytes.fromhex(record["packed_digits"]), np.uint8)
    if record.get("binary", True):
        bits = np.unpackbits(bits)[: int(np.prod(shape))]
    return bits.reshape(shape[0], shape[-1]).astype(np.int64)  # one measurement of a key


def _read_npz(path: Path) -> Found:
    return _of_arrays(read_arrays(path), path.name)


def _of_arrays(arrays: Mapping[str, np.ndarray], name: str) -> Found:
    """Arrays "shots" (n, N) or strings, "bases", and "counts" of rows."""
    if "shots" not in arrays:
        raise ValueError(f"{name} must hold an array 'shots', got {', '.join(arrays) or 'none'}")
    shots = arrays["shots"]
    return Found(Counted(shots, arrays["counts"]) if "counts" in arrays else shots,
                 arrays.get("bases"))  # fmt: skip


def _read_hdf5(path: Path, table: str | None, entry: int | None, n_shots: int | None) -> Found:
    """Data sets "shots", "bases", "counts", or a table of counts by basis and outcome."""
    import h5py  # reading takes a tenth of a second

    if not h5py.is_hdf5(path):
        raise ValueError(f"{path.name} must be an HDF5 file, it is another or damaged")
    with h5py.File(path) as file:
        sets: dict[str, Any] = {}
        file.visititems(lambda k, v: sets.update({k: v} if isinstance(v, h5py.Dataset) else {}))
        declared = sum(one.nbytes for one in sets.values())
        require_expansion(declared, path.stat().st_size, f"data sets of {path.name}")
        name = "shots" if table is None and "shots" in sets else table
        if name not in sets:
            raise ValueError(
                f"table must be one of {', '.join(sets)} in {path.name}, got {table!r}"
            )
        values, parent = sets[name][()], sets[name].parent
        beside = {k: one[()] for k, one in parent.items() if isinstance(one, h5py.Dataset)}
        labels = {**beside, **file.attrs, **parent.attrs, **sets[name].attrs}
    if name.split("/")[-1] == "shots":
        if entry is not None or n_shots is not None:
            raise ValueError(f"entry and n_shots must not be given for shots, of {path.name}")
        return _of_arrays(beside, path.name)
    if (values.ndim == 3) != (entry is not None) or not 0 <= (entry or 0) < len(values):
        allowed = f"0 to {len(values) - 1}" if values.ndim == 3 else "left out"
        raise ValueError(f"entry must be {allowed} for table {table}, got {entry}")
    values = values if entry is None else values[entry]
    bases = labels.get("bases", labels.get("tomo_order"))
    if bases is None or values.ndim != 2 or len(bases) != len(values):
        raise ValueError(f"table {table} must have one row a basis, named by an attribute 'bases'")
    if (values.max() <= 1) != (n_shots is not None):
        what = "relative frequencies" if n_shots is None else "counts"
        must = "be given" if n_shots is None else "not be given"
        raise ValueError(f"n_shots must {must}: table {table} holds {what}")
    if n_shots is not None:
        values = values * number("n_shots", n_shots, at_least=1)
    return Found(_by_basis(np.asarray(values, float)), np.asarray(bases))


def _by_basis(values: np.ndarray) -> list[dict[str, float]]:
    """Counts (n_bases, 2^N), near whole numbers, as mappings."""
    n_sites = int(values.shape[1]).bit_length() - 1
    if 2**n_sites != values.shape[1]:
        raise ValueError(f"a table of counts must have 2^N columns, got {values.shape[1]}")
    whole = np.rint(values)
    values = np.where(abs(values - whole) < 1e-6 * np.maximum(1, whole), whole, values)
    return [{f"{k:0{n_sites}b}": v for k, v in enumerate(row)} for row in values]


HDF5 = (".h5", ".hdf5")
_READERS: dict[str, Callable[[Path], Found]] = {
    ".txt": _read_text,
    ".dat": _read_text,
    ".csv": _read_csv,
    ".tsv": _read_csv,
    ".json": _read_json,
    ".npz": _read_npz,
    ".npy": lambda path: Found(read_array(path)),
}
