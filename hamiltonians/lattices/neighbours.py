"""Which sites are neighbours: distances of points, steps on graphs, and colours that alternate."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_DECIMALS = 9  # squared distances that agree to this many decimals belong to one shell


def distance_shells(positions: Any, translations: Any) -> NDArray[np.int32]:
    """Shell number of every pair of points by distance to the nearest image; 0 on the diagonal."""
    rows = squared_distances(positions, translations)
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


def image_counts(positions: Any, translations: Any) -> NDArray[np.int32]:
    """Number of images of j that are nearest to i, for every pair of points (i, j)."""
    result = np.empty((len(positions), len(positions)), np.int32)
    for i, squared in enumerate(_squared_to_images(positions, translations)):
        result[i] = (squared == squared.min(axis=1, keepdims=True)).sum(axis=1)
    return result


def image_vectors(positions: Any, translations: Any, i: int, j: int) -> NDArray[np.float64]:
    """Vectors from point i to the nearest images of point j, shape (n_images, d)."""
    vectors = _to_images(positions[[j]] - positions[i], reduced_vectors(translations))[0]
    squared = _squared_lengths(vectors)
    return vectors[squared == squared.min()]


def joined_twice(positions: Any, translations: Any, n_rows: int) -> str | None:
    """What nearest-neighbour bonds join twice in a cluster too small for them, in words, or None.

    Parameters
    ----------
    n_rows : int
        How many of the first points to look from: those of one cell are enough.
    """
    reduced = reduced_vectors(translations)
    rows = [_squared_lengths(_to_images(positions - here, reduced)) for here in positions[:n_rows]]
    for i, row in enumerate(rows):
        row[i] = np.inf
    nearest = min(row.min(initial=np.inf) for row in rows)
    own = _squared_lengths(_to_images(np.zeros((1, positions.shape[1])), reduced))
    if (own[own > 0] <= nearest).any():
        return "a site to itself"
    for i, row in enumerate(rows):
        doubled = np.flatnonzero((row == nearest).sum(axis=1) > 1)
        if len(doubled):
            return f"sites {i} and {doubled[0]} by two bonds"
    return None


def squared_distances(positions: Any, translations: Any) -> NDArray[np.float64]:
    """Rounded squared distance of every pair of sites to the nearest image."""
    result = np.empty((len(positions), len(positions)))
    for i, squared in enumerate(_squared_to_images(positions, translations)):
        result[i] = squared.min(axis=1)
    return result


def _squared_to_images(positions: Any, translations: Any) -> Iterator[NDArray[np.float64]]:
    """Rounded squared distances of each point to the images of all, shape (n, n_images).

    Row by row: all images of all pairs are too many at once.
    """
    reduced = reduced_vectors(translations)
    for here in positions:
        yield _squared_lengths(_to_images(positions - here, reduced))


def _squared_lengths(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rounded, so that equal distances compare as equal."""
    return (vectors**2).sum(axis=-1).round(_DECIMALS)


def _to_images(apart: Any, reduced: NDArray[np.float64]) -> NDArray[np.float64]:
    """The vectors ``apart``, shape (n, d), to the images that may be nearest: (n, n_images, d).

    In a reduced basis these are the ones next to the vector folded into the cell at the origin.
    """
    steps = list(itertools.product((-1, 0, 1), repeat=len(reduced)))
    if len(reduced):
        apart = apart - np.rint(apart @ np.linalg.pinv(reduced)) @ reduced
    return apart[:, None, :] + np.array(steps, np.float64) @ reduced


def reduced_vectors(translations: Any) -> NDArray[np.float64]:
    """The same translations by vectors as short as possible (Minkowski, up to three of them)."""
    vectors = np.array(translations, np.float64)
    for _ in range(100):
        order = np.argsort((vectors**2).sum(axis=1), kind="stable")
        vectors, before = vectors[order], vectors.copy()
        for last in range(1, len(vectors)):
            vectors[last] = _shortest(vectors[last], vectors[:last])
        if np.array_equal(vectors, before):
            break
    return vectors


def _shortest(vector: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """``vector`` minus the integer combination of ``others`` that leaves it shortest."""
    guess = vector - np.rint(vector @ np.linalg.pinv(others)) @ others
    steps = np.array(list(itertools.product((0, -1, 1), repeat=len(others))), np.float64)
    candidates = np.concatenate([vector[None], guess + steps @ others])
    return candidates[(candidates**2).sum(axis=1).round(_DECIMALS).argmin()]
