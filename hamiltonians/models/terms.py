"""Sums over bonds and sites, of which Hamiltonians are made."""

from collections.abc import Iterable
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hamiltonians.lattices import Lattice
from hamiltonians.operators.local_space import LocalSpace
from hamiltonians.operators.pauli import PauliSum
from hamiltonians.operators.spin import SpinOperator, spin_matrices
from hamiltonians.utils.checks import as_real, instance, real_array, short


def bond_sum(matrix: Any, lattice: Lattice | Iterable[tuple[int, int]], shell: int = 1) -> PauliSum:
    """Sum of one matrix over bonds, each bond (i, j) with site i as the left Kronecker factor.

    Parameters
    ----------
    matrix : array, shape (4, 4)
        Spin up comes first; it need not be Hermitian.
    lattice : Lattice or iterable of (int, int)
        A lattice, whose bonds have i < j, or pairs of sites in the order meant.
    shell : int
        Of the neighbours on a lattice; 1 for nearest.

    Returns
    -------
    PauliSum

    Raises
    ------
    TypeError, ValueError
        If the matrix is not 4 x 4, or a bond is no pair of different sites.

    Examples
    --------
    >>> swap = [[1, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1]]
    >>> H = spin_hamiltonian(bond_sum(swap, chain(8)))
    """
    local = PauliSum.from_matrix(matrix, (0, 1)).terms
    if not isinstance(lattice, Lattice):
        instance("lattice", lattice, Iterable)
    bonds = lattice.bonds(shell).tolist() if isinstance(lattice, Lattice) else list(lattice)
    for bond in bonds:
        if np.shape(bond) != (2,):
            raise TypeError(f"bonds must be pairs of sites, got {short(bond)}")
    return PauliSum.from_terms(
        (value, [(bond[place], letter) for place, letter in string])
        for bond in bonds
        for string, value in local.items()
    )


def bond_terms(
    lattice: Lattice, pair: str, shell: int = 1, spin: Any = None, **coupling: ArrayLike
) -> Any:
    """Sum over the bonds of a shell of ``coupling`` times two Pauli letters, such as ``"ZZ"``.

    Of S_x, S_y, S_z in place of X, Y, Z where a ``spin`` is given.
    """
    ((name, value),) = coupling.items()
    bonds = lattice.bonds(shell).tolist()
    strengths = real_array(name, value, (len(bonds),), f"one for each bond of shell {shell}")
    strings = [[(i, pair[0]), (j, pair[1])] for i, j in bonds]
    return letter_terms(zip(strengths.tolist(), strings, strict=True), lattice.n_sites, spin)


def site_terms(lattice: Lattice, letter: str, spin: Any = None, **field: ArrayLike) -> Any:
    """Sum over sites of ``field`` times one Pauli letter, or S_z, ... as in `bond_terms`."""
    ((name, value),) = field.items()
    strengths = real_array(name, value, (lattice.n_sites,), "one for each site")
    strings = ([(i, letter)] for i in range(lattice.n_sites))
    return letter_terms(zip(strengths.tolist(), strings, strict=True), lattice.n_sites, spin)


def field_terms(lattice: Lattice, field: ArrayLike, spin: Any = None) -> Any:
    """- sum_i field . sigma_i, or S_i as in `bond_terms`."""
    vectors = as_real("field", field)
    if vectors.shape not in ((3,), (lattice.n_sites, 3)):
        raise ValueError(
            f"field must have shape (3,) or ({lattice.n_sites}, 3), got shape {vectors.shape}"
        )
    columns = np.broadcast_to(vectors, (lattice.n_sites, 3)).T
    parts = (site_terms(lattice, a, spin, field=c) for a, c in zip("XYZ", columns, strict=True))
    return -total(parts)


def letter_terms(terms: Iterable[Any], n_sites: int, spin: Any) -> Any:
    """Sum of (coefficient, ((site, letter), ...)): Pauli letters, or S_x, S_y, S_z of a spin."""
    if spin is None:
        return PauliSum.from_terms(terms)
    space = LocalSpace.of_spin(n_sites, spin)
    if space.is_spin_half:
        return PauliSum.from_terms((c / 2 ** len(string), string) for c, string in terms)
    spins = space.spins
    matrices = {s: spin_matrices(s) for s in set(spins)}
    parts = (
        (
            tuple(site for site, _ in string),
            c * reduce(np.kron, [matrices[spins[site]][f"S{a.lower()}"] for site, a in string]),
        )
        for c, string in terms
        if c
    )
    return SpinOperator(parts, dict(enumerate(space.local_dims.tolist())))


def bond_matrices(lattice: Lattice, make: Any, spin: Any, **coupling: ArrayLike) -> SpinOperator:
    """Sum over nearest-neighbour bonds of ``coupling`` times the matrix ``make(S_i . S_j)``."""
    ((name, value),) = coupling.items()
    bonds = lattice.bonds().tolist()
    strengths = real_array(name, value, (len(bonds),), "one for each bond").tolist()
    space = LocalSpace.of_spin(lattice.n_sites, spin)
    spins = space.spins
    known: dict[Any, Any] = {}
    for pair in {(spins[i], spins[j]) for i, j in bonds}:
        left, right = map(spin_matrices, pair)
        known[pair] = make(sum(np.kron(left[a], right[a]) for a in ("Sx", "Sy", "Sz")).real)
    parts = (
        ((i, j), c * known[spins[i], spins[j]])
        for c, (i, j) in zip(strengths, bonds, strict=True)
        if c
    )
    return SpinOperator(parts, dict(enumerate(space.local_dims.tolist())))


def anisotropy_terms(lattice: Lattice, D: ArrayLike, spin: Any) -> SpinOperator:
    """sum_i D (S^z_i)^2."""
    values = real_array("D", D, (lattice.n_sites,), "one for each site").tolist()
    space = LocalSpace.of_spin(lattice.n_sites, spin)
    spins = space.spins
    parts = (((i,), c * spin_matrices(spins[i])["Sz"] ** 2) for i, c in enumerate(values) if c)
    return SpinOperator(parts, dict(enumerate(space.local_dims.tolist())))


def total(parts: Iterable[Any]) -> Any:
    """Sum of operators: a Pauli sum where all are."""
    listed = list(parts)
    kind = PauliSum if all(isinstance(part, PauliSum) for part in listed) else SpinOperator
    return kind.sum(listed)


def pair_couplings(operator: PauliSum, pair: str, n_sites: int) -> NDArray[np.float64]:
    """Coefficients of a pair of equal Pauli letters such as "XX", a symmetric (N, N)."""
    found = np.zeros((n_sites, n_sites))
    for string, value in operator.terms.items():
        if "".join(letter for _, letter in string) == pair:
            (i, _), (j, _) = string
            found[i, j] = found[j, i] = value.real
    return found
