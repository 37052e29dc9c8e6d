"""Sectors of a lattice: momenta, and one-dimensional irreps of their little groups.

The little group of k holds the translations and the operations that keep k. Its irreps with
chi(T_a) = exp(-i k.a) label the states of momentum k; only the one-dimensional ones make a sector.
"""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hamiltonians.lattices.irrep_names import irrep_names
from hamiltonians.lattices.space_group import SpaceGroup
from hamiltonians.symmetry.characters import linear_characters
from hamiltonians.symmetry.groups import SymmetrySector
from hamiltonians.utils.checks import short

Floats = NDArray[np.float64]


def translation_sector(space: SpaceGroup, k: ArrayLike) -> SymmetrySector:
    """See `Lattice.translation_sector`."""
    phases = space.allowed(k)
    characters = space.translation_characters(phases)
    return SymmetrySector(space.translation_group, characters, label=spell_momentum(phases))


def named_sector(space: SpaceGroup, k: ArrayLike, irrep: str | None) -> SymmetrySector:
    """See `Lattice.sector`."""
    if irrep is None:
        return translation_sector(space, k)
    phases = space.allowed(k)
    known = _named_irreps(space, phases, abelian_little_group(space, phases))
    known |= _named_irreps(space, phases, little_group(space, phases))
    if irrep not in known:
        names = ", ".join(name for name in known if name) or "none but translations"
        raise ValueError(
            f"irrep must be one-dimensional and exist at {spell_momentum(phases) or 'k=()'}, "
            f"where there are {names}, got {short(irrep)}"
        )
    return known[irrep]


def all_sectors(space: SpaceGroup, k: ArrayLike | None, complete: bool) -> list[SymmetrySector]:
    """See `Lattice.sectors`."""
    choose = abelian_little_group if complete else little_group
    momenta = one_of_each_star(space) if k is None else [(space.allowed(k), 1)]
    return [
        sector
        for phases, copies in momenta
        for sector in _named_irreps(space, phases, choose(space, phases), copies).values()
    ]


def one_of_each_star(space: SpaceGroup) -> list[tuple[Floats, int]]:
    """A momentum for each set that the operations carry into each other, and the set's size."""
    found: list[tuple[Floats, int]] = []
    seen: set[tuple[int, ...]] = set()
    for k in space.momenta():
        if _key(k) not in seen:
            star = {_key(space.image(coset, k)) for coset in range(len(space.cosets))}
            seen |= star
            found.append((k, len(star)))
    return found


def little_group(space: SpaceGroup, k: Floats) -> list[int]:
    """Numbers of the coset representatives that keep k."""
    return [coset for coset in range(len(space.cosets)) if space.keeps(coset, k)]


def abelian_little_group(space: SpaceGroup, k: Floats) -> list[int]:
    """A large subgroup of the little group all of whose irreps at k are one-dimensional.

    That is so where any two elements commute up to a translation whose character at k is 1.
    """
    little = little_group(space, k)
    commute = _commuting(space, k)
    best: set[int] = {0}
    for start in little:
        members = {0}
        for coset in [start, *little]:
            if coset not in members and all(commute[coset, other] for other in members):
                grown = _closure(space, members | {coset})
                if all(commute[a, b] for a in grown for b in grown):
                    members = grown
        best = max(best, members, key=len)
    return sorted(best)


def _commuting(space: SpaceGroup, k: Floats) -> NDArray[np.bool_]:
    cosets, steps = space.coset_products
    characters = space.translation_characters(k)[steps]
    return (cosets == cosets.T) & (np.abs(characters - characters.T) < 1e-9)


def _closure(space: SpaceGroup, members: set[int]) -> set[int]:
    products, _ = space.coset_products
    while True:
        rows = sorted(members)
        grown = members | set(products[np.ix_(rows, rows)].ravel().tolist())
        if grown == members:
            return members
        members = grown


def _named_irreps(
    space: SpaceGroup, k: Floats, cosets: list[int], copies: int = 1
) -> dict[str, SymmetrySector]:
    """Sectors of the irreps at k of the translations and these representatives, by name."""
    group = space.subgroup(cosets)
    rows = linear_characters(group)
    at_k = np.abs(rows[:, : space.n_translations] - space.translation_characters(k)) < 1e-9
    rows = rows[at_k.all(axis=1)]
    of_cosets = rows[:, :: space.n_translations]
    names = irrep_names([space.cosets[c] for c in cosets], of_cosets)
    place = spell_momentum(k)
    return {
        name: SymmetrySector(group, row, label=f"{place} {name}".strip(), copies=copies)
        for name, row in sorted(zip(names, rows, strict=True), key=lambda pair: pair[0])
    }


def _key(k: Floats) -> tuple[int, ...]:
    """The same integers for momenta that are equal modulo 2 pi."""
    resolution = 10**6  # far finer than momenta of clusters that fit, far coarser than rounding
    turns = k / (2 * np.pi)
    return tuple(int(x) % resolution for x in np.rint(turns * resolution))


def spell_momentum(k: Sequence[float] | Floats) -> str:
    """``k=(pi,-2pi/3)``, or ``k=pi`` where there is one direction; nothing where there is none."""
    parts = [_spell_phase(phase) for phase in np.asarray(k)]
    if not parts:
        return ""
    return "k=" + (parts[0] if len(parts) == 1 else "(" + ",".join(parts) + ")")


def _spell_phase(phase: float) -> str:
    fraction = Fraction(float(phase / np.pi)).limit_denominator(100_000)
    if fraction == 0:
        return "0"
    top = {1: "pi", -1: "-pi"}.get(fraction.numerator, f"{fraction.numerator}pi")
    return top if fraction.denominator == 1 else f"{top}/{fraction.denominator}"
