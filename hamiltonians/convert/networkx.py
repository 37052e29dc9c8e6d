"""NetworkX graphs: a lattice's edges, or a Hamiltonian's terms on one and two sites.

Node n is site n; nodes that are not the numbers 0 to N - 1 are numbered in the order of the graph.
"""

from collections.abc import Sequence
from typing import Any

from hamiltonians.convert.units import check_meaning, import_library, scaled_by_weight
from hamiltonians.lattices import Lattice, from_edges
from hamiltonians.models.hamiltonian import SpinHamiltonian, spin_hamiltonian
from hamiltonians.operators.pauli import PauliSum, spell
from hamiltonians.utils.checks import instance, short

_PAIRS = tuple(a + b for a in "XYZ" for b in "XYZ")


def lattice_to_networkx(lattice: Lattice, shell: int = 1) -> Any:
    """The bonds of a shell as a graph; nodes carry their ``position`` where there is one.

    Parameters
    ----------
    lattice : Lattice
    shell : int
        Of neighbours, 1 for nearest.

    Returns
    -------
    networkx.Graph
    """
    graph = _empty(lattice.n_sites)
    graph.add_edges_from(lattice.bonds(shell).tolist())
    if lattice.positions is not None:
        for site, position in enumerate(lattice.positions.tolist()):
            graph.nodes[site]["position"] = tuple(position)
    return graph


def lattice_from_networkx(graph: Any) -> Lattice:
    """The edges of an undirected graph as nearest-neighbour bonds.

    Parameters
    ----------
    graph : networkx.Graph
        Its nodes are 0, 1, ..., N - 1.

    Returns
    -------
    Lattice

    Raises
    ------
    TypeError, ValueError
        If the graph is directed, or has loops or parallel edges.
    """
    numbers = _site_numbers(graph)
    return from_edges([(numbers[a], numbers[b]) for a, b in graph.edges()], len(numbers))


def to_networkx(hamiltonian: SpinHamiltonian, *, operators: str) -> Any:
    """Terms as attributes: ``graph.edges[i, j]["XX"]`` for i < j, ``graph.nodes[i]["Z"]``.

    Parameters
    ----------
    hamiltonian : SpinHamiltonian
        With strings on at most two sites. A constant is ``graph.graph["constant"]``.
    operators : str
        What the numbers multiply: ``"pauli"`` matrices, or ``"spin"`` for S = sigma / 2.

    Returns
    -------
    networkx.Graph

    Raises
    ------
    ValueError
        If a string acts on more than two sites.
    """
    instance("hamiltonian", hamiltonian, SpinHamiltonian)
    instance("terms of the hamiltonian", hamiltonian.terms, PauliSum)
    spin = check_meaning("operators", operators) == "spin"
    graph = _empty(hamiltonian.n_sites)
    terms = scaled_by_weight(hamiltonian.terms, 2.0) if spin else hamiltonian.terms
    for string, value in terms.terms.items():
        sites, letters = [site for site, _ in string], "".join(letter for _, letter in string)
        if len(string) > 2:
            raise ValueError(f"a graph holds strings on at most two sites, got {spell(string)}")
        if len(string) == 2:
            graph.add_edge(*sites, **{letters: value.real})
        elif sites:
            graph.nodes[sites[0]][letters] = value.real
        else:
            graph.graph["constant"] = value.real
    return graph


def from_networkx(
    graph: Any,
    *,
    operators: str,
    weight: Sequence[str] = (),
    total_sz: float | None = None,
    name: str = "graph",
) -> SpinHamiltonian:
    """The Hamiltonian of a graph whose attributes are couplings, as `to_networkx` writes them.

    Parameters
    ----------
    graph : networkx.Graph
        The first letter of an edge's pair belongs to the lower site number.
    operators : str
        What the numbers multiply: ``"pauli"`` matrices, or ``"spin"`` for S = sigma / 2.
    weight : sequence of str
        Pairs that the attribute ``weight`` of an edge multiplies, such as ``("XX", "YY", "ZZ")``
        for a Heisenberg model; edges without the attribute count 1.
    total_sz : float, optional
        Sector.
    name : str

    Returns
    -------
    SpinHamiltonian

    Raises
    ------
    TypeError, ValueError
        If the graph is directed or has parallel edges, a coupling is not a real number, an edge
        has no coupling, or an attribute reads like letters but is not known.
    """
    spin = check_meaning("operators", operators) == "spin"
    for pair in weight:
        if pair not in _PAIRS:
            raise ValueError(f"weight must name pairs such as 'XX' or 'ZZ', got {short(pair)}")
    numbers = _site_numbers(graph)
    _check_attributes(graph, weight)
    terms: list[tuple[Any, list[tuple[int, str]]]] = [(graph.graph.get("constant", 0), [])]
    for node, data in graph.nodes(data=True):
        terms += [(data[a], [(numbers[node], a)]) for a in "XYZ" if a in data]
    for first, second, data in graph.edges(data=True):
        i, j = sorted((numbers[first], numbers[second]))
        terms += [(data[p], [(i, p[0]), (j, p[1])]) for p in _PAIRS if p in data]
        terms += [(data.get("weight", 1), [(i, p[0]), (j, p[1])]) for p in weight]
    total = PauliSum.from_terms(terms)
    total = scaled_by_weight(total, 0.5) if spin else total
    lattice = lattice_from_networkx(graph) if graph.number_of_edges() else None
    return spin_hamiltonian(total, len(numbers), name, lattice, total_sz)


def _check_attributes(graph: Any, weight: Sequence[str]) -> None:
    """Refuse what would be left out without a word: 'zz' for 'ZZ', weights that count nothing."""
    places = [(f"node {short(node)}", data, tuple("XYZ")) for node, data in graph.nodes(data=True)]
    places += [(f"edge {short((a, b))}", data, _PAIRS) for a, b, data in graph.edges(data=True)]
    for place, data, known in places:
        for key in data:
            spelt = isinstance(key, str) and 0 < len(key) < 3 and set(key.upper()) <= set("XYZ")
            if spelt and key not in known:
                raise ValueError(
                    f"{place} has a coupling {key!r}; known there are {', '.join(known)}"
                )
        if place.startswith("edge") and not weight and not any(key in known for key in data):
            raise ValueError(
                f"{place} has no coupling among {', '.join(known)}; for edges that count by their "
                'attribute weight give weight=("ZZ",) or other pairs'
            )


def _site_numbers(graph: Any) -> dict[Any, int]:
    if not hasattr(graph, "is_directed"):
        raise TypeError(f"graph must be a networkx.Graph, got {type(graph).__name__}")
    if graph.is_directed() or graph.is_multigraph():
        raise TypeError("graph must be undirected and without parallel edges, a networkx.Graph")
    nodes = list(graph.nodes)
    if set(nodes) == set(range(len(nodes))):
        return {node: int(node) for node in nodes}
    return {node: number for number, node in enumerate(nodes)}


def _empty(n_sites: int) -> Any:
    networkx = import_library("networkx", "NetworkX", "pip install networkx")
    graph = networkx.Graph()
    graph.add_nodes_from(range(n_sites))
    return graph
