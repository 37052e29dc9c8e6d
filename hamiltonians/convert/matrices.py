"""Sparse matrices: of a Hamiltonian in its sector, and back to Pauli strings by transforming."""

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hamiltonians.convert.units import check_meaning, scaled_by_weight
from hamiltonians.models.hamiltonian import SpinHamiltonian, spin_hamiltonian
from hamiltonians.operators.pauli import ROUNDING, PauliString, PauliSum

if TYPE_CHECKING:
    from scipy.sparse import csr_array

MAX_SITES = 16  # each flip is transformed as a vector of 2^n_sites numbers


def to_scipy(hamiltonian: SpinHamiltonian, *, units: str) -> "csr_array":
    """The matrix in the sector basis, compressed rows; basis states ascend as integers.

    Parameters
    ----------
    hamiltonian : SpinHamiltonian
    units : str
        ``"pauli"`` for the Hamiltonian as it is, ``"spin"`` with S = sigma / 2 in place of sigma.
    """
    return in_units(hamiltonian, units).to_sparse()


def from_scipy(
    matrix: Any, *, units: str, total_sz: float | None = None, name: str = "matrix"
) -> SpinHamiltonian:
    """The Hamiltonian of a Hermitian matrix, sparse or dense, on all 2^N configurations.

    Parameters
    ----------
    matrix : array or sparse array, shape (2^N, 2^N)
        Site 0 is the leftmost Kronecker factor, spin up comes first.
    units : str
        ``"pauli"`` if the matrix is the Hamiltonian as it is, ``"spin"`` if it holds S = sigma / 2
        in place of each sigma.
    total_sz : float, optional
        Sector of the result.
    name : str

    Raises
    ------
    TypeError, ValueError
        If the matrix is not Hermitian, its side not a power of two, or N above 16.
    """
    check_meaning("units", units)
    terms = pauli_decomposition(matrix)
    if units == "spin":
        terms = scaled_by_weight(terms, 2.0)
    return spin_hamiltonian(terms, _n_sites(matrix), name, total_sz=total_sz)


def in_units(hamiltonian: SpinHamiltonian, units: str) -> SpinHamiltonian:
    """The Hamiltonian, or with S = sigma / 2 in place of each sigma for ``"spin"``."""
    if check_meaning("units", units) == "pauli":
        return hamiltonian
    name, terms = f"{hamiltonian.name}, spin units", scaled_by_weight(hamiltonian.terms, 0.5)
    return dataclasses.replace(hamiltonian, name=name, terms=terms, spec=None)


def pauli_decomposition(matrix: Any) -> PauliSum:
    """The Pauli strings of a matrix of shape (2^N, 2^N).

    The elements (s, s ^ flip) are a function of s whose Walsh-Hadamard transform holds the
    coefficients of Z_z X_flip; Z X = i Y on a site makes these Pauli strings.
    """
    from scipy.sparse import coo_array

    n_sites = _n_sites(matrix)
    elements = coo_array(matrix)
    rows, columns = (axis.astype(np.int64) for axis in elements.coords)
    flips = rows ^ columns
    total: dict[PauliString, complex] = {}
    for flip in np.unique(flips).tolist():
        diagonal = np.zeros(2**n_sites, np.complex128)
        np.add.at(diagonal, rows[flips == flip], elements.data[flips == flip])
        total |= _strings(_walsh_hadamard(diagonal), flip, n_sites)
    largest = max(map(abs, total.values()), default=0.0)
    return PauliSum({s: c for s, c in total.items() if abs(c) > ROUNDING * largest})


def _strings(coefficients: NDArray[Any], flip: int, n_sites: int) -> dict[PauliString, complex]:
    found: dict[PauliString, complex] = {}
    for z in np.flatnonzero(coefficients).tolist():
        letters = [_LETTERS[flip >> bit & 1, z >> bit & 1] for bit in reversed(range(n_sites))]
        string = tuple((site, letter) for site, letter in enumerate(letters) if letter)
        found[string] = complex(coefficients[z]) * 1j ** (flip & z).bit_count()
    return found


_LETTERS = {(0, 0): "", (0, 1): "Z", (1, 0): "X", (1, 1): "Y"}  # by the bits of flip and z


def _walsh_hadamard(values: NDArray[Any]) -> NDArray[Any]:
    """sum_s (-1)^popcount(s & z) values[s] / len(values)."""
    result, step = values.copy(), 1
    while step < len(result):
        pairs = result.reshape(-1, 2, step)
        result = np.stack([pairs[:, 0] + pairs[:, 1], pairs[:, 0] - pairs[:, 1]], axis=1).ravel()
        step *= 2
    return result / len(values)


def _n_sites(matrix: Any) -> int:
    shape = np.shape(matrix) if not hasattr(matrix, "shape") else matrix.shape
    n_sites = shape[0].bit_length() - 1 if len(shape) == 2 and shape[0] else -1
    if n_sites < 1 or shape != (2**n_sites, 2**n_sites):
        raise ValueError(f"matrix must have shape (2^N, 2^N) with N at least 1, got {shape}")
    if n_sites > MAX_SITES:
        raise ValueError(f"matrix must have at most {MAX_SITES} sites, got {n_sites}")
    return n_sites
