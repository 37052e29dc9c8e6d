"""Time evolution exp(-i H t) |psi> in Krylov spaces.

In the space of m Lanczos vectors exp(-i H t) |v_1> is approximated by sum_j c_j v_j with
c = exp(-i T t) e_1. The error is about beta_m |c_m| (Park & Light, J. Chem. Phys. 85, 5870, 1986;
Saad, SIAM J. Numer. Anal. 29, 209, 1992): the time step is made as long as that allows.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hamiltonians.exact.diagonalisation import compiled
from hamiltonians.exact.memory import MemoryPlan, check_plan, check_sites, sector_dimension
from hamiltonians.exact.thick_restart import orthonormal_product
from hamiltonians.models.hamiltonian import SpinHamiltonian
from hamiltonians.symmetry.groups import SymmetrySector
from hamiltonians.utils.checks import as_real, integer

_SHRINK = 0.8  # of a time step that was too long


def evolve(
    H: SpinHamiltonian,
    vector: ArrayLike,
    times: Sequence[float] | NDArray[Any],
    *,
    symmetry: SymmetrySector | None = None,
    tolerance: float = 1e-10,
    n_vectors: int = 24,
    memory_limit: int | None = None,
) -> NDArray[np.complex128]:
    """exp(-i H t) |vector> at each of the times.

    Parameters
    ----------
    H : SpinHamiltonian
        In Pauli units, so that t is in units of 1 / J for H = J sum sigma.sigma.
    vector : array, shape (dimension,)
        In the basis of `ground_state`.
    times : sequence of float
        Any order and sign.
    symmetry : SymmetrySector, optional
        That the vector belongs to.
    tolerance : float
        Bound of the error estimate for each unit of norm and for the whole time.
    n_vectors : int
        Dimension of a Krylov space.

    Returns
    -------
    ndarray, shape (len(times), dimension), complex128

    Raises
    ------
    TooLargeError
        If the Krylov vectors do not fit into memory.
    TypeError, ValueError
        If the vector does not have the dimension of the sector, or a time is not finite.
    """
    check_sites(H)
    if symmetry is not None:
        symmetry.check(H)
    asked = np.atleast_1d(as_real("times", times))
    n_vectors = integer("n_vectors", n_vectors, minimum=2)
    dimension = sector_dimension(H, symmetry)
    start = np.asarray(vector)
    if start.shape != (dimension,):
        raise ValueError(f"vector must have shape ({dimension},), got {start.shape}")
    held = (n_vectors + len(asked) + 6) * 16 * dimension
    check_plan(H, MemoryPlan(dimension, {"vectors": held}), memory_limit)
    product = orthonormal_product(compiled(H, symmetry))
    out = np.empty((len(asked), dimension), np.complex128)
    error_rate = tolerance / max(float(np.abs(asked).max(initial=0.0)), 1e-300)
    order = np.argsort(np.abs(asked), kind="stable")
    for sign in (1, -1):
        now, psi = 0.0, start.astype(np.complex128)
        for n in order[np.where(asked[order] < 0, -1, 1) == sign]:
            psi = _advance(product, psi, float(asked[n]) - now, error_rate, n_vectors)
            now = float(asked[n])
            out[n] = psi
    return out


def _advance(
    product: Any, psi: NDArray[np.complex128], time: float, error_rate: float, n_vectors: int
) -> NDArray[np.complex128]:
    """exp(-i H time) psi, in steps whose errors add up to at most error_rate |time|."""
    left = time
    while left != 0 and (norm := float(np.linalg.norm(psi))) > 0:
        V, energies, U, beta = _krylov(product, psi / norm, min(n_vectors, len(psi)))
        step = left
        while True:
            amplitudes = U @ (np.exp(-1j * energies * step) * U[0])
            if beta * abs(amplitudes[-1]) * abs(step) <= error_rate * abs(step):
                break
            step *= _SHRINK
        psi = norm * (amplitudes @ V)
        left = 0.0 if step == left else left - step
    return psi


def _krylov(
    product: Any, v: NDArray[np.complex128], m: int
) -> tuple[NDArray[Any], NDArray[np.float64], NDArray[np.float64], float]:
    """Lanczos vectors as rows, eigenvalues and eigenvectors of T, and the last beta."""
    V = np.empty((m, len(v)), np.complex128)
    alpha, beta = np.zeros(m), np.zeros(m)
    V[0] = v
    for j in range(m):
        w = product(V[j])
        alpha[j] = np.vdot(V[j], w).real
        for _ in range(2):  # twice is enough for full orthogonality
            w -= (V[: j + 1].conj() @ w) @ V[: j + 1]
        beta[j] = np.linalg.norm(w)
        if j + 1 == m or beta[j] < 1e-13 * max(1.0, np.abs(alpha).max()):
            break
        V[j + 1] = w / beta[j]
    n = j + 1
    T = np.diag(alpha[:n]) + np.diag(beta[: n - 1], 1) + np.diag(beta[: n - 1], -1)
    energies, U = np.linalg.eigh(T)
    last = 0.0 if beta[j] < 1e-13 * max(1.0, np.abs(alpha).max()) else float(beta[j])
    return V[:n], energies, U, last
