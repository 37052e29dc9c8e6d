"""Finding the space group of a cluster from the positions of its sites.

Every isometry r -> R r + t that maps the cluster, with its images, onto itself is a translation
after one of a few coset representatives. The matrices R to try are those that map the lattice
spanned by the cell's vectors onto itself.
"""

import numpy as np
from numpy.typing import NDArray

from hamiltonians.lattices.cluster_of_points import ClusterOfPoints
from hamiltonians.lattices.isometries import name_of, order_of_listing, point_operations
from hamiltonians.lattices.periodic_cells import cells_within
from hamiltonians.lattices.site_maps import SiteMaps
from hamiltonians.lattices.space_group import Operation, SpaceGroup

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
_TOLERANCE = 1e-6  # of lattice constants, for positions and shifts to be equal


def find_space_group(lattice: ClusterOfPoints) -> SpaceGroup:
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
    translations = np.array([maps.permutation(identity, step @ vectors) for step in steps])
    found = _find_cosets(lattice, maps, translations)
    centre = _best_centre(lattice, found, vectors)
    operations = [_operation(maps, R, t, centre, vectors) for R, t in found]
    cosets = _that_differ(operations, translations)
    return SpaceGroup(steps, translations, cosets, vectors, cluster)


def _cluster(lattice: ClusterOfPoints) -> Integers:
    """The cluster in multiples of the periodic lattice vectors."""
    if lattice.vectors is not None:
        return np.array(lattice.vectors, np.int64)
    kept = [n for n, wrap in zip(lattice.shape or (), lattice.periodic or (), strict=True) if wrap]
    return np.diag(kept).astype(np.int64).reshape(len(kept), len(kept))


def _find_cosets(
    lattice: ClusterOfPoints, maps: SiteMaps, translations: Integers
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


def _adjacency(lattice: ClusterOfPoints) -> NDArray[np.bool_] | None:
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
    lattice: ClusterOfPoints, found: list[tuple[Floats, Floats]], vectors: Floats
) -> Floats:
    """The point that most operations fix, up to a translation each; site 0 if it is as good."""
    candidates = [lattice.positions[0]]  # type: ignore[index]
    for R, shift in found:
        moved = np.eye(len(R)) - R
        point = np.linalg.pinv(moved) @ shift
        if np.allclose(moved @ point, shift, atol=_TOLERANCE):
            candidates.append(point)
    counts = [sum(_step_to_fix(R, t, c, vectors) is not None for R, t in found) for c in candidates]
    return candidates[int(np.argmax(counts))]


def _step_to_fix(R: Floats, shift: Floats, centre: Floats, vectors: Floats) -> Floats | None:
    """The lattice vector a for which r -> R r + shift + a fixes the centre, if there is one."""
    missing = centre - R @ centre - shift
    if not len(vectors):
        return missing * 0 if np.abs(missing).max() < _TOLERANCE else None
    step = np.rint(missing @ np.linalg.pinv(vectors)) @ vectors
    return step if np.abs(missing - step).max() < _TOLERANCE else None


def _that_differ(operations: list[Operation], translations: Integers) -> tuple[Operation, ...]:
    """One operation for each coset of permutations: in a flat or narrow cluster several agree."""
    kept: list[Operation] = []
    known: set[bytes] = set()
    for operation in operations:
        if operation.permutation.tobytes() not in known:
            kept.append(operation)
            known |= {row.tobytes() for row in operation.permutation[translations]}
    return tuple(kept)


def _operation(
    maps: SiteMaps, R: Floats, shift: Floats, centre: Floats, vectors: Floats
) -> Operation:
    """The representative that fixes the centre if there is one, else (R, shift) itself."""
    step = _step_to_fix(R, shift, centre, vectors)
    if step is None:
        return Operation(R, maps.permutation(R, shift), name_of(R) + "*", False)
    return Operation(R, maps.permutation(R, shift + step), name_of(R), True)
