"""Files with chains that ranks divide: the first rank writes, the rows of one rank at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hamiltonians.utils.archive import Kind, write_archive
from rbmqs.sampling.chains import Division


class DividedRows:
    """Rows of chains, or of ladders of replicas, that ranks divide; the first one writes them.

    All ranks iterate together: the first one gets the rows of one rank at a time, the others none.
    Who has stopped goes on where it was.
    """

    def __init__(self, own: np.ndarray, division: Division) -> None:
        rows = division.rows_of(own)
        lengths = [rows * n for n in division.lengths]
        self.dtype, self.shape = own.dtype, (sum(lengths), *own.shape[1:])
        self._pieces = division.ranks.pieces(own, lengths)

    def __iter__(self) -> Iterator[np.ndarray]:
        return self._pieces

    def hand_over(self) -> None:
        """Send what the first rank has not had yet; it forgets what it has no use for."""
        for _ in self._pieces:
            pass


def rows_for_file(own: np.ndarray, division: Division | None) -> np.ndarray | DividedRows:
    """Rows of all chains for `write_together`, from those of this rank."""
    return own if division is None else DividedRows(own, division)


def write_together(
    path: Path | None, kind: Kind, arrays: Mapping[str, Any], meta: Mapping[str, Any]
) -> None:
    """Write an archive; all ranks call this with the same names, and the first one has the path."""
    try:
        if path is not None:
            write_archive(path, kind, arrays, meta)
    finally:  # what a full disk has no place for is handed over all the same
        for array in arrays.values():
            if isinstance(array, DividedRows):
                array.hand_over()
