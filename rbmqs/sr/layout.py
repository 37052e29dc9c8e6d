"""Which rank holds which rows of a Hermitian matrix over samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rbmqs.core.gram import TILE


@dataclass(frozen=True, eq=False)
class Layout:
    """Tiles of rows, dealt out in turn: the order of rows in the matrix.

    Row b of tiles of every rank comes before row b + 1 of any: all have the same share of each part
    of the lower triangle, and of what is left of a factorisation. Nothing moves for that, as
    samples may stand in any order.

    Parameters
    ----------
    lengths : sequence of int
        Rows that each rank holds.
    rank : int
    """

    lengths: tuple[int, ...]
    rank: int

    @classmethod
    def of(cls, lengths: Sequence[int], rank: int) -> Layout:
        """For numbers of rows by rank."""
        return cls(tuple(lengths), rank)

    @property
    def n(self) -> int:
        """Rows of the matrix."""
        return sum(self.lengths)

    @cached_property
    def tiles(self) -> np.ndarray:
        """Rank, first row there, height and first column of all tiles, in order; int64 (n, 4)."""
        found = [
            (start // TILE, rank, start, min(TILE, length - start))
            for rank, length in enumerate(self.lengths)
            for start in range(0, length, TILE)
        ]
        tiles = np.array(sorted(found), dtype=np.int64).reshape(-1, 4)
        ends = np.cumsum(tiles[:, 3])
        return np.column_stack([tiles[:, 1:], ends - tiles[:, 3]])

    @cached_property
    def rows(self) -> np.ndarray:
        """This rank's tiles as `rbmqs.core.divided_matrix` takes them, int64 (n_tiles, 4)."""
        own = self.tiles[self.tiles[:, 0] == self.rank]
        start, height, widths = own[:, 1], own[:, 2], own[:, 3] + own[:, 2]
        sizes = height * widths
        return np.ascontiguousarray(
            np.column_stack([start, height, np.cumsum(sizes) - sizes, widths])
        )

    @property
    def size(self) -> int:
        """Numbers that this rank holds of the lower triangle."""
        return int((self.rows[:, 1] * self.rows[:, 3]).sum())

    @cached_property
    def places(self) -> np.ndarray:
        """Place in the matrix of every row, those of rank 0 first; int64 (n,)."""
        first = np.concatenate([[0], np.cumsum(self.lengths)])
        places = np.empty(self.n, dtype=np.int64)
        for rank, start, height, column in self.tiles.tolist():
            begin = first[rank] + start
            places[begin : begin + height] = np.arange(column, column + height)
        return places

    @cached_property
    def own(self) -> np.ndarray:
        """Places of this rank's rows."""
        first = sum(self.lengths[: self.rank])
        return self.places[first : first + self.lengths[self.rank]]

    def tasks(self, rank: int) -> np.ndarray:
        """Tiles between rows of this rank and columns of another, for `gram_tiles`.

        Columns of another rank count from this one's number of rows on, behind which they stand.
        """
        others = self.tiles[self.tiles[:, 0] == rank]
        n_own, found = 0 if rank == self.rank else self.lengths[self.rank], []
        for start, height, place, stride in self.rows.tolist():
            for _, first, columns, column in others.tolist():
                if column < stride:
                    found.append((start, height, n_own + first, columns, place + column, stride))
        return np.array(found, dtype=np.int64).reshape(-1, 6)
