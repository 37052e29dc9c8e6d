"""Ranks that are threads of one process, with the calls of mpi4py that are used."""

import queue
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from functools import cached_property
from unittest.mock import patch

from rbmqs.utils.ranks import Ranks

PATIENCE = 60  # seconds
# Before Python 3.12 a cached_property holds one lock for all instances while it is found. Ranks
# that find one together, by sums over ranks, are processes and share no lock; threads would wait
# for each other.
UNLOCKED = property(lambda self: nullcontext(), lambda self, lock: vars(self).update(lock=lock))


class Threads:
    """A communicator between threads."""

    def __init__(self, rank, lines):
        self.rank, self.size, self._lines = rank, len(lines), lines

    def Send(self, own, to, tag):
        self._lines[self.rank][to].put(own.copy())

    def Recv(self, found, source, tag):
        sent = self._lines[source][self.rank].get(timeout=PATIENCE)
        assert sent.shape == found.shape
        found[:] = sent

    def Sendrecv(self, own, to, tag, found, source, other_tag):
        self.Send(own, to, tag)
        self.Recv(found, source, other_tag)

    def allgather(self, value):
        for to in range(self.size):
            self._lines[self.rank][to].put(value)
        return [self._lines[k][self.rank].get(timeout=PATIENCE) for k in range(self.size)]


def on_ranks(size, work):
    """What each rank returns from work(ranks)."""
    lines = [[queue.Queue() for _ in range(size)] for _ in range(size)]
    unlocked = patch.object(cached_property, "lock", UNLOCKED, create=True)
    with unlocked, ThreadPoolExecutor(size) as pool:
        return list(pool.map(work, [Ranks(Threads(rank, lines)) for rank in range(size)]))
