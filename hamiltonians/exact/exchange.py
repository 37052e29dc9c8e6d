"""Blocks of a divided vector that ranks need from each other, in rounds of bounded size.

A rank holds neighbouring blocks (`hamiltonians.exact.layout`), about as many basis states as the
others. H connects a block to those that a flip of high bits leads to; both sides know from that
which blocks go where, and nothing is asked for. In a round each rank gets at most some `PIECE`
amplitudes, adds what H makes of them, and forgets them: beside its part of the vectors it needs
no more memory than that.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hamiltonians.core import blocks
from hamiltonians.exact.layout import LARGEST_CHUNK, Layout

PIECE = 2**18  # amplitudes that a rank gets in a round: they stay near the processor


class Round(NamedTuple):
    """What a rank sends and gets at a time.

    Attributes
    ----------
    starts, places : ndarray, int64
        Of the blocks that are sent: in the vector, and in what is sent (with the end).
    n_sent, n_got : list of int
        Amplitudes to and from each rank.
    direct : list of int or None
        Where what each rank gets begins in the vector, if it is all in one place there.
    got, at : ndarray, int64
        Numbers of the blocks that come, and where each begins in what has come.
    rows, chunks : ndarray, int64
        Own blocks to which they contribute, and where pieces of work begin among them.
    """

    starts: NDArray[np.int64]
    places: NDArray[np.int64]
    n_sent: list[int]
    n_got: list[int]
    direct: list[int] | None
    got: NDArray[np.int64]
    at: NDArray[np.int64]
    rows: NDArray[np.int64]
    chunks: NDArray[np.int64]


def block_bounds(whole: Layout, size: int) -> NDArray[np.int64]:
    """First block of each of ``size`` ranks, and the end."""
    wanted = np.arange(size) * whole.total // size
    first = np.searchsorted(whole.offsets, wanted, side="left")
    return np.append(first, len(whole.offsets)).astype(np.int64)


def own_blocks(whole: Layout, comm: Any) -> Layout:
    """The blocks of this rank."""
    bounds = block_bounds(whole, comm.size)
    return whole.only(int(bounds[comm.rank]), int(bounds[comm.rank + 1]))


class BlockExchange:
    """The products of H between the blocks of different ranks.

    Parameters
    ----------
    whole : Layout
        Of all ranks.
    tables : tuple
        Of the kernels, see `hamiltonians.exact.blocks`.
    comm : mpi4py communicator
    """

    def __init__(self, whole: Layout, tables: tuple[Any, ...], comm: Any) -> None:
        self._own, self._comm = own_blocks(whole, comm), comm
        self._here = (np.full_like(whole.klasses, -1), np.zeros_like(whole.offsets))
        self._rounds = list(self._planned(whole, tables))
        self._klasses = whole.klasses

    def add(self, tables: tuple[Any, ...], x: NDArray[Any], y: NDArray[Any], scale: float) -> None:
        """y += scale (H between ranks) x."""
        diagonal, _, _, high, cross, pairs = tables
        own, (klasses, offsets) = self._own, self._here
        sent, got = self._space(x.dtype)
        for part in self._rounds:
            if part.direct is None:
                blocks.pack(part.starts, part.places, x, sent)
                self._comm.Alltoallv([sent, part.n_sent], [got, part.n_got])
            else:
                self._comm.Alltoallv([x, (part.n_sent, part.direct)], [got, part.n_got])
            klasses[part.got], offsets[part.got] = self._klasses[part.got], part.at
            blocks.add_received(
                part.chunks, part.rows, own.klasses, own.offsets, own.class_start, diagonal[3],
                high, cross, pairs, self._here, got, y, scale,
            )  # fmt: skip
            klasses[part.got] = -1

    def _space(self, dtype: Any) -> tuple[NDArray[Any], NDArray[Any]]:
        sent = [sum(part.n_sent) for part in self._rounds if part.direct is None]
        got = [sum(part.n_got) for part in self._rounds]
        return np.empty(max(sent, default=0), dtype), np.empty(max(got, default=0), dtype)

    def _planned(self, whole: Layout, tables: tuple[Any, ...]) -> Iterator[Round]:
        """The rounds, the same number on all ranks."""
        comm, sizes = self._comm, whole.sizes
        bounds = block_bounds(whole, comm.size)
        mine = np.flatnonzero(self._own.klasses >= 0)
        crossing = [
            (row, other)
            for row, other in _connected(whole, mine, tables)
            if (self._own.klasses[other] < 0).any()
        ]
        pairs = np.concatenate([np.zeros((2, 0), np.int64), *map(np.array, crossing)], axis=1)
        rows, others = pairs[:, self._own.klasses[pairs[1]] < 0]
        owners = np.searchsorted(bounds, others, side="right") - 1
        ranks = range(comm.size)
        to_send = [np.unique(rows[owners == rank]) for rank in ranks]
        to_get = [np.unique(others[owners == rank]) for rank in ranks]
        most = max(comm.allgather(sum(int(sizes[some].sum()) for some in to_get)))
        n_rounds = -(-most // PIECE)
        send_parts = [_in_rounds(some, sizes, n_rounds) for some in to_send]
        get_parts = [_in_rounds(some, sizes, n_rounds) for some in to_get]
        for n in range(n_rounds):
            sent, got = ([part[n] for part in parts] for parts in (send_parts, get_parts))
            all_sent, all_got = np.concatenate(sent), np.concatenate(got)
            touched = np.unique(rows[np.isin(others, all_got)])
            yield Round(
                self._own.offsets[all_sent],
                np.append(0, np.cumsum(sizes[all_sent])),
                [int(sizes[some].sum()) for some in sent],
                [int(sizes[some].sum()) for some in got],
                self._direct(sent),
                all_got,
                np.append(0, np.cumsum(sizes[all_got]))[:-1],
                touched,
                _chunks(touched, sizes),
            )

    def _direct(self, sent: list[NDArray[np.int64]]) -> list[int] | None:
        sizes, offsets = self._own.sizes, self._own.offsets
        for some in sent:
            if len(some) and offsets[some[-1]] != offsets[some[0]] + sizes[some[:-1]].sum():
                return None
        return [int(offsets[some[0]]) if len(some) else 0 for some in sent]


def _connected(
    whole: Layout, rows: NDArray[np.int64], tables: tuple[Any, ...]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Blocks and those that one flip of high bits connects them to."""
    *_, high, cross, (pair_ptr, *_) = tables
    klass = whole.klasses[rows]
    for flip in high[0].tolist():
        other = rows ^ flip
        kept = whole.klasses[other] == klass
        yield rows[kept], other[kept]
    for flip, p in zip(cross[0].tolist(), cross[4].tolist(), strict=True):
        other = rows ^ flip
        klasses = whole.klasses[other]
        has_pairs = pair_ptr[p, klass, klasses + 1] > pair_ptr[p, klass, klasses]
        kept = (klasses >= 0) & has_pairs
        yield rows[kept], other[kept]


def _in_rounds(
    some: NDArray[np.int64], sizes: NDArray[np.int64], n_rounds: int
) -> list[NDArray[np.int64]]:
    """Blocks in parts of about equally many basis states, alike on both sides."""
    before = np.cumsum(sizes[some]) - sizes[some]
    number = before * n_rounds // max(int(sizes[some].sum()), 1)
    return [some[number == n] for n in range(n_rounds)]


def _chunks(rows: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where pieces of work of about `LARGEST_CHUNK` / 8 basis states begin, and the end."""
    before = np.cumsum(sizes[rows]) - sizes[rows]
    starts = np.flatnonzero(np.diff(before // (LARGEST_CHUNK // 8), prepend=-1))
    return np.append(starts, len(rows)).astype(np.int64)
