"""The same work on one thread and on two, whose results must agree to the byte."""

from collections.abc import Callable
from typing import TypeVar

import numba
import pytest

T = TypeVar("T")


def on_one_and_two_threads(work: Callable[[], T]) -> tuple[T, T]:
    """What a piece of work returns on one thread of Numba, and on two; skips where there is one."""
    if numba.config.NUMBA_NUM_THREADS < 2:
        pytest.skip("needs two threads")
    before = numba.get_num_threads()
    try:
        return _on(1, work), _on(2, work)
    finally:
        numba.set_num_threads(before)


def _on(n_threads: int, work: Callable[[], T]) -> T:
    numba.set_num_threads(n_threads)
    return work()
