"""Several lowest states by thick-restart Lanczos, with a search for copies of degenerate levels.

A basis of m orthonormal vectors is filled by Lanczos steps, each orthogonalised against all
others. When it is full, the lowest Ritz vectors are kept and the recurrence goes on from their
common residual (Wu & Simon, SIAM J. Matrix Anal. Appl. 22, 602, 2000). One start vector sees one
state of a degenerate level: afterwards further vectors, orthogonal to all found, search the rest
of the space until it holds nothing below the highest level found.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hamiltonians.exact.lanczos import NEAR_ZERO, Operator
from hamiltonians.utils.ranks import decided_by_first, sum_of, sum_of_arrays

MAX_PRODUCTS = 20_000
_SAME = 1e-9  # relative difference of energies of one degenerate level


@dataclass
class _Search:
    """Orthonormal rows ``basis`` with their images' projections; the first ``locked`` are done."""

    H: Operator
    apply: Callable[[NDArray[Any]], NDArray[Any]]
    tolerance: float
    n_products: int = 0

    size: float = 0.0  # largest |H v| of unit vectors so far, a measure of |H|

    def product(self, v: NDArray[Any]) -> NDArray[Any]:
        self.n_products += 1
        return self.apply(v)

    def norm(self, v: NDArray[Any]) -> float:
        return divided_norm(v, self.H.comm)

    def orthogonal(
        self, v: NDArray[Any], locked: NDArray[Any], basis: NDArray[Any]
    ) -> NDArray[Any]:
        """Unit vector along ``v`` without its parts along the rows."""
        v = self.project_out(v / self.norm(v), locked, basis)
        return v / self.norm(v)

    def project_out(self, v: NDArray[Any], *parts: NDArray[Any]) -> NDArray[Any]:
        for rows in parts:
            if len(rows):
                v = v - sum_of_arrays(rows.conj() @ v, self.H.comm) @ rows
        return v


def divided_norm(v: NDArray[Any], comm: Any) -> float:
    """|v| of a vector that may be divided between ranks."""
    own = float(np.linalg.norm(v))
    return own if comm is None else math.sqrt(sum_of(own * own, comm))


def orthonormal_product(H: Operator) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """H as a map on coefficients of an orthonormal basis: sqrt(w) H / sqrt(w)."""
    root = np.sqrt(H.weights.astype(np.float64))

    def apply(v: NDArray[Any]) -> NDArray[Any]:
        x = v / root if len(root) else np.ascontiguousarray(v)
        y = np.zeros_like(x)
        H.multiply(x, y)
        return y * root if len(root) else y

    return apply


def lowest_states(
    H: Operator, k: int, draw: Callable[[], NDArray[Any]], tolerance: float, n_basis: int
) -> tuple[NDArray[np.float64], NDArray[Any], int]:
    """The ``k`` lowest states, degenerate levels with all their states.

    Parameters
    ----------
    H : Operator
    k : int
    draw : callable
        Makes another random vector at each call.
    tolerance : float
        Bound of residuals, relative to the energy.
    n_basis : int
        Vectors kept at a time, at least k + 3.

    Returns
    -------
    energies : ndarray, shape (k,)
    vectors : ndarray, shape (dimension, k)
        Coefficients of an orthonormal basis, of ranks those that each holds.
    n_products : int

    Raises
    ------
    ArithmeticError
        If `MAX_PRODUCTS` products do not suffice.
    """
    search = _Search(H, orthonormal_product(H), tolerance)
    locked = np.empty((0, H.length), H.dtype)
    energies, rows = _thick_restart(search, locked, k, draw(), n_basis)
    while len(rows) < H.dimension:
        found, more = _thick_restart(search, rows, 1, draw(), n_basis - k)
        same = _SAME * max(abs(energies[-1]), NEAR_ZERO * search.size)
        if len(energies) == k and found[0] >= energies[-1] - same:
            break
        energies, rows = _insert(k, energies, rows, found, more)
    return energies, rows.T, search.n_products


def _insert(
    k: int, energies: NDArray[np.float64], rows: NDArray[Any], found: Any, more: Any
) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """The k lowest of both, ascending."""
    together = np.append(energies, found)
    order = np.argsort(together, kind="stable")[:k]
    return together[order], np.concatenate([rows, more])[order]


def _thick_restart(
    search: _Search, locked: NDArray[Any], k: int, start: NDArray[Any], n_basis: int
) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Lowest ``k`` states in the space orthogonal to the ``locked`` rows."""
    free = search.H.dimension - len(locked)
    k, m = min(k, free), min(max(n_basis, k + 3), free)
    V = np.empty((m, len(start)), start.dtype)
    T = np.zeros((m, m), start.dtype)
    kept, residual = 0, search.orthogonal(start, locked, V[:0])
    while search.n_products < MAX_PRODUCTS:
        size, residual, norm = _fill(search, locked, V, T, kept, residual)
        values, U = decided_by_first(np.linalg.eigh(T[:size, :size]), search.H.comm)
        errors = np.abs(norm * U[-1, :k])
        done = errors <= search.tolerance * np.maximum(np.abs(values[:k]), NEAR_ZERO * search.size)
        if done.all() or norm == 0:
            return values[:k], U[:, :k].T @ V[:size]
        kept = min(k + (m - k) // 2, m - 2)
        V[:kept] = U[:, :kept].T @ V[:size]
        T[:] = 0
        T[np.arange(kept), np.arange(kept)] = values[:kept]
        T[kept, :kept], T[:kept, kept] = norm * U[-1, :kept], norm * U[-1, :kept].conj()
    raise ArithmeticError(
        f"thick-restart Lanczos did not converge {k} states in {MAX_PRODUCTS} products; "
        "ask for fewer states or a larger tolerance"
    )


def _fill(
    search: _Search, locked: NDArray[Any], V: NDArray[Any], T: NDArray[Any], kept: int,
    residual: NDArray[Any],
) -> tuple[int, NDArray[Any], float]:  # fmt: skip
    """Lanczos steps until the basis is full: its size, the last residual (unit) and its norm."""
    norm = 0.0
    for j in range(kept, len(V)):
        V[j] = residual
        image = search.product(V[j])
        search.size = max(search.size, search.norm(image))
        T[j, j] = sum_of(float(np.vdot(V[j], image).real), search.H.comm)
        image = search.project_out(image, locked, V[: j + 1])
        norm = search.norm(image)
        if norm <= 1e-12 * search.size:
            return j + 1, residual, 0.0
        residual = search.orthogonal(image, locked, V[: j + 1])
        if j + 1 < len(V):
            T[j + 1, j] = T[j, j + 1] = norm
    return len(V), residual, norm
