"""Which operator a basis of orbits takes; those on spins of any S, and under a blockade."""

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hamiltonians.core import level_elements
from hamiltonians.exact.divided_symmetric import DividedSymmetricOperator
from hamiltonians.exact.orbits import OrbitBasis, plain_basis
from hamiltonians.exact.symmetric import SymmetricOperator, coded
from hamiltonians.operators.level_connections import LevelConnections, level_connections
from hamiltonians.operators.local_space import LocalSpace
from hamiltonians.operators.spin import as_spin_operator
from hamiltonians.operators.spin_sectors import SpinSector, state_changes


class LevelOperator(SymmetricOperator):
    """`SymmetricOperator` of a basis with a space; its elements are always stored."""

    @property
    def sector(self) -> SpinSector:
        """The basis where there are no symmetries."""
        space, n = self._space, self.basis.n_down
        return SpinSector(space, None if n is None else sum(space.spins) - n)

    @cached_property
    def diagonal(self) -> NDArray[np.float64]:
        """Diagonal elements by representative."""
        states, _ = self.basis.listed
        diagonal = np.empty(len(states))
        constant = float(self._connections.constant.real)
        level_elements.diagonal(states, constant, self._moves, diagonal)
        return diagonal

    def _count(self, counts: NDArray[np.int64]) -> None:
        level_elements.count_partners(self.basis.listed[0], self._moves, counts)

    def _fill(
        self, first: int, last: int, row_ptr: NDArray[np.uint64], entries: NDArray[Any]
    ) -> None:
        most, basis = self.most_elements, self.basis
        level_elements.store_partners(
            first, last, most, self._moves, self._coded[1], self.shift, basis.index,
            basis.kernel_group, row_ptr, entries,
        )  # fmt: skip

    def _list(self, rows: Any, ends: Any, found: Any, code: Any) -> None:
        most, codes, group = self.most_elements, self._coded[1], self.basis.kernel_group
        level_elements.list_partners(rows, most, self._moves, codes, group, ends, found, code)

    @property
    def most_elements(self) -> int:
        """Bound of the off-diagonal elements of a row."""
        return self._connections.max_elements

    @cached_property
    def _space(self) -> LocalSpace:
        space = self.basis.space
        if space is None:
            raise TypeError("basis must have a space, got one of spins 1/2")
        return space

    @cached_property
    def _connections(self) -> LevelConnections:
        """Of the terms on the sites as the basis numbers them inside."""
        basis = self.basis
        operator = as_spin_operator(self.terms).placed(np.argsort(basis.site_order).tolist())
        spins = [self._space.spins[site] for site in basis.site_order.tolist()]
        space = LocalSpace.of_spin(basis.n_sites, spins)
        return level_connections(operator, space, basis.n_down is not None)

    @cached_property
    def _moves(self) -> tuple[Any, ...]:
        c, b = self._connections, self.basis.bits
        shifts = (b * (c.n_sites - 1 - c.group_sites)).astype(np.uint64)
        starts, changes, n = [], [np.zeros(0, np.uint64)], 0
        for first, change in state_changes(c, b):
            starts.append(n - first)
            changes.append(change)
            n += len(change)
        return (
            c.group_ptr, shifts, c.strides, np.uint64(2**b - 1), c.first_row, c.diag.real.copy(),
            c.row_ptr, np.array(starts, np.int64), np.concatenate(changes),
        )  # fmt: skip

    @cached_property
    def _coded(self) -> tuple[NDArray[np.complex128], NDArray[np.uint64]]:
        return coded(self._connections.mel, self.basis.phases)


class DividedLevelOperator(LevelOperator, DividedSymmetricOperator):
    """`LevelOperator` of a basis with a communicator."""


def operator_of_orbits(basis: OrbitBasis, terms: Any, stored: bool = True) -> SymmetricOperator:
    """An operator on the orbits of a basis, which ranks may divide."""
    if basis.space is not None:
        level = LevelOperator if basis.comm is None else DividedLevelOperator
        return level(basis, terms)
    if basis.comm is None:
        return SymmetricOperator(basis, terms, stored)
    return DividedSymmetricOperator(basis, terms)


def operator_of_states(sector: SpinSector, terms: Any, comm: Any = None) -> SymmetricOperator:
    """An operator on all states of a sector, which ranks may divide."""
    return operator_of_orbits(plain_basis(sector, comm), terms)
