"""Ground states and spectra by exact diagonalisation in a total-S_z sector.

Large sectors use the implicitly restarted Lanczos method of ARPACK on a product that never stores
the matrix; small ones are diagonalised densely.
"""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hamiltonians.checks import integer
from hamiltonians.hamiltonian import SpinHamiltonian
from hamiltonians.matrices import SectorOperator, sector_operator
from hamiltonians.memory import (
    DENSE_DIMENSION,
    TooLargeError,
    check_memory,
    item_size,
    memory_needed,
    n_krylov,
)
from hamiltonians.pauli import PauliSum
from hamiltonians.sectors import Sector

__all__ = [
    "ExactResult",
    "TooLargeError",
    "expectation",
    "full_spectrum",
    "ground_state",
    "memory_needed",
]

TOLERANCE = 1e-10  # of the residual, relative to the energy; the energy's own error is its square


@dataclass(frozen=True, eq=False)
class ExactResult:
    """Lowest states of a Hamiltonian in its sector.

    Attributes
    ----------
    energies : ndarray, shape (k,), float64
        Ascending, in Pauli units.
    vectors : ndarray, shape (dimension, k)
        Normalised columns; basis states ascend as integers.
    residuals : ndarray, shape (k,), float64
        ||H v - E v||.
    total_sz : float or None
    dimension : int
    n_products : int
        Products H v spent; 0 when diagonalised densely.
    seconds : float
        Wall time, with any compilation.
    memory_bytes : int
        Memory planned for, see `memory_needed`.
    """

    energies: NDArray[np.float64]
    vectors: NDArray[Any]
    residuals: NDArray[np.float64]
    total_sz: float | None
    dimension: int
    n_products: int
    seconds: float
    memory_bytes: int

    @property
    def energy(self) -> float:
        """The lowest energy."""
        return float(self.energies[0])

    @property
    def vector(self) -> NDArray[Any]:
        """The ground state, shape (dimension,)."""
        return self.vectors[:, 0]


def ground_state(
    H: SpinHamiltonian, k: int = 1, *, memory_limit: int | None = None, seed: int = 0
) -> ExactResult:
    """The ``k`` lowest states of ``H`` in its sector.

    Parameters
    ----------
    H : SpinHamiltonian
    k : int
        Number of states.
    memory_limit : int, optional
        Bytes that may be used; defaults to what the machine has available.
    seed : int
        Of the random start vector.

    Raises
    ------
    TooLargeError
        If the sector needs more memory than the limit.
    TypeError, ValueError
        If ``k`` is not an integer between 1 and the dimension.
    """
    k = integer("k", k, minimum=1)
    if k > H.dimension:
        raise ValueError(f"k must be at most the dimension {H.dimension} of the sector, got {k}")
    needed = memory_needed(H, k)
    check_memory(H, needed, memory_limit)
    start = time.perf_counter()
    operator = sector_operator(H.terms, Sector(H.n_sites, H.total_sz))
    energies, vectors, n_products = _lowest(operator, k, seed)
    return ExactResult(
        energies=energies,
        vectors=vectors,
        residuals=_residuals(operator, energies, vectors),
        total_sz=H.total_sz,
        dimension=H.dimension,
        n_products=n_products,
        seconds=time.perf_counter() - start,
        memory_bytes=needed,
    )


def full_spectrum(H: SpinHamiltonian, *, memory_limit: int | None = None) -> NDArray[np.float64]:
    """All eigenvalues in the sector, ascending, by dense diagonalisation.

    Raises
    ------
    TooLargeError
        If the dense matrix needs more memory than the limit.
    """
    check_memory(H, 3 * item_size(H) * H.dimension**2, memory_limit)
    return np.linalg.eigvalsh(H.to_dense())


def expectation(vector: ArrayLike, observable: PauliSum, sector: Sector) -> float | complex:
    """<v|O|v> / <v|v> for a vector in the basis of ``sector``.

    Returns
    -------
    float or complex
        Complex only if the observable is not Hermitian.

    Raises
    ------
    ValueError
        If the vector is zero or does not have the dimension of the sector.
    """
    v = np.asarray(vector)
    if v.shape != (sector.dimension,):
        raise ValueError(f"vector must have shape ({sector.dimension},), got {v.shape}")
    norm = np.vdot(v, v).real
    if not norm > 0:
        raise ValueError(f"vector must have a positive norm, got {norm}")
    adjoint = observable.hermitian_conjugate()
    parts = (0.5 * (observable + adjoint), -0.5j * (observable - adjoint))
    real, imaginary = (
        np.vdot(v, sector_operator(part, sector).apply(v)).real / norm if len(part) else 0.0
        for part in parts
    )
    return float(real) if observable.is_hermitian else complex(real, imaginary)


def _lowest(
    operator: SectorOperator, k: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[Any], int]:
    """Energies, vectors and number of products of the ``k`` lowest states."""
    if len(operator.states) <= DENSE_DIMENSION:
        energies, vectors = np.linalg.eigh(operator.to_sparse().toarray())
        return energies[:k], vectors[:, :k], 0
    from scipy.sparse.linalg import LinearOperator, eigsh
    from threadpoolctl import threadpool_limits

    n_products = 0

    def apply(vector: NDArray[Any]) -> NDArray[Any]:
        nonlocal n_products
        n_products += 1
        return operator.apply(vector)

    size = len(operator.states)
    product = LinearOperator((size, size), matvec=apply, dtype=operator.dtype)
    start = np.random.default_rng(seed).normal(size=size).astype(operator.dtype)
    ncv = n_krylov(size, k)
    with threadpool_limits(1, user_api="blas"):  # its threads would idle in the way of the kernels'
        energies, vectors = eigsh(product, k, which="SA", v0=start, ncv=ncv, tol=TOLERANCE)
    order = np.argsort(energies)
    return energies[order], vectors[:, order], n_products


def _residuals(
    operator: SectorOperator, energies: NDArray[np.float64], vectors: NDArray[Any]
) -> NDArray[np.float64]:
    pairs = zip(energies, vectors.T, strict=True)
    return np.array([np.linalg.norm(operator.apply(v) - E * v) for E, v in pairs])
