"""Exactly solvable chains: free fermions for Ising, the Bethe ansatz for Heisenberg."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hamiltonians.utils.checks import integer, real_array
from hamiltonians.utils.memory import require_memory

_MAX_NEWTON_STEPS = 50
_HELD = 48  # bytes for each pair of sites: a matrix, its factors and work space


def ising_chain_energy(
    n_sites: int, h: ArrayLike = 1.0, J: ArrayLike = 1.0, periodic: bool = True
) -> float:
    """Ground-state energy of H = sum_i J_i Z_i Z_{i+1} - sum_i h_i X_i on a chain.

    With Majorana operators a_j, b_j (x_j = i a_j b_j), H = -i sum_jk a_j M_jk b_k, where
    M_jj = h_j, M_{j+1,j} = J_j, and on a ring M_{1,N} = -P J_N, P = prod_i X_i = +-1 being
    conserved. The lowest energy is minus the sum of the singular values of M; it has parity
    sign(det M). If this contradicts P, the cheapest mode is excited
    (Lieb, Schultz & Mattis, Ann. Phys. 16, 407, 1961; Pfeuty, Ann. Phys. 57, 79, 1970).

    Parameters
    ----------
    n_sites : int
        At least 2, or 3 on a ring.
    h : float or array, shape (n_sites,)
    J : float or array, shape (n_sites,) on a ring, (n_sites - 1,) on an open chain
        ``J[i]`` couples sites i and i + 1; the last of a ring couples N - 1 and 0.
    periodic : bool

    Returns
    -------
    float
        Total energy in Pauli units.

    Raises
    ------
    TypeError, ValueError
        If a parameter is not real and finite, or its length is wrong.
    """
    n_sites = integer("n_sites", n_sites, minimum=3 if periodic else 2)
    require_memory(_HELD * n_sites**2, f"free fermions on {n_sites} sites (n_sites)")
    fields = real_array("h", h, (n_sites,), "one for each site")
    n_bonds = n_sites if periodic else n_sites - 1
    couplings = real_array("J", J, (n_bonds,), "one for each bond")
    M = np.diag(fields) + np.diag(couplings[: n_sites - 1], -1)
    if not periodic:
        return -float(_singular_values(M).sum())
    return min(_ring_energy(M, couplings[-1], parity) for parity in (1, -1))


def heisenberg_chain_energy(n_sites: int, total_sz: float = 0.0) -> float:
    """Lowest energy of H = sum_i sigma_i . sigma_{i+1} on a ring of even length, at total S_z.

    Solves the Bethe equations N arctan(2 l_j) = pi I_j + sum_k arctan(l_j - l_k) for
    M = N/2 - |S_z| rapidities with I_j = -(M-1)/2, ..., (M-1)/2 by Newton's method, started from
    their density in the infinite chain; E = N - sum_j 8 / (1 + 4 l_j^2)
    (Bethe, Z. Phys. 71, 205, 1931; Karbach, Hu & Mueller, arXiv:cond-mat/9809163). At S_z = 1 the
    two spinons of lowest energy are a triplet, whose distance from S_z = 0 is the gap.

    Parameters
    ----------
    n_sites : int
    total_sz : float
        A whole number.

    Returns
    -------
    float
        Total energy in Pauli units; 4 times that of H = sum S_i . S_{i+1}.

    Raises
    ------
    TypeError, ValueError
        If ``n_sites`` is not an even integer of at least 4, or it has no such ``total_sz``.
    """
    n_sites = integer("n_sites", n_sites, minimum=4)
    require_memory(_HELD * n_sites**2, f"the Bethe equations of {n_sites} sites (n_sites)")
    if n_sites % 2:
        raise ValueError(f"n_sites must be even for the Bethe ansatz, got {n_sites}")
    if total_sz != round(total_sz) or abs(total_sz) > n_sites / 2:
        raise ValueError(
            f"total_sz must be a whole number of at most {n_sites // 2}, got {total_sz}"
        )
    n_magnons = n_sites // 2 - round(abs(total_sz))
    numbers = np.arange(n_magnons) - (n_magnons - 1) / 2
    rapidities = np.arcsinh(np.tan(2 * np.pi * numbers / n_sites)) / np.pi
    for _ in range(_MAX_NEWTON_STEPS):
        step = _newton_step(rapidities, numbers, n_sites)
        rapidities = rapidities - step
        if np.abs(step).max(initial=0.0) < 1e-12:
            return n_sites - float(np.sum(8 / (1 + 4 * rapidities**2)))
    raise ArithmeticError(f"the Bethe equations for n_sites={n_sites} did not converge")


def _ring_energy(open_chain: NDArray[np.float64], last: float, parity: int) -> float:
    """Lowest energy of a ring among states of one parity prod_i X_i."""
    M = open_chain.copy()
    M[0, -1] -= parity * last
    values = _singular_values(M)
    sign, _ = np.linalg.slogdet(M)
    excitation = 2 * values.min() if sign == -parity else 0.0
    return float(excitation - values.sum())


def _singular_values(M: NDArray[np.float64]) -> NDArray[Any]:
    return np.linalg.svd(M, compute_uv=False)


def _newton_step(rapidities: NDArray[Any], numbers: NDArray[Any], n_sites: int) -> NDArray[Any]:
    """Residual of the Bethe equations divided by their Jacobian."""
    apart = rapidities[:, None] - rapidities
    residual = n_sites * np.arctan(2 * rapidities) - np.pi * numbers - np.arctan(apart).sum(axis=1)
    kernel = 1 / (1 + apart**2)
    drive = 2 * n_sites / (1 + 4 * rapidities**2)
    jacobian = kernel + np.diag(drive - kernel.sum(axis=1))
    return np.linalg.solve(jacobian, residual)
