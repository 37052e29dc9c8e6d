"""A Hamiltonian on orbit representatives that MPI ranks divide between them.

Each rank holds a range of representatives, their amplitudes and the matrix elements of their rows,
with the numbers of columns over all ranks. These numbers are asked for once, when the elements are
made: the rank whose range a representative falls into looks it up. In a product the parts of the
vector are sent one by one to every other rank, which adds what its rows make of them.
"""

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hamiltonians.core import symmetric_elements as partners
from hamiltonians.exact.symmetric import SymmetricOperator
from hamiltonians.utils.ranks import bounds, sum_of

_AT_ONCE = 2**20  # elements whose columns are asked for in one exchange


class DividedSymmetricOperator(SymmetricOperator):
    """`SymmetricOperator` of a basis with a communicator; its elements are always stored."""

    def multiply(
        self, x: NDArray[Any], y: NDArray[Any], scale: float = 1.0, beta: float = 0.0
    ) -> float:
        """y = scale H x - beta y in place; returns Re <scale x|y>, over all ranks."""
        value = self.values if x.dtype == np.complex128 else self.values.real.copy()
        row_ptr, entries = self.elements
        taken, partial = np.empty(len(x), np.uint16), np.zeros(-(-len(x) // partners.ROWS))
        partners.multiply_diagonal(self.diagonal, self.weights, x, y, scale, beta, taken, partial)
        comm, firsts = self.comm, self._bounds
        space = np.empty(int(np.diff(firsts).max()), x.dtype)
        for step in range(comm.size):
            to, source = (comm.rank - step) % comm.size, (comm.rank + step) % comm.size
            part = x if step == 0 else space[: firsts[source + 1] - firsts[source]]
            if step > 0:
                comm.Sendrecv(x, to, recvbuf=part, source=source)
            partners.multiply_part(
                row_ptr, taken, entries, self.shift, np.uint64(firsts[source]), part, value,
                self.weights, x, y, scale, partial,
            )  # fmt: skip
        return sum_of(float(partial.sum()), comm)

    @cached_property
    def _bounds(self) -> list[int]:
        """First column of each rank, and the end."""
        return bounds(self.dimension, self.comm)

    def _store(self, row_ptr: NDArray[np.uint64], entries: NDArray[Any]) -> None:
        """Elements with their columns over all ranks, sorted as the parts of the vector come."""
        states, comm = self.basis.listed[0], self.comm
        at_once = max(_AT_ONCE // max(self.most_elements, 1), 1)
        most = max(comm.allgather(len(states)))
        for first in range(0, most, at_once):
            rows = states[first : first + at_once]
            ends = row_ptr[first : first + len(rows) + 1]
            here = slice(*(ends[[0, -1]].tolist() if len(rows) else (0, 0)))
            found, code = np.empty((2, here.stop - here.start), np.uint64)
            self._list(rows, ends, found, code)
            columns = self._numbered(found)
            code[columns < 0] = 0
            columns = np.maximum(columns, 0).astype(np.uint64)
            entries[here] = (code << self.shift) | columns
        own_first = np.uint64(self._bounds[comm.rank])
        partners.sort_rows(row_ptr, entries, self.shift, own_first, np.uint64(self.dimension))

    def _numbered(self, found: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Numbers of representatives over all ranks, -1 for those of vanishing sums."""
        comm = self.comm
        owner = np.maximum(np.searchsorted(self._first_states, found, side="right") - 1, 0)
        order = np.argsort(owner, kind="stable")
        to_ask = np.bincount(owner, minlength=comm.size).tolist()
        to_answer = comm.alltoall(to_ask)
        asked = np.empty(sum(to_answer), np.uint64)
        comm.Alltoallv([found[order], to_ask], [asked, to_answer])
        answers = np.empty(len(asked), np.int64)
        partners.find_all(asked, self.basis.index, self._bounds[comm.rank], answers)
        sorted_numbers = np.empty(len(found), np.int64)
        comm.Alltoallv([answers, to_answer], [sorted_numbers, to_ask])
        numbers = np.empty(len(found), np.int64)
        numbers[order] = sorted_numbers
        return numbers

    @cached_property
    def _first_states(self) -> NDArray[np.uint64]:
        """First representative of each rank; of a rank without any, that of the next."""
        states, _ = self.basis.listed
        own = int(states[0]) if len(states) else 2**64 - 1
        firsts = np.array(self.comm.allgather(own), np.uint64)
        return np.minimum.accumulate(firsts[::-1])[::-1]
