"""Which sites are neighbours: distances of points, steps on graphs, and colours that alternate."""

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_DECIMALS = 9  # squared distances that agree to this many decimals belong to one shell


def distance_shells(positions: Any, translations: Any) -> NDArray[np.int32]:
    """Shell number of every pair of points by distance to the nearest image; 0 on the diagonal."""
    rows = _squared_distances(positions, translations)
    shells = np.unique(np.concatenate([np.unique(row) for row in rows]))
    return np.searchsorted(shells, rows).astype(np.int32)


def steps_between(n_sites: int, edges: Sequence[tuple[int, int]]) -> NDArray[np.int32]:
    """Length of the shortest path between every pair of sites; -1 where there is none."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import shortest_path

    ends = np.array(edges, np.int64).reshape(-1, 2)
    adjacency = coo_matrix((np.ones(len(ends)), ends.T), shape=(n_sites, n_sites)).tocsr()
    steps = shortest_path(adjacency, directed=False, unweighted=True)
    return np.where(np.isfinite(steps), steps, -1).astype(np.int32)


def colour_alternately(
    n_sites: int, bonds: Iterable[Sequence[int]]
) -> tuple[NDArray[np.int8], NDArray[np.int32]]:
    """Colour 0 or 1 and component of each site, from one walk along the bonds.

    Colours alternate along the walk; if the graph has an odd loop, some bond joins equal ones.
    A component is named after its lowest site.
    """
    neighbours: list[list[int]] = [[] for _ in range(n_sites)]
    for i, j in bonds:
        neighbours[i].append(j)
        neighbours[j].append(i)
    colours = np.zeros(n_sites, np.int8)
    components = np.full(n_sites, -1, np.int32)
    for start in range(n_sites):
        if components[start] < 0:
            _colour_component(start, neighbours, colours, components)
    return colours, components


def _colour_component(
    start: int, neighbours: list[list[int]], colours: Any, component: Any
) -> None:
    """Colour all sites that can be reached from ``start`` alternately, and name them after it."""
    component[start] = start
    waiting = [start]
    while waiting:
        here = waiting.pop()
        for there in neighbours[here]:
            if component[there] < 0:
                component[there] = start
                colours[there] = 1 - colours[here]
                waiting.append(there)


def _squared_distances(positions: Any, translations: Any) -> NDArray[np.float64]:
    """Rounded squared distance of every pair of sites to the nearest image."""
    steps = list(itertools.product((-1, 0, 1), repeat=len(translations)))
    images = np.array(steps, np.float64) @ translations
    result = np.empty((len(positions), len(positions)))
    for i, here in enumerate(positions):  # row by row: all images of all pairs are too many at once
        apart = (positions - here)[:, None, :] + images
        result[i] = (apart**2).sum(axis=-1).min(axis=1)
    return result.round(_DECIMALS)
