"""Exact dynamics of the Ising chain in a transverse field, by free fermions, for any length.

With the Majorana operators of `hamiltonians.references.closed_forms`, H = -i a^T M b, so that

    da/dt = -2 M b,    db/dt = 2 M^T a,

and a Gaussian state is its covariance G, <c_k c_l> = delta_kl + i G_kl with c = (a, b). It starts
in the ground state (G_ab = -U V^T for M = U diag V^T), stays in one parity of prod_i X_i, and
G(t) = O G O^T with an orthogonal O. Correlations are Pfaffians of G, and the overlap of two such
states of N sites is |<1|2>|^2 = 2^-N det(1 - G_1 G_2)^(1/2) (Bravyi, arXiv:quant-ph/0404180).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hamiltonians.utils.checks import as_real, integer, number, real_array
from hamiltonians.utils.memory import require_memory


@dataclass(frozen=True, eq=False)
class IsingDynamics:
    """What `ising_chain_dynamics` returns: an Ising chain at some times, exactly.

    Parameters
    ----------
    times : float64 (n_times,)
    covariances : float64 (n_times, 2 N, 2 N)
        G of the Majorana operators a_0 ... a_{N-1}, b_0 ... b_{N-1}.
    energy : float64 (n_times,)
        Total, of the Hamiltonian at that time, in Pauli units.
    """

    times: NDArray[np.float64]
    covariances: NDArray[np.float64]
    energy: NDArray[np.float64]

    @property
    def n_sites(self) -> int:
        """Length of the chain."""
        return self.covariances.shape[1] // 2

    @property
    def x(self) -> NDArray[np.float64]:
        """<X_i> at each time, shape (n_times, N)."""
        n = self.n_sites
        return -np.diagonal(self.covariances[:, :n, n:], axis1=1, axis2=2)

    def zz(self, i: int, j: int) -> NDArray[np.float64]:
        """<Z_i Z_j> of two sites at each time, shape (n_times,)."""
        n = self.n_sites
        i, j = sorted((_site("i", i, n), _site("j", j, n)))
        strings = [k for site in range(i, j) for k in (n + site, site + 1)]
        sign = (-1.0) ** (j - i)
        return np.array([sign * pfaffian(G[np.ix_(strings, strings)]) for G in self.covariances])

    @property
    def zz_nearest(self) -> NDArray[np.float64]:
        """Mean of <Z_i Z_{i+1}> over the N - 1 bonds that do not close a ring, (n_times,)."""
        return np.mean([self.zz(i, i + 1) for i in range(self.n_sites - 1)], axis=0)

    @property
    def loschmidt_echo(self) -> NDArray[np.float64]:
        """|<psi(0)|psi(t)>|^2 at each time, where the state of time 0 is the first one asked for.

        Shape (n_times,).
        """
        first = self.covariances[0]
        identity = np.eye(len(first))
        logs = [np.linalg.slogdet((identity - first @ G) / 2)[1] for G in self.covariances]
        return np.exp(np.array(logs) / 2)


def ising_chain_dynamics(
    n_sites: int,
    times: Sequence[float] | NDArray[Any],
    *,
    h: Any,
    initial_h: ArrayLike = np.inf,
    J: ArrayLike = -1.0,
    periodic: bool = True,
) -> IsingDynamics:
    """A quench of H = sum_i J_i Z_i Z_{i+1} - sum_i h_i X_i, from a ground state at time 0.

    Parameters
    ----------
    n_sites : int
        At least 2, or 3 on a ring.
    times : sequence of float
        In units of 1 / |J|, Pauli matrices; from 0 upward.
    h : float, array (n_sites,), or sequence of (time, field)
        Field for t > 0; of the pairs each field begins at its time, and the first time is 0.
    initial_h : float or array
        Field of the ground state at the start; infinity for all spins along +x.
    J : float or array, shape (n_sites,) on a ring, (n_sites - 1,) on an open chain
    periodic : bool

    Returns
    -------
    IsingDynamics

    Raises
    ------
    TypeError, ValueError
        Times that fall or are negative, numbers that are not real and finite, wrong lengths.
    """
    n = integer("n_sites", n_sites, minimum=3 if periodic else 2)
    require_memory(250.0 * n**2, f"free fermions on {n} sites (n_sites)")
    asked = np.atleast_1d(as_real("times", times))
    if np.any(np.diff(asked) < 0) or np.any(asked < 0):
        raise ValueError(f"times must rise from 0, got {asked.tolist()[:8]}")
    couplings = real_array("J", J, (n if periodic else n - 1,), "one for each bond")
    G, parity = _start(n, initial_h, couplings, periodic)
    pieces = _pieces(h, n)
    covariances, energies = [], []
    now, k = 0.0, 0
    M = _matrix(pieces[0][1], couplings, periodic, parity)
    for time in asked:
        while k + 1 < len(pieces) and pieces[k + 1][0] <= time:
            G, now, k = _evolved(G, M, pieces[k + 1][0] - now), pieces[k + 1][0], k + 1
            M = _matrix(pieces[k][1], couplings, periodic, parity)
        G, now = _evolved(G, M, time - now), float(time)
        covariances.append(G)
        energies.append(float(np.sum(M * G[:n, n:])))
    return IsingDynamics(asked, np.array(covariances), np.array(energies))


def pfaffian(matrix: NDArray[np.float64]) -> float:
    """Pfaffian of a real antisymmetric matrix, by Parlett and Reid's elimination with pivots."""
    A = np.array(matrix, dtype=float)
    value = 1.0
    for k in range(0, len(A) - 1, 2):
        pivot = k + 1 + int(np.argmax(np.abs(A[k + 1 :, k])))
        if pivot != k + 1:
            A[[k + 1, pivot]] = A[[pivot, k + 1]]
            A[:, [k + 1, pivot]] = A[:, [pivot, k + 1]]
            value = -value
        value *= A[k, k + 1]
        if value == 0:
            return 0.0
        tau, column = A[k, k + 2 :] / A[k, k + 1], A[k + 2 :, k + 1].copy()
        A[k + 2 :, k + 2 :] += np.outer(tau, column) - np.outer(column, tau)
    return float(value)


def _pieces(h: Any, n: int) -> list[tuple[float, NDArray[np.float64]]]:
    is_pairs = isinstance(h, list | tuple) and h and all(isinstance(x, list | tuple) for x in h)
    pairs = h if is_pairs else [(0.0, h)]
    if any(len(pair) != 2 for pair in pairs):
        raise ValueError("h must be a field, or pairs of a time and a field")
    found = [
        (number("time of h", t, at_least=0), real_array("h", x, (n,), "one for each site"))
        for t, x in pairs
    ]
    starts = [t for t, _ in found]
    if starts[0] != 0 or any(b <= a for a, b in pairwise(starts)):
        raise ValueError(f"times of h must rise from 0, got {starts}")
    return found


def _matrix(
    fields: NDArray[np.float64], J: NDArray[np.float64], periodic: bool, parity: int
) -> NDArray[np.float64]:
    M = np.diag(fields) + np.diag(J[: len(fields) - 1], -1)
    if periodic:
        M[0, -1] -= parity * J[-1]
    return M


def _start(
    n: int, initial_h: ArrayLike, J: NDArray[np.float64], periodic: bool
) -> tuple[NDArray[np.float64], int]:
    """Covariance of the ground state, and its parity, which is +1 where both have one energy."""
    if np.ndim(initial_h) == 0 and np.isposinf(np.asarray(initial_h, dtype=float)):
        return _covariance(-np.eye(n)), 1
    fields = real_array("initial_h", initial_h, (n,), "one for each site")
    found = []
    for parity in (1, -1):
        U, values, V = np.linalg.svd(_matrix(fields, J, periodic, parity))
        filled = np.ones(n)
        if periodic and np.linalg.slogdet(U @ V)[0] != parity:
            filled[-1] = -1.0  # the cheapest mode, singular values falling
        found.append((-float(values @ filled), -parity, _covariance(-(U * filled) @ V)))
        if not periodic:
            break
    _, negative, G = min(found, key=lambda state: (round(state[0], 10), state[1]))
    return G, -negative


def _covariance(G_ab: NDArray[np.float64]) -> NDArray[np.float64]:
    zeros = np.zeros_like(G_ab)
    return np.block([[zeros, G_ab], [-G_ab.T, zeros]])


def _evolved(G: NDArray[np.float64], M: NDArray[np.float64], time: float) -> NDArray[np.float64]:
    if time == 0:
        return G
    U, values, V = np.linalg.svd(M)
    cos, sin = np.cos(2 * values * time), np.sin(2 * values * time)
    turn = np.block([[(U * cos) @ U.T, -(U * sin) @ V], [(V.T * sin) @ U.T, (V.T * cos) @ V]])
    return turn @ G @ turn.T


def _site(name: str, value: int, n: int) -> int:
    site = integer(name, value, minimum=0)
    if site >= n:
        raise ValueError(f"{name} must be a site below {n}, got {site}")
    return site
