"""Sparse matrices: of a Hamiltonian in its sector, and back to Pauli strings by transforming."""

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from hamiltonians.convert.units import check_meaning, scaled_by_weight
from hamiltonians.models.hamiltonian import SpinHamiltonian, spin_hamiltonian
from hamiltonians.operators.decomposition import pauli_strings
from hamiltonians.operators.pauli import PauliSum
from hamiltonians.utils.checks import instance

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

    Returns
    -------
    scipy.sparse.csr_array, shape (dimension, dimension)
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

    Returns
    -------
    SpinHamiltonian

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
    instance("hamiltonian", hamiltonian, SpinHamiltonian)
    if check_meaning("units", units) == "pauli":
        return hamiltonian
    name, terms = f"{hamiltonian.name}, spin units", scaled_by_weight(hamiltonian.terms, 0.5)
    return dataclasses.replace(hamiltonian, name=name, terms=terms, spec=None)


def pauli_decomposition(matrix: Any) -> PauliSum:
    """The Pauli strings of a matrix of shape (2^N, 2^N)."""
    if np.ma.isMaskedArray(matrix):
        raise TypeError("matrix must have no masked entries, got a masked array")
    n_sites, kind = _n_sites(matrix), np.dtype(getattr(matrix, "dtype", float)).kind
    if kind not in "biufc":
        raise TypeError(f"matrix must hold numbers, got dtype {matrix.dtype}")
    return PauliSum(pauli_strings(matrix, n_sites))


def _n_sites(matrix: Any) -> int:
    shape = np.shape(matrix) if not hasattr(matrix, "shape") else matrix.shape
    n_sites = shape[0].bit_length() - 1 if len(shape) == 2 and shape[0] else -1
    if n_sites < 1 or shape != (2**n_sites, 2**n_sites):
        raise ValueError(f"matrix must have shape (2^N, 2^N) with N at least 1, got {shape}")
    if n_sites > MAX_SITES:
        raise ValueError(f"matrix must have at most {MAX_SITES} sites, got {n_sites}")
    return n_sites
