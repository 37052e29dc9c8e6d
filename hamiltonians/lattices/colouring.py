"""Sublattices of a given number, such that nearest neighbours are on different ones."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_MAX_STEPS = 100_000  # choices before the search gives up; regular lattices need about n_sites


def colour_sites(
    name: str, n_sites: int, bonds: Any, number: int, hint: NDArray[Any] | None = None
) -> NDArray[np.int8]:
    """A colouring of the sites by ``number`` colours, 0 for site 0.

    Parameters
    ----------
    name : str
        Of the lattice, for messages.
    bonds : ndarray, shape (n_bonds, 2)
    number : int
    hint : ndarray, shape (n_sites,), optional
        Taken if it is a colouring by exactly this number.

    Raises
    ------
    ValueError
        If there is none, or the search takes too long to tell.
    """
    i, j = np.asarray(bonds).T
    if hint is not None and len(np.unique(hint)) == number and (hint[i] != hint[j]).all():
        return hint.astype(np.int8)
    neighbours: list[list[int]] = [[] for _ in range(n_sites)]
    for a, b in np.asarray(bonds).tolist():
        neighbours[a].append(b)
        neighbours[b].append(a)
    colours = _search(name, neighbours, number)
    if colours is None:
        raise ValueError(
            f"the {name} has no {number} sublattices: its nearest-neighbour bonds leave no "
            f"colouring by {number} colours"
        )
    return np.array(colours, np.int8)


def _search(name: str, neighbours: list[list[int]], number: int) -> list[int] | None:
    """Colour the site with the fewest colours left, and step back where none is (DSATUR)."""
    colours = [-1] * len(neighbours)
    chosen: list[tuple[int, list[int]]] = []
    site: int | None = 0
    for _ in range(_MAX_STEPS):
        if site is not None:
            chosen.append((site, _allowed(site, colours, neighbours, number)))
        while chosen and not chosen[-1][1]:
            colours[chosen.pop()[0]] = -1
        if not chosen:
            return None
        here, options = chosen[-1]
        colours[here] = options.pop(0)
        site = _most_constrained(colours, neighbours)
        if site is None:
            return colours
    raise ValueError(f"no colouring of the {name} by {number} colours in {_MAX_STEPS} steps")


def _allowed(site: int, colours: list[int], neighbours: Any, number: int) -> list[int]:
    """Colours that no neighbour has; of those not used at all yet, one is as good as all."""
    taken = {colours[other] for other in neighbours[site]}
    highest = min(max(colours) + 1, number - 1)
    return [colour for colour in range(highest + 1) if colour not in taken]


def _most_constrained(colours: list[int], neighbours: Any) -> int | None:
    """The uncoloured site whose neighbours have most colours; the first of several."""
    waiting = [site for site, colour in enumerate(colours) if colour < 0]
    if not waiting:
        return None
    return max(waiting, key=lambda s: len({colours[o] for o in neighbours[s]} - {-1}))
