"""One pool of threads only.

Numba's threads share the kernels; BLAS runs single-threaded inside them. Two pools would fight
for the cores, and a multi-threaded BLAS returns other bits for another number of threads.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numba
from threadpoolctl import ThreadpoolController

from rbmqs.core.blas import load_library

_controller: ThreadpoolController | None = None


@contextmanager
def single_threaded_blas() -> Iterator[None]:
    """Limit every BLAS library of the process to one thread inside the block."""
    global _controller
    if _controller is None:
        load_library()  # before libraries are listed
        _controller = ThreadpoolController()
    with _controller.limit(limits=1, user_api="blas"):
        yield


def n_parts() -> int:
    """Parts into which a kernel divides its work where each needs an array of its own."""
    return 4 * numba.get_num_threads()
