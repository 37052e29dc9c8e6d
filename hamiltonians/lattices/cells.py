"""Unit cells: lattice vectors, the sites of one cell, and bonds where distance does not tell them.

Lengths are in units of the lattice constant |a_1|, of the cubic cell for the pyrochlore lattice.
Sites within a cell are numbered as NetKet numbers them where it has the lattice.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hamiltonians.utils.checks import as_real, integer, short

Vector = tuple[float, ...]
CellBond = tuple[int, int, tuple[int, ...]]

_SMALL = 1e-9  # relative volume of a cell that counts as none; also sites that coincide


@dataclass(frozen=True)
class UnitCell:
    """The cell that a lattice repeats.

    Attributes
    ----------
    name : str
        Of the lattice, e.g. ``"triangular"``.
    vectors : tuple of d vectors of length d
        Lattice vectors a_1, ..., a_d as rows.
    basis : tuple of vectors of length d
        Positions of the sites of a cell, in the same units.
    bonds : tuple of (int, int, offset) or None
        Nearest neighbours: site of a cell, site of the cell ``offset`` lattice vectors away. None
        for neighbours by distance.

    Raises
    ------
    TypeError, ValueError
        If the vectors are not d of length d or span no volume, sites coincide, or a bond names a
        site that is not there.
    """

    name: str
    vectors: tuple[Vector, ...]
    basis: tuple[Vector, ...]
    bonds: tuple[CellBond, ...] | None = None

    def __post_init__(self) -> None:
        vectors, basis = as_real("vectors", self.vectors), as_real("basis", self.basis)
        _check_vectors(vectors)
        _check_basis(vectors, basis)
        object.__setattr__(self, "vectors", _rows(vectors))
        object.__setattr__(self, "basis", _rows(basis))
        if self.bonds is not None:
            checked = tuple(_checked_bond(bond, *basis.shape) for bond in self.bonds)
            object.__setattr__(self, "bonds", checked)

    @property
    def dimension(self) -> int:
        """Number of lattice vectors."""
        return len(self.vectors)

    @property
    def n_basis(self) -> int:
        """Number of sites in a cell."""
        return len(self.basis)

    def describe(self) -> dict[str, Any]:
        """What `unit_cell` needs beside the name, as plain JSON values."""
        bonds = self.bonds
        return {
            "vectors": [list(row) for row in self.vectors],
            "basis": [list(row) for row in self.basis],
            "bonds": None if bonds is None else [[i, j, list(offset)] for i, j, offset in bonds],
        }


def unit_cell(
    vectors: ArrayLike,
    basis: ArrayLike | None = None,
    name: str = "lattice",
    bonds: Any = None,
) -> UnitCell:
    """A cell of your own.

    Parameters
    ----------
    vectors : array, shape (d, d)
        Lattice vectors as rows, d = 1, 2 or 3. Give a primitive cell if all translations are to
        be used as symmetries.
    basis : array, shape (n, d), optional
        Positions of the sites of a cell; one site at the origin if left out.
    name : str
    bonds : iterable of (i, j, offset), optional
        Nearest neighbours where distance does not tell them; see `UnitCell`.

    Returns
    -------
    UnitCell

    Raises
    ------
    TypeError, ValueError
        See `UnitCell`.

    Examples
    --------
    >>> cell = unit_cell([[1, 0], [0.5, 3**0.5 / 2]], name="triangular")
    """
    rows: Any = np.zeros((1, len(np.atleast_1d(vectors)))) if basis is None else basis
    return UnitCell(name, vectors, rows, None if bonds is None else tuple(bonds))  # type: ignore


def _check_vectors(vectors: NDArray[np.float64]) -> None:
    if vectors.ndim != 2 or vectors.shape[0] != vectors.shape[1] or len(vectors) not in (1, 2, 3):
        raise ValueError(
            f"vectors must be d lattice vectors of length d with d = 1, 2 or 3, "
            f"got shape {vectors.shape}"
        )
    volume = abs(np.linalg.det(vectors))
    if volume <= _SMALL * math.prod(np.linalg.norm(vectors, axis=1)):
        raise ValueError(
            f"vectors must be linearly independent, got {vectors.tolist()} of volume {volume:.3g}"
        )


def _check_basis(vectors: NDArray[np.float64], basis: NDArray[np.float64]) -> None:
    if basis.ndim != 2 or not len(basis) or basis.shape[1] != len(vectors):
        raise ValueError(f"basis must have shape (n, {len(vectors)}), got shape {basis.shape}")
    apart = (basis[:, None] - basis[None, :]) @ np.linalg.inv(vectors)
    same = (np.abs(apart - apart.round()) < _SMALL).all(axis=-1)
    if same.sum() > len(basis):
        i, j = np.argwhere(np.triu(same, 1))[0]
        raise ValueError(
            f"basis must name different sites of a cell, got site {i} at {basis[i].tolist()} and "
            f"site {j} at {basis[j].tolist()}, which a lattice vector joins"
        )


def _checked_bond(bond: Any, n_basis: int, dimension: int) -> CellBond:
    try:
        i, j, offset = bond
        steps = tuple(integer("an offset in bonds", step) for step in offset)
    except (TypeError, ValueError):
        raise TypeError(
            f"bonds of a cell must be (site, site, offset), got {short(bond)}"
        ) from None
    i, j = integer("a site in bonds", i, minimum=0), integer("a site in bonds", j, minimum=0)
    if max(i, j) >= n_basis or len(steps) != dimension:
        raise ValueError(
            f"bonds must join sites 0 to {n_basis - 1} of cells {dimension} steps apart, "
            f"got {short(bond)}"
        )
    return i, j, steps


def _rows(array: NDArray[np.float64]) -> tuple[Vector, ...]:
    return tuple(tuple(row) for row in array.tolist())


_H = math.sqrt(3) / 2  # height of a triangle of side 1
_HEXAGONAL = ((1.0, 0.0), (0.5, _H))
_S = 0.5 / (1 + math.sqrt(3))  # half the side of squares and triangles of the shuriken lattice

CHAIN = unit_cell([[1]], name="chain")
SQUARE = unit_cell(np.eye(2), name="square")
CUBIC = unit_cell(np.eye(3), name="cubic")
TRIANGULAR = unit_cell(_HEXAGONAL, name="triangular")
HONEYCOMB = unit_cell(_HEXAGONAL, ((0.5, _H / 3), (1.0, 2 * _H / 3)), "honeycomb")
KAGOME = unit_cell(_HEXAGONAL, ((0.5, 0.0), (0.25, _H / 2), (0.75, _H / 2)), "kagome")
SHURIKEN = unit_cell(  # a square round the origin, and the tips of two triangles on its sides
    np.eye(2),
    ((_S, _S), (-_S, _S), (-_S, -_S), (_S, -_S), (0.5, 0.0), (0.0, 0.5)),
    "shuriken",
)
CHECKERBOARD = unit_cell(  # a square lattice of bonds 1/2^(1/2), every other square crossed
    np.eye(2),
    ((0.0, 0.0), (0.5, 0.5)),
    "checkerboard",
    [(0, 1, (0, 0)), (0, 1, (-1, 0)), (0, 1, (0, -1)), (0, 1, (-1, -1)),
     (0, 0, (1, 0)), (1, 1, (0, 1))],
)  # fmt: skip
PYROCHLORE = unit_cell(
    [[0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]],
    [[0.125, 0.125, 0.125], [0.125, 0.375, 0.375], [0.375, 0.125, 0.375], [0.375, 0.375, 0.125]],
    "pyrochlore",
)
