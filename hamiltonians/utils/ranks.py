"""MPI ranks: whether a launcher started several, and what they sum and divide.

A communicator of None stands for one process, so that code is written once. Sums are taken in the
order of the ranks: a given number of ranks gives the same bits each time.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SIZES = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MPI_LOCALNRANKS", "SLURM_STEP_NUM_TASKS")


def launched_ranks() -> Any:
    """MPI's communicator where a launcher such as mpirun started several ranks, else None.

    Raises
    ------
    ImportError
        There are several ranks, and mpi4py is not installed.
    """
    if not any(os.environ.get(name, "1") not in ("", "1") for name in _SIZES):
        return None
    try:
        from mpi4py import MPI  # an optional package
    except ImportError:
        raise ImportError("a run on several MPI ranks needs mpi4py: install rbmqs[mpi]") from None
    return MPI.COMM_WORLD if MPI.COMM_WORLD.size > 1 else None


def bounds(n: int, comm: Any) -> list[int]:
    """First of ``n`` things on every rank where they are divided evenly in order, and the end."""
    size = 1 if comm is None else comm.size
    return [rank * n // size for rank in range(size + 1)]


def own_part(n: int, comm: Any) -> slice:
    """Those of ``n`` things that this rank has, by `bounds`."""
    rank = 0 if comm is None else comm.rank
    return slice(*bounds(n, comm)[rank : rank + 2])


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


def decided_by_first(value: Any, comm: Any) -> Any:
    """What rank 0 has found, on every rank: where another bit would lead ranks apart."""
    return value if comm is None else comm.bcast(value, root=0)
