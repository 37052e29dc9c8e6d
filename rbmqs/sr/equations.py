"""The equations over the samples of all ranks: products with their matrix, and how it is made."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import DTypeLike

from rbmqs.core import divided_matrix
from rbmqs.core.gram import TILE, product_parts
from rbmqs.sr.layout import Layout
from rbmqs.sr.matrix import DividedMatrix, of_all

if TYPE_CHECKING:
    from rbmqs.sr.positive import Product
    from rbmqs.states.jacobian import Jacobian
    from rbmqs.states.repeats import Repeats
    from rbmqs.states.rows import Factors, Rows


class GramEquations:
    """R (O - <O>)(O - <O>)^dagger R, R^2 the counts of rows: a `rbmqs.sr.positive.PositiveMatrix`.

    Products go through O and its adjoint in double precision; the matrix itself is only made where
    it is factorised, in the precision of the factor, or for products that need no more.

    Parameters
    ----------
    jacobian : Jacobian
    repeats : Repeats or None
        Own samples that are alike.
    """

    def __init__(self, jacobian: Jacobian, repeats: Repeats | None) -> None:
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
            tiles = np.empty(layout.size, dtype)
            factors, longest = self._rows.factors(), max(layout.lengths)
            making = _Making(factors, longest if ranks.size > 1 else 0, dtype)
            making.tiles([], layout.tasks(ranks.rank), tiles)
            held = factors.in_transit(longest, dtype) if ranks.size > 1 else []
            room = [np.empty_like(array) for array in held]
            for step in range(1, ranks.size):
                ranks.next_in_ring(held, room)
                held, room = room, held
                rank = (ranks.rank + step) % ranks.size
                others = [array[: layout.lengths[rank]] for array in held]
                making.tiles(others, layout.tasks(rank), tiles)
            made = DividedMatrix(ranks, layout, tiles)
            if ranks.size == 1 and tiles.dtype in (float, complex):  # a tenth of the time of O <O>
                means = made.times(self._counts.astype(dtype)) / self.n_samples
                mean = float((self._counts @ means).real) / self.n_samples
            else:
                means, mean = of_all(self._own_means, layout, ranks), self._mean_square
            roots = of_all(self._roots, layout, ranks)
            divided_matrix.centre(tiles, layout.rows, means, mean, roots)
        return made

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
        tasks = [
            (row, min(TILE, n_own - row), n_own + column, min(TILE, n_columns - column),
             row * n_columns + column, n_columns)
            for row in range(0, n_own, TILE) for column in range(0, n_columns, TILE)
        ]  # fmt: skip
        made = np.empty(n_own * n_columns, self.single)
        _Making(factors, n_columns, self.single).tiles(others, np.array(tasks), made)
        roots = ranks.gathered(self._roots[which], lengths)
        means = ranks.gathered(self._own_means[which], lengths)
        found = made.reshape(n_own, n_columns).astype(complex if self.is_complex else float)
        found += (self._mean_square - self._own_means)[:, None] - np.conj(means)
        found *= self._roots[:, None] * roots
        return found

    def factorised(self, shift: float, dtype: type) -> Product | None:
        """See `rbmqs.sr.positive.PositiveMatrix`."""
        matrix = self.made(dtype)
        self.largest = matrix.largest
        return matrix.factorised(shift, dtype)

    def inner(self, first: np.ndarray, second: np.ndarray) -> complex:
        """<first, second> from the own numbers of both."""
        return self._jacobian.inner(first, second)

    def norm(self, vector: np.ndarray) -> float:
        """Length of a vector."""
        return math.sqrt(self.inner(vector, vector).real)


def gram_matrix(jacobian: Jacobian, repeats: Repeats | None = None) -> np.ndarray:
    """The matrix of `GramEquations` in double precision up to the diagonal, zeros above."""
    made = GramEquations(jacobian, repeats).made(complex if jacobian.is_complex else float)
    return made.whole()


class _Making:
    """Own factors of rows, with room behind them for those of another rank."""

    def __init__(self, own: Factors, n_others: int, dtype: DTypeLike) -> None:
        self._own, self._n_own = own, len(own.spins)
        real = np.zeros(0, dtype).real.dtype
        first = product_parts(own.tanh.astype(dtype, copy=False))
        if n_others == 0:
            self._spins, self._parts = np.ascontiguousarray(own.spins, real), first
            return
        n = self._n_own + n_others
        self._spins = np.empty((n, own.spins.shape[1]), real)
        self._parts = np.empty((len(first), n, first.shape[2]), real)
        self._spins[: self._n_own], self._parts[:, : self._n_own] = own.spins, first

    def tiles(self, others: list[np.ndarray], tasks: np.ndarray, out: np.ndarray) -> None:
        """Tiles between the own rows and others, or none; see `rbmqs.core.divided_matrix`."""
        for spins, tanh in [others] if others else []:
            last = self._n_own + len(spins)
            self._spins[self._n_own : last] = spins
            self._parts[:, self._n_own : last] = product_parts(tanh)
        own = self._own
        divided_matrix.gram_tiles(
            self._spins, self._parts, own.blocks, own.visible, own.hidden, tasks, out
        )
