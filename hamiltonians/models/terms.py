"""Sums over bonds and sites, of which Hamiltonians are made."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hamiltonians.lattices import Lattice
from hamiltonians.operators.pauli import PauliSum
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


def bond_terms(lattice: Lattice, pair: str, shell: int = 1, **coupling: ArrayLike) -> PauliSum:
    """Sum over the bonds of a shell of ``coupling`` times two Pauli letters, such as ``"ZZ"``."""
    ((name, value),) = coupling.items()
    bonds = lattice.bonds(shell).tolist()
    strengths = real_array(name, value, (len(bonds),), f"one for each bond of shell {shell}")
    strings = ([(i, pair[0]), (j, pair[1])] for i, j in bonds)
    return PauliSum.from_terms(zip(strengths.tolist(), strings, strict=True))


def site_terms(lattice: Lattice, letter: str, **field: ArrayLike) -> PauliSum:
    """Sum over sites of ``field`` times one Pauli letter."""
    ((name, value),) = field.items()
    strengths = real_array(name, value, (lattice.n_sites,), "one for each site")
    strings = ([(i, letter)] for i in range(lattice.n_sites))
    return PauliSum.from_terms(zip(strengths.tolist(), strings, strict=True))


def field_terms(lattice: Lattice, field: ArrayLike) -> PauliSum:
    """- sum_i field . sigma_i."""
    vectors = as_real("field", field)
    if vectors.shape not in ((3,), (lattice.n_sites, 3)):
        raise ValueError(
            f"field must have shape (3,) or ({lattice.n_sites}, 3), got shape {vectors.shape}"
        )
    columns = np.broadcast_to(vectors, (lattice.n_sites, 3)).T
    parts = (site_terms(lattice, a, field=c) for a, c in zip("XYZ", columns, strict=True))
    return -PauliSum.sum(parts)
