"""Tables of numbers from .npy, .npz and .csv files."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

ENDINGS = (".npy", ".npz", ".csv")


def read_table(path: str | Path) -> Any:
    """A two-dimensional array, or a CSR matrix from a file that `scipy.sparse.save_npz` wrote.

    An .npz file must hold one array (or a sparse matrix); the first line of a .csv file may name
    its columns.

    Raises
    ------
    FileNotFoundError
        No such file.
    ValueError
        Another ending, or a file that does not hold one table of numbers.
    """
    path = Path(path)
    if path.suffix not in ENDINGS:
        raise ValueError(f"data must be a file ending in {', '.join(ENDINGS)}, got {path.name!r}")
    if not path.is_file():
        raise FileNotFoundError(f"no such file: {path}")
    reader = {".npy": _read_npy, ".npz": _read_npz, ".csv": _read_csv}[path.suffix]
    try:
        return reader(path)
    except (ValueError, zipfile.BadZipFile, EOFError, KeyError) as error:
        raise ValueError(f"{path} does not hold a table of numbers: {error}") from None


def _read_npy(path: Path) -> np.ndarray:
    return np.load(path, allow_pickle=False)


def _read_npz(path: Path) -> Any:
    if not zipfile.is_zipfile(path):
        raise ValueError("it is no .npz archive")
    with np.load(path, allow_pickle=False) as archive:
        names = archive.files
        if {"indices", "indptr", "data", "shape"} <= set(names):
            return sparse.csr_matrix(sparse.load_npz(path))
        if len(names) != 1:
            raise ValueError(f"it holds {len(names)} arrays ({', '.join(names[:5])}), not one")
        return archive[names[0]]


def _read_csv(path: Path) -> np.ndarray:
    with open(path, encoding="utf-8-sig") as file:
        first = file.readline().strip().split(",")
    if first == [""]:
        raise ValueError("it begins with an empty line")
    titles = 0 if _are_numbers(first) else 1
    return np.loadtxt(path, delimiter=",", ndmin=2, skiprows=titles, encoding="utf-8-sig")


def _are_numbers(words: list[str]) -> bool:
    try:
        [float(word) for word in words]
    except ValueError:
        return False
    return True
