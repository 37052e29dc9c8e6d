"""Lattices given by their edges alone."""

from collections import Counter
from collections.abc import Iterable, Sequence

from hamiltonians.lattices.lattice import Lattice
from hamiltonians.utils.checks import instance, integer, short
from hamiltonians.utils.memory import require_memory


def from_edges(edges: Iterable[Sequence[int]], n_sites: int | None = None) -> Lattice:
    """Graph with the given edges as its nearest-neighbour bonds.

    Parameters
    ----------
    edges : iterable of (int, int)
        Each edge once, in either direction.
    n_sites : int, optional
        Defaults to one more than the largest site number.

    Returns
    -------
    Lattice

    Raises
    ------
    TypeError
        If an edge is not a pair of integers.
    ValueError
        If an edge joins a site to itself, appears twice, or leaves the range of sites.
    """
    instance("edges", edges, Iterable)
    pairs = [_edge(edge) for edge in edges]
    if n_sites is None and not pairs:
        raise ValueError("edges must hold at least one edge unless n_sites is given, got none")
    highest = max((j for _, j in pairs), default=0)
    n_sites = highest + 1 if n_sites is None else integer("n_sites", n_sites, minimum=1)
    if highest >= n_sites:
        raise ValueError(f"edges must join sites 0 to {n_sites - 1}, got site {highest}")
    require_memory(16 * n_sites**2, f"a table of steps between {n_sites} sites (n_sites, or edges)")
    if len(set(pairs)) < len(pairs):
        twice = next(pair for pair, number in Counter(pairs).items() if number > 1)
        raise ValueError(f"edges must name each bond once, got {twice} more than once")
    name = f"graph of {n_sites} sites and {len(pairs)} edges"
    return Lattice(name, "graph", n_sites, edges=tuple(sorted(pairs)))


def _edge(edge: Sequence[int]) -> tuple[int, int]:
    try:
        i, j = edge
    except (TypeError, ValueError):
        raise TypeError(f"edges must be pairs of sites, got {short(edge)}") from None
    i, j = integer("a site in edges", i, minimum=0), integer("a site in edges", j, minimum=0)
    if i == j:
        raise ValueError(f"edges must join two different sites, got ({i}, {j})")
    return min(i, j), max(i, j)
