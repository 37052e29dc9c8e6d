"""How a job of several MPI ranks ends when one of them fails: with a sentence, and no rank waits.

A rank that raises leaves the others in an exchange that never comes. Where all fail alike, as on
bad input, one message is enough and each rank ends by itself; where one fails alone, it says which
it is and ends the job. A rank that the system has killed is noticed by the launcher.
"""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any

from hamiltonians.utils.checks import short
from hamiltonians.utils.ranks import launched

SECONDS = 5.0  # that a rank waits for the others to fail as well


class _Guard:
    """The ranks of this process, on a communicator that nothing else uses."""

    comm: Any = None


def guard(comm: Any) -> None:
    """From now on an exception that nobody catches on some rank ends the job; None guards nothing.

    All ranks call this together. `python -m mpi4py script.py` ends the job too, in silence.

    Raises
    ------
    TypeError
        Not a communicator.
    """
    if comm is not None and not all(hasattr(comm, name) for name in ("rank", "size", "allgather")):
        raise TypeError(f"comm must be a communicator of mpi4py or None, got {short(comm)}")
    if comm is None or comm.size == 1 or _Guard.comm is not None or not hasattr(comm, "Ibarrier"):
        return
    _Guard.comm = comm.Dup()
    previous = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        alone = failed_alone()
        if alone or _Guard.comm.rank == 0:
            previous(kind, error, trace)
        if alone:
            end_job(f"{kind.__name__}: {error}", 1)

    sys.excepthook = hook


def failed_alone() -> bool:
    """Whether other ranks go on while this one has failed; waits for them for some seconds."""
    if _Guard.comm is None:
        return False
    request, end = _Guard.comm.Ibarrier(), time.monotonic() + SECONDS
    while not request.Test():
        if time.monotonic() > end:
            return True
        time.sleep(0.01)
    return False


def is_reporting() -> bool:
    """Whether this process says what all ranks have to say."""
    return launched()[1] == 0 if _Guard.comm is None else _Guard.comm.rank == 0


def end_job(reason: str, status: int) -> None:
    """Say which rank failed and why, and end all of them."""
    comm = _Guard.comm
    print(f"rank {comm.rank} of {comm.size} failed: {reason}", file=sys.stderr, flush=True)
    comm.Abort(status)
