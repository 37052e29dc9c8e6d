"""Groups of site permutations as arrays: closure, products, generators.

A permutation is a row ``perm`` of sites, read as a gather: (g sigma)_i = sigma[perm[i]]. Applying
h first and g then is the row ``h[g]``, the product g h.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hamiltonians.utils.checks import integer

Permutations = NDArray[np.int64]


def as_permutations(permutations: ArrayLike) -> Permutations:
    """Rows as an int64 array (n, n_sites), each checked to hold every site once.

    Raises
    ------
    TypeError, ValueError
        If the rows are not integers, not a table, or not permutations.
    """
    rows = np.asarray(permutations)
    if rows.ndim != 2 or 0 in rows.shape:
        raise ValueError(f"permutations must have shape (order, n_sites), got shape {rows.shape}")
    if rows.dtype.kind not in "iu":
        raise TypeError(f"permutations must be integers, got dtype {rows.dtype}")
    wrong = (np.sort(rows, axis=1) != np.arange(rows.shape[1])).any(axis=1)
    if wrong.any():
        row = int(wrong.argmax())
        raise ValueError(
            f"each permutation must hold the sites 0 to {rows.shape[1] - 1} once, "
            f"got {rows[row].tolist()} in row {row}"
        )
    return np.ascontiguousarray(rows, np.int64)


def generate(generators: Permutations, max_order: int) -> Permutations:
    """All products of the generators, the identity first: cosets of growing subgroups.

    Raises
    ------
    ValueError
        If there are more than ``max_order`` of them.
    """
    max_order = integer("max_order", max_order, minimum=1)
    group = np.arange(generators.shape[1])[None]
    known = {group[0].tobytes()}
    used: list[NDArray[Any]] = []
    for generator in generators:
        if generator.tobytes() not in known:
            used.append(generator)
            group = _extend(group, known, used, max_order)
    return group


def _extend(
    subgroup: Permutations, known: set[bytes], generators: list[NDArray[Any]], max_order: int
) -> Permutations:
    """The group of a subgroup H and one generator more: Dimino's walk over cosets H r."""
    blocks = [subgroup]
    waiting = [np.arange(subgroup.shape[1])]
    while waiting:
        representative = waiting.pop()
        for generator in generators:
            candidate = generator[representative]
            if candidate.tobytes() in known:
                continue
            if len(known) + len(subgroup) > max_order:
                raise ValueError(
                    f"the group generated must have at most max_order={max_order} elements, "
                    f"got more than {len(known)}"
                )
            coset = candidate[subgroup]
            known.update(row.tobytes() for row in coset)
            blocks.append(coset)
            waiting.append(candidate)
    return np.concatenate(blocks)


def find_generators(permutations: Permutations) -> list[int]:
    """Rows that generate the others; they are a group only if `generate` gives them back."""
    group = np.arange(permutations.shape[1])[None]
    known = {group[0].tobytes()}
    chosen: list[int] = []
    for index, row in enumerate(permutations):
        if row.tobytes() not in known:
            chosen.append(index)
            group = _extend(group, known, list(permutations[chosen]), len(permutations))
    return chosen


def distinguishing_sites(permutations: Permutations) -> NDArray[np.int64]:
    """A few sites whose images tell every row from every other (a base of the group)."""
    n_rows = len(permutations)
    label = np.zeros(n_rows, np.int64)
    sites: list[int] = []
    for site in range(permutations.shape[1]):
        _, refined = np.unique(
            np.stack([label, permutations[:, site]]), axis=1, return_inverse=True
        )
        if refined.max() > label.max() or not sites:
            sites.append(site)
            label = refined
        if label.max() == n_rows - 1:
            break
    return np.array(sites, np.int64)


class Lookup:
    """Finds the rows of a group by the images of its distinguishing sites."""

    def __init__(self, permutations: Permutations) -> None:
        self.sites = distinguishing_sites(permutations)
        self._n_sites = permutations.shape[1]
        keys = self._keys(permutations[:, self.sites])
        self._order = np.argsort(keys)
        self._sorted = keys[self._order]

    def find(self, images: NDArray[Any]) -> NDArray[np.int64]:
        """Row numbers of group elements from their images of ``sites``, shape (..., n)."""
        return self._order[np.searchsorted(self._sorted, self._keys(images))]

    def _keys(self, images: NDArray[Any]) -> NDArray[Any]:
        if self._n_sites ** len(self.sites) >= 2**62:  # Python integers where int64 overflows
            images = images.astype(object)
        return (images * np.array([self._n_sites**k for k in range(len(self.sites))])).sum(axis=-1)
