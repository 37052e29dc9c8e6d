"""A Hermitian matrix over the samples of all ranks: made in a ring, multiplied, factorised."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from rbmqs.core import divided_cholesky, divided_matrix
from rbmqs.core.gram import product_parts
from rbmqs.core.split_complex import from_parts, split
from rbmqs.sr.divided.layout import Layout

if TYPE_CHECKING:
    from rbmqs.sr.divided.jacobian import Factors
    from rbmqs.utils.ranks import Ranks


@dataclass(frozen=True, eq=False)
class DividedMatrix:
    """Rows of a Hermitian matrix on each rank, up to the diagonal.

    Parameters
    ----------
    ranks : Ranks
    layout : Layout
    lower : float64 (n_parts, size)
        See `rbmqs.core.divided_matrix`.
    """

    ranks: Ranks
    layout: Layout
    lower: np.ndarray

    @property
    def order(self) -> int:
        """Rows of the matrix."""
        return self.layout.n

    @property
    def is_complex(self) -> bool:
        """Whether it is complex."""
        return len(self.lower) == 2

    def of_all(self, own: np.ndarray) -> np.ndarray:
        """Numbers of all rows, in the order of the matrix, from those of this rank's rows."""
        found = np.empty((self.layout.n, *own.shape[1:]), own.dtype)
        found[self.layout.places] = self.ranks.gathered(own, self.layout.lengths)
        return found

    def times(self, own: np.ndarray) -> np.ndarray:
        """A v: its own numbers from a vector's own numbers."""
        vector = split(self.of_all(own))
        image = divided_matrix.divided_times(self.lower, self.layout.rows, vector)
        return from_parts(self.ranks.sum(image)[:, self.layout.own])

    @cached_property
    def largest(self) -> float:
        """Largest number on the diagonal."""
        height, place, stride = self.layout.rows[:, 1:].T
        own = [
            self.lower[0, p + s - h : p + h * s : s + 1].max(initial=0.0)
            for p, h, s in zip(place.tolist(), height.tolist(), stride.tolist(), strict=True)
        ]
        return self.ranks.largest(max(own, default=0.0))

    def factorised(self, shift: float, dtype: type) -> Callable[[np.ndarray], np.ndarray] | None:
        """See `rbmqs.sr.positive.PositiveMatrix`."""
        factor = DividedCholesky(self, shift, dtype)
        return factor.solve if factor.is_positive else None

    def inner(self, first: np.ndarray, second: np.ndarray) -> complex:
        """<first, second> from the own numbers of both."""
        return self.ranks.total(complex(np.vdot(first, second)))

    def norm(self, vector: np.ndarray) -> float:
        """Length of a vector."""
        return math.sqrt(self.inner(vector, vector).real)


def divided_gram(factors: Factors, counts: np.ndarray, ranks: Ranks) -> DividedMatrix:
    """R (O - <O>)(O - <O>)^dagger R, R^2 = diag(counts), of the rows of all ranks.

    Factors of the rows go round the ranks in a ring; a rank makes the tiles of its rows up to the
    diagonal, so that each pair of samples is done once. The means are taken off afterwards.
    """
    layout = Layout.of(ranks.lengths(len(counts)), ranks.rank)
    n_parts = 2 if np.iscomplexobj(factors.tanh) else 1
    lower = np.empty((n_parts, layout.size))
    matrix = DividedMatrix(ranks, layout, lower)
    n_own, longest = len(counts), max(layout.lengths)
    spins = np.empty((n_own + longest, factors.spins.shape[1]))
    parts = np.empty((4 if n_parts == 2 else 1, n_own + longest, factors.tanh.shape[1]))
    spins[:n_own], parts[:, :n_own] = factors.spins, product_parts(factors.tanh)
    held = factors.in_transit(longest)
    room = [np.empty_like(array) for array in held]
    for step in range(ranks.size):
        rank = (ranks.rank + step) % ranks.size
        n = layout.lengths[rank]
        spins[n_own : n_own + n], tanh = held[0][:n], held[1][:n]
        parts[:, n_own : n_own + n] = product_parts(tanh)
        divided_matrix.gram_tiles(
            spins, parts, factors.blocks, factors.visible, factors.hidden, layout.tasks(rank), lower
        )
        if step < ranks.size - 1:
            ranks.next_in_ring(held, room)
            held, room = room, held
    of_all = matrix.of_all(counts)
    n_samples = of_all.sum()
    means = split(matrix.of_all(matrix.times(counts.astype(factors.tanh.dtype)) / n_samples))
    mean = float(of_all @ means[0]) / n_samples
    divided_matrix.centre(lower, layout.rows, means, mean, np.sqrt(of_all))
    return matrix


class DividedCholesky:
    """L of A + shift = L L^dagger, its rows divided between ranks as those of A.

    A column of tiles at a time: the rank that holds the diagonal tile factorises it, all divide
    what they hold below by it, and what they found goes to all, who take its products off the rest.

    Parameters
    ----------
    matrix : DividedMatrix
    shift : float
    dtype : type
        Complex for a complex A.
    """

    def __init__(self, matrix: DividedMatrix, shift: float, dtype: type) -> None:
        self._ranks, self._layout = matrix.ranks, matrix.layout
        self._factor: np.ndarray = np.empty(self._layout.size, dtype)
        n_parts = len(matrix.lower)
        reals = self._factor.view(self._factor.real.dtype).reshape(-1, n_parts)
        divided_cholesky.fill(matrix.lower, self._layout.rows, shift, reals)
        self._diagonals: dict[int, np.ndarray] = {}
        self.is_positive = self._factorise()

    def _own_tile(self, start: int) -> np.ndarray:
        """A copy of the diagonal tile of the own rows that begin at `start`."""
        rows = self._layout.rows
        _, height, place, stride = rows[np.searchsorted(rows[:, 0], start)].tolist()
        tile = self._factor[place : place + height * stride].reshape(height, stride)
        return tile[:, stride - height :].copy()

    def _factorise(self) -> bool:
        layout, ranks = self._layout, self._ranks
        dtype, rows = self._factor.dtype, layout.rows
        begun = np.zeros(ranks.size, dtype=np.int64)  # rows of each rank that are behind
        first_row = np.concatenate([[0], np.cumsum(layout.lengths)])[:-1]
        for rank, start, height, column in layout.tiles.tolist():
            # One number more than the tile says whether it was positive.
            message = np.zeros(height * height + 1, dtype)
            tile = message[:-1].reshape(height, height)
            if rank == ranks.rank:
                tile[:] = self._own_tile(start)
                message[-1] = divided_cholesky.factorise_tile(tile)
                self._diagonals[start] = tile
            ranks.broadcast(message, rank)
            if message[-1] == 0:
                return False
            begun[rank] += height
            left = np.array(layout.lengths) - begun
            own = np.empty((left[ranks.rank], height), dtype)
            first = int(np.searchsorted(rows[:, 0], begun[ranks.rank]))
            if len(own):
                divided_cholesky.divide(self._factor, rows, first, column, tile, own)
            panel = np.empty((left.sum(), height), dtype)
            if not len(panel):
                continue
            behind = np.concatenate(
                [
                    layout.places[f + b : f + n]
                    for f, b, n in zip(first_row, begun, layout.lengths, strict=True)
                ]
            )
            panel[behind - (column + height)] = ranks.gathered(own, left.tolist())
            if len(own):
                divided_cholesky.subtract(self._factor, rows, first, column, panel)
        return True

    def solve(self, own: np.ndarray) -> np.ndarray:
        """(A + shift)^-1 v, own numbers of own numbers, to the precision of the factor."""
        return self._backward(self._forward(own.astype(self._factor.dtype)))

    def _forward(self, own: np.ndarray) -> np.ndarray:
        """L^-1 v."""
        layout, found = self._layout, own.copy()
        done = np.zeros_like(own)
        for rank, start, height, column in layout.tiles.tolist():
            part = np.empty(height, own.dtype)
            if rank == self._ranks.rank:
                part[:] = own[start : start + height] - done[start : start + height]
                divided_cholesky.solve_tile(self._diagonals[start], part, False)
                found[start : start + height] = part
            self._ranks.broadcast(part, rank)
            first = self._first_behind(column + height)
            divided_cholesky.add_column(self._factor, layout.rows, first, column, part, done)
        return found

    def _backward(self, own: np.ndarray) -> np.ndarray:
        """L^-dagger v."""
        layout, found = self._layout, np.conj(own)
        for rank, start, height, column in layout.tiles[::-1].tolist():
            part = np.zeros(height, own.dtype)
            first = self._first_behind(column + height)
            divided_cholesky.add_adjoint_column(
                self._factor, layout.rows, first, column, found, part
            )
            part = self._ranks.sum(part)
            if rank == self._ranks.rank:
                part = found[start : start + height] - part
                divided_cholesky.solve_tile(self._diagonals[start], part, True)
                found[start : start + height] = part
        return np.conj(found)

    def _first_behind(self, column: int) -> int:
        """The first of the own tiles whose diagonal lies behind a column."""
        return int(np.searchsorted(self._layout.rows[:, 3], column, side="right"))
