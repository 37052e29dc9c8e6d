"""Symmetries of a Hamiltonian: groups of site permutations and their one-dimensional irreps.

A group element g acts on configurations by the gather (g sigma)_i = sigma[perm[i]] and on states
by U_g |sigma> = |g sigma>, so that U_g U_h = U_gh. A sector holds the states with
U_g |psi> = chi(g) |psi> for all g; its projector is P = sum_g conj(chi(g)) U_g / |G|.
For a translation by a at wave vector k this means chi(T_a) = exp(-i k.a).
"""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hamiltonians.operators.pauli import ROUNDING, TermsOnSites, spell
from hamiltonians.operators.spin import SpinOperator
from hamiltonians.symmetry.characters import CharacterTable, character_table, linear_characters
from hamiltonians.symmetry.permutations import Lookup, as_permutations, find_generators, generate
from hamiltonians.utils.checks import short

MAX_ORDER = 100_000  # elements that `SymmetryGroup.generated` lists before it gives up
_CHARACTER_TOLERANCE = 1e-10


@dataclass(frozen=True, eq=False)
class SymmetryGroup:
    """A group of permutations of sites.

    Attributes
    ----------
    permutations : ndarray, shape (order, n_sites), int64
        Rows in the gather convention, (g sigma)_i = sigma[perm[i]]; the identity comes first.
    labels : tuple of str or None
        A name for each element.

    Raises
    ------
    TypeError, ValueError
        If a row is not a permutation, the identity is not first, rows repeat, or a product of two
        rows is missing.
    """

    permutations: NDArray[np.int64]
    labels: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        rows = as_permutations(self.permutations)
        _check_closed(rows)
        rows.setflags(write=False)
        object.__setattr__(self, "permutations", rows)
        if self.labels is not None:
            object.__setattr__(self, "labels", _checked_labels(self.labels, len(rows)))

    @classmethod
    def generated(cls, permutations: ArrayLike, max_order: int = MAX_ORDER) -> "SymmetryGroup":
        """The group of all products of ``permutations``, array (n, n_sites).

        Raises
        ------
        TypeError, ValueError
            If a row is not a permutation, or the group has more than ``max_order`` elements.
        """
        return cls(generate(as_permutations(permutations), max_order))

    @property
    def order(self) -> int:
        """Number of elements."""
        return len(self.permutations)

    @property
    def n_sites(self) -> int:
        """Number of sites."""
        return self.permutations.shape[1]

    def __len__(self) -> int:
        return self.order

    def __repr__(self) -> str:
        return f"SymmetryGroup(order={self.order}, n_sites={self.n_sites})"

    def act(self, element: int, spins: ArrayLike) -> NDArray[Any]:
        """Configurations g sigma, for ``spins`` of shape (..., n_sites)."""
        return np.asarray(spins)[..., self.permutations[element]]

    def product(self, i: ArrayLike, j: ArrayLike) -> NDArray[np.int64]:
        """Number of the element g_i g_j (g_j acts first); arrays broadcast."""
        left, right = np.broadcast_arrays(i, j)
        images = self.permutations[left][..., self._lookup.sites]
        return self._lookup.find(self.permutations[right[..., None], images])

    def inverse(self, i: ArrayLike) -> NDArray[np.int64]:
        """Number of the inverse of element ``i``; an array gives an array."""
        return self._inverses[np.asarray(i)]

    @cached_property
    def multiplication_table(self) -> NDArray[np.int32]:
        """Numbers of all products, shape (order, order): ``table[i, j]`` is g_i g_j."""
        everything = np.arange(self.order)
        rows = [self.product(i, everything) for i in everything]
        return np.array(rows, np.int32)

    @cached_property
    def generators(self) -> tuple[int, ...]:
        """Numbers of a few elements that generate the group."""
        return tuple(find_generators(self.permutations))

    def index(self, permutation: ArrayLike) -> int:
        """Number of the element with this row.

        Raises
        ------
        ValueError
            If the group has no such element.
        """
        row = np.asarray(permutation)
        found = np.flatnonzero((self.permutations == row).all(axis=1))
        if not len(found):
            raise ValueError(f"permutation must belong to the group, got {row.tolist()}")
        return int(found[0])

    def subgroup(self, elements: Iterable[int]) -> "SymmetryGroup":
        """The elements with these numbers, which must form a group; the identity is added."""
        kept = sorted({0, *elements})
        labels = None if self.labels is None else tuple(self.labels[i] for i in kept)
        return SymmetryGroup(self.permutations[kept], labels)

    def leaves_invariant(self, hamiltonian: TermsOnSites) -> None:
        """Refuse a Hamiltonian that is not invariant under every element.

        Raises
        ------
        ValueError
            If the numbers of sites differ, or naming the first term that is moved onto a term
            of another coupling.
        """
        if hamiltonian.n_sites != self.n_sites:
            raise ValueError(
                f"group must act on the {hamiltonian.n_sites} sites of the Hamiltonian, "
                f"got one on {self.n_sites}"
            )
        for element in self.generators:
            image = _moved_to(hamiltonian, self.permutations[element])
            if image is not None:
                name = f"element {element}" if self.labels is None else self.labels[element]
                raise ValueError(
                    f"group must leave the Hamiltonian invariant, but {name} moves {image}"
                )

    def restricted_to(self, hamiltonian: TermsOnSites) -> "SymmetryGroup":
        """The subgroup of all elements that leave the Hamiltonian invariant."""
        rows = enumerate(self.permutations)
        return self.subgroup(i for i, row in rows if _moved_to(hamiltonian, row) is None)

    def sectors(self, spin_inversion: bool = False) -> list["SymmetrySector"]:
        """All one-dimensional irreps, each as a sector; with ``spin_inversion`` both parities.

        The sectors exhaust the spectrum only if the group is Abelian; irreps of more dimensions,
        whose levels are degenerate, are left out.
        """
        rows = linear_characters(self)
        sectors = [SymmetrySector(self, row, label=f"irrep {n}") for n, row in enumerate(rows)]
        return with_both_parities(sectors) if spin_inversion else sectors

    @cached_property
    def character_table(self) -> CharacterTable:
        """Characters of all irreps, of any dimension."""
        return character_table(self)

    @cached_property
    def _lookup(self) -> Lookup:
        return Lookup(self.permutations)

    @cached_property
    def _inverses(self) -> NDArray[np.int64]:
        return self._lookup.find(np.argsort(self.permutations, axis=1)[:, self._lookup.sites])


@dataclass(frozen=True, eq=False)
class SymmetrySector:
    """The states that transform by one one-dimensional irrep: U_g |psi> = chi(g) |psi>.

    Attributes
    ----------
    group : SymmetryGroup
    characters : ndarray, shape (order,), complex128
        chi(g) for each element; checked to obey chi(g) chi(h) = chi(gh) to 1e-10.
    spin_inversion : int or None
        Eigenvalue +1 or -1 of prod_i X_i, which turns all spins over; None leaves it free.
    label : str
        For people, e.g. ``"k=(pi,0) B1 +"``.
    copies : int
        Number of sectors with this spectrum, of which this one stands for all.

    Raises
    ------
    TypeError, ValueError
        If the characters are not a one-dimensional representation of the group, or
        ``spin_inversion`` is not None, 1 or -1.
    """

    group: SymmetryGroup
    characters: NDArray[np.complex128]
    spin_inversion: int | None = None
    label: str = ""
    copies: int = 1

    def __post_init__(self) -> None:
        if not isinstance(self.group, SymmetryGroup):
            raise TypeError(f"group must be a SymmetryGroup, got {type(self.group).__name__}")
        _check_parity(self.spin_inversion)
        chi = np.array(self.characters, np.complex128)
        if chi.shape != (self.group.order,):
            raise ValueError(
                f"characters must have shape ({self.group.order},), one for each element, "
                f"got shape {chi.shape}"
            )
        _check_representation(self.group, chi)
        chi.setflags(write=False)
        object.__setattr__(self, "characters", chi)

    @property
    def is_real(self) -> bool:
        """Whether all characters are +1 or -1."""
        return not self.characters.imag.any()

    @property
    def is_symmetric(self) -> bool:
        """Whether its states are left alone by all elements, and by turning over all spins."""
        distance = abs(np.asarray(self.characters) - 1).max()
        return bool(distance < 1e-10) and self.spin_inversion != -1

    def with_spin_inversion(self, parity: int | None) -> "SymmetrySector":
        """The same irrep with another parity under turning over all spins."""
        words = self.label.removesuffix(" +").removesuffix(" -")
        label = words + {None: "", 1: " +", -1: " -"}.get(parity, "")
        return dataclasses.replace(self, spin_inversion=parity, label=label)

    def check(self, hamiltonian: TermsOnSites) -> None:
        """Refuse a Hamiltonian that does not keep the sector.

        Raises
        ------
        ValueError
            If the group or the inversion of all spins moves a term onto one of another coupling,
            or a fixed ``total_sz`` other than 0 excludes the inversion.
        """
        self.group.leaves_invariant(hamiltonian)
        if self.spin_inversion is not None:
            check_spin_inversion(hamiltonian)

    def __repr__(self) -> str:
        return f"SymmetrySector({self.label!r}, order={self.group.order})"


def with_both_parities(sectors: Iterable[SymmetrySector]) -> list[SymmetrySector]:
    """Each sector twice: even and odd under turning over all spins."""
    return [sector.with_spin_inversion(parity) for sector in sectors for parity in (1, -1)]


def check_spin_inversion(hamiltonian: TermsOnSites) -> None:
    """Refuse a Hamiltonian that prod_i X_i does not leave as it is, or leads out of its S_z.

    Raises
    ------
    ValueError
        Naming the term that changes sign, or the ``total_sz`` that is not 0.
    """
    if getattr(hamiltonian, "blockade", ()):
        raise ValueError("spin_inversion must be None under a blockade, which it changes")
    if isinstance(hamiltonian.terms, SpinOperator):
        changed = hamiltonian.terms.turned_apart()
        if changed is not None:
            raise ValueError(
                "spin_inversion must be None for a Hamiltonian that it changes, "
                f"but the terms on sites {changed} are others when all spins are turned over"
            )
    else:
        for string in hamiltonian.terms.terms:
            if sum(letter != "X" for _, letter in string) % 2:
                raise ValueError(
                    "spin_inversion must be None for a Hamiltonian that it changes, "
                    f"but {spell(string)} changes sign when all spins are turned over"
                )
    if hamiltonian.total_sz:
        raise ValueError(
            "spin_inversion must be None unless total_sz is 0 or free, "
            f"got total_sz={hamiltonian.total_sz:g}"
        )


def _moved_to(hamiltonian: TermsOnSites, permutation: NDArray[np.int64]) -> str | None:
    """A term and where it goes, in words, if that place holds another one.

    What sat at site perm[j] sits at j afterwards: U_g sigma_i U_g^-1 acts on site perm^-1[i].
    """
    place, terms = np.argsort(permutation).tolist(), hamiltonian.terms
    blockade = getattr(hamiltonian, "blockade", ())
    for i, j in blockade:
        there = tuple(sorted((place[i], place[j])))
        if there not in blockade:
            return f"the blockade of sites {(i, j)} onto {there}, where there is none"
    if isinstance(terms, SpinOperator):
        apart = terms.moved_apart(place)
        return apart and f"the terms on sites {apart[0]} onto {apart[1]}, where there are others"
    for string, value in terms.terms.items():
        image = tuple(sorted((place[site], letter) for site, letter in string))
        other = terms.terms.get(image, 0)
        if abs(other - value) > ROUNDING * max(abs(other), abs(value)):
            return (
                f"{value.real:g} {spell(string)} onto {spell(image)} with coefficient "
                f"{complex(other).real:g}"
            )
    return None


def _check_closed(rows: NDArray[np.int64]) -> None:
    if (rows[0] != np.arange(rows.shape[1])).any():
        raise ValueError(f"the identity must be the first permutation, got {rows[0].tolist()}")
    known = {row.tobytes() for row in rows}
    if len(known) < len(rows):
        raise ValueError(
            f"permutations must differ, got {len(rows)} rows of which {len(known)} differ"
        )
    try:
        complete = {row.tobytes() for row in generate(rows, len(rows))} == known
    except ValueError:
        complete = False
    if not complete:
        raise ValueError(
            f"permutations must be closed under products, got {len(rows)} rows that are not; "
            "SymmetryGroup.generated(permutations) adds what is missing"
        )


def _checked_labels(labels: Any, order: int) -> tuple[str, ...]:
    if len(labels) != order:
        raise ValueError(f"labels must be one for each of {order} elements, got {len(labels)}")
    return tuple(map(str, labels))


def _check_parity(parity: Any) -> None:
    if parity is not None and (isinstance(parity, bool) or parity not in (1, -1)):
        raise ValueError(f"spin_inversion must be None, 1 or -1, got {short(parity)}")


def _check_representation(group: SymmetryGroup, chi: NDArray[np.complex128]) -> None:
    everything = np.arange(group.order)
    worst = abs(chi[0] - 1)
    for generator in group.generators:
        products = chi[group.product(everything, generator)]
        worst = max(worst, np.abs(chi * chi[generator] - products).max())
    if not worst <= _CHARACTER_TOLERANCE:
        raise ValueError(
            "characters must obey chi(g) chi(h) = chi(gh) for all elements, "
            f"got a deviation of {worst:.2g}, allowed is {_CHARACTER_TOLERANCE:g}"
        )
