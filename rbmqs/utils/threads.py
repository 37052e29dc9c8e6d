"""One pool of threads only.

Numba's threads share the kernels; BLAS runs single-threaded inside them. Two pools would fight
for the cores, and a multi-threaded BLAS returns other bits for another number of threads.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import local
from typing import Any

import numba
from threadpoolctl import ThreadpoolController

from hamiltonians.core.jit import FIRST_USE
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


def n_parts() -> int:
    """Parts into which a kernel divides its work where each needs an array of its own."""
    return 4 * numba.get_num_threads()
