"""NetKet (arXiv:2112.10526) operators and graphs.

NetKet shares our Pauli matrices and order of sites. It is imported on first use only.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hamiltonians.convert.matrices import in_units, pauli_decomposition
from hamiltonians.convert.units import check_meaning, import_library, scaled_by_weight
from hamiltonians.lattices import Lattice, from_edges
from hamiltonians.models.hamiltonian import SpinHamiltonian, spin_hamiltonian
from hamiltonians.operators.pauli import PauliSum
from hamiltonians.operators.spin import SpinOperator, string_matrix
from hamiltonians.utils.checks import short

_MAX_SUPPORT = 10  # sites of a dense local matrix, 16 MiB of complex numbers


def import_netket() -> Any:
    """The module netket.

    Raises
    ------
    ImportError
        If it is not installed.
    """
    return import_library("netket", "NetKet", 'pip install "rbmqs[netket]"')


def to_netket(hamiltonian: SpinHamiltonian, *, units: str) -> Any:
    """The Hamiltonian as a NetKet operator, sector included.

    Strings on the same sites make one local matrix, so that each Heisenberg bond is one term, and
    in a fixed sector no term leads out of it. A free Hamiltonian with a string on more than ten
    sites becomes `PauliStrings`, whose elements of less than 1e-10 NetKet drops.

    Parameters
    ----------
    hamiltonian : SpinHamiltonian
        Taken in the basis of its `terms`, the Marshall basis where it was applied.
    units : str
        ``"pauli"`` for the same matrix, ``"spin"`` with S = sigma / 2 in place of each sigma. Spins
        of S >= 1 are always passed as they are, with ``"spin"``.

    Returns
    -------
    netket.operator.LocalOperator or netket.operator.PauliStrings

    Raises
    ------
    ImportError
        If NetKet is not installed.
    ValueError
        If a string acts on more than ten sites in a fixed sector.
    """
    if not hamiltonian.is_spin_half:
        return _spins_to_netket(hamiltonian, units)
    hamiltonian = in_units(hamiltonian, units)
    nk = import_netket()
    hilbert = nk.hilbert.Spin(0.5, hamiltonian.n_sites, total_sz=hamiltonian.total_sz)
    widest = max((len(string) for string in hamiltonian.terms.terms), default=0)
    if widest <= _MAX_SUPPORT:
        return _local_operator(nk, hilbert, hamiltonian)
    if hamiltonian.total_sz is not None:
        raise ValueError(
            f"strings may act on at most {_MAX_SUPPORT} sites to pass a Hamiltonian of fixed "
            f"total_sz to NetKet, got one on {widest}; free total_sz or shorten the string"
        )
    return _pauli_strings(nk, hilbert, hamiltonian)


def from_netket(
    operator: Any, *, units: str, name: str = "NetKet operator", lattice: Lattice | None = None
) -> SpinHamiltonian:
    """The Hamiltonian of a NetKet operator on spins of one S or qubits, its sector included.

    Parameters
    ----------
    operator : netket.operator
        `Ising`, `Heisenberg`, `GraphOperator`, `LocalOperator` or `PauliStrings`.
    units : str
        ``"pauli"`` for the same matrix, ``"spin"`` if the operator holds S = sigma / 2 in place of
        each sigma. NetKet's own `Ising` and `Heisenberg` are in Pauli units. Spins of S >= 1 are
        taken as they are, with ``"spin"``.
    name : str
    lattice : Lattice, optional
        Of the result, with as many sites; see `lattice_from_netket`.

    Returns
    -------
    SpinHamiltonian

    Raises
    ------
    TypeError, ValueError
        If the operator is of another kind, not Hermitian, or not on spins or qubits, or if they
        have a constraint other than a total S_z.
    """
    check_meaning("units", units)
    if lattice is not None and not isinstance(lattice, Lattice):
        raise TypeError(f"lattice must be a Lattice, got {type(lattice).__name__}")
    hilbert: Any = getattr(operator, "hilbert", None)
    total_sz = _total_sz(hilbert)
    if hilbert.local_size > 2:
        return _spins_from_netket(operator, units, name, lattice, total_sz)
    terms = _terms_of(operator)
    if units == "spin":
        terms = scaled_by_weight(terms, 2.0)
    return spin_hamiltonian(terms, hilbert.size, name, lattice, total_sz)


def _spins_to_netket(hamiltonian: SpinHamiltonian, units: str) -> Any:
    """A Hamiltonian on spins of S >= 1, each part a matrix on its sites."""
    _check_spin_units(units)
    if not isinstance(hamiltonian.spin, float) or hamiltonian.blockade:
        kind = "a blockade" if hamiltonian.blockade else f"spins {short(hamiltonian.spin)}"
        raise ValueError(f"NetKet's Spin holds spins of one S without a constraint, got {kind}")
    nk = import_netket()
    hilbert = nk.hilbert.Spin(hamiltonian.spin, hamiltonian.n_sites, total_sz=hamiltonian.total_sz)
    parts = {sites: m for sites, m in hamiltonian.terms.parts.items() if sites}
    dtype = float if hamiltonian.is_real else complex
    return nk.operator.LocalOperator(
        hilbert,
        [np.asarray(matrix, dtype) for matrix in parts.values()],
        [list(sites) for sites in parts],
        constant=hamiltonian.trace,
        dtype=dtype,
        mel_cutoff=0.0,
    )


def _spins_from_netket(
    operator: Any, units: str, name: str, lattice: Lattice | None, total_sz: float | None
) -> SpinHamiltonian:
    _check_spin_units(units)
    if not hasattr(operator, "acting_on") and hasattr(operator, "to_local_operator"):
        operator = operator.to_local_operator()
    if not hasattr(operator, "acting_on"):
        raise TypeError(
            f"operator must be a LocalOperator of NetKet on spins, got {type(operator).__name__}"
        )
    hilbert = operator.hilbert
    spin = (hilbert.local_size - 1) / 2
    up_first = hilbert.local_states[0] >= 0
    total: Any = SpinOperator([((), np.full((1, 1), complex(operator.constant)))], {})
    parts = [total]
    for sites, local in zip(operator.acting_on, operator.operators, strict=True):
        matrix = local.toarray() if hasattr(local, "toarray") else np.asarray(local)
        matrix = matrix if up_first else matrix[::-1, ::-1]
        parts.append(SpinOperator.from_matrix(matrix, [int(s) for s in sites], spin))
    terms = SpinOperator.sum(parts)
    return spin_hamiltonian(terms, hilbert.size, name, lattice, total_sz, spin=spin)


def _check_spin_units(units: str) -> None:
    check_meaning("units", units)
    if units != "spin":
        raise ValueError(f"units must be 'spin' for spins of S >= 1, got {units!r}")


def _total_sz(hilbert: Any) -> float | None:
    """Sector of a Hilbert space of spins or qubits; everything else is refused."""
    spaces = import_netket().hilbert
    if not isinstance(hilbert, spaces.Spin | spaces.Qubit):
        raise ValueError(f"operator must act on spins, got one on {hilbert}")
    constraint = getattr(hilbert, "constraint", None)
    if constraint is None:
        return None
    if type(constraint) is not spaces.constraint.SumConstraint:
        raise ValueError(f"spins must have no constraint but total_sz, got {constraint}")
    return float(constraint.sum_value) / 2


def lattice_to_netket(lattice: Lattice, shell: int = 1) -> Any:
    """The bonds of a shell as a `netket.graph.Graph` with the same numbers of sites.

    Parameters
    ----------
    lattice : Lattice
    shell : int
        Of neighbours, 1 for nearest.

    Returns
    -------
    netket.graph.Graph
    """
    edges = [tuple(bond) for bond in lattice.bonds(shell).tolist()]
    return import_netket().graph.Graph(edges=edges, n_nodes=lattice.n_sites)


def lattice_from_netket(graph: Any) -> Lattice:
    """The edges of a NetKet graph as nearest-neighbour bonds; of a `Lattice` all its edges.

    Parameters
    ----------
    graph : netket.graph.AbstractGraph

    Returns
    -------
    Lattice

    Raises
    ------
    TypeError
        If it is no graph of NetKet.
    """
    if not hasattr(graph, "n_nodes"):
        raise TypeError(f"graph must be a graph of NetKet, got {type(graph).__name__}")
    return from_edges([(int(i), int(j)) for i, j in graph.edges()], graph.n_nodes)


def _terms_of(operator: Any) -> PauliSum:
    if hasattr(operator, "weights"):  # PauliStrings
        weights = [complex(value) for value in operator.weights]
        return PauliSum.from_strings(dict(zip(map(str, operator.operators), weights, strict=True)))
    if hasattr(operator, "to_local_operator"):
        operator = operator.to_local_operator()
    if not hasattr(operator, "acting_on"):
        raise TypeError(
            "operator must be a LocalOperator, PauliStrings, Ising, Heisenberg or GraphOperator of "
            f"NetKet, got {type(operator).__name__}"
        )
    up_first = operator.hilbert.local_states[0] >= 0  # of a qubit, 0 is up
    parts = [PauliSum({(): complex(operator.constant)})]
    for sites, local in zip(operator.acting_on, operator.operators, strict=True):
        matrix = local.toarray() if hasattr(local, "toarray") else np.asarray(local)
        parts.append(_placed(matrix if up_first else matrix[::-1, ::-1], sites))
    return PauliSum.sum(parts)


def _placed(matrix: NDArray[Any], sites: Any) -> PauliSum:
    """The strings of a local matrix, moved to the sites that it acts on."""
    local = pauli_decomposition(matrix)
    return PauliSum.from_terms(
        (value, [(int(sites[place]), letter) for place, letter in string])
        for string, value in local.terms.items()
    )


def _local_operator(nk: Any, hilbert: Any, hamiltonian: SpinHamiltonian) -> Any:
    matrices: dict[tuple[int, ...], NDArray[Any]] = {}
    for string, value in hamiltonian.terms.terms.items():
        sites = tuple(site for site, _ in string)
        term = value * string_matrix(string)
        matrices[sites] = matrices[sites] + term if sites in matrices else term
    dtype = float if hamiltonian.is_real else complex
    constant = matrices.pop((), np.zeros((1, 1)))[0, 0].real
    return nk.operator.LocalOperator(
        hilbert,
        [matrix if dtype is complex else matrix.real for matrix in matrices.values()],
        [list(sites) for sites in matrices],
        constant=constant,
        dtype=dtype,
        mel_cutoff=0.0,
    )


def _pauli_strings(nk: Any, hilbert: Any, hamiltonian: SpinHamiltonian) -> Any:
    spelt = []
    for string in hamiltonian.terms.terms:
        letters = dict(string)
        spelt.append("".join(letters.get(i, "I") for i in range(hamiltonian.n_sites)))
    weights = [value.real for value in hamiltonian.terms.terms.values()]
    dtype = float if hamiltonian.is_real else complex
    return nk.operator.PauliStrings(hilbert, spelt, weights, dtype=dtype)
