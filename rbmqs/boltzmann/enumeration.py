"""Every state of a few binary units."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

MAX_UNITS = 25  # of a layer that is summed over: 3e7 states, a minute for 500 units beside it
MAX_BITS = 20  # of a layer whose states are kept: a million
_CHUNK_BITS = 12


def all_states(n: int) -> np.ndarray:
    """All 2^n states, uint8 (2^n, n), unit 0 slowest."""
    return states_of(np.arange(2**n, dtype=np.uint64), n)


def states_of(numbers: np.ndarray, n: int) -> np.ndarray:
    """States of the basis numbers given, uint8 (len, n); unit i is bit n - 1 - i."""
    shifts = np.arange(n - 1, -1, -1, dtype=np.uint64)
    return ((numbers[:, None] >> shifts) & np.uint64(1)).astype(np.uint8)


def state_chunks(n: int) -> Iterator[np.ndarray]:
    """All states of n units in order, 4096 at a time."""
    size = 2 ** min(n, _CHUNK_BITS)
    for start in range(0, 2**n, size):
        yield states_of(np.arange(start, start + size, dtype=np.uint64), n)
