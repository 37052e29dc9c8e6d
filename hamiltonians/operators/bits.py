"""Basis states as integers: site i is bit n_sites - 1 - i, and a set bit is a spin down."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def bit_counts(states: NDArray[Any]) -> NDArray[np.int64]:
    """Number of set bits of each integer."""
    total = np.zeros(states.shape, np.int64)
    rest = states.copy()
    one = rest.dtype.type(1)
    while rest.any():
        total += (rest & one).astype(np.int64)
        rest >>= one
    return total


def signs(states: NDArray[Any], mask: int) -> NDArray[np.int64]:
    """prod_{i in mask} sigma_i."""
    return 1 - 2 * (bit_counts(states & states.dtype.type(mask)) & 1)


def permute_bits(states: NDArray[np.uint64], row: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Gather of sites: site i of the image is site row[i] of the state."""
    last = len(row) - 1
    total = np.zeros_like(states)
    for site, source in enumerate(row.tolist()):
        bit = (states >> np.uint64(last - source)) & np.uint64(1)
        total |= bit << np.uint64(last - site)
    return total
