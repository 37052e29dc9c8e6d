"""How long kernels took to compile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from numba.core import event


@contextmanager
def compile_timer() -> Iterator[Callable[[], float]]:
    """Give a function that tells for how many seconds Numba has compiled since, here and below.

    Kernels that come from the file cache count nothing.
    """
    listener = event.TimingListener()
    with event.install_listener("numba:compile", listener):
        yield lambda: float(listener.duration) if listener.done else 0.0
