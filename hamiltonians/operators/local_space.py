"""Which configurations there are: the number of sites and the values that each of them takes."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hamiltonians.utils.checks import instance, integer, short

MAX_BITS = 63  # of an integer that holds a configuration
MAX_SPIN = 60  # twice S of it fits into an int8
Spin = float | tuple[float, ...]


@dataclass(frozen=True)
class LocalSpace:
    """Sites and the values that each of them takes.

    Parameters
    ----------
    n_sites : int
        Number of sites N.
    values : tuple of int, or of one such tuple for each site
        Twice S_z of the local states, largest first; (1, -1) for spins of S = 1/2.
    blockade : tuple of pairs of int
        Pairs of sites that are not both in their highest state (Rydberg blockade).

    Raises
    ------
    TypeError, ValueError
        Fewer than one site, values that are not 2 S_z of a spin S, or a pair that is none.
    """

    n_sites: int
    values: tuple[Any, ...] = (1, -1)
    blockade: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "n_sites", integer("n_sites", self.n_sites, 1))
        instance("values", self.values, Sequence)
        object.__setattr__(self, "values", _checked_values(self.values, self.n_sites))
        object.__setattr__(self, "blockade", checked_pairs(self.blockade, self.n_sites))

    @classmethod
    def of_spin(
        cls, n_sites: int, spin: Any, blockade: Iterable[tuple[int, int]] = ()
    ) -> "LocalSpace":
        """Sites of spin S: one number, or one for each site."""
        spin = checked_spin(spin, integer("n_sites", n_sites, 1))
        if not isinstance(spin, tuple):
            return cls(n_sites, _values(spin), tuple(blockade))
        return cls(n_sites, tuple(map(_values, spin)), tuple(blockade))

    @property
    def is_uniform(self) -> bool:
        """Whether all sites take the same values."""
        return not isinstance(self.values[0], tuple)

    @property
    def spins(self) -> tuple[float, ...]:
        """S of each site."""
        return tuple((d - 1) / 2 for d in self.local_dims.tolist())

    @cached_property
    def local_dims(self) -> NDArray[np.int64]:
        """Number of values of each site, shape (n_sites,)."""
        each = [self.values] * self.n_sites if self.is_uniform else self.values
        return np.array([len(values) for values in each], np.int64)

    @property
    def n_local_states(self) -> int:
        """Number of values of a site, 2 S + 1; the largest where sites differ."""
        return int(self.local_dims.max())

    def levels(self, sigma: ArrayLike) -> NDArray[np.int64]:
        """Numbers of the values from the highest on, S - S_z, shape (..., n_sites)."""
        return (self.local_dims - 1 - np.asarray(sigma, np.int64)) // 2

    def configurations(self, levels: ArrayLike) -> NDArray[np.int8]:
        """Twice S_z from the numbers of the values."""
        return (self.local_dims - 1 - 2 * np.asarray(levels, np.int64)).astype(np.int8)

    def check(self, name: str, sigma: ArrayLike) -> NDArray[np.int8]:
        """Configurations as int8 (..., n_sites); refuse values that a site does not take."""
        array = np.asarray(sigma)
        if array.ndim == 0 or array.shape[-1] != self.n_sites:
            raise ValueError(f"{name} must have shape (..., {self.n_sites}), got {array.shape}")
        top = self.local_dims - 1
        wrong = (np.abs(array) > top) | ((top - array) % 2 != 0)
        if wrong.any():
            where = tuple(np.argwhere(wrong)[0].tolist())
            allowed = ", ".join(map(str, _values(self.spins[where[-1]])))
            raise ValueError(
                f"{name} must hold 2 S_z = {allowed} on site {where[-1]}, got {array[where]}"
            )
        return np.ascontiguousarray(array, np.int8)

    @property
    def is_spin_half(self) -> bool:
        """Whether all configurations of spins 1/2 are allowed."""
        return self.values == (1, -1) and not self.blockade

    @property
    def bits_per_site(self) -> int:
        """Bits that hold the level of a site."""
        return (self.n_local_states - 1).bit_length()

    def check_bits(self) -> None:
        """Refuse more sites than fit into an integer of 64 bits."""
        most = MAX_BITS // self.bits_per_site
        if self.n_sites > most:
            raise ValueError(
                f"n_sites must be at most {most} for a basis of sites with "
                f"{self.n_local_states} states, got {self.n_sites}"
            )

    def n_lowered(self, total_sz: float | None) -> int | None:
        """Sum of S - S_z over the sites at a total S_z, or None if it is free."""
        return None if total_sz is None else round(math.fsum(self.spins) - total_sz)

    def n_configurations(self, total_sz: float | None = None) -> int:
        """Number of configurations, of one total S_z where it is given."""
        ones = [1] * self.n_sites
        return count_levels(self.local_dims.tolist(), ones, self.n_lowered(total_sz), self.blockade)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for files."""
        found = {"n_sites": self.n_sites, "values": self.values}
        return found | ({"blockade": self.blockade} if self.blockade else {})


def checked_spin(spin: Any, n_sites: int) -> Spin:
    """S as one float where all sites agree, else a tuple of one for each site.

    Raises
    ------
    TypeError, ValueError
        Not a positive multiple of 1/2, or not one for each site.
    """
    if isinstance(spin, Iterable) and not isinstance(spin, str):
        each = tuple(check_half_integer("spin", value) for value in spin)
        if len(each) != n_sites:
            raise ValueError(f"spin must be one number or {n_sites}, one a site, got {len(each)}")
        return each[0] if len(set(each)) == 1 else each
    return check_half_integer("spin", spin)


def check_half_integer(name: str, spin: Any) -> float:
    """``spin`` as a float if it is 1/2, 1, 3/2, ..."""
    if isinstance(spin, bool | np.bool_) or not isinstance(
        spin, int | float | np.integer | np.floating
    ):
        raise TypeError(f"{name} must be a number such as 0.5 or 1, got {short(spin)}")
    value = float(spin)
    if not (0 < value <= MAX_SPIN and (2 * value).is_integer()):
        raise ValueError(f"{name} must be 0.5, 1, 1.5, ... up to {MAX_SPIN}, got {spin}")
    return value


def checked_pairs(pairs: Any, n_sites: int) -> tuple[tuple[int, int], ...]:
    """Pairs of different sites, each once, in ascending order."""
    instance("blockade", pairs, Iterable)
    found = set()
    for pair in pairs:
        if np.shape(pair) != (2,):
            raise TypeError(f"blockade must be pairs of sites, got {short(pair)}")
        i, j = (integer("a site of the blockade", site, 0) for site in pair)
        if i == j or max(i, j) >= n_sites:
            raise ValueError(
                f"blockade must be pairs of different sites 0 to {n_sites - 1}, got ({i}, {j})"
            )
        found.add((min(i, j), max(i, j)))
    return tuple(sorted(found))


def _values(spin: float) -> tuple[int, ...]:
    top = round(2 * spin)
    return tuple(range(top, -top - 1, -2))


def _checked_values(values: Sequence[Any], n_sites: int) -> tuple[Any, ...]:
    if len(values) and isinstance(values[0], Sequence):
        each = tuple(_checked_values(one, n_sites) for one in values)
        if len(each) != n_sites:
            raise ValueError(f"values must be one tuple or {n_sites}, one a site, got {len(each)}")
        return each[0] if len(set(each)) == 1 else each
    found = tuple(integer("values", value) for value in values)
    top = len(found) - 1
    if not 1 <= top <= 2 * MAX_SPIN or found != tuple(range(top, -top - 1, -2)):
        raise ValueError(
            f"values must be 2 S_z of a spin, largest first, such as (1, -1) or (2, 0, -2), "
            f"got {short(tuple(values))}"
        )
    return found


def check_total_sz(total_sz: Any, space: LocalSpace | int) -> float:
    """Return ``total_sz`` as a float if the spins of a space can add up to it.

    A number of sites stands for as many spins 1/2.
    """
    number = isinstance(total_sz, int | float | np.integer | np.floating)
    if not number or isinstance(total_sz, bool):
        raise TypeError(f"total_sz must be a number or None, got {short(total_sz)}")
    n_sites, top = (space, space / 2) if isinstance(space, int) else _size(space)
    n_down = top - float(total_sz)
    if not 0 <= n_down <= 2 * top or not n_down.is_integer():
        kind = "an integer" if top.is_integer() else "half an odd integer (such as 0.5)"
        raise ValueError(
            f"total_sz must be {kind} between {-top:g} and {top:g} "
            f"for {n_sites} sites, got {total_sz}"
        )
    return float(total_sz)


def _size(space: LocalSpace) -> tuple[int, float]:
    return space.n_sites, math.fsum(space.spins)


def count_levels(
    dims: Sequence[int], weights: Sequence[int], total: int | None,
    pairs: Sequence[tuple[int, int]] = (),
) -> int:  # fmt: skip
    """Number of choices of levels 0 to d - 1 with a weighted sum, no pair being 0 both.

    Variables are chosen one after the other; of those before, the ones with pairs ahead are kept.
    """
    if not pairs:
        if total is None:
            return math.prod(dims)
        ways = level_polynomial(dims, weights)
        return ways[total] if 0 <= total < len(ways) else 0
    last_use = {i: max((max(p) for p in pairs if i in p), default=-1) for i in range(len(dims))}
    open_ways: dict[tuple[int, frozenset[int]], int] = {(0, frozenset()): 1}
    for i, (d, weight) in enumerate(zip(dims, weights, strict=True)):
        before = {min(p) for p in pairs if max(p) == i}
        found: dict[tuple[int, frozenset[int]], int] = {}
        for (lowered, highest), n in open_ways.items():
            for level in range(d):
                if level == 0 and (i in before or before & highest):
                    continue
                new = lowered if total is None else lowered + weight * level
                if total is not None and new > total:
                    break
                open_now = highest | {i} if level == 0 else highest
                key = (new, frozenset(j for j in open_now if last_use[j] > i))
                found[key] = found.get(key, 0) + n
        open_ways = found
    return sum(n for (lowered, _), n in open_ways.items() if total is None or lowered == total)


def level_polynomial(dims: Sequence[int], weights: Sequence[int]) -> list[int]:
    """Numbers of choices of levels by their weighted sum."""
    ways = [1]
    for d, weight in zip(dims, weights, strict=True):
        found = [0] * (len(ways) + weight * (d - 1))
        for total, n in enumerate(ways):
            for level in range(d):
                found[total + weight * level] += n
        ways = found
    return ways
