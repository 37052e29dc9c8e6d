"""MPI ranks that share one run: sums in a fixed order, gathered series, and what they cost.

Collective operations are built on `Sendrecv` alone. Partners and the order of every addition
follow from the number of ranks, so that a sum has the same bits on all ranks and in every run on as
many of them, which `MPI_Allreduce` promises to nobody. With K ranks and B bytes a rank sends

- in a sum of B bytes at most 2 log2 K messages of 2 B (1 - 1 / K) bytes in all (recursive halving,
  then doubling; Rabenseifner's), a short vector log2 K messages of B;
- in a gathering of B bytes in all log2 K messages of B (1 - 1 / K) bytes (Bruck's);
- in a broadcast one message to each of its at most log2 K children in a binomial tree.

Each is counted where it is sent, under the name of the part of the work it belongs to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np

# Sums of vectors up to here are exchanged whole: half the messages for more bytes, 4 kB of which
# take a fifth of the latency of 2 us at 10 GB/s.
SHORT_BYTES = 4096

Number = TypeVar("Number", int, float, complex)


class Ranks:
    """The ranks of a run, and this one among them.

    Parameters
    ----------
    comm : mpi4py communicator, optional
        Or one with its `rank`, `size`, `Sendrecv`, `Send`, `Recv` and `Split`; one process that
        needs no MPI when not given.
    """

    def __init__(self, comm: Any = None) -> None:
        self.comm = comm
        self.rank: int = 0 if comm is None else comm.rank
        self.size: int = 1 if comm is None else comm.size
        # Messages and bytes that this rank has sent, by part of the work.
        self.traffic: dict[str, list[int]] = {}
        self._part = "other"
        self._paired = 1 << (self.size.bit_length() - 1)  # largest power of two among the ranks

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Inside, what is sent counts for this part of the work."""
        before, self._part = self._part, name
        try:
            yield
        finally:
            self._part = before

    def _count(self, array: np.ndarray) -> None:
        counts = self.traffic.setdefault(self._part, [0, 0])
        counts[0] += 1
        counts[1] += array.nbytes

    def exchange(self, own: np.ndarray, to: int, found: np.ndarray, source: int) -> None:
        """Send one contiguous array and receive another, to and from any rank."""
        self._count(own)
        self.comm.Sendrecv(_bytes(own), to, 0, _bytes(found), source, 0)

    def _send(self, own: np.ndarray, to: int) -> None:
        self._count(own)
        self.comm.Send(_bytes(own), to, 0)

    def _receive(self, found: np.ndarray, source: int) -> None:
        self.comm.Recv(_bytes(found), source, 0)

    def sum(self, own: np.ndarray) -> np.ndarray:
        """Sum of an array over ranks, the same bits on each; `own` stays as it is."""
        if self.size == 1:
            return own
        total = np.array(own, order="C")
        flat = total.reshape(-1)
        extra = self.size - self._paired
        if self.rank >= self._paired:  # a rank without a partner hands its part to another one
            self._send(flat, self.rank - self._paired)
            self._receive(flat, self.rank - self._paired)
            return total
        room = np.empty_like(flat)
        if self.rank < extra:
            self._receive(room, self.rank + self._paired)
            flat += room
        if flat.nbytes <= SHORT_BYTES:
            self._sum_short(flat, room)
        else:
            self._sum_long(flat, room)
        if self.rank < extra:
            self._send(flat, self.rank + self._paired)
        return total

    def _sum_short(self, flat: np.ndarray, room: np.ndarray) -> None:
        distance = 1
        while distance < self._paired:
            partner = self.rank ^ distance
            self.exchange(flat, partner, room, partner)
            flat += room  # of two numbers, so that both partners find the same bits
            distance *= 2

    def _sum_long(self, flat: np.ndarray, room: np.ndarray) -> None:
        """Halve the range that this rank sums up with every partner, then put ranges together."""
        first, last = 0, len(flat)
        steps: list[tuple[int, int, int]] = []
        distance = self._paired // 2
        while distance:
            partner, middle = self.rank ^ distance, (first + last) // 2
            kept = (first, middle) if self.rank < partner else (middle, last)
            given = (middle, last) if self.rank < partner else (first, middle)
            found = room[kept[0] : kept[1]]
            self.exchange(flat[given[0] : given[1]], partner, found, partner)
            flat[kept[0] : kept[1]] += found
            steps.append((partner, *given))
            (first, last), distance = kept, distance // 2
        for partner, begin, end in reversed(steps):
            self.exchange(flat[first:last], partner, flat[begin:end], partner)
            first, last = min(first, begin), max(last, end)

    def total(self, own: Number) -> Number:
        """Sum of a number over ranks."""
        return self.sum(np.array([own]))[0].item()

    def largest(self, own: float) -> float:
        """Largest of a number over ranks."""
        return float(self.gathered(np.array([own])).max())

    def everywhere(self, own: bool) -> bool:
        """Whether something holds on every rank."""
        return self.total(int(not own)) == 0

    def gathered(self, own: np.ndarray, lengths: Sequence[int] | None = None) -> np.ndarray:
        """Arrays of all ranks joined along their first axis, in the order of ranks.

        Parameters
        ----------
        own : array (n, ...)
        lengths : sequence of int, optional
            n on every rank, where they differ.
        """
        if self.size == 1:
            return own
        sizes = [len(own)] * self.size if lengths is None else list(lengths)
        turned = np.roll(sizes, -self.rank)  # this rank's rows first
        ends = np.concatenate([[0], np.cumsum(turned)])
        rows = np.empty((ends[-1], *own.shape[1:]), own.dtype)
        rows[: len(own)] = own
        held = 1
        while held < self.size:
            more = min(held, self.size - held)
            sent, found = rows[: ends[more]], rows[ends[held] : ends[held + more]]
            self.exchange(
                sent, (self.rank - held) % self.size, found, (self.rank + held) % self.size
            )
            held += more
        after = ends[self.size - self.rank] if self.rank else 0
        return np.concatenate([rows[after:], rows[:after]]) if self.rank else rows

    def pieces(self, own: np.ndarray, lengths: Sequence[int]) -> Iterator[np.ndarray]:
        """On the first rank the arrays of all, one after the other; the others hand over theirs.

        Parameters
        ----------
        own : array (n, ...)
        lengths : sequence of int
            n on every rank.
        """
        if self.rank > 0:
            self._send(np.ascontiguousarray(own), 0)
            return
        yield own
        for source in range(1, self.size):
            found = np.empty((lengths[source], *own.shape[1:]), own.dtype)
            self._receive(found, source)
            yield found

    def exchanged(self, given: Sequence[np.ndarray], room: Sequence[np.ndarray]) -> None:
        """Hand the k-th array to rank k, and fill the k-th of `room` with what that one hands here.

        Arrays of `room` are contiguous; one that is handed on has the shape of its place there.
        """
        room[self.rank][...] = given[self.rank]
        for distance in range(1, self.size):
            to, source = (self.rank + distance) % self.size, (self.rank - distance) % self.size
            self.exchange(np.ascontiguousarray(given[to]), to, room[source], source)

    def broadcast(self, array: np.ndarray, root: int) -> np.ndarray:
        """The array of one rank, into a contiguous array of the same shape on the others."""
        place, distance = (self.rank - root) % self.size, 1
        while distance < self.size:
            if place < distance and place + distance < self.size:
                self._send(array, (place + distance + root) % self.size)
            elif distance <= place < 2 * distance:
                self._receive(array, (place - distance + root) % self.size)
            distance *= 2
        return array

    def agreed(self, own: bool) -> bool:
        """What the first rank says."""
        return bool(self.broadcast(np.array([own]), 0)[0])

    def lengths(self, own: int) -> list[int]:
        """A whole number of every rank."""
        return self.gathered(np.array([own])).tolist()

    def next_in_ring(self, arrays: Sequence[np.ndarray], room: Sequence[np.ndarray]) -> None:
        """Hand arrays on to the rank before and fill `room` with those of the rank behind."""
        for own, found in zip(arrays, room, strict=True):
            self.exchange(own, (self.rank - 1) % self.size, found, (self.rank + 1) % self.size)


ALONE = Ranks()


def _bytes(array: np.ndarray) -> np.ndarray:
    return array.reshape(-1).view(np.uint8)
