"""The basis of a symmetry sector: one representative for each orbit of configurations.

A sector is given by total S_z (or none), a group of site permutations with the characters of a
one-dimensional irrep, and possibly the parity under turning over all spins. The number of orbits
is known before any is listed, by counting the configurations that each element keeps.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hamiltonians.core import orbits
from hamiltonians.core import symmetric_elements as partners
from hamiltonians.operators.bits import bit_counts, permute_bits
from hamiltonians.symmetry.groups import SymmetrySector
from hamiltonians.utils.ranks import bounds, divided_evenly, sum_of

_MAX_TOP = 12  # bits of a pattern
_IMAGE_COST = 10  # looking at a set of sites costs 1, applying an element in full this much
_SAMPLE, _TRIED = 48, 16  # random configurations, and the largest chunks, of the choice of a chunk
_TASK_STATES = 2**16  # states that one task of the listing runs through, at most
_TASKS_AT_ONCE = 64


@dataclass(frozen=True, eq=False)
class OrbitBasis:
    """Orbits of configurations in a symmetry sector.

    Sites are relabelled inside so that the first ones are mapped by the group on few sets.

    Attributes
    ----------
    n_sites : int
    n_down : int or None
        Number of spins down; None if it is free.
    sector : SymmetrySector
    comm : mpi4py communicator, optional
        Of ranks that divide the orbits: every one lists a range of representatives.
    """

    n_sites: int
    n_down: int | None
    sector: SymmetrySector
    comm: Any = None

    @property
    def order(self) -> int:
        """Number of elements, inversion of all spins included."""
        return self.sector.group.order * (1 if self.sector.spin_inversion is None else 2)

    @cached_property
    def dimension(self) -> int:
        """Number of orbits with a state in the sector: sum_g conj(chi(g)) fix(g) / order."""
        return count_orbits(self.n_sites, self.n_down, self.sector)

    @cached_property
    def site_order(self) -> NDArray[np.int64]:
        """Sites in the order in which they are relabelled, those of the chunk first."""
        chunk = self._chunk
        rest = [site for site in range(self.n_sites) if site not in chunk]
        return np.array([*chunk, *rest], np.int64)

    @cached_property
    def n_top(self) -> int:
        """Number of sites in the chunk."""
        return len(self._chunk)

    @cached_property
    def _chunk(self) -> list[int]:
        with_inversion = self.sector.spin_inversion is not None
        return choose_chunk(self.sector.group.permutations, with_inversion)

    @cached_property
    def phases(self) -> NDArray[np.complex128]:
        """The distinct characters; the first is 1."""
        return self._numbered_phases[0]

    @cached_property
    def _numbered_phases(self) -> tuple[NDArray[np.complex128], NDArray[np.int64]]:
        """Distinct characters, and which each element has, without and with inversion."""
        parity = self.sector.spin_inversion or 1
        all_characters = np.array([1, parity])[:, None] * self.sector.characters.round(12)
        distinct, number = np.unique(
            np.append(1, all_characters.ravel() + 0.0), return_inverse=True
        )
        exact = np.array([self._exact(value) for value in distinct])
        one = number[0]
        exact[[0, one]] = exact[[one, 0]]
        swapped = np.where(number == one, 0, np.where(number == 0, one, number))
        return exact, swapped[1:].reshape(2, -1)

    def _exact(self, rounded: complex) -> complex:
        """The unrounded character."""
        both = np.append(self.sector.characters, -self.sector.characters)
        return complex(both[np.abs(both - rounded).argmin()])

    @cached_property
    def kernel_group(self) -> tuple[Any, ...]:
        """The group as `hamiltonians.core.orbits` takes it."""
        return _kernel_group(self)

    @cached_property
    def listed(self) -> tuple[NDArray[np.uint64], NDArray[Any]]:
        """Representatives, ascending (relabelled), and the sizes of their orbits: of this rank."""
        small = np.min_scalar_type(self.order)
        parts = [(states, (self.order // n).astype(small)) for states, n in _batches(self)]
        none = (np.zeros(0, np.uint64), np.zeros(0, small))
        states, sizes = (np.concatenate(some) for some in zip(*parts, none, strict=True))
        if self.comm is not None:
            states, sizes = divided_evenly(states, self.comm), divided_evenly(sizes, self.comm)
        n = int(sum_of(len(states), self.comm))
        if n != self.dimension:
            raise RuntimeError(f"{n} representatives were listed, {self.dimension} were counted")
        return states, sizes

    @cached_property
    def index(self) -> tuple[Any, ...]:
        """The representatives as `hamiltonians.core.symmetric_elements.find` takes them."""
        states, _ = self.listed
        n_below = self.n_sites - self.n_top
        best = self.kernel_group[2]
        tops = np.flatnonzero(best == np.arange(len(best)))
        rank_of_top = np.full(2**self.n_top, -1, np.int64)
        rank_of_top[tops] = np.arange(len(tops))
        n_key = min(n_below, max((len(states) // max(len(tops), 1)).bit_length() - 1, 0))
        counts = np.zeros(len(tops) * 2**n_key + 1, np.uint32)
        partners.count_keys(states, rank_of_top, np.uint64(n_below), np.uint64(n_key), counts)
        starts = np.cumsum(counts, dtype=np.uint32)
        return states, starts, rank_of_top, np.uint64(n_below), np.uint64(n_key)

    def relabel(self, states: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """States with site i at bit n_sites - 1 - i, with their sites relabelled."""
        return permute_bits(states, self.site_order)


def count_orbits(n_sites: int, n_down: int | None, sector: SymmetrySector) -> int:
    """Dimension of a symmetry sector, by the trace of its projector.

    Parameters
    ----------
    n_sites : int
    n_down : int or None
    sector : SymmetrySector
    """
    total = 0j
    rows = sector.group.permutations
    kept: dict[tuple[int, ...], tuple[int, int]] = {}
    for row, character in zip(rows, sector.characters, strict=True):
        cycles = _cycle_lengths(row.tolist())
        if cycles not in kept:
            kept[cycles] = (_kept(cycles, n_down), _kept_by_inversion(cycles, n_down, n_sites))
        plain, inverted = kept[cycles]
        total += np.conj(character) * (plain + (sector.spin_inversion or 0) * inverted)
    order = len(rows) * (1 if sector.spin_inversion is None else 2)
    return round(total.real / order)


def _cycle_lengths(row: list[int]) -> tuple[int, ...]:
    lengths, seen = [], [False] * len(row)
    for start in range(len(row)):
        length, site = 0, start
        while not seen[site]:
            seen[site], site, length = True, row[site], length + 1
        if length:
            lengths.append(length)
    return tuple(sorted(lengths))


def _kept(cycles: tuple[int, ...], n_down: int | None) -> int:
    """Configurations constant on every cycle, with ``n_down`` spins down."""
    if n_down is None:
        return 2 ** len(cycles)
    ways = [1] + [0] * n_down
    for length in cycles:
        for n in range(n_down, length - 1, -1):
            ways[n] += ways[n - length]
    return ways[n_down]


def _kept_by_inversion(cycles: tuple[int, ...], n_down: int | None, n_sites: int) -> int:
    """Configurations that alternate along every cycle; half of their spins are down."""
    if any(length % 2 for length in cycles) or n_down not in (None, n_sites / 2):
        return 0
    return 2 ** len(cycles)


def choose_chunk(permutations: NDArray[np.int64], with_inversion: bool) -> list[int]:
    """At most 12 sites that the group maps on few sets, few elements making smallest patterns.

    Looking at one set is cheap, applying an element in full is not; how many are applied is tried
    on random configurations. Candidates are the orbits of single elements, and a chunk that is
    grown site by site so that there are few sets.
    """
    n_sites = permutations.shape[1]
    bits = np.int64(1) << permutations

    def n_sets(chunk: list[int]) -> int:
        return len(np.unique(bits[:, chunk].sum(axis=1)))

    candidates = [o for o in map(_orbit_of_site_zero, permutations) if 4 <= len(o) <= _MAX_TOP]
    grown: list[int] = [0]
    while len(grown) < min(_MAX_TOP, n_sites):
        others = [site for site in range(n_sites) if site not in grown]
        grown.append(min(others, key=lambda site: n_sets([*grown, site])))
        candidates.append(sorted(grown))
    tried = sorted({tuple(sorted(chunk)) for chunk in candidates} or {(0,)}, key=len)[-_TRIED:]
    spins = np.random.default_rng(0).integers(0, 2, (_SAMPLE, n_sites))
    return list(
        min(
            tried,
            key=lambda chunk: (
                n_sets(list(chunk))
                + _IMAGE_COST * _mean_ties(spins, permutations[:, list(chunk)], with_inversion)
            ),
        )
    )


def _mean_ties(spins: NDArray[np.int64], sources: NDArray[np.int64], with_inversion: bool) -> float:
    """Mean number of elements that make the smallest pattern of a configuration."""
    c = sources.shape[1]
    patterns = spins[:, sources] @ (1 << np.arange(c - 1, -1, -1))
    if with_inversion:
        patterns = np.concatenate([patterns, 2**c - 1 - patterns], axis=1)
    return float((patterns == patterns.min(axis=1, keepdims=True)).sum(axis=1).mean())


def _orbit_of_site_zero(row: NDArray[np.int64]) -> list[int]:
    orbit, site = [0], int(row[0])
    while site != 0:
        orbit.append(site)
        site = int(row[site])
    return orbit


def _kernel_group(basis: OrbitBasis) -> tuple[Any, ...]:
    """Sets of sites, the elements that bring them to the top, and tables of patterns."""
    n, n_top, order = basis.n_sites, basis.n_top, basis.site_order
    place = np.argsort(order)
    rows = place[basis.sector.group.permutations[:, order]]
    tops = np.sort(rows[:, :n_top], axis=1)
    sets, set_of = np.unique(tops, axis=0, return_inverse=True)
    set_of = set_of.ravel()
    first = np.array([np.flatnonzero(set_of == s)[0] for s in range(len(sets))])
    inner = np.flatnonzero((tops == np.arange(n_top)).all(axis=1))
    number = {row.tobytes(): g for g, row in enumerate(rows)}
    elements = np.array(
        [[number[rows[s][rows[k]].tobytes()] for k in inner] for s in first], np.int64
    )
    best, best_ptr, best_move = _best_values(
        rows[inner][:, :n_top], n_top, basis.sector.spin_inversion is not None
    )
    return (
        _pattern_words(rows[first][:, :n_top], n), len(sets), best, best_ptr, best_move,
        np.array([_image_table(row, n) for row in rows[first]]),
        np.array([_image_table(row, n) for row in rows[inner]]),
        basis._numbered_phases[1][:, elements], np.uint64(2**n - 1), np.uint64(n - n_top),
    )  # fmt: skip


def _best_values(
    inner: NDArray[np.int64], n_top: int, with_inversion: bool
) -> tuple[NDArray[np.uint16], NDArray[np.int32], NDArray[np.int32]]:
    """Smallest image of each pattern of the chunk, and which elements make it."""
    patterns = np.arange(2**n_top, dtype=np.uint64)
    images = np.array([permute_bits(patterns, row) for row in inner])
    both = np.array([images, images ^ patterns[-1]] if with_inversion else [images])
    best = both.min(axis=(0, 1))
    pattern, flip, element = np.nonzero((both == best).transpose(2, 0, 1))
    ptr = np.searchsorted(pattern, np.arange(2**n_top + 1))
    return best.astype(np.uint16), ptr.astype(np.int32), (2 * element + flip).astype(np.int32)


def _pieces(n_sites: int) -> NDArray[np.uint64]:
    """Values of each piece of 6 bits at its place, shape (pieces, 64)."""
    width = int(orbits.PIECE)
    values = np.arange(2**width, dtype=np.uint64)
    starts = np.arange(0, n_sites, width, dtype=np.uint64)
    return (values << starts[:, None]) & np.uint64(2**n_sites - 1)


def _image_table(row: NDArray[np.int64], n_sites: int) -> NDArray[np.uint64]:
    return permute_bits(_pieces(n_sites), row)


def _pattern_words(tops: NDArray[np.int64], n_sites: int) -> NDArray[np.uint64]:
    """What each piece contributes to the patterns, 4 sets in a word."""
    pieces = _pieces(n_sites)
    words = np.zeros((*pieces.shape, -(-len(tops) // 4)), np.uint64)
    last = tops.shape[1] - 1
    for s, sources in enumerate(tops.tolist()):
        for site, source in enumerate(sources):
            bit = (pieces >> np.uint64(n_sites - 1 - source)) & np.uint64(1)
            words[..., s // 4] |= bit << np.uint64(last - site + 16 * (s % 4))
    return words


def _batches(basis: OrbitBasis) -> Any:
    """Representatives with the orders of their stabilisers, a number of tasks at a time."""
    starts, n_down, n_free, largest = _tasks(basis)
    if basis.comm is not None:  # as many states to look at for each
        cost = np.array([1 if n < 0 else math.comb(n_free, n) for n in n_down.tolist()])
        ends = bounds(int(cost.sum()), basis.comm)[basis.comm.rank :][:2]
        mine = slice(*np.searchsorted(np.cumsum(cost) - cost, ends).tolist())
        starts, n_down = starts[mine], n_down[mine]
    shape = (min(_TASKS_AT_ONCE, len(starts)), largest)
    states, orders = np.empty(shape, np.uint64), np.empty(shape, np.int64)
    for first in range(0, len(starts), _TASKS_AT_ONCE):
        counts = np.zeros(min(_TASKS_AT_ONCE, len(starts) - first), np.int64)
        orbits.list_representatives(
            starts, first, n_free, n_down, basis.kernel_group, states, orders, counts
        )
        kept = np.arange(largest) < counts[:, None]
        yield states[: len(counts)][kept], orders[: len(counts)][kept]


def _tasks(basis: OrbitBasis) -> tuple[NDArray[np.uint64], NDArray[np.int64], int, int]:
    """Beginnings of states whose highest bits are a smallest pattern, spins left to turn down."""
    n_free = 0
    while n_free < basis.n_sites - basis.n_top and _n_states(n_free + 1, basis) <= _TASK_STATES:
        n_free += 1
    best, n_below = basis.kernel_group[2], basis.n_sites - basis.n_top
    tops = np.flatnonzero(best == np.arange(len(best))).astype(np.uint64)
    middles = np.arange(2 ** (n_below - n_free), dtype=np.uint64) << np.uint64(n_free)
    starts = ((tops[:, None] << np.uint64(n_below)) | middles).ravel()
    if basis.n_down is None:
        return starts, np.full(len(starts), -1, np.int64), n_free, 2**n_free
    left = basis.n_down - bit_counts(starts)
    possible = (left >= 0) & (left <= n_free)
    return starts[possible], left[possible], n_free, math.comb(n_free, n_free // 2)


def _n_states(n_free: int, basis: OrbitBasis) -> int:
    return 2**n_free if basis.n_down is None else math.comb(n_free, n_free // 2)
