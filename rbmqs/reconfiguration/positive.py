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
from scipy.linalg import blas

from rbmqs.core import cholesky

TOLERANCE = 1e-12  # of the recurrence: 1e-10 left errors of 1e-7 at a shift of 1e-3
MAX_REFINEMENTS = 30
_SHIFT_GROWTH = 10.0
_MAX_SHIFT_TRIALS = 8
_SINGLE = {"f": np.float32, "c": np.complex64}

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
    lower : float64 or complex128 (n, n), C order
        Lower triangle of A; the upper one is never read.
    right : array (n,)
    shift : float

    Raises
    ------
    FloatingPointError
        No shift tried made A positive, or A holds NaN.
    """
    largest = max(float(np.einsum("ii->i", lower).real.max(initial=0.0)), 1e-300)
    floor = np.finfo(float).eps * largest * len(lower)
    right = right.astype(lower.dtype)
    for n_raised in range(_MAX_SHIFT_TRIALS):
        for dtype in (_SINGLE[lower.dtype.kind], lower.dtype.type):
            found = _refined(lower, right, shift, dtype)
            if found is not None:
                return Solution(found[0], shift, found[1], n_raised)
        shift = max(shift * _SHIFT_GROWTH, floor)
    raise FloatingPointError("the reconfiguration matrix is not positive, or holds NaN")


def _refined(
    lower: np.ndarray, right: np.ndarray, shift: float, dtype: type
) -> tuple[np.ndarray, float] | None:
    """x and its residual with a factorisation in `dtype`; None where that does not do."""
    try:
        precondition = _factorised(lower, shift, dtype)
    except np.linalg.LinAlgError:
        return None

    def product(vector: np.ndarray) -> np.ndarray:
        return hermitian_times(lower, vector) + shift * vector

    x, estimate, _ = conjugate_gradients(
        product, right, TOLERANCE, MAX_REFINEMENTS, precondition
    )
    if not estimate <= TOLERANCE:
        return None
    size = np.linalg.norm(right)
    return x, float(np.linalg.norm(product(x) - right) / size) if size > 0 else 0.0


def _factorised(lower: np.ndarray, shift: float, dtype: type) -> Product:
    """The inverse of A + shift, to the precision of `dtype`."""
    n, tile = len(lower), cholesky.TILE
    n_tiles = -(-n // tile)
    factor = np.empty((n_tiles * (n_tiles + 1) // 2 * tile, tile), dtype)
    inverses = np.empty((n_tiles, tile, tile), dtype)
    cholesky.pack(lower, shift, factor)
    cholesky.factorise(factor, inverses)

    def inverse(vector: np.ndarray) -> np.ndarray:
        scale = np.linalg.norm(vector)  # keeps small residuals in the range of single precision
        padded = np.zeros(n_tiles * tile, dtype)
        padded[:n] = vector / scale
        cholesky.solve_factorised(factor, inverses, padded)
        return scale * padded[:n].astype(vector.dtype)

    return inverse


def hermitian_times(lower: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """A v from the lower triangle of A (C order), read once."""
    if np.iscomplexobj(lower):  # BLAS sees the transposed, that is the conjugate of A
        return np.conj(blas.zhemv(1.0, lower.T, np.conj(vector)))
    return blas.dsymv(1.0, lower.T, vector)


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
    for iteration in range(1, max_iterations + 1):
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
    return x, relative, iteration
