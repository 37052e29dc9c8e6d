"""MPI ranks: whether a launcher started several, and what they sum and divide.

A communicator of None stands for one process, so that code is written once. Sums are taken in the
order of the ranks: a given number of ranks gives the same bits each time.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from hamiltonians.utils.memory import require_memory

T = TypeVar("T")

# What launchers tell each process: how many there are, and which it is.
_LAUNCHERS = (
    ("OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"),
    ("PMI_SIZE", "PMI_RANK"),
    ("MPI_LOCALNRANKS", "MPI_LOCALRANKID"),
    ("SLURM_STEP_NUM_TASKS", "SLURM_PROCID"),
)


def launched() -> tuple[int, int]:
    """Processes that a launcher such as mpirun started together, and which of them this is."""
    for size, rank in _LAUNCHERS:
        if os.environ.get(size, "1") not in ("", "1"):
            return int(os.environ[size]), int(os.environ.get(rank) or 0)
    return 1, 0


def launched_ranks() -> Any:
    """MPI's communicator where a launcher such as mpirun started several ranks, else None.

    Raises
    ------
    ImportError
        There are several ranks, and mpi4py is not installed or belongs to another MPI.
    """
    n_started = launched()[0]
    if n_started == 1:
        return None
    try:
        from mpi4py import MPI  # an optional package
    except ImportError:
        raise ImportError("a run on several MPI ranks needs mpi4py: install rbmqs[mpi]") from None
    if MPI.COMM_WORLD.size == 1:  # each process would do the whole work, and write the same files
        raise ImportError(
            f"the launcher started {n_started} processes, and mpi4py sees 1 rank in each: it "
            "belongs to another MPI than the launcher, see docs/cluster.md"
        )
    return MPI.COMM_WORLD


def bounds(n: int, comm: Any) -> list[int]:
    """First of ``n`` things on every rank where they are divided evenly in order, and the end."""
    size = 1 if comm is None else comm.size
    return [rank * n // size for rank in range(size + 1)]


def first_of(length: int, comm: Any) -> int:
    """Entries of a vector before those of this rank, each rank having ``length`` of its own."""
    return 0 if comm is None else sum(comm.allgather(length)[: comm.rank])


def smallest_share(of_node: int, comm: Any) -> int:
    """What every rank may have of something that the ranks of a node share: the same on all."""
    if comm is None:
        return of_node
    return min(comm.allgather(of_node // len(node_values(None, comm))))


def node_values(value: T, comm: Any) -> list[T]:
    """A value of each rank on the node of this one."""
    from mpi4py import MPI  # an optional package

    node = comm.Split_type(MPI.COMM_TYPE_SHARED)
    values = node.allgather(value)
    node.Free()
    return values


def sum_of(value: float, comm: Any) -> float:
    """The sum of a number over the ranks, in their order."""
    return value if comm is None else float(sum(comm.allgather(value)))


def sum_of_arrays(own: NDArray[Any], comm: Any) -> NDArray[Any]:
    """The sum of an array over the ranks, in their order."""
    if comm is None:
        return own
    everyone = np.empty((comm.size, *own.shape), own.dtype)
    comm.Allgather(np.ascontiguousarray(own), everyone)
    return everyone.sum(axis=0)


def all_of(value: T, comm: Any) -> list[T]:
    """A value of each rank, on all of them."""
    return [value] if comm is None else comm.allgather(value)


def decided_by_first(value: Any, comm: Any) -> Any:
    """What rank 0 has found, on every rank: where another bit would lead ranks apart."""
    return value if comm is None else comm.bcast(value, root=0)


def divided_evenly(own: NDArray[Any], comm: Any) -> NDArray[Any]:
    """This rank's even part of the entries that all ranks hold, which keep their order."""
    lengths = np.array(comm.allgather(len(own)))
    ends = bounds(int(lengths.sum()), comm)
    first = int(lengths[: comm.rank].sum())
    to_send = _overlaps(first, first + len(own), np.array(ends))
    begins = np.append(0, np.cumsum(lengths))
    to_get = _overlaps(ends[comm.rank], ends[comm.rank + 1], begins)
    part = np.empty(sum(to_get), own.dtype)
    comm.Alltoallv([np.ascontiguousarray(own), to_send], [part, to_get])
    return part


def _overlaps(first: int, last: int, bounds: NDArray[np.int64]) -> list[int]:
    """How much of first to last lies between each two neighbours of the bounds."""
    inside = np.clip(bounds, first, last)
    return np.diff(inside).tolist()


def gathered(own: NDArray[Any], comm: Any) -> NDArray[Any]:
    """A vector that ranks divide, whole on each of them.

    Raises
    ------
    TooLargeError
        It does not fit into memory.
    """
    if comm is None:
        return own
    lengths = comm.allgather(len(own))
    n_bytes = sum(lengths) * own.itemsize
    require_memory(
        n_bytes * len(node_values(None, comm)), f"a vector of {sum(lengths)} entries on each rank"
    )
    whole = np.empty(sum(lengths), own.dtype)
    comm.Allgatherv(np.ascontiguousarray(own), [whole, lengths])
    return whole


def together(work: Callable[[], T], comm: Any) -> T:
    """What ``work`` returns; where it fails on some rank, all raise what the first of them did."""
    if comm is None:
        return work()
    trouble: Exception | None = None
    try:
        value = work()
    except Exception as error:
        trouble = error
    raised = [one for one in comm.allgather(trouble) if one is not None]
    if raised:
        raise raised[0] from trouble
    return value


@contextmanager
def on_all_ranks(context: AbstractContextManager[T], comm: Any) -> Iterator[T]:
    """A context that is real on the first rank: where it is refused there, all ranks raise.

    The others would wait for the first one for ever.
    """
    with ExitStack() as stack:
        entered: T | None = None
        refusal: Exception | None = None
        try:
            entered = stack.enter_context(context)
        except (OSError, ValueError) as error:
            refusal = error
        refusal = next(filter(None, all_of(refusal, comm)), None)
        if refusal is not None:
            raise refusal
        yield cast(T, entered)
