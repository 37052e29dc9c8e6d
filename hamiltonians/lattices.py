"""Lattices: numbered sites, and the bonds between neighbours of each shell.

A lattice with positions is a finite cluster of points, repeated by its ``translations`` when it
is periodic; its shells are ordered by distance to the nearest image. Another regular lattice is
therefore one more constructor which lays out positions and translations. A graph has neither:
its shells are counted in steps along edges.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hamiltonians.checks import integer
from hamiltonians.neighbours import colour_alternately, distance_shells, steps_between


@dataclass(frozen=True)
class Lattice:
    """A finite set of numbered sites with neighbour shells.

    Built by `chain`, `square`, `rectangle` or `from_edges`.

    Attributes
    ----------
    name : str
        For people, e.g. ``"chain of 20, periodic"``.
    kind : str
        ``"chain"``, ``"rectangle"`` or ``"graph"``.
    n_sites : int
    shape : tuple of int or None
        Unit cells along each direction; None for a graph.
    periodic : tuple of bool or None
        Boundary condition along each direction; None for a graph.
    positions : ndarray, shape (n_sites, d), float64, or None
        In units of the lattice constant.
    translations : ndarray, shape (p, d), float64, or None
        The vectors by which the whole cluster repeats, one for each periodic direction.
    edges : tuple of (int, int) or None
        The edges of a graph.
    """

    name: str
    kind: str
    n_sites: int
    shape: tuple[int, ...] | None = None
    periodic: tuple[bool, ...] | None = None
    positions: NDArray[np.float64] | None = field(default=None, compare=False, repr=False)
    translations: NDArray[np.float64] | None = field(default=None, compare=False, repr=False)
    edges: tuple[tuple[int, int], ...] | None = field(default=None, repr=False)

    def bonds(self, shell: int = 1) -> NDArray[np.int32]:
        """Pairs of sites in the given shell of neighbours, each pair once.

        Parameters
        ----------
        shell : int
            1 for nearest neighbours, 2 for next-nearest, ...

        Returns
        -------
        ndarray, shape (n_bonds, 2), int32
            Rows (i, j) with i < j, sorted.

        Raises
        ------
        ValueError
            If the lattice has no such shell.
        """
        shell = integer("shell", shell, minimum=1)
        if shell > max(self.n_shells, 1):
            raise ValueError(
                f"shell must be between 1 and {self.n_shells} on the {self.name}, got {shell}"
            )
        return np.argwhere(np.triu(self._shell_of_pair == shell, 1)).astype(np.int32)

    @property
    def n_shells(self) -> int:
        """Number of neighbour shells."""
        return int(self._shell_of_pair.max(initial=0))

    @property
    def is_connected(self) -> bool:
        """Whether nearest-neighbour bonds join all sites."""
        return bool((self._components == 0).all())

    @property
    def is_bipartite(self) -> bool:
        """Whether nearest-neighbour bonds join only sites of opposite colour."""
        colours = self._colours
        return not any(colours[i] == colours[j] for i, j in self.bonds())

    def sublattices(self) -> NDArray[np.int8]:
        """Colour 0 or 1 of each site such that nearest neighbours differ; site 0 has colour 0.

        Returns
        -------
        ndarray, shape (n_sites,), int8

        Raises
        ------
        ValueError
            If the nearest-neighbour graph has a loop of odd length.
        """
        if not self.is_bipartite:
            raise ValueError(
                f"the {self.name} has no two sublattices: its nearest-neighbour bonds form a loop "
                "of odd length; allowed are bipartite lattices, such as even or open chains"
            )
        return self._colours.copy()

    def describe(self) -> dict[str, Any]:
        """Everything needed to build the lattice again, as plain JSON values."""
        return {
            "kind": self.kind,
            "name": self.name,
            "n_sites": self.n_sites,
            "shape": None if self.shape is None else list(self.shape),
            "periodic": None if self.periodic is None else list(self.periodic),
            "edges": None if self.edges is None else [list(edge) for edge in self.edges],
        }

    @cached_property
    def _shell_of_pair(self) -> NDArray[np.int32]:
        """Shell number of every pair of sites; 0 on the diagonal, -1 for sites never joined."""
        if self.positions is None:
            return steps_between(self.n_sites, self.edges or ())
        return distance_shells(self.positions, self.translations)

    @cached_property
    def _walk(self) -> tuple[NDArray[np.int8], NDArray[np.int32]]:
        """Colour and component of each site, from one walk over the nearest neighbours."""
        return colour_alternately(self.n_sites, self.bonds().tolist())

    @property
    def _colours(self) -> NDArray[np.int8]:
        return self._walk[0]

    @property
    def _components(self) -> NDArray[np.int32]:
        return self._walk[1]


def chain(length: int, periodic: bool = True) -> Lattice:
    """Chain of ``length`` sites.

    Raises
    ------
    ValueError
        If ``length`` is below 1, or below 3 for a periodic chain.
    """
    length = integer("length", length, minimum=1)
    closed = _boundary("periodic", periodic)
    if closed and length <= 2:
        raise ValueError(
            f"length must be at least 3 for a periodic chain, got {length}; "
            f"write chain({length}, periodic=False)"
        )
    name = f"chain of {length}, {_boundary_name((closed,))}"
    return _box(name, "chain", (length,), (closed,))


def square(length: int, periodic: bool | Sequence[bool] = True) -> Lattice:
    """Square lattice of ``length`` x ``length`` sites; see `rectangle`."""
    return rectangle(length, length, periodic)


def rectangle(width_x: int, width_y: int, periodic: bool | Sequence[bool] = True) -> Lattice:
    """Rectangle cut from the square lattice; site (x, y) has the number x * width_y + y.

    Parameters
    ----------
    width_x, width_y : int
        Sites along each direction.
    periodic : bool or pair of bool
        Boundary condition, of both directions or of each.

    Raises
    ------
    ValueError
        If a width is below 1, or below 3 along a periodic direction.
    """
    shape = (integer("width_x", width_x, minimum=1), integer("width_y", width_y, minimum=1))
    closed = _boundary_pair(periodic)
    if any(wrap and width <= 2 for wrap, width in zip(closed, shape, strict=True)):
        allowed = tuple(wrap and width > 2 for wrap, width in zip(closed, shape, strict=True))
        raise ValueError(
            f"periodic must be False along a direction of fewer than 3 sites, got {closed} for a "
            f"{shape[0]}x{shape[1]} rectangle; write periodic={allowed}"
        )
    noun = "square" if shape[0] == shape[1] else "rectangle"
    name = f"{noun} {shape[0]}x{shape[1]}, {_boundary_name(closed)}"
    return _box(name, "rectangle", shape, closed)


def from_edges(edges: Iterable[Sequence[int]], n_sites: int | None = None) -> Lattice:
    """Graph with the given edges as its nearest-neighbour bonds.

    Parameters
    ----------
    edges : iterable of (int, int)
        Each edge once, in either direction.
    n_sites : int, optional
        Defaults to one more than the largest site number.

    Raises
    ------
    TypeError
        If an edge is not a pair of integers.
    ValueError
        If an edge joins a site to itself, appears twice, or leaves the range of sites.
    """
    pairs = [_edge(edge) for edge in edges]
    if n_sites is None and not pairs:
        raise ValueError("edges must hold at least one edge unless n_sites is given, got none")
    highest = max((j for _, j in pairs), default=0)
    n_sites = highest + 1 if n_sites is None else integer("n_sites", n_sites, minimum=1)
    if highest >= n_sites:
        raise ValueError(f"edges must join sites 0 to {n_sites - 1}, got site {highest}")
    if len(set(pairs)) < len(pairs):
        twice = next(pair for pair in pairs if pairs.count(pair) > 1)
        raise ValueError(f"edges must name each bond once, got {twice} more than once")
    name = f"graph of {n_sites} sites and {len(pairs)} edges"
    return Lattice(name, "graph", n_sites, edges=tuple(sorted(pairs)))


def _box(name: str, kind: str, shape: tuple[int, ...], periodic: tuple[bool, ...]) -> Lattice:
    """Orthogonal box of unit cells; the last direction runs fastest."""
    positions = np.indices(shape, dtype=np.float64).reshape(len(shape), -1).T.copy()
    translations = np.diag(np.array(shape, np.float64))[list(periodic)]
    for array in (positions, translations):
        array.setflags(write=False)
    return Lattice(name, kind, len(positions), shape, periodic, positions, translations)


def _edge(edge: Sequence[int]) -> tuple[int, int]:
    try:
        i, j = edge
    except (TypeError, ValueError):
        raise TypeError(f"edges must be pairs of sites, got {edge!r}") from None
    i, j = integer("a site in edges", i, minimum=0), integer("a site in edges", j, minimum=0)
    if i == j:
        raise ValueError(f"edges must join two different sites, got ({i}, {j})")
    return min(i, j), max(i, j)


def _boundary(name: str, value: Any) -> bool:
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def _boundary_pair(periodic: Any) -> tuple[bool, bool]:
    if isinstance(periodic, bool | np.bool_):
        return bool(periodic), bool(periodic)
    if not isinstance(periodic, Sequence) or len(periodic) != 2:
        raise TypeError(f"periodic must be True, False or a pair of them, got {periodic!r}")
    return _boundary("periodic", periodic[0]), _boundary("periodic", periodic[1])


def _boundary_name(periodic: tuple[bool, ...]) -> str:
    if all(periodic):
        return "periodic"
    if not any(periodic):
        return "open"
    return "periodic along " + " and ".join("xyz"[d] for d, wrap in enumerate(periodic) if wrap)
