"""Finite clusters of any unit cell: a box of cells, or the cell spanned by integer vectors."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hamiltonians.lattices.boundaries import boundaries, boundary_name, refuse_short_shape
from hamiltonians.lattices.cells import UnitCell
from hamiltonians.lattices.lattice import Lattice
from hamiltonians.lattices.neighbours import joined_twice
from hamiltonians.lattices.periodic_cells import cells_within, wrap_cells
from hamiltonians.utils.checks import integer, short

Integers = NDArray[np.int64]
MAX_SITES = 100_000  # far beyond any model here; refuses slips of the pen before allocating
_RESERVED = ("chain", "rectangle", "ladder", "graph")  # kinds that other functions build


def from_cell(
    cell: UnitCell,
    shape: int | Sequence[int] | None = None,
    periodic: bool | Sequence[bool] = True,
    vectors: ArrayLike | None = None,
) -> Lattice:
    """Cluster of a unit cell, by the number of cells along each direction or by integer vectors.

    Cells are numbered with the last direction running fastest, and the sites of a cell follow
    each other.

    Parameters
    ----------
    cell : UnitCell
        See `hamiltonians.unit_cell`.
    shape : int or sequence of int
        Cells along each lattice vector; one number means the same along all.
    periodic : bool or sequence of bool
        Boundary condition, of all directions or of each.
    vectors : array of int, shape (d, d)
        In place of ``shape``: rows m such that the cluster repeats by sum_j m_j a_j, as in
        ``[[4, 2], [-2, 4]]`` for the tilted square of 20. Such a cluster is periodic.

    Returns
    -------
    Lattice

    Raises
    ------
    TypeError, ValueError
        If not exactly one of ``shape`` and ``vectors`` is given, if vectors span no area, or if a
        periodic direction is so short that two bonds join the same two sites.
    """
    if not isinstance(cell, UnitCell):
        raise TypeError(f"cell must be a UnitCell, got {type(cell).__name__}")
    if cell.name in _RESERVED:
        raise ValueError(f"a cell of your own must have another name, got {short(cell.name)}")
    if (shape is None) == (vectors is None):
        raise ValueError(
            "a cluster must be given by either shape or vectors, "
            f"got shape={shape!r} and vectors={vectors!r}"
        )
    if vectors is None:
        return _box(cell, _lengths(shape, cell), boundaries(periodic, cell.dimension))
    if not all(boundaries(periodic, cell.dimension)):
        raise ValueError(
            f"periodic must be True for a cluster given by vectors, got {periodic}; "
            "open and mixed boundaries need shape"
        )
    return _spanned(cell, _cluster_matrix(vectors, cell))


def _box(cell: UnitCell, shape: tuple[int, ...], periodic: tuple[bool, ...]) -> Lattice:
    spelt = "x".join(map(str, shape))
    lattice = build_box(
        f"{cell.name} {spelt}, {boundary_name(periodic)}", cell.name, cell, shape, periodic
    )
    joined = _joined_twice(lattice)
    if joined is not None:
        refuse_short_shape(f"{cell.name} {spelt}", shape, periodic, joined)
    return lattice


def _spanned(cell: UnitCell, matrix: Integers) -> Lattice:
    rows = tuple(tuple(row) for row in matrix.tolist())
    spelt = " ".join("(" + ",".join(map(str, row)) + ")" for row in rows)
    n_sites = abs(round(np.linalg.det(matrix))) * cell.n_basis
    name = f"{cell.name} of {n_sites}, {spelt}, periodic"
    lattice = _build(name, cell.name, cell, matrix, (True,) * cell.dimension, vectors=rows)
    joined = _joined_twice(lattice)
    if joined is not None:
        raise ValueError(
            f"vectors of a cluster must be longer, got {spelt} for the {cell.name} lattice, "
            f"which join {joined}"
        )
    return lattice


def build_box(
    name: str, kind: str, cell: UnitCell, shape: tuple[int, ...], periodic: tuple[bool, ...]
) -> Lattice:
    """Box of unit cells; short periodic directions are not refused here."""
    return _build(name, kind, cell, np.diag(shape).astype(np.int64), periodic, shape=shape)


def _build(
    name: str,
    kind: str,
    cell: UnitCell,
    matrix: Integers,
    periodic: tuple[bool, ...],
    shape: tuple[int, ...] | None = None,
    vectors: tuple[tuple[int, ...], ...] | None = None,
) -> Lattice:
    """The cells within an integer matrix, repeated by those of its rows that are periodic."""
    n_cells = math.prod(shape) if shape is not None else abs(round(np.linalg.det(matrix)))
    if n_cells * cell.n_basis > MAX_SITES:
        raise ValueError(
            f"a lattice must have at most {MAX_SITES} sites, got {n_cells * cell.n_basis}"
        )
    cells = cells_within(matrix)
    places = (cells @ np.array(cell.vectors))[:, None, :] + np.array(cell.basis)
    positions = places.reshape(-1, cell.dimension)
    translations = (matrix @ np.array(cell.vectors))[list(periodic)]
    for array in (positions, translations):
        array.setflags(write=False)
    edges = None if cell.bonds is None else _edges(cell, cells, matrix, periodic)
    return Lattice(
        name, kind, len(positions), shape, periodic, positions, translations, edges, cell, vectors
    )


def _edges(
    cell: UnitCell, cells: Integers, matrix: Integers, periodic: tuple[bool, ...]
) -> tuple[tuple[int, int], ...]:
    """Pairs of sites joined by the bonds of the cell, as often as they are joined."""
    numbers = {tuple(point): number for number, point in enumerate(cells.tolist())}
    found: list[tuple[int, int]] = []
    for i, j, offset in cell.bonds or ():
        targets = wrap_cells(cells + np.array(offset), matrix, periodic)
        for here, target in enumerate(map(tuple, targets.tolist())):
            if target in numbers:
                ends = here * cell.n_basis + i, numbers[target] * cell.n_basis + j
                found.append((min(ends), max(ends)))
    return tuple(sorted(found))


def _joined_twice(lattice: Lattice) -> str | None:
    """What nearest-neighbour bonds join more than once, in words, or None."""
    if lattice.edges is None:
        n_rows = lattice.cell.n_basis if lattice.cell else lattice.n_sites
        return joined_twice(lattice.positions, lattice.translations, n_rows)
    for before, (i, j) in zip([None, *lattice.edges], lattice.edges, strict=False):
        if i == j:
            return "a site to itself"
        if before == (i, j):
            return f"sites {i} and {j} by two bonds"
    return None


def _lengths(shape: Any, cell: UnitCell) -> tuple[int, ...]:
    lengths = [shape] * cell.dimension if np.ndim(shape) == 0 else list(shape)
    if len(lengths) != cell.dimension:
        raise ValueError(
            f"shape must be {cell.dimension} lengths, or one for all, for the {cell.name} "
            f"lattice, got {short(shape)}"
        )
    return tuple(integer("a length in shape", length, minimum=1) for length in lengths)


def _cluster_matrix(vectors: Any, cell: UnitCell) -> Integers:
    array, d = np.asarray(vectors), cell.dimension
    if array.shape != (d, d):
        raise ValueError(
            f"vectors of a cluster must be {d} of {d} integers for the {cell.name} lattice, "
            f"got shape {array.shape}"
        )
    if array.dtype.kind not in "iu":
        raise TypeError(f"vectors of a cluster must be integers, got {array.tolist()}")
    if round(np.linalg.det(array)) == 0:
        noun = {1: "length", 2: "area", 3: "volume"}[d]
        raise ValueError(
            f"vectors of a cluster must not have {noun} 0, got {array.tolist()} for the "
            f"{cell.name} lattice"
        )
    return array.astype(np.int64)
