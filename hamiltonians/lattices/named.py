"""The lattices that have names, each a unit cell and how many of it.

Sizes are numbers or a sequence of them: ``rectangle(4, 6)`` is ``rectangle((4, 6))``.
Clusters of a two- or three-dimensional lattice take ``shape`` (one length for all directions or
one for each) or integer ``vectors``; see `hamiltonians.from_cell`.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from hamiltonians.lattices import cells
from hamiltonians.lattices.boundaries import boundaries, boundary, boundary_name
from hamiltonians.lattices.clusters import build_box, from_cell
from hamiltonians.lattices.graphs import from_edges
from hamiltonians.lattices.lattice import Lattice
from hamiltonians.lattices.registry import LATTICES, takes
from hamiltonians.utils.checks import integer

Shape = int | Sequence[int] | None
Boundaries = bool | Sequence[bool]


@LATTICES.register("chain")
@takes("length", apart=True)
def chain(length: int, periodic: bool = True) -> Lattice:
    """Chain of ``length`` sites.

    Parameters
    ----------
    length : int
    periodic : bool

    Returns
    -------
    Lattice

    Raises
    ------
    ValueError
        If ``length`` is below 1, or below 3 for a periodic chain.
    """
    length = integer("length", length, minimum=1)
    closed = boundary("periodic", periodic)
    if closed and length <= 2:
        raise ValueError(
            f"length must be at least 3 for a periodic chain, got {length}; "
            f"write chain({length}, periodic=False)"
        )
    name = f"chain of {length}, {boundary_name((closed,))}"
    return build_box(name, "chain", cells.CHAIN, (length,), (closed,))


@LATTICES.register("square")
@takes("length")
def square(length: int | Sequence[int], periodic: Boundaries = True) -> Lattice:
    """Square lattice of ``length`` x ``length`` sites; see `rectangle`.

    Parameters
    ----------
    length : int or pair of int
        Sites along each direction.
    periodic : bool or pair of bool
        Boundary condition, of both directions or of each.

    Returns
    -------
    Lattice
    """
    lengths = (length, length) if np.ndim(length) == 0 else tuple(length)  # type: ignore[arg-type]
    if len(lengths) == 2 and lengths[0] != lengths[1]:
        raise ValueError(f"a square must have equal lengths, got {lengths}; write rectangle")
    return rectangle(*lengths, periodic)


@LATTICES.register("rectangle")
@takes("shape", apart=True)
def rectangle(width_x: int, width_y: int, periodic: Boundaries = True) -> Lattice:
    """Rectangle cut from the square lattice; site (x, y) has the number x * width_y + y.

    Parameters
    ----------
    width_x, width_y : int
        Sites along each direction.
    periodic : bool or pair of bool
        Boundary condition, of both directions or of each.

    Returns
    -------
    Lattice

    Raises
    ------
    ValueError
        If a width is below 1, or below 3 along a periodic direction.
    """
    shape = (integer("width_x", width_x, minimum=1), integer("width_y", width_y, minimum=1))
    closed = boundaries(periodic, 2)
    if any(wrap and width <= 2 for wrap, width in zip(closed, shape, strict=True)):
        allowed = tuple(wrap and width > 2 for wrap, width in zip(closed, shape, strict=True))
        raise ValueError(
            f"periodic must be False along a direction of fewer than 3 sites, got {closed} for a "
            f"{shape[0]}x{shape[1]} rectangle; write periodic={allowed}"
        )
    noun = "square" if shape[0] == shape[1] else "rectangle"
    name = f"{noun} {shape[0]}x{shape[1]}, {boundary_name(closed)}"
    return build_box(name, "rectangle", cells.SQUARE, shape, closed)


LATTICES.register("graph")(from_edges)


@LATTICES.register("ladder")
@takes("length", "shape", apart=True)
def ladder(length: int, n_legs: int = 2, periodic: bool = True) -> Lattice:
    """Ladder of ``length`` rungs with open ends of the rungs; leg y of rung x is x * n_legs + y.

    Parameters
    ----------
    length, n_legs : int
    periodic : bool
        Boundary condition along the legs.

    Returns
    -------
    Lattice

    Raises
    ------
    ValueError
        If a number is below 1, or ``length`` below 3 for periodic legs.
    """
    length, n_legs = (
        integer("length", length, minimum=1), integer("n_legs", n_legs, minimum=1)
    )  # fmt: skip
    closed = boundary("periodic", periodic)
    if closed and length <= 2:
        raise ValueError(
            f"length must be at least 3 for a periodic ladder, got {length}; "
            f"write ladder({length}, {n_legs}, periodic=False)"
        )
    name = f"ladder of {length} rungs and {n_legs} legs, {boundary_name((closed,))}"
    return build_box(name, "ladder", cells.SQUARE, (length, n_legs), (closed, False))


@LATTICES.register("tilted")
@takes("shape", apart=True)
def tilted_square(a: int, b: int) -> Lattice:
    """Periodic square lattice of N = a^2 + b^2 sites, spanned by (a, b) and (-b, a).

    The clusters in the literature are (3, 1) for N = 10, (3, 3) for 18, (4, 2) for 20, (5, 1) for
    26, (4, 4) for 32 and (5, 5) for 50. Other vectors of the square lattice:
    ``from_cell(SQUARE, vectors=...)``.

    Parameters
    ----------
    a, b : int

    Returns
    -------
    Lattice

    Raises
    ------
    ValueError
        If the vectors are so short that two bonds join the same two sites.
    """
    a, b = integer("a", a), integer("b", b)
    return from_cell(cells.SQUARE, vectors=[[a, b], [-b, a]])


@LATTICES.register("triangular")
@takes("length", "shape", "vectors")
def triangular(
    shape: Shape = None, periodic: Boundaries = True, vectors: ArrayLike | None = None
) -> Lattice:
    """Triangular lattice, six neighbours to a site.

    The 12 sites of the literature have ``vectors=[[2, 2], [-2, 4]]``, and the 36 are ``shape=6``.

    Parameters
    ----------
    shape : int or sequence of int, optional
        Cells along each lattice vector; one number means the same along all.
    periodic : bool or sequence of bool
        Boundary condition, of all directions or of each.
    vectors : array of int, shape (d, d), optional
        In place of ``shape``: the vectors by which the cluster repeats, see `from_cell`.

    Returns
    -------
    Lattice
    """
    return from_cell(cells.TRIANGULAR, shape, periodic, vectors)


@LATTICES.register("honeycomb")
@takes("length", "shape", "vectors")
def honeycomb(
    shape: Shape = None, periodic: Boundaries = True, vectors: ArrayLike | None = None
) -> Lattice:
    """Honeycomb lattice, two sites to a cell, three neighbours to a site.

    Parameters
    ----------
    shape : int or sequence of int, optional
        Cells along each lattice vector; one number means the same along all.
    periodic : bool or sequence of bool
        Boundary condition, of all directions or of each.
    vectors : array of int, shape (d, d), optional
        In place of ``shape``: the vectors by which the cluster repeats, see `from_cell`.

    Returns
    -------
    Lattice
    """
    return from_cell(cells.HONEYCOMB, shape, periodic, vectors)


@LATTICES.register("kagome")
@takes("length", "shape", "vectors")
def kagome(
    shape: Shape = None, periodic: Boundaries = True, vectors: ArrayLike | None = None
) -> Lattice:
    """Kagome lattice, three sites to a cell, four neighbours to a site.

    Parameters
    ----------
    shape : int or sequence of int, optional
        Cells along each lattice vector; one number means the same along all.
    periodic : bool or sequence of bool
        Boundary condition, of all directions or of each.
    vectors : array of int, shape (d, d), optional
        In place of ``shape``: the vectors by which the cluster repeats, see `from_cell`.

    Returns
    -------
    Lattice
    """
    return from_cell(cells.KAGOME, shape, periodic, vectors)


@LATTICES.register("shuriken")
@takes("length", "shape", "vectors")
def shuriken(
    shape: Shape = None, periodic: Boundaries = True, vectors: ArrayLike | None = None
) -> Lattice:
    """Shuriken or square-kagome lattice, six sites to a cell, four neighbours to a site.

    Parameters
    ----------
    shape : int or sequence of int, optional
        Cells along each lattice vector; one number means the same along all.
    periodic : bool or sequence of bool
        Boundary condition, of all directions or of each.
    vectors : array of int, shape (d, d), optional
        In place of ``shape``: the vectors by which the cluster repeats, see `from_cell`.

    Returns
    -------
    Lattice
    """
    return from_cell(cells.SHURIKEN, shape, periodic, vectors)


@LATTICES.register("checkerboard")
@takes("length", "shape", "vectors")
def checkerboard(
    shape: Shape = None, periodic: Boundaries = True, vectors: ArrayLike | None = None
) -> Lattice:
    """Checkerboard or planar pyrochlore lattice, two sites to a cell, six neighbours to a site.

    A square lattice in which every other square has both its diagonals; all six bonds of a site
    are nearest-neighbour bonds, and further shells are counted in steps along bonds.

    Parameters
    ----------
    shape : int or sequence of int, optional
        Cells along each lattice vector; one number means the same along all.
    periodic : bool or sequence of bool
        Boundary condition, of all directions or of each.
    vectors : array of int, shape (d, d), optional
        In place of ``shape``: the vectors by which the cluster repeats, see `from_cell`.

    Returns
    -------
    Lattice
    """
    return from_cell(cells.CHECKERBOARD, shape, periodic, vectors)


@LATTICES.register("cubic")
@takes("length", "shape", "vectors")
def cubic(
    shape: Shape = None, periodic: Boundaries = True, vectors: ArrayLike | None = None
) -> Lattice:
    """Simple cubic lattice.

    Parameters
    ----------
    shape : int or sequence of int, optional
        Cells along each lattice vector; one number means the same along all.
    periodic : bool or sequence of bool
        Boundary condition, of all directions or of each.
    vectors : array of int, shape (d, d), optional
        In place of ``shape``: the vectors by which the cluster repeats, see `from_cell`.

    Returns
    -------
    Lattice
    """
    return from_cell(cells.CUBIC, shape, periodic, vectors)


@LATTICES.register("pyrochlore")
@takes("length", "shape", "vectors")
def pyrochlore(
    shape: Shape = None, periodic: Boundaries = True, vectors: ArrayLike | None = None
) -> Lattice:
    """Pyrochlore lattice, four sites to a primitive (fcc) cell, six neighbours to a site.

    The cubic cell of 16 sites is ``vectors=[[-1, 1, 1], [1, -1, 1], [1, 1, -1]]``.

    Parameters
    ----------
    shape : int or sequence of int, optional
        Cells along each lattice vector; one number means the same along all.
    periodic : bool or sequence of bool
        Boundary condition, of all directions or of each.
    vectors : array of int, shape (d, d), optional
        In place of ``shape``: the vectors by which the cluster repeats, see `from_cell`.

    Returns
    -------
    Lattice
    """
    return from_cell(cells.PYROCHLORE, shape, periodic, vectors)
