"""The basis of a symmetry sector: one representative for each orbit of configurations.

A sector is given by total S_z (or none), a group of site permutations with the characters of a
one-dimensional irrep, and possibly the parity under turning over all spins. The number of orbits
is known before any is listed, by counting the configurations that each element keeps.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hamiltonians.core import orbits
from hamiltonians.core import symmetric_elements as partners
from hamiltonians.operators.bits import permute_bits
from hamiltonians.operators.local_space import LocalSpace, count_levels, level_polynomial
from hamiltonians.operators.spin_sectors import level_states
from hamiltonians.symmetry.groups import SymmetryGroup, SymmetrySector
from hamiltonians.utils.ranks import bounds, divided_evenly, sum_of

_MAX_TOP = 12  # bits of a pattern
_MIN_TOP = 4  # sites of a pattern that the orbit of one element makes, where they have one bit
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
        Number of spins down, the sum of S - S_z for others than 1/2; None if it is free.
    sector : SymmetrySector
    comm : mpi4py communicator, optional
        Of ranks that divide the orbits: every one lists a range of representatives.
    space : LocalSpace, optional
        Spins other than 1/2, a blockade.
    """

    n_sites: int
    n_down: int | None
    sector: SymmetrySector
    comm: Any = None
    space: LocalSpace | None = None

    @cached_property
    def _dims(self) -> NDArray[np.int64]:
        """Local dimensions in the order in which sites are relabelled."""
        if self.space is None:
            return np.full(self.n_sites, 2)
        return self.space.local_dims[self.site_order]

    @property
    def bits(self) -> int:
        """Bits of a site."""
        return 1 if self.space is None else self.space.bits_per_site

    @cached_property
    def _pairs(self) -> list[tuple[int, int]]:
        """Pairs under a blockade, of relabelled sites in ascending order."""
        if self.space is None:
            return []
        place = np.argsort(self.site_order).tolist()
        both = [(place[i], place[j]) for i, j in self.space.blockade]
        return [(min(pair), max(pair)) for pair in both]

    @cached_property
    def _pair_masks(self) -> NDArray[np.uint64]:
        """Bits of the pairs under a blockade."""
        b, field = self.bits, 2**self.bits - 1
        masks = [
            sum(field << (b * (self.n_sites - 1 - site)) for site in pair) for pair in self._pairs
        ]
        return np.array(masks, np.uint64)

    @property
    def order(self) -> int:
        """Number of elements, inversion of all spins included."""
        return self.sector.group.order * (1 if self.sector.spin_inversion is None else 2)

    @cached_property
    def dimension(self) -> int:
        """Number of orbits with a state in the sector: sum_g conj(chi(g)) fix(g) / order."""
        return count_orbits(self.n_sites, self.n_down, self.sector, self.space)

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
        dims = None if self.space is None else self.space.local_dims
        return choose_chunk(self.sector.group.permutations, with_inversion, dims)

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
        n_below = self.bits * (self.n_sites - self.n_top)
        best = self.kernel_group[2]
        tops = np.flatnonzero(best == np.arange(len(best)))
        rank_of_top = np.full(len(best), -1, np.int64)
        rank_of_top[tops] = np.arange(len(tops))
        n_key = min(n_below, max((len(states) // max(len(tops), 1)).bit_length() - 1, 0))
        counts = np.zeros(len(tops) * 2**n_key + 1, np.uint32)
        partners.count_keys(states, rank_of_top, np.uint64(n_below), np.uint64(n_key), counts)
        starts = np.cumsum(counts, dtype=np.uint32)
        return states, starts, rank_of_top, np.uint64(n_below), np.uint64(n_key)

    def relabel(self, states: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """States of `Sector` or `SpinSector` with their sites relabelled."""
        return permute_bits(states, bits_of_sites(self.site_order, self.bits))


def plain_basis(sector: Any, comm: Any = None) -> OrbitBasis:
    """All states of a `SpinSector`, each an orbit of its own."""
    n = sector.n_sites
    alone = SymmetrySector(SymmetryGroup(np.arange(n)[None]), np.ones(1, complex))
    return OrbitBasis(n, sector.n_down, alone, comm, sector.space)


def bits_of_sites(row: NDArray[np.int64], b: int) -> NDArray[np.int64]:
    """A gather of sites, shape (..., n), as one of their bits, shape (..., b n)."""
    if b == 1:
        return row
    return (b * row[..., None] + np.arange(b)).reshape(*row.shape[:-1], -1)


def count_orbits(
    n_sites: int, n_down: int | None, sector: SymmetrySector, space: LocalSpace | None = None
) -> int:
    """Dimension of a symmetry sector, by the trace of its projector.

    Parameters
    ----------
    n_sites : int
    n_down : int or None
    sector : SymmetrySector
    space : LocalSpace, optional
        Spins other than 1/2, a blockade.
    """
    total = 0j
    rows = sector.group.permutations
    dims = [2] * n_sites if space is None else space.local_dims.tolist()
    pairs = () if space is None else space.blockade
    kept: dict[Any, tuple[int, int]] = {}
    for row, character in zip(rows, sector.characters, strict=True):
        of_site, lengths, sizes = _cycles(row.tolist(), dims)
        joined = {(min(of_site[i], of_site[j]), max(of_site[i], of_site[j])) for i, j in pairs}
        cycles = tuple(sorted(zip(lengths, sizes, strict=True)))
        key = (lengths, sizes, frozenset(joined)) if pairs else cycles
        if key not in kept:
            plain = count_levels(sizes, lengths, n_down, sorted(joined))
            kept[key] = (plain, _kept_by_inversion(cycles, n_down))
        plain, inverted = kept[key]
        total += np.conj(character) * (plain + (sector.spin_inversion or 0) * inverted)
    order = len(rows) * (1 if sector.spin_inversion is None else 2)
    return round(total.real / order)


def _cycles(row: list[int], dims: list[int]) -> tuple[list[int], tuple[int, ...], tuple[int, ...]]:
    """Cycle of each site, and lengths and numbers of levels of the cycles."""
    of_site = [-1] * len(row)
    lengths: list[int] = []
    sizes: list[int] = []
    for start in range(len(row)):
        length, site = 0, start
        while of_site[site] < 0:
            of_site[site], site, length = len(lengths), row[site], length + 1
        if length:
            lengths.append(length)
            sizes.append(dims[start])
    return of_site, tuple(lengths), tuple(sizes)


def _kept_by_inversion(cycles: tuple[tuple[int, int], ...], n_down: int | None) -> int:
    """Configurations that alternate along every cycle; they have half of the largest sum."""
    if n_down is not None and 2 * n_down != sum(length * (d - 1) for length, d in cycles):
        return 0
    ways = 1
    for length, d in cycles:
        ways *= d if length % 2 == 0 else d % 2
    return ways


def choose_chunk(
    permutations: NDArray[np.int64], with_inversion: bool, dims: NDArray[np.int64] | None = None
) -> list[int]:
    """Sites of 12 bits that the group maps on few sets, few elements making smallest patterns.

    Looking at one set is cheap, applying an element in full is not; how many are applied is tried
    on random configurations. Candidates are the orbits of single elements, and a chunk that is
    grown site by site so that there are few sets.
    """
    n_sites = permutations.shape[1]
    levels = 2 if dims is None else int(dims.max())
    most = max(_MAX_TOP // (levels - 1).bit_length(), 1)
    bits = np.int64(1) << permutations

    def n_sets(chunk: list[int]) -> int:
        return len(np.unique(bits[:, chunk].sum(axis=1)))

    least = min(_MIN_TOP, most)
    candidates = [o for o in map(_orbit_of_site_zero, permutations) if least <= len(o) <= most]
    grown: list[int] = [0]
    while len(grown) < min(most, n_sites):
        others = [site for site in range(n_sites) if site not in grown]
        grown.append(min(others, key=lambda site: n_sets([*grown, site])))
        candidates.append(sorted(grown))
    tried = sorted({tuple(sorted(chunk)) for chunk in candidates} or {(0,)}, key=len)[-_TRIED:]
    spins = np.random.default_rng(0).integers(0, levels, (_SAMPLE, n_sites))
    return list(
        min(
            tried,
            key=lambda chunk: (
                n_sets(list(chunk))
                + _IMAGE_COST
                * _mean_ties(spins, permutations[:, list(chunk)], with_inversion, levels)
            ),
        )
    )


def _mean_ties(
    spins: NDArray[np.int64], sources: NDArray[np.int64], with_inversion: bool, levels: int
) -> float:
    """Mean number of elements that make the smallest pattern of a configuration."""
    c = sources.shape[1]
    patterns = spins[:, sources] @ levels ** np.arange(c - 1, -1, -1)
    if with_inversion:
        patterns = np.concatenate([patterns, levels**c - 1 - patterns], axis=1)
    return float((patterns == patterns.min(axis=1, keepdims=True)).sum(axis=1).mean())


def _orbit_of_site_zero(row: NDArray[np.int64]) -> list[int]:
    orbit, site = [0], int(row[0])
    while site != 0:
        orbit.append(site)
        site = int(row[site])
    return orbit


def _kernel_group(basis: OrbitBasis) -> tuple[Any, ...]:
    """Sets of sites, the elements that bring them to the top, and tables of patterns."""
    n, n_top, order, b = basis.n_sites, basis.n_top, basis.site_order, basis.bits
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
    shifts = [b * (n - 1 - site) for site in range(n)]
    lowest = sum((d - 1) << shift for d, shift in zip(basis._dims.tolist(), shifts, strict=True))
    n_below = b * (n - n_top)
    best, best_ptr, best_move = _best_values(
        bits_of_sites(rows[inner][:, :n_top], b), b * n_top,
        lowest >> n_below if basis.sector.spin_inversion is not None else None,
    )  # fmt: skip
    brought, kept = bits_of_sites(rows[first], b), bits_of_sites(rows[inner], b)
    return (
        _pattern_words(brought[:, : b * n_top], b * n), len(sets), best, best_ptr, best_move,
        np.array([_image_table(row, b * n) for row in brought]),
        np.array([_image_table(row, b * n) for row in kept]),
        basis._numbered_phases[1][:, elements], np.uint64(lowest), np.uint64(n_below),
    )  # fmt: skip


def _best_values(
    inner: NDArray[np.int64], n_top: int, lowest: int | None
) -> tuple[NDArray[np.uint16], NDArray[np.int32], NDArray[np.int32]]:
    """Smallest image of each pattern of the chunk, and which elements make it."""
    patterns = np.arange(2**n_top, dtype=np.uint64)
    images = np.array([permute_bits(patterns, row) for row in inner])
    # Patterns that are none, of levels that a site does not have, are never looked up.
    both = np.array([images] if lowest is None else [images, np.uint64(lowest) - images])
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
    starts, n_down, lows, low_ptr = _tasks(basis)
    if basis.comm is not None:  # as many states to look at for each
        cost = np.maximum(np.diff(low_ptr)[n_down], 1)
        ends = bounds(int(cost.sum()), basis.comm)[basis.comm.rank :][:2]
        mine = slice(*np.searchsorted(np.cumsum(cost) - cost, ends).tolist())
        starts, n_down = starts[mine], n_down[mine]
    shape = (min(_TASKS_AT_ONCE, len(starts)), int(np.diff(low_ptr).max()))
    states, orders = np.empty(shape, np.uint64), np.empty(shape, np.int64)
    for first in range(0, len(starts), _TASKS_AT_ONCE):
        counts = np.zeros(min(_TASKS_AT_ONCE, len(starts) - first), np.int64)
        orbits.list_representatives(
            starts, first, lows, low_ptr, n_down, basis.kernel_group, basis._pair_masks, states,
            orders, counts,
        )  # fmt: skip
        kept = np.arange(shape[1]) < counts[:, None]
        yield states[: len(counts)][kept], orders[: len(counts)][kept]


def _tasks(basis: OrbitBasis) -> Any:
    """Beginnings of states whose highest bits are a smallest pattern, and the ends of states.

    Each beginning has the levels that its end has to add up to; ends are sorted by these, all of
    them at 0 where total S_z is free.
    """
    n, n_top, b, dims = basis.n_sites, basis.n_top, basis.bits, basis._dims.tolist()
    lengths = range(n - n_top, -1, -1)
    n_free = next(k for k in lengths if _n_ends(dims[n - k :], basis) <= _TASK_STATES)
    lows, sums = _states_of(basis, n - n_free, n)
    tops, top_sums = _states_of(basis, 0, n_top)
    smallest = basis.kernel_group[2][tops] == tops
    tops, top_sums = tops[smallest] << np.uint64(b * (n - n_top)), top_sums[smallest]
    middles, middle_sums = _states_of(basis, n_top, n - n_free)
    starts = (tops[:, None] | (middles << np.uint64(b * n_free))).ravel()
    if basis.n_down is None:
        return starts, np.zeros(len(starts), np.int64), lows, np.array([0, len(lows)])
    left = basis.n_down - (top_sums[:, None] + middle_sums).ravel()
    possible = (left >= 0) & (left <= sums.max())
    order = np.argsort(sums, kind="stable")
    low_ptr = np.searchsorted(sums[order], np.arange(sums.max() + 2))
    return starts[possible], left[possible], lows[order], low_ptr


def _n_ends(dims: list[int], basis: OrbitBasis) -> int:
    """Ends that one task runs through."""
    ways = level_polynomial(dims, [1] * len(dims))
    return sum(ways) if basis.n_down is None else max(ways)


def _states_of(
    basis: OrbitBasis, first: int, last: int
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Levels of the relabelled sites ``first`` to ``last`` as integers, ascending, and their sums.

    What a blockade among these sites excludes is left out.
    """
    pairs = [(i - first, j - first) for i, j in basis._pairs if first <= i and j < last]
    states, sums = level_states(basis._dims[first:last].tolist(), basis.bits, pairs)
    return states, sums.astype(np.int64)
