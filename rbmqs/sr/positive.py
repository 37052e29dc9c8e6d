"""Solution of A x = b, A Hermitian and positive, by a factorisation in half the precision.

A is factorised in single precision, at twice the rate and half the memory, and the factor
preconditions conjugate gradients with A itself: 3 to 8 iterations of one matrix-vector product
bring the residual to `TOLERANCE`. Where A is too close to singular for that, the factorisation
is made again in double precision, and where it is not positive even so, the shift grows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

TOLERANCE = 1e-13  # of the recurrence: 1e-12 left errors of 1.2e-9 in x at a shift of 1e-3
MAX_REFINEMENTS = 30
_ROUND = 1e-4  # of what is left of the equations: further rough products do not carry
_WORST_ROUND = 0.3  # of what was left before; a round that leaves more does not converge
_MOST_BEYOND = 2.0  # of what the recurrence says; beyond it the last direction is no guide
_SHIFT_GROWTH = 10.0
_MAX_SHIFT_TRIALS = 8

Product = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Solution:
    """x with (A + shift) x = b.

    Parameters
    ----------
    x : array (n,)
    shift : float
        In use; larger than asked for where A was not positive.
    residual : float
        |(A + shift) x - b| / |b|.
    n_raised : int
        How often the shift was raised.
    n_iterations : int
        Of conjugate gradients behind the factorisation.
    """

    x: np.ndarray
    shift: float
    residual: float
    n_raised: int
    n_iterations: int


class PositiveMatrix(Protocol):
    """A Hermitian matrix A, and how it is multiplied and factorised."""

    @property
    def order(self) -> int:
        """Rows of A."""

    @property
    def is_complex(self) -> bool:
        """Whether A is complex."""

    @property
    def largest(self) -> float:
        """Largest number on the diagonal; asked for behind `factorised`."""

    def times(self, vector: np.ndarray) -> np.ndarray:
        """A v."""

    def factorised(self, shift: float, dtype: type) -> Product | None:
        """(A + shift)^-1 for vectors of a type; None where A + shift is not positive."""

    def inner(self, first: np.ndarray, second: np.ndarray) -> complex:
        """<first, second>."""

    def norm(self, vector: np.ndarray) -> float:
        """Length of a vector."""


def solve_positive(matrix: PositiveMatrix, right: np.ndarray, shift: float) -> Solution:
    """Solve (A + shift) x = right.

    Parameters
    ----------
    matrix : PositiveMatrix
        A.
    right : array (n,)
    shift : float

    Raises
    ------
    FloatingPointError
        No shift tried made A positive, or A holds NaN.
    """
    right = right.astype(complex if matrix.is_complex else float)
    for n_raised in range(_MAX_SHIFT_TRIALS):
        for dtype in (np.complex64, complex) if matrix.is_complex else (np.float32, float):
            found = _refined(matrix, right, shift, dtype)
            if found is not None:
                return Solution(found[0], shift, found[1], n_raised, found[2])
        floor = np.finfo(float).eps * max(matrix.largest, 1e-300) * matrix.order
        shift = max(shift * _SHIFT_GROWTH, floor)
    raise FloatingPointError("the reconfiguration matrix is not positive, or holds NaN")


def _refined(
    matrix: PositiveMatrix, right: np.ndarray, shift: float, dtype: type
) -> tuple[np.ndarray, float, int] | None:
    """x, its residual and iterations, factorised in a precision; None where that does not do."""
    inverse = matrix.factorised(float(shift), dtype)
    if inverse is None:
        return None

    def product(vector: np.ndarray) -> np.ndarray:
        return matrix.times(vector) + shift * vector

    def precondition(vector: np.ndarray) -> np.ndarray:
        scale = matrix.norm(vector)  # keeps small residuals in the range of single precision
        return scale * inverse((vector / scale).astype(dtype)).astype(vector.dtype)

    x, estimate, n_iterations = conjugate_gradients(
        product, right, TOLERANCE, MAX_REFINEMENTS, precondition, matrix.inner, matrix.norm
    )
    if not estimate <= TOLERANCE:
        return None
    size = matrix.norm(right)
    residual = float(matrix.norm(product(x) - right) / size) if size > 0 else 0.0
    return x, residual, n_iterations


def conjugate_gradients(
    product: Product,
    right: np.ndarray,
    tolerance: float,
    max_iterations: int,
    precondition: Product | None = None,
    inner: Callable[[np.ndarray, np.ndarray], complex] = np.vdot,
    norm: Callable[[np.ndarray], float] = np.linalg.norm,  # type: ignore[assignment]
    exact: Product | None = None,
) -> tuple[np.ndarray, float, int]:
    """Solve product(x) = right for a Hermitian positive product.

    `inner` and `norm` are those of the space, whose vectors may be divided between ranks. `exact`
    is the product in a higher precision: where it is given, what is left of its equations takes the
    place of the residual of the recurrence at each `_ROUND`. The search goes on as it was, unless
    more is left than the recurrence says; where a round leaves too much, all products are exact.

    Returns
    -------
    x : array (n,)
    residual : float
        |product(x) - right| / |right|, as the recurrence carries it, or by `exact`; NaN where that
        broke down.
    n_iterations : int
    """
    precondition = precondition or np.copy
    x = np.zeros_like(right)
    residual = right.copy()
    size = norm(right)
    if size == 0:
        return x, 0.0, 0
    image = precondition(residual)
    search = image.copy()
    weight = inner(residual, image).real
    n_iterations, left = 0, 1.0
    while n_iterations < max_iterations:
        carries_on = 1.0
        n_iterations += 1
        curved = product(search)
        step = weight / inner(search, curved).real
        x += step * search
        residual -= step * curved
        relative = float(norm(residual) / size)
        if exact is not None and not relative > max(tolerance, _ROUND * left):
            residual = right - exact(x)
            before, left = left, float(norm(residual) / size)
            if not left < _WORST_ROUND * before:
                product, exact, carries_on = exact, None, 0.0
            elif not left < _MOST_BEYOND * relative:
                carries_on = 0.0
            relative = left
        if not relative > tolerance:
            break
        image = precondition(residual)
        new_weight = inner(residual, image).real
        search = image + carries_on * (new_weight / weight) * search
        weight = new_weight
    return x, relative, n_iterations
