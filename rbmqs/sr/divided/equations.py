"""The equations over the samples of all ranks: products with their matrix, and how it is made."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import DTypeLike

from rbmqs.core import divided_matrix
from rbmqs.core.gram import TILE, product_parts
from rbmqs.core.split_complex import split
from rbmqs.sr.divided.layout import Layout
from rbmqs.sr.divided.matrix import DividedCholesky, DividedMatrix, of_all

if TYPE_CHECKING:
    from rbmqs.sr.divided.jacobian import DividedJacobian, Factors, Rows
    from rbmqs.sr.positive import Product
    from rbmqs.states.repeats import Repeats


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
