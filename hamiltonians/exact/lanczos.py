"""The lowest state by Lanczos' three-term recurrence with two vectors in memory.

With v_1 the start vector, H v_j = beta_{j-1} v_{j-1} + alpha_j v_j + beta_j v_{j+1} makes H a
tridiagonal matrix T (Lanczos, J. Res. Natl. Bur. Stand. 45, 255, 1950). Its lowest eigenvalue E
with eigenvector s has the residual |H v - E v| = beta_m |s_m|, v = sum_j s_j v_j. Without
reorthogonalisation converged eigenvalues come back as copies, which leaves the lowest one as it
is (Paige, J. Inst. Maths Applics 18, 341, 1976). The eigenvector is summed up in a second run of
the same recurrence; its residual is then measured with one more product.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hamiltonians.core import vectors
from hamiltonians.utils.ranks import decided_by_first, sum_of

MAX_STEPS = 1000
NEAR_ZERO = 1e-4  # of |H|: residuals of energies below are relative to that
_EVERY_STEP = 2**22  # dimension from which convergence is tested at every step


class Operator(Protocol):
    """What the recurrence needs of H: products, and the weights of its inner product."""

    @property
    def dimension(self) -> int:
        """Length of the vectors."""

    @property
    def length(self) -> int:
        """Of the part of each vector that this rank holds."""

    @property
    def comm(self) -> Any:
        """Communicator of the ranks that divide the vectors, or None for one process."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """float64 or complex128."""

    @property
    def weights(self) -> NDArray[Any]:
        """Weights of the inner product, or an array of length 0 for ones."""

    def multiply(
        self, x: NDArray[Any], y: NDArray[Any], scale: float = 1.0, beta: float = 0.0
    ) -> float:
        """y = scale H x - beta y in place; returns Re <scale x|y>, over all ranks."""


@dataclass
class Recurrence:
    """Lanczos' recurrence after some steps.

    Attributes
    ----------
    current, previous : ndarray, shape (dimension,)
        v_{m+1} / scale and v_m times anything; ``previous`` is overwritten by the next product.
    scale : float
        1 / beta_m, which makes ``current`` normalised.
    alpha, beta : list of float
        Diagonal and off-diagonal of T.
    previous_scale : float
        Makes ``previous`` normalised.
    """

    current: NDArray[Any]
    previous: NDArray[Any]
    scale: float
    previous_scale: float = 0.0
    alpha: list[float] = field(default_factory=list)
    beta: list[float] = field(default_factory=list)

    @property
    def n_steps(self) -> int:
        """Products spent."""
        return len(self.alpha)

    def step(self, H: Operator, total: NDArray[Any], coefficient: float = 0.0) -> None:
        """One product; ``total`` += coefficient v of the vector that was multiplied.

        ``total`` has the dtype of the vectors; its length may be 0.
        """
        last = self.beta[-1] if self.beta else 0.0
        x, y, s = self.current, self.previous, self.scale
        alpha = H.multiply(x, y, s, last * self.previous_scale)
        norm = np.sqrt(subtract(x, alpha * s, y, H, total, coefficient * s))
        self.alpha.append(alpha)
        self.beta.append(norm)
        self.current, self.previous, self.previous_scale = y, x, s
        self.scale = 1 / norm if norm > 0 else 0.0

    def lowest(self) -> tuple[float, NDArray[np.float64], float]:
        """Lowest eigenvalue of T, its eigenvector and the residual."""
        values, rows = self.ritz()
        return float(values[0]), rows[:, 0], abs(self.beta[-1] * rows[-1, 0])

    def ritz(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Eigenvalues of T, ascending, and its eigenvectors in columns."""
        T = np.diag(self.alpha) + np.diag(self.beta[:-1], 1) + np.diag(self.beta[:-1], -1)
        values, rows = np.linalg.eigh(T)
        return values, rows

    @property
    def is_exhausted(self) -> bool:
        """Whether the start vector's Krylov space is complete, up to rounding."""
        return bool(self.beta) and self.beta[-1] <= 1e-13 * self.size

    @property
    def size(self) -> float:
        """Of H, from below."""
        return max(map(abs, self.alpha), default=0.0) + max(self.beta, default=0.0)


Report = Callable[[Recurrence, float, float], None]


def silent(run: Recurrence, energy: float, residual: float) -> None:
    """Report nothing."""


@dataclass(frozen=True)
class LowestState:
    """What `lowest_state` found.

    Attributes
    ----------
    energy : float
    residual : float
        |H v - E v|: measured if there is a vector, else that of the recurrence, beta_m |s_m|.
    vector : ndarray or None
        Normalised in the inner product of the operator.
    n_products : int
    """

    energy: float
    residual: float
    vector: NDArray[Any] | None
    n_products: int


def lowest_state(
    H: Operator,
    start: Callable[[], NDArray[Any]],
    *,
    tolerance: float,
    with_vector: bool,
    report: Report = silent,
    saved: Recurrence | None = None,
) -> LowestState:
    """Lowest eigenvalue of ``H``, and its vector where asked for.

    Parameters
    ----------
    H : Operator
    start : callable
        Makes this rank's part of the start vector, the same at each call.
    tolerance : float
        Bound of the residual, relative to the energy, or to 1e-4 |H| where that is larger.
    with_vector : bool
    report : callable
        Gets the recurrence, the energy and the residual after each test of convergence.
    saved : Recurrence, optional
        To go on from.

    Raises
    ------
    ArithmeticError
        If the residual does not fall below the tolerance in `MAX_STEPS` products.
    """
    first = _recurrence(H, start()) if saved is None else saved
    energy, row, residual = _converge(H, first, tolerance, report)
    if not with_vector:
        return LowestState(energy, residual, None, first.n_steps)
    del first
    vector = _sum_up(H, start(), row, report)
    return measured(H, vector, 2 * len(row))


def krylov_levels(
    H: Operator, start: NDArray[Any], n_krylov: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ritz values from a vector, which is overwritten, and their weights in it, which sum to 1."""
    run = _recurrence(H, start)
    while run.n_steps < min(n_krylov, H.dimension) and not run.is_exhausted:
        run.step(H, start[:0])
    values, rows = run.ritz()
    return values, rows[0] ** 2


def measured(H: Operator, vector: NDArray[Any], n_products: int) -> LowestState:
    """Energy and residual of a vector, by one more product."""
    none, image = vector[:0], np.zeros_like(vector)
    norm = np.sqrt(subtract(vector, 0.0, vector, H, none))
    vector /= norm
    energy = H.multiply(vector, image)
    residual = np.sqrt(subtract(vector, energy, image, H, none))
    return LowestState(energy, residual, vector, n_products + 1)


def subtract(
    x: NDArray[Any], factor: float, y: NDArray[Any], H: Operator, total: NDArray[Any],
    coefficient: float = 0.0,
) -> float:  # fmt: skip
    """y -= factor x and total += coefficient x in one pass; returns <y|y>."""
    partial = np.empty(-(-len(x) // vectors.CHUNK))
    vectors.subtract(x, factor, H.weights, y, total, coefficient, partial)
    return sum_of(float(partial.sum()), H.comm)


def _recurrence(H: Operator, start: NDArray[Any]) -> Recurrence:
    norm = np.sqrt(subtract(start, 0.0, start, H, start[:0]))
    return Recurrence(start, np.zeros_like(start), 1 / norm)


def _converge(
    H: Operator, run: Recurrence, tolerance: float, report: Report
) -> tuple[float, NDArray[np.float64], float]:
    """Take steps until the residual is small; energy, eigenvector of T and residual."""
    every = 1 if H.dimension > _EVERY_STEP else 4
    none = run.current[:0]
    while run.n_steps < MAX_STEPS:
        run.step(H, none)
        if run.is_exhausted or run.n_steps % every == 0:
            energy, row, residual = decided_by_first(run.lowest(), H.comm)
            report(run, energy, residual)
            if run.is_exhausted or residual <= tolerance * max(abs(energy), NEAR_ZERO * run.size):
                return energy, row, residual
    raise ArithmeticError(
        f"Lanczos did not converge in {MAX_STEPS} products: the residual is {residual:.1e} at "
        f"energy {energy:g}; allow a larger tolerance than {tolerance:g}"
    )


def _sum_up(
    H: Operator, start: NDArray[Any], row: NDArray[np.float64], report: Report
) -> NDArray[Any]:
    """sum_j row_j v_j over the vectors of the recurrence, made a second time."""
    total = np.zeros_like(start)
    run = _recurrence(H, start)
    for coefficient in row:
        run.step(H, total, coefficient)
    return total
