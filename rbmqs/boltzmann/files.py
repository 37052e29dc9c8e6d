"""Tables of numbers from .npy, .npz and .csv files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from hamiltonians.utils.archive import read_array, read_arrays
from hamiltonians.utils.checks import short
from hamiltonians.utils.files import check_beside

ENDINGS = (".npy", ".npz", ".csv")
_SPARSE = {"csr": sparse.csr_matrix, "csc": sparse.csc_matrix}


def read_table(path: str | Path) -> Any:
    """A two-dimensional array, or a CSR matrix from a file that `scipy.sparse.save_npz` wrote.

    An .npz file must hold one array (or a sparse matrix); the first line of a .csv file may name
    its columns. Where `NAME.sha256` lies beside the file, as `sha256sum` writes it, the data are
    compared with it: .npy and .csv files have no checksum of their own.

    Raises
    ------
    FileNotFoundError
        No such file.
    ValueError
        Another ending, or a file that does not hold one table of numbers.
    """
    path = Path(path)
    if path.suffix not in ENDINGS:
        raise ValueError(
            f"data must be a file ending in {', '.join(ENDINGS)}, got {short(path.name)}"
        )
    if not path.is_file():
        raise FileNotFoundError(f"no such file: {path}")
    check_beside(path)
    reader = {".npy": read_array, ".npz": _read_npz, ".csv": _read_csv}[path.suffix]
    try:
        return reader(path)
    except (ValueError, KeyError, TypeError, MemoryError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"{path} does not hold a table of numbers: {reason}") from None


def _read_npz(path: Path) -> Any:
    arrays = read_arrays(path)
    if {"indices", "indptr", "data", "shape"} <= arrays.keys():
        return _sparse(arrays)
    if len(arrays) != 1:
        raise ValueError(f"it holds {len(arrays)} arrays ({', '.join([*arrays][:5])}), not one")
    return next(iter(arrays.values()))


def _sparse(arrays: dict[str, np.ndarray]) -> sparse.csr_matrix:
    """A sparse matrix whose indices are known to lie inside of it."""
    kind = arrays["format"].item().decode()
    if kind not in _SPARSE:
        raise ValueError(f"its format must be one of {', '.join(_SPARSE)}, got {short(kind)}")
    parts = tuple(arrays[name] for name in ("data", "indices", "indptr"))
    shape = tuple(int(n) for n in arrays["shape"])
    matrix = _SPARSE[kind](parts, shape=shape)
    matrix.check_format(full_check=True)
    return sparse.csr_matrix(matrix)


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
