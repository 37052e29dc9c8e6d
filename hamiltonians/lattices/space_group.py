"""The space group of a cluster: translations, coset representatives, and the momenta they keep."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hamiltonians.lattices.periodic_cells import cells_within
from hamiltonians.symmetry.groups import SymmetryGroup

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
_TOLERANCE = 1e-6  # of turns, for phases to be equal


@dataclass(frozen=True, eq=False)
class Operation:
    """A coset representative r -> matrix r + shift.

    Attributes
    ----------
    matrix : ndarray, shape (d, d)
    permutation : ndarray, shape (n_sites,)
        In the gather convention.
    name : str
        ``"C4"``, ``"m(0)"``, ...; ``"1"`` for the identity; with a star if it does not fix the
        centre.
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
        """Number of translations, which is that of momenta."""
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
                f"k must be {momenta.shape[1]} finite phases, one for each periodic direction, "
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


def _spell_step(step: list[int]) -> str:
    return "T(" + ",".join(map(str, step)) + ")" if step else "T()"
