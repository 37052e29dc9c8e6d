"""Symmetries found without positions: the permutations of sites that keep a table of couplings.

The group is built as a chain of stabilisers. At each level the sites of a base before it stay
fixed, and for each site that the base point may go to one permutation is searched for, site by
site, keeping all couplings to the sites already placed. The order of the group is the product of
the orbit lengths, known before its elements are listed.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hamiltonians.operators.pauli import PauliSum, TermsOnSites
from hamiltonians.symmetry.groups import SymmetryGroup
from hamiltonians.utils.checks import integer, short

MAX_SITES = 200  # of a search in Python; regular lattices of this size take about a second
_MAX_STEPS = 2_000_000  # sites placed before the search gives up

Integers = NDArray[np.int64]


def automorphism_group(n_sites: int, bonds: ArrayLike, max_order: int = 20_000) -> SymmetryGroup:
    """All permutations of sites that map bonds to bonds.

    Parameters
    ----------
    n_sites : int
    bonds : array, shape (n_bonds, 2)
    max_order : int
        Largest group that is listed.

    Returns
    -------
    SymmetryGroup

    Raises
    ------
    ValueError
        If there are more than ``max_order``, more sites than the search can handle, or the search
        takes too long.
    """
    if not 0 < integer("n_sites", n_sites, minimum=1) <= MAX_SITES:
        raise ValueError(f"n_sites must be at most {MAX_SITES} for a search, got {n_sites}")
    if integer("n_sites", n_sites, minimum=1) > MAX_SITES:
        raise ValueError(f"n_sites must be at most {MAX_SITES} for a search, got {n_sites}")
    colours = np.zeros((n_sites, n_sites), np.int64)
    if np.asarray(bonds).dtype.kind not in "iu" and np.size(bonds):
        raise TypeError(f"bonds must be pairs of sites, got {short(bonds)}")
    i, j = np.asarray(bonds, np.int64).reshape(-1, 2).T
    colours[i, j] = colours[j, i] = 1
    return _group_of_colours(colours, max_order)


def symmetry_group(hamiltonian: TermsOnSites, max_order: int = 20_000) -> SymmetryGroup:
    """All permutations of sites that leave a Hamiltonian invariant.

    Found from the terms on one and two sites, and checked on all: longer strings may leave only a
    subgroup.

    Parameters
    ----------
    hamiltonian : SpinHamiltonian
    max_order : int
        Largest group that is listed.

    Returns
    -------
    SymmetryGroup

    Raises
    ------
    ValueError
        As `automorphism_group`.
    """
    if not isinstance(getattr(hamiltonian, "terms", None), PauliSum):
        raise TypeError(f"hamiltonian must have terms, got a {type(hamiltonian).__name__}")
    words: dict[tuple[int, int], list[Any]] = {}
    for string, value in hamiltonian.terms.terms.items():
        if len(string) in (1, 2):
            sites, letters = zip(*string, strict=True)
            words.setdefault((sites[0], sites[-1]), []).append((letters, value.real))
            words.setdefault((sites[-1], sites[0]), []).append((letters[::-1], value.real))
    numbers: dict[Any, int] = {}
    colours = np.zeros((hamiltonian.n_sites, hamiltonian.n_sites), np.int64)
    for pair, terms in words.items():
        colours[pair] = numbers.setdefault(tuple(sorted(terms)), len(numbers) + 1)
    return _group_of_colours(colours, max_order).restricted_to(hamiltonian)


def _group_of_colours(colours: Integers, max_order: int) -> SymmetryGroup:
    n_sites, max_order = len(colours), integer("max_order", max_order, 1)
    if n_sites > MAX_SITES:
        raise ValueError(
            f"automorphisms are searched on at most {MAX_SITES} sites, got {n_sites}; "
            "a lattice with positions has space_group()"
        )
    search = _Search(colours)
    generators: list[Integers] = []
    order = 1
    for level in reversed(range(n_sites)):
        order *= _extend_orbit(search, level, generators)
        if order > max_order:
            raise ValueError(
                f"the automorphism group must have at most max_order={max_order} elements, "
                f"got at least {order}"
            )
    rows = np.array([np.arange(n_sites), *generators])
    return SymmetryGroup.generated(rows, max_order=order)


def _extend_orbit(search: "_Search", level: int, generators: list[Integers]) -> int:
    """Add what moves the base point of this level and fixes those before; its orbit's length."""
    base = search.base
    orbit = _orbit(base[level], generators)
    for site in base[level + 1 :]:
        if site not in orbit:
            found = search.permutation(level, site)
            if found is not None:
                generators.append(found)
                orbit = _orbit(base[level], generators)
    return len(orbit)


def _orbit(site: int, generators: list[Integers]) -> set[int]:
    orbit, waiting = {site}, [site]
    while waiting:
        here = waiting.pop()
        for generator in generators:
            there = int(generator[here])
            if there not in orbit:
                orbit.add(there)
                waiting.append(there)
    return orbit


class _Search:
    """Depth-first search for a permutation of sites that keeps a table of colours."""

    def __init__(self, colours: Integers) -> None:
        self._colours = colours
        self._classes = _refined_classes(colours)
        self.base = _base_order(colours, self._classes)
        self._steps = 0

    def permutation(self, level: int, target: int) -> Integers | None:
        """A permutation that fixes the base before ``level`` and moves its point to ``target``."""
        n_sites = len(self.base)
        images = [*self.base[:level], target]
        candidates: list[Iterator[int]] = [iter(())] * (level + 1)
        if target not in self._choices(images[:level]):
            return None
        while len(images) < n_sites or len(candidates) < len(images):
            self._count()
            if len(candidates) == len(images):
                candidates.append(iter(self._choices(images)))
            image = next(candidates[-1], None)
            if image is not None:
                images.append(image)
                continue
            candidates.pop()
            if len(images) == level + 1:
                return None
            images.pop()
        found = np.empty(n_sites, np.int64)
        found[self.base] = images
        return found

    def _choices(self, images: list[int]) -> list[int]:
        """Sites that the next base point may go to."""
        n_placed, site = len(images), self.base[len(images)]
        fits = self._classes == self._classes[site]
        fits[images] = False
        placed = self.base[:n_placed]
        towards, back = self._colours[site, placed], self._colours[placed, site]
        fits &= (self._colours[:, images] == towards).all(axis=1)
        fits &= (self._colours.T[:, images] == back).all(axis=1)
        return np.flatnonzero(fits).tolist()

    def _count(self) -> None:
        self._steps += 1
        if self._steps > _MAX_STEPS:
            raise ValueError(
                f"no end of the search for automorphisms of {len(self.base)} sites after "
                f"{_MAX_STEPS} steps; give the group by SymmetryGroup.generated(permutations)"
            )


def _refined_classes(colours: Integers) -> Integers:
    """Sites told apart by their colours to the classes of others, until nothing changes."""
    classes = np.unique(np.diag(colours), return_inverse=True)[1]
    while True:
        seen = colours * (classes.max() + 1) + classes[None, :]
        rows = np.column_stack([classes, np.sort(seen, axis=1)])
        refined = np.unique(rows, axis=0, return_inverse=True)[1].ravel()
        if refined.max() == classes.max():
            return refined
        classes = refined


def _base_order(colours: Integers, classes: Integers) -> list[int]:
    """Sites such that each is joined to earlier ones, so that wrong starts fail soon."""
    sizes = np.bincount(classes)[classes]
    order = [int(sizes.argmin())]
    joined = (colours != 0).astype(np.int64)
    while len(order) < len(colours):
        links = joined[:, order].sum(axis=1)
        links[order] = -1
        order.append(int(links.argmax()))
    return order
