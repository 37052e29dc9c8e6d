"""A Hermitian matrix over the samples of all ranks: made in a ring, multiplied, factorised."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import DTypeLike

from rbmqs.core import divided_cholesky, divided_matrix
from rbmqs.core.gram import TILE, product_parts
from rbmqs.core.split_complex import split
from rbmqs.sr.divided.layout import Layout

if TYPE_CHECKING:
    from rbmqs.sr.divided.jacobian import DividedJacobian, Factors, Rows
    from rbmqs.sr.positive import Product
    from rbmqs.states.repeats import Repeats
    from rbmqs.utils.ranks import Ranks


@dataclass(frozen=True, eq=False)
class DividedMatrix:
    """Rows of a Hermitian matrix on each rank, up to the diagonal.

    Parameters
    ----------
    ranks : Ranks
    layout : Layout
    tiles : array (layout.size,)
        See `rbmqs.core.divided_matrix`.
    """

    ranks: Ranks
    layout: Layout
    tiles: np.ndarray

    def times(self, own: np.ndarray) -> np.ndarray:
        """A v in the precision of A: its own numbers from a vector's own numbers."""
        vector = of_all(own.astype(self.tiles.dtype), self.layout, self.ranks)
        image = divided_matrix.divided_times(self.tiles, self.layout.rows, vector)
        return self.ranks.sum(image)[self.layout.own]

    def whole(self) -> np.ndarray:
        """All of it up to the diagonal, on each rank; zeros above."""
        layouts = [replace(self.layout, rank=rank) for rank in range(self.ranks.size)]
        flat = self.ranks.gathered(self.tiles, [layout.size for layout in layouts])
        found, first = np.zeros((self.layout.n, self.layout.n), flat.dtype), 0
        for layout in layouts:
            for _, height, place, stride in layout.rows.tolist():
                tile = flat[first + place : first + place + height * stride]
                found[stride - height : stride, :stride] = tile.reshape(height, stride)
            first += layout.size
        return np.tril(found)

    def diagonals(self) -> list[np.ndarray]:
        """Diagonal numbers of the own rows, a view for each tile."""
        return [
            self.tiles[place + stride - height : place + height * stride : stride + 1]
            for _, height, place, stride in self.layout.rows.tolist()
        ]


def of_all(own: np.ndarray, layout: Layout, ranks: Ranks) -> np.ndarray:
    """Numbers of all rows, in the order of the matrix, from those of this rank's rows."""
    found = np.empty((layout.n, *own.shape[1:]), own.dtype)
    found[layout.places] = ranks.gathered(own, layout.lengths)
    return found


class GramEquations:
    """R (O - <O>)(O - <O>)^dagger R, R^2 the counts of rows: a `rbmqs.sr.positive.PositiveMatrix`.

    Products go through O and its adjoint in double precision; the matrix itself is only made where
    it is factorised, in the precision of the factor, or for products that need no more.

    Parameters
    ----------
    jacobian : DividedJacobian
    repeats : Repeats or None
        Own samples that are alike.
    """

    def __init__(self, jacobian: DividedJacobian, repeats: Repeats | None) -> None:
        self._jacobian, self.ranks = jacobian, jacobian.ranks
        own = jacobian.own
        self._rows = own if repeats is None else own.chosen(repeats.first)
        self._counts = np.ones(own.n_rows) if repeats is None else repeats.counts
        self._roots = np.sqrt(self._counts)
        self.is_complex = jacobian.is_complex
        self.largest = 0.0

    @cached_property
    def layout(self) -> Layout:
        """Where rows stand in the matrix."""
        return Layout.of(self.ranks.lengths(len(self._counts)), self.ranks.rank)

    @property
    def order(self) -> int:
        """Rows of the matrix."""
        return self.layout.n

    @property
    def n_samples(self) -> int:
        """Samples behind the rows."""
        return self._jacobian.n_samples

    @property
    def single(self) -> DTypeLike:
        """Type of the matrix in single precision."""
        return np.complex64 if self.is_complex else np.float32

    def times(self, own: np.ndarray) -> np.ndarray:
        """A v: its own numbers from a vector's own numbers."""
        return self._through(self._rows, self._jacobian.mean, own)

    def in_single(self) -> Product:
        """Products through O and its adjoint in single precision."""
        rows, mean = self._rows.in_single(), self._jacobian.mean.astype(self.single)
        return lambda own: self._through(rows, mean, own.astype(self.single))

    def _through(self, rows: Rows, mean: np.ndarray, own: np.ndarray) -> np.ndarray:
        values = (self._roots * own).astype(own.dtype)
        image = rows.adjoint_product(values) - np.conj(mean) * values.sum()
        image = self.ranks.sum(image)
        return self._roots * (rows.product(image) - mean @ image)

    @cached_property
    def _own_means(self) -> np.ndarray:
        """O <O>^dagger of the own rows."""
        return self._rows.product(np.conj(self._jacobian.mean))

    def made(self, dtype: DTypeLike) -> DividedMatrix:
        """The matrix itself, real or complex of some precision.

        Factors of the rows go round the ranks in a ring; a rank makes the tiles of its rows up to
        the diagonal, so that each pair of samples is done once.
        """
        ranks = self.ranks
        with ranks.part("gram"):
            layout = self.layout
            roots = of_all(self._roots, layout, ranks)
            means = of_all(self._own_means, layout, ranks)
            tiles = np.empty(layout.size, dtype)
            factors, longest = self._rows.factors(), max(layout.lengths)
            making = _Making(factors, longest, dtype)
            held = factors.in_transit(longest, dtype)
            room = [np.empty_like(array) for array in held]
            for step in range(ranks.size):
                rank = (ranks.rank + step) % ranks.size
                others = [array[: layout.lengths[rank]] for array in held]
                making.tiles(others, layout.tasks(rank), means, self._mean_square, roots, tiles)
                if step < ranks.size - 1:
                    ranks.next_in_ring(held, room)
                    held, room = room, held
        return DividedMatrix(ranks, layout, tiles)

    @property
    def _mean_square(self) -> float:
        """<O> <O>^dagger."""
        return float(np.vdot(self._jacobian.mean, self._jacobian.mean).real)

    def columns(self, which: np.ndarray, lengths: Sequence[int]) -> np.ndarray:
        """Some columns of the own rows, made in single precision.

        Parameters
        ----------
        which : int array
            Own rows that belong to the columns.
        lengths : sequence of int
            Their number on every rank.
        """
        ranks, n_own, n_columns = self.ranks, len(self._counts), sum(lengths)
        factors = self._rows.factors()
        held = self._rows.chosen(which).factors().in_transit(len(which), self.single)
        others = [ranks.gathered(array, lengths) for array in held]
        roots, means = (
            np.concatenate([own, ranks.gathered(own[which], lengths)])
            for own in (self._roots, self._own_means)
        )
        tasks = [
            (row, min(TILE, n_own - row), n_own + column, min(TILE, n_columns - column),
             row * n_columns + column, n_columns, row, n_own + column)
            for row in range(0, n_own, TILE) for column in range(0, n_columns, TILE)
        ]  # fmt: skip
        found = np.empty(n_own * n_columns, self.single)
        making = _Making(factors, n_columns, self.single)
        making.tiles(others, np.array(tasks), means, self._mean_square, roots, found)
        return found.reshape(n_own, n_columns).astype(complex if self.is_complex else float)

    def factorised(self, shift: float, dtype: type) -> Callable[[np.ndarray], np.ndarray] | None:
        """See `rbmqs.sr.positive.PositiveMatrix`."""
        matrix = self.made(dtype)
        diagonals = matrix.diagonals()
        largest = max((float(part.real.max()) for part in diagonals), default=0.0)
        self.largest = self.ranks.largest(largest)
        for part in diagonals:
            part += shift
        factor = DividedCholesky(matrix)
        return factor.solve if factor.is_positive else None

    def inner(self, first: np.ndarray, second: np.ndarray) -> complex:
        """<first, second> from the own numbers of both."""
        return self._jacobian.inner(first, second)

    def norm(self, vector: np.ndarray) -> float:
        """Length of a vector."""
        return math.sqrt(self.inner(vector, vector).real)


class _Making:
    """Own factors of rows, with room behind them for those of another rank."""

    def __init__(self, own: Factors, n_others: int, dtype: DTypeLike) -> None:
        self._own, self._n_own = own, len(own.spins)
        real = np.zeros(0, dtype).real.dtype
        first = product_parts(own.tanh.astype(dtype))
        n = self._n_own + n_others
        self._spins = np.empty((n, own.spins.shape[1]), real)
        self._parts = np.empty((len(first), n, first.shape[2]), real)
        self._spins[: self._n_own], self._parts[:, : self._n_own] = own.spins, first

    def tiles(
        self, others: list[np.ndarray], tasks: np.ndarray, means: np.ndarray, mean: float,
        roots: np.ndarray, out: np.ndarray,
    ) -> None:  # fmt: skip
        """Tiles between the own rows and others; see `rbmqs.core.divided_matrix`."""
        real = self._spins.dtype
        last = self._n_own + len(others[0])
        self._spins[self._n_own : last] = others[0]
        self._parts[:, self._n_own : last] = product_parts(others[1])
        divided_matrix.gram_tiles(
            self._spins, self._parts, self._own.blocks, self._own.visible, self._own.hidden,
            tasks, split(means).astype(real), mean, roots.astype(real), out,
        )  # fmt: skip


class DividedCholesky:
    """L of A = L L^dagger, in the place of A, its rows divided between ranks as those of A.

    A column of tiles at a time: the rank that holds the diagonal tile factorises it, all divide
    what they hold below by it, and what they found goes to all, who take its products off the rest.

    Parameters
    ----------
    matrix : DividedMatrix
        A, which is lost.
    """

    def __init__(self, matrix: DividedMatrix) -> None:
        self._ranks, self._layout, self._factor = matrix.ranks, matrix.layout, matrix.tiles
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
        """A^-1 v, own numbers of own numbers, to the precision of the factor."""
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
