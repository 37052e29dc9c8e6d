"""Basis states as integers: site i is bit n_sites - 1 - i, and a set bit is a spin down."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

MaskStrings = dict[int, complex]  # z-mask -> coefficient


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


def flip_strings(bits: Any, fixed: bool) -> dict[int, MaskStrings]:
    """Flip mask -> z-mask -> coefficient, shortened where S_z is fixed.

    A flipped pair that stays in the sector is antiparallel, so that Z_i Z_j = -1 on its rows;
    this turns X_i X_j + Y_i Y_j into one constant.
    """
    groups: dict[int, MaskStrings] = {}
    for f, flip in enumerate(bits.flip_mask.tolist()):
        pair = fixed and flip.bit_count() == 2
        strings: MaskStrings = {}
        for k in range(bits.term_ptr[f], bits.term_ptr[f + 1]):
            mask, value = int(bits.z_mask[k]), complex(bits.coef[k])
            if pair and mask & flip == flip:
                mask, value = mask ^ flip, -value
            strings[mask] = strings.get(mask, 0) + value
        kept = {mask: value for mask, value in strings.items() if value != 0}
        if kept:
            groups[flip] = kept
    return groups
