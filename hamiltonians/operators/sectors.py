"""Basis of all configurations, or of those with one total S_z."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hamiltonians.core import ranking
from hamiltonians.operators.configurations import Ranks, list_configurations
from hamiltonians.operators.connections import MAX_BITS
from hamiltonians.operators.local_space import check_total_sz
from hamiltonians.utils.checks import integer, short
from hamiltonians.utils.memory import power_text, require_memory

# Up to 36 sites tables take 4 GB at most, and fewer than 2^20 states a second to list.
MANY_SITES, FEW = 36, 2**20


def has_few_states(n_sites: int, total_sz: float | None) -> bool:
    """Whether a sector of many sites has so few states that they are listed one by one."""
    if total_sz is None or n_sites <= MANY_SITES:
        return False
    n_down, count = round(n_sites / 2 - total_sz), 1
    for k in range(min(n_down, n_sites - n_down)):  # at least doubles: `math.comb` may take hours
        count = count * (n_sites - k) // (k + 1)
        if count > FEW:
            return False
    return True


def _as_bits(states: ArrayLike) -> NDArray[np.uint64]:
    """Basis states as unsigned integers of 64 bits."""
    array = np.asarray(states)
    if array.dtype.kind not in "iu" or (array.dtype.kind == "i" and np.any(array < 0)):
        raise ValueError(f"states must be integers from 0 on, got {short(states)}")
    return array.astype(np.uint64, copy=False)


@dataclass(frozen=True)
class Sector:
    """The basis states of ``n_sites`` spins 1/2 with a given total S_z.

    A basis state is an integer: site i is bit n_sites - 1 - i, and a set bit is a spin down.

    Attributes
    ----------
    n_sites : int
        At most 63, or any number where the sector `is_sparse`.
    total_sz : float or None
        In units of hbar; None for all configurations.

    Raises
    ------
    TypeError, ValueError
        If ``n_sites`` spins do not fit or cannot add up to ``total_sz``.
    """

    n_sites: int
    total_sz: float | None = None

    def __post_init__(self) -> None:
        n_sites = integer("n_sites", self.n_sites, minimum=1)
        if self.total_sz is not None:
            object.__setattr__(self, "total_sz", check_total_sz(self.total_sz, n_sites))
        if n_sites > MAX_BITS and not self.is_sparse:
            raise ValueError(
                f"n_sites must be at most {MAX_BITS} for a basis of more than {FEW} states, "
                f"got {n_sites}"
            )

    @property
    def n_down(self) -> int | None:
        """Number of spins down, or None if it is free."""
        return None if self.total_sz is None else round(self.n_sites / 2 - self.total_sz)

    @property
    def dimension(self) -> int:
        """Number of basis states."""
        return 2**self.n_sites if self.n_down is None else math.comb(self.n_sites, self.n_down)

    @property
    def is_sparse(self) -> bool:
        """Whether the states are few for so many sites, so that they are listed one by one."""
        return has_few_states(self.n_sites, self.total_sz)

    @property
    def n_low(self) -> int:
        """Number of bits in the low half of a state."""
        return self.n_sites // 2

    def basis_states(self) -> NDArray[np.uint64]:
        """All basis states, shape (dimension,), ascending."""
        if self.n_sites > MAX_BITS:
            raise ValueError(f"basis states as integers hold {MAX_BITS} sites, got {self.n_sites}")
        require_memory(8 * self.dimension, f"a basis of {power_text(self.dimension)} states")
        if self.n_down is None:
            return np.arange(self.dimension, dtype=np.uint64)
        states = np.empty(self.dimension, np.uint64)
        ranking.list_states(self.n_down, states)
        return states

    def configurations(self) -> NDArray[np.int8]:
        """All configurations in the order of `basis_states`, int8 (dimension, n_sites)."""
        if self.is_sparse:
            return list_configurations(self.n_sites, self.n_down or 0)
        return self.states_to_spins(self.basis_states())

    def rank_of_spins(self, spins: ArrayLike) -> NDArray[np.int64]:
        """Position of configurations (..., n_sites) in `configurations`; errors as in `rank`."""
        if not self.is_sparse:
            return self.rank(self.spins_to_states(spins))
        ranks = Ranks(self.configurations())
        return ranks.of(ranks.keys_of(np.asarray(spins)))

    @cached_property
    def tables(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Offset of every high half and rank of every low half; a rank is the sum of two."""
        size = 2 ** (self.n_sites - self.n_low)
        require_memory(16 * size, f"tables of a basis of {self.n_sites} sites")
        high = np.arange(2 ** (self.n_sites - self.n_low), dtype=np.int64)
        low = np.arange(2**self.n_low, dtype=np.int64)
        if self.n_down is None:
            return high << self.n_low, low
        n_below = np.array([math.comb(self.n_low, b) for b in range(self.n_low + 1)], np.int64)
        ranking.fill_high_offsets(self.n_down, n_below, high)
        ranking.fill_low_ranks(low)
        return high, low

    def rank(self, states: ArrayLike) -> NDArray[np.int64]:
        """Position of each state in `basis_states`.

        Raises
        ------
        ValueError
            If a state does not belong to the sector.
        """
        bits = _as_bits(states)
        self._check_members(bits)
        high, low = self.tables
        n_low = np.uint64(self.n_low)
        return high[bits >> n_low] + low[bits & np.uint64(2**self.n_low - 1)]

    def states_to_spins(self, states: ArrayLike) -> NDArray[np.int8]:
        """Configurations of +1 (up) and -1 (down), shape (..., n_sites), int8."""
        bits = _as_bits(states)
        n = bits.size
        require_memory(17 * self.n_sites * n, f"{n} configurations of {self.n_sites} sites")
        shifts = np.arange(self.n_sites - 1, -1, -1, dtype=np.uint64)
        down = (bits[..., None] >> shifts) & np.uint64(1)
        return 1 - 2 * down.astype(np.int8)

    def spins_to_states(self, spins: ArrayLike) -> NDArray[np.uint64]:
        """Basis states of configurations of shape (..., n_sites).

        Raises
        ------
        ValueError
            If the last axis is not ``n_sites`` long, or an entry is not +1 or -1.
        """
        values = np.asarray(spins)
        if values.shape[-1:] != (self.n_sites,):
            raise ValueError(f"spins must have {self.n_sites} columns, got shape {values.shape}")
        if not np.isin(values, (-1, 1)).all():
            wrong = values[~np.isin(values, (-1, 1))].flat[0]
            raise ValueError(f"spins must be +1 or -1, got {wrong}")
        shifts = np.arange(self.n_sites - 1, -1, -1, dtype=np.uint64)
        return np.bitwise_or.reduce((values < 0).astype(np.uint64) << shifts, axis=-1)

    def _check_members(self, states: NDArray[Any]) -> None:
        outside = states >= np.uint64(2**self.n_sites)
        if self.n_down is not None:
            n_down = (self.states_to_spins(states) < 0).sum(axis=-1)
            outside |= n_down != self.n_down
        if outside.any():
            raise ValueError(
                f"states must lie in the sector of {self.n_sites} sites with "
                f"total_sz={self.total_sz}, got {states[outside].flat[0]}"
            )
