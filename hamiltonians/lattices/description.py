"""Building a lattice again from what `Lattice.describe` wrote."""

from collections.abc import Mapping
from typing import Any

from hamiltonians.lattices.cells import unit_cell
from hamiltonians.lattices.clusters import from_cell
from hamiltonians.lattices.graphs import from_edges
from hamiltonians.lattices.lattice import Lattice
from hamiltonians.lattices.named import chain, ladder, rectangle


def lattice_from_description(data: Mapping[str, Any]) -> Lattice:
    """The lattice of which ``data`` is the description.

    Parameters
    ----------
    data : mapping
        As `Lattice.describe` gives it.

    Returns
    -------
    Lattice

    Raises
    ------
    KeyError, TypeError, ValueError
        If ``data`` does not describe a lattice.
    """
    kind, shape, periodic = data["kind"], data["shape"], data["periodic"]
    if kind == "graph":
        return from_edges(data["edges"], data["n_sites"])
    if kind == "chain":
        return chain(shape[0], periodic[0])
    if kind == "rectangle":
        return rectangle(shape[0], shape[1], tuple(periodic))
    if kind == "ladder":
        return ladder(shape[0], shape[1], periodic[0])
    cell = unit_cell(data["cell"]["vectors"], data["cell"]["basis"], kind, data["cell"]["bonds"])
    if data["vectors"] is not None:
        return from_cell(cell, vectors=data["vectors"])
    return from_cell(cell, tuple(shape), tuple(periodic))
