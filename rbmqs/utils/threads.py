"""One pool of threads only.

Numba's threads share the kernels; BLAS runs single-threaded inside them. Two pools would fight
for the cores, and a multi-threaded BLAS returns other bits for another number of threads.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import local
from typing import Any

import numba
from threadpoolctl import ThreadpoolController

from hamiltonians.core.jit import FIRST_USE
from hamiltonians.utils.checks import integer
from hamiltonians.utils.ranks import node_values
from rbmqs.core.blas import load_library


class _Limit:
    """The limit of BLAS, which belongs to the process: the last thread to leave lifts it."""

    controller: ThreadpoolController | None = None
    users = 0
    first: Any = None  # knows the number of threads before
    here = local()  # .inside: whether this thread is one of the users


@contextmanager
def single_threaded_blas() -> Iterator[None]:
    """Limit every BLAS library of the process to one thread inside the block.

    Blocks may be nested, and threads may be in them at the same time.
    """
    if getattr(_Limit.here, "inside", False):
        yield
        return
    with FIRST_USE:
        if _Limit.controller is None:
            load_library()  # before libraries are listed
            _Limit.controller = ThreadpoolController()
        limiter = _Limit.controller.limit(limits=1, user_api="blas")
        if _Limit.users == 0:
            _Limit.first = limiter
        _Limit.users += 1
    _Limit.here.inside = True
    try:
        yield
    finally:
        _Limit.here.inside = False
        with FIRST_USE:
            _Limit.users -= 1
            if _Limit.users == 0:
                _lift(_Limit.controller, _Limit.first)


def _lift(controller: ThreadpoolController, limiter: Any) -> None:
    """Restore the number of threads, also from another thread than the one that limited it.

    Since 3.8 threadpoolctl ignores a thread that did not set the limit.
    """
    owned = [x for x in controller.lib_controllers if hasattr(x, "clear_controlling_thread")]
    for library in owned:
        library.clear_controlling_thread(force=True)
    limiter.restore_original_limits()
    for library in owned:
        library.clear_controlling_thread(force=True)


def use_threads(n_threads: int | None = None, comm: Any = None) -> int:
    """Set the threads of kernels in this process, and return how many there are.

    Parameters
    ----------
    n_threads : int, optional
        By default all cores that the process may use; those that it shares with other ranks of its
        node are divided between them.
    comm : mpi4py communicator, optional

    Raises
    ------
    ValueError
        More threads than cores that the process may use, or than NUMBA_NUM_THREADS allows.
    """
    most = int(numba.config.NUMBA_NUM_THREADS)  # type: ignore[attr-defined]
    if n_threads is None:
        if comm is None:
            return numba.get_num_threads()
        n_threads = min(most, share_of_cores(comm))
    elif not 1 <= integer("threads", n_threads) <= most:
        bound = "" if comm is None else "; ranks that the launcher does not bind may use all"
        raise ValueError(
            f"threads must be 1 to {most}, the cores that this process may use, "
            f"got {n_threads}{bound}"
        )
    numba.set_num_threads(n_threads)
    return n_threads


def share_of_cores(comm: Any) -> int:
    """Cores that this rank may use, divided by the ranks of its node that may use them too."""
    own = affinity()
    masks = node_values(own, comm)
    sharing = sum(not own.isdisjoint(mask) for mask in masks)
    return max(1, len(own) // max(sharing, 1))


def affinity() -> set[int]:
    """Numbers of the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return set(os.sched_getaffinity(0))
    return set(range(os.cpu_count() or 1))  # macOS and Windows


def n_parts() -> int:
    """Parts into which a kernel divides its work where each needs an array of its own."""
    return 4 * numba.get_num_threads()
