"""Time evolution exp(-i H t) |psi> in Krylov spaces, and under a Hamiltonian that changes in time.

In the space of m Lanczos vectors exp(-i H t) |v_1> is approximated by sum_j c_j v_j with
c = exp(-i T t) e_1. The error is about beta_m |c_m| (Park & Light, J. Chem. Phys. 85, 5870, 1986;
Saad, SIAM J. Numer. Anal. 29, 209, 1992): the time step is made as long as that allows.
Where H depends on t, i dpsi/dt = H(t) psi is integrated by the Runge-Kutta method of order 8
(Hairer, Norsett & Wanner, 1993).
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hamiltonians.exact.diagonalisation import compiled, normalised
from hamiltonians.exact.memory import MemoryPlan, check_plan, check_sites, sector_dimension
from hamiltonians.exact.thick_restart import orthonormal_product
from hamiltonians.models.driven import DrivenHamiltonian
from hamiltonians.symmetry.groups import SymmetrySector
from hamiltonians.utils.checks import as_real, integer

_SHRINK = 0.8  # of a time step that was too long


def evolve(
    H: Any,
    vector: ArrayLike,
    times: Sequence[float] | NDArray[Any],
    *,
    symmetry: SymmetrySector | None = None,
    tolerance: float = 1e-10,
    n_vectors: int = 24,
    memory_limit: int | None = None,
) -> NDArray[np.complex128]:
    """The solution of i d|psi>/dt = H |psi> at each of the times; at time 0 it is `vector`.

    Parameters
    ----------
    H : SpinHamiltonian, callable, or sequence of (coefficient, operator)
        In Pauli units, so that t is in units of 1 / J for H = J sum sigma.sigma; or H(t), see
        `hamiltonians.models.driven.DrivenHamiltonian`.
    vector : array, shape (dimension,)
        In the basis of `ground_state`.
    times : sequence of float
        Any order and sign.
    symmetry : SymmetrySector, optional
        That the vector belongs to.
    tolerance : float
        Bound of the error estimate for each unit of norm and for the whole time.
    n_vectors : int
        Dimension of a Krylov space, where H is fixed.
    memory_limit : int, optional
        Bytes that may be used; defaults to what the host has available.

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
    driven = DrivenHamiltonian(H)
    H = driven.first
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
    if not driven.is_fixed:
        return _driven(driven, start, asked, symmetry, tolerance)
    H, trace, unit = normalised(H)
    phases, asked = np.exp(-1j * trace * asked), unit * asked
    product = orthonormal_product(compiled(H, symmetry))
    out = np.empty((len(asked), dimension), np.complex128)
    error_rate = tolerance / (float(np.abs(asked).max(initial=0.0)) or 1.0)
    order = np.argsort(np.abs(asked), kind="stable")
    for sign in (1, -1):
        now, psi = 0.0, start.astype(np.complex128)
        for n in order[np.where(asked[order] < 0, -1, 1) == sign]:
            psi = _advance(product, psi, float(asked[n]) - now, error_rate, n_vectors)
            now = float(asked[n])
            out[n] = phases[n] * psi
    return out


def loschmidt_echo(
    H: Any, vector: ArrayLike, times: Sequence[float] | NDArray[Any], **options: Any
) -> NDArray[np.float64]:
    """|<vector|psi(t)>|^2 at each of the times, for a normalised vector; options as in `evolve`.

    Parameters
    ----------
    H, vector, times
        As of `evolve`.
    **options
        Of `evolve`.

    Returns
    -------
    float64 array (len(times),)
    """
    start = np.asarray(vector)
    return np.abs(evolve(H, start, times, **options) @ start.conj()) ** 2


def _driven(
    driven: DrivenHamiltonian,
    start: NDArray[Any],
    asked: NDArray[np.float64],
    symmetry: SymmetrySector | None,
    tolerance: float,
) -> NDArray[np.complex128]:
    """The state at each of the times by integration from 0, forwards and backwards.

    The time is in units near 1 / J, powers of two: squares of derivatives of 1e200 have no value.
    """
    from scipy.integrate import solve_ivp  # late: 50 ms that a fixed Hamiltonian does not need

    def right(t: float, psi: NDArray[np.complex128]) -> NDArray[np.complex128]:
        H = driven.at(t / unit)
        if symmetry is not None:
            symmetry.check(H)
        return -1j / unit * orthonormal_product(compiled(H, symmetry, stored=False))(psi)

    scale = max(driven.at(float(t)).coupling_scale for t in (0.0, *asked))
    unit = 2.0 ** (math.frexp(scale)[1] - 1)
    out = np.empty((len(asked), len(start)), np.complex128)
    psi = start.astype(np.complex128)
    out[asked == 0] = psi
    for sign in (1, -1):
        chosen = np.flatnonzero(sign * asked > 0)
        if len(chosen) == 0:
            continue
        times, place = np.unique(unit * np.abs(asked[chosen]), return_inverse=True)
        found = solve_ivp(
            right, (0.0, sign * times[-1]), psi, "DOP853", sign * times,
            rtol=tolerance, atol=tolerance * float(np.linalg.norm(psi)) / len(psi) ** 0.5,
        )  # fmt: skip
        if not found.success:
            raise ArithmeticError(f"the evolution in time stopped: {found.message}")
        out[chosen] = found.y.T[place]
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
        closed = beta[j] <= 1e-13 * max(np.abs(alpha).max(), beta.max())
        if j + 1 == m or closed:
            break
        V[j + 1] = w / beta[j]
    n = j + 1
    T = np.diag(alpha[:n]) + np.diag(beta[: n - 1], 1) + np.diag(beta[: n - 1], -1)
    energies, U = np.linalg.eigh(T)
    return V[:n], energies, U, 0.0 if closed else float(beta[j])
