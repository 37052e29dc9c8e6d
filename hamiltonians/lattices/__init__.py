"""Lattices: numbered sites, neighbour shells, sublattices, space groups and drawings.

A lattice is a finite cluster of a unit cell, with its boundary conditions, or a graph of edges.
"""

from hamiltonians.lattices.cells import UnitCell, unit_cell
from hamiltonians.lattices.clusters import from_cell
from hamiltonians.lattices.description import lattice_from_description
from hamiltonians.lattices.graphs import from_edges
from hamiltonians.lattices.lattice import Lattice
from hamiltonians.lattices.named import (
    chain,
    checkerboard,
    cubic,
    honeycomb,
    kagome,
    ladder,
    pyrochlore,
    rectangle,
    shuriken,
    square,
    tilted_square,
    triangular,
)
from hamiltonians.lattices.registry import LATTICES

__all__ = [
    "LATTICES",
    "Lattice",
    "UnitCell",
    "chain",
    "checkerboard",
    "cubic",
    "from_cell",
    "from_edges",
    "honeycomb",
    "kagome",
    "ladder",
    "lattice_from_description",
    "pyrochlore",
    "rectangle",
    "shuriken",
    "square",
    "tilted_square",
    "triangular",
    "unit_cell",
]
