"""Solution of A x = b, A Hermitian and positive, by a factorisation in half the precision.

A is factorised in single precision, at twice the rate and half the memory, and the factor
preconditions conjugate gradients with A itself: 3 to 8 iterations of one matrix-vector product
bring the residual to `TOLERANCE`. Where A is too close to singular for that, the factorisation
is made again in double precision, and where it is not positive even so, the shift grows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rbmqs.core import cholesky, hermitian
from rbmqs.core.split_complex import from_parts, split

TOLERANCE = 1e-12  # of the recurrence: 1e-10 left errors of 1e-7 at a shift of 1e-3
MAX_REFINEMENTS = 30
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
    """

    x: np.ndarray
    shift: float
    residual: float
    n_raised: int


def solve_positive(lower: np.ndarray, right: np.ndarray, shift: float) -> Solution:
    """Solve (A + shift) x = right.

    Parameters
    ----------
    lower : float64 (1 or 2, n, n)
        Lower triangle of A, real part first; the upper one is never read.
    right : array (n,)
    shift : float

    Raises
    ------
    FloatingPointError
        No shift tried made A positive, or A holds NaN.
    """
    largest = max(float(np.einsum("ii->i", lower[0]).max(initial=0.0)), 1e-300)
    floor = np.finfo(float).eps * largest * lower.shape[1]
    right = right.astype(complex if len(lower) == 2 else float)
    for n_raised in range(_MAX_SHIFT_TRIALS):
        for dtype in (np.complex64, complex) if len(lower) == 2 else (np.float32, float):
            found = _refined(lower, right, shift, dtype)
            if found is not None:
                return Solution(found[0], shift, found[1], n_raised)
        shift = max(shift * _SHIFT_GROWTH, floor)
    raise FloatingPointError("the reconfiguration matrix is not positive, or holds NaN")


def _refined(
    lower: np.ndarray, right: np.ndarray, shift: float, dtype: type
) -> tuple[np.ndarray, float] | None:
    """x and its residual, factorised in the precision of a type; None where that does not do."""
    precondition = _factorised(lower, shift, dtype)
    if precondition is None:
        return None

    def product(vector: np.ndarray) -> np.ndarray:
        image = hermitian.hermitian_times(lower, split(vector))
        return from_parts(image) + shift * vector

    x, estimate, _ = conjugate_gradients(product, right, TOLERANCE, MAX_REFINEMENTS, precondition)
    if not estimate <= TOLERANCE:
        return None
    size = np.linalg.norm(right)
    return x, float(np.linalg.norm(product(x) - right) / size) if size > 0 else 0.0


def _factorised(lower: np.ndarray, shift: float, dtype: type) -> Product | None:
    """The inverse of A + shift, to the precision of a type; None where A is not positive."""
    factor = cholesky.factorise(lower, float(shift), dtype)
    if factor is None:
        return None

    def inverse(vector: np.ndarray) -> np.ndarray:
        scale = np.linalg.norm(vector)  # keeps small residuals in the range of single precision
        image = (vector / scale).astype(dtype)
        cholesky.solve_factorised(factor, image)
        return scale * image.astype(vector.dtype)

    return inverse


def conjugate_gradients(
    product: Product,
    right: np.ndarray,
    tolerance: float,
    max_iterations: int,
    precondition: Product | None = None,
) -> tuple[np.ndarray, float, int]:
    """Solve product(x) = right for a Hermitian positive product.

    Returns
    -------
    x : array (n,)
    residual : float
        |product(x) - right| / |right|, as the recurrence carries it; NaN where that broke down.
    n_iterations : int
    """
    precondition = precondition or np.copy
    x = np.zeros_like(right)
    residual = right.copy()
    size = np.linalg.norm(right)
    if size == 0:
        return x, 0.0, 0
    image = precondition(residual)
    search = image.copy()
    weight = np.vdot(residual, image).real
    n_iterations = 0
    while n_iterations < max_iterations:
        n_iterations += 1
        curved = product(search)
        step = weight / np.vdot(search, curved).real
        x += step * search
        residual -= step * curved
        relative = float(np.linalg.norm(residual) / size)
        if not relative > tolerance:
            break
        image = precondition(residual)
        new_weight = np.vdot(residual, image).real
        search = image + (new_weight / weight) * search
        weight = new_weight
    return x, relative, n_iterations
