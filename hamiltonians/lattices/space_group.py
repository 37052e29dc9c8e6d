"""The space group of a cluster as permutations of its sites, found from the positions.

Every isometry r -> R r + t that maps the cluster, with its images, onto itself is a translation
after one of a few coset representatives. The matrices R to try are those that map the lattice
spanned by the cell's vectors onto itself.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hamiltonians.lattices.clusters import cells_within
from hamiltonians.lattices.isometries import name_of, order_of_listing, point_operations
from hamiltonians.lattices.site_maps import SiteMaps
from hamiltonians.symmetry import SymmetryGroup

if TYPE_CHECKING:
    from hamiltonians.lattices.lattice import Lattice

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
_TOLERANCE = 1e-6  # of lattice constants, for positions and shifts; of turns, for phases


@dataclass(frozen=True, eq=False)
class Operation:
    """A coset representative r -> matrix r + shift.

    Attributes
    ----------
    matrix : ndarray, shape (d, d)
    permutation : ndarray, shape (n_sites,)
        In the gather convention.
    name : str
        ``"C4"``, ``"m"``, ...; ``"1"`` for the identity.
    fixes_centre : bool
        Whether it belongs to the point group.
    """

    matrix: Floats
    permutation: Integers
    name: str
    fixes_centre: bool


@dataclass(frozen=True, eq=False)
class SpaceGroup:
    """Translations and coset representatives of a cluster.

    Element (c, t), translation t after representative c, has the number c * n_translations + t.

    Attributes
    ----------
    steps : ndarray, shape (n_translations, p), int64
        Each translation in multiples of the periodic lattice vectors; the first is zero.
    translations : ndarray, shape (n_translations, n_sites), int64
        As permutations.
    cosets : tuple of Operation
        The identity first.
    vectors : ndarray, shape (p, d)
        The periodic lattice vectors.
    cluster : ndarray, shape (p, p), int64
        The cluster's translations in multiples of them.
    """

    steps: Integers
    translations: Integers
    cosets: tuple[Operation, ...]
    vectors: Floats
    cluster: Integers

    @property
    def n_translations(self) -> int:
        return len(self.steps)

    @cached_property
    def translation_group(self) -> SymmetryGroup:
        """All translations."""
        return SymmetryGroup(self.translations, tuple(map(_spell_step, self.steps.tolist())))

    def point_group(self) -> SymmetryGroup:
        """The representatives that fix the centre."""
        kept = [coset for coset in self.cosets if coset.fixes_centre]
        rows = np.array([coset.permutation for coset in kept])
        return SymmetryGroup(rows, tuple(coset.name for coset in kept))

    @cached_property
    def group(self) -> SymmetryGroup:
        """All elements."""
        return self.subgroup(range(len(self.cosets)))

    def subgroup(self, cosets: Iterable[int]) -> SymmetryGroup:
        """All translations after the representatives with these numbers, 0 being among them."""
        cosets = list(cosets)
        rows = [self.cosets[c].permutation[self.translations] for c in cosets]
        labels = [
            f"{_spell_step(step)} {self.cosets[c].name}"
            for c in cosets
            for step in self.steps.tolist()
        ]
        return SymmetryGroup(np.concatenate(rows), tuple(labels))

    @cached_property
    def coset_products(self) -> tuple[Integers, Integers]:
        """Coset and translation of every product of two representatives, each (n, n)."""
        representatives = np.arange(len(self.cosets)) * self.n_translations
        numbers = self.group.product(representatives[:, None], representatives)
        return numbers // self.n_translations, numbers % self.n_translations

    def momenta(self) -> Floats:
        """Phases k . a_j of all momenta in (-pi, pi], shape (n_translations, p), zero first."""
        if not len(self.cluster):
            return np.zeros((1, 0))
        determinant = round(np.linalg.det(self.cluster))
        adjugate = np.rint(np.linalg.inv(self.cluster) * determinant).astype(np.int64)
        volume = abs(determinant)
        numerators = (cells_within(self.cluster.T) @ adjugate.T * np.sign(determinant)) % volume
        numerators = numerators[np.lexsort(numerators.T[::-1])]
        folded = np.where(2 * numerators > volume, numerators - volume, numerators)
        return 2 * np.pi * folded / volume

    def allowed(self, k: ArrayLike) -> Floats:
        """The momentum equal to ``k`` modulo 2 pi.

        Raises
        ------
        ValueError
            If there is none, with the nearest.
        """
        asked = np.atleast_1d(np.asarray(k, np.float64))
        momenta = self.momenta()
        if asked.shape != momenta.shape[1:] or not np.isfinite(asked).all():
            raise ValueError(
                f"k must be {momenta.shape[1]} finite phases, one for each periodic lattice vector, "
                f"got {np.asarray(k).tolist()}"
            )
        turns = (momenta - asked) / (2 * np.pi)
        away = np.abs(turns - turns.round()).max(axis=1, initial=0)
        nearest = momenta[away.argmin()]
        if away.min() > _TOLERANCE:
            raise ValueError(
                f"k must be one of the {len(momenta)} momenta of the cluster (lattice.momenta()), "
                f"got {asked.tolist()}; the nearest is {nearest.round(6).tolist()}"
            )
        return nearest

    def image(self, coset: int, k: Floats) -> Floats:
        """Phases of the momentum R k."""
        if not len(self.vectors):
            return k
        return self.vectors @ self.cosets[coset].matrix @ np.linalg.pinv(self.vectors) @ k

    def keeps(self, coset: int, k: Floats) -> bool:
        """Whether R k is k, modulo reciprocal lattice vectors."""
        turns = (self.image(coset, k) - k) / (2 * np.pi)
        return bool(np.abs(turns - turns.round()).max(initial=0) < _TOLERANCE)

    def translation_characters(self, k: Floats) -> NDArray[np.complex128]:
        """chi(T_a) = exp(-i k . a) for each translation, with exact 0, 1 and -1."""
        values = np.exp(-1j * (self.steps @ k))
        parts = values.view(np.float64)
        exact = np.abs(parts - parts.round()) < 1e-13
        parts[exact] = parts[exact].round()
        return values + 0.0


def find_space_group(lattice: "Lattice") -> SpaceGroup:
    """The space group of a lattice that has positions.

    Raises
    ------
    ValueError
        If the lattice is a graph.
    """
    if lattice.cell is None or lattice.positions is None or lattice.periodic is None:
        raise ValueError(
            f"translations and rotations need a lattice with positions, got the {lattice.name}; "
            "use lattice.automorphism_group()"
        )
    maps = SiteMaps(lattice)
    vectors = np.array(lattice.cell.vectors)[list(lattice.periodic)]
    cluster = _cluster(lattice)
    steps = cells_within(cluster) if len(cluster) else np.zeros((1, 0), np.int64)
    steps = steps[np.argsort(steps.any(axis=1), kind="stable")]  # zero first
    identity = np.eye(lattice.cell.dimension)
    translations = np.array([np.argsort(maps.find(identity, step @ vectors)) for step in steps])
    found = _find_cosets(lattice, maps, translations)
    centre = _best_centre(lattice, found, vectors)
    cosets = tuple(_operation(maps, R, t, centre, vectors) for R, t in found)
    return SpaceGroup(steps, translations, cosets, vectors, cluster)


def _cluster(lattice: "Lattice") -> Integers:
    """The cluster in multiples of the periodic lattice vectors."""
    if lattice.vectors is not None:
        return np.array(lattice.vectors, np.int64)
    kept = [n for n, wrap in zip(lattice.shape or (), lattice.periodic or (), strict=True) if wrap]
    return np.diag(kept).astype(np.int64).reshape(len(kept), len(kept))


def _find_cosets(
    lattice: "Lattice", maps: SiteMaps, translations: Integers
) -> list[tuple[Floats, Floats]]:
    """One (R, t) for each coset of the translations, the identity first."""
    positions, adjacency = lattice.positions, _adjacency(lattice)
    orbits = np.unique(translations.min(axis=0))  # the lowest site that translations reach
    found: list[tuple[Floats, Floats]] = []
    for R in point_operations(np.array(lattice.cell.vectors)):  # type: ignore[union-attr]
        if not maps.keeps_translations(R):
            continue
        for site in orbits:
            shift = positions[site] - R @ positions[0]  # type: ignore[index]
            target = maps.find(R, shift)
            if target is not None and _keeps(adjacency, target):
                found.append((R, shift))
    return sorted(found, key=lambda pair: (not _is_identity(*pair), *order_of_listing(pair[0])))


def _is_identity(R: Floats, shift: Floats) -> bool:
    return np.allclose(R, np.eye(len(R))) and np.allclose(shift, 0)


def _adjacency(lattice: "Lattice") -> NDArray[np.bool_] | None:
    """Nearest neighbours as a matrix, where distance does not tell them."""
    if lattice.edges is None:
        return None
    i, j = lattice.bonds().T
    matrix = np.zeros((lattice.n_sites, lattice.n_sites), bool)
    matrix[i, j] = matrix[j, i] = True
    return matrix


def _keeps(adjacency: NDArray[np.bool_] | None, target: Integers) -> bool:
    return adjacency is None or bool((adjacency[np.ix_(target, target)] == adjacency).all())


def _best_centre(
    lattice: "Lattice", found: list[tuple[Floats, Floats]], vectors: Floats
) -> Floats:
    """The point that most operations fix, up to a translation each; site 0 if it is as good."""
    candidates = [lattice.positions[0]]  # type: ignore[index]
    for R, shift in found:
        moved = np.eye(len(R)) - R
        point = np.linalg.pinv(moved) @ shift
        if np.allclose(moved @ point, shift, atol=_TOLERANCE):
            candidates.append(point)
    counts = [
        sum(_step_to_fix(R, t, c, vectors) is not None for R, t in found) for c in candidates
    ]
    return candidates[int(np.argmax(counts))]


def _step_to_fix(R: Floats, shift: Floats, centre: Floats, vectors: Floats) -> Floats | None:
    """The lattice vector a for which r -> R r + shift + a fixes the centre, if there is one."""
    missing = centre - R @ centre - shift
    if not len(vectors):
        return missing * 0 if np.abs(missing).max() < _TOLERANCE else None
    step = np.rint(missing @ np.linalg.pinv(vectors)) @ vectors
    return step if np.abs(missing - step).max() < _TOLERANCE else None


def _operation(
    maps: SiteMaps, R: Floats, shift: Floats, centre: Floats, vectors: Floats
) -> Operation:
    """The representative that fixes the centre if there is one, else (R, shift) itself."""
    step = _step_to_fix(R, shift, centre, vectors)
    target = maps.find(R, shift if step is None else shift + step)
    name = name_of(R) + ("" if step is not None else "*")
    return Operation(R, np.argsort(target), name, step is not None)


def _spell_step(step: list[int]) -> str:
    return "T(" + ",".join(map(str, step)) + ")" if step else "T()"
