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
from rbmqs.core.planes import from_planes, planes

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
        for precision in (np.float32, np.float64):
            found = _refined(lower, right, shift, precision)
            if found is not None:
                return Solution(found[0], shift, found[1], n_raised)
        shift = max(shift * _SHIFT_GROWTH, floor)
    raise FloatingPointError("the reconfiguration matrix is not positive, or holds NaN")


def _refined(
    lower: np.ndarray, right: np.ndarray, shift: float, precision: type
) -> tuple[np.ndarray, float] | None:
    """x and its residual with a factorisation in `precision`; None where that does not do."""
    try:
        precondition = _factorised(lower, shift, precision)
    except np.linalg.LinAlgError:
        return None

    def product(vector: np.ndarray) -> np.ndarray:
        image = hermitian.hermitian_times(lower, planes(vector))
        return from_planes(image) + shift * vector

    x, estimate, _ = conjugate_gradients(product, right, TOLERANCE, MAX_REFINEMENTS, precondition)
    if not estimate <= TOLERANCE:
        return None
    size = np.linalg.norm(right)
    return x, float(np.linalg.norm(product(x) - right) / size) if size > 0 else 0.0


def _factorised(lower: np.ndarray, shift: float, precision: type) -> Product:
    """The inverse of A + shift, to the given precision."""
    n, tile = lower.shape[1], cholesky.TILE
    n_tiles = -(-n // tile)
    n_planes = 1 if len(lower) == 1 else hermitian.N_PLANES
    factor = np.empty((n_planes, n_tiles * (n_tiles + 1) // 2 * tile, tile), precision)
    inverses = np.empty((n_tiles, n_planes, tile, tile), precision)
    cholesky.pack(lower, shift, factor)
    cholesky.factorise(factor, inverses)

    def inverse(vector: np.ndarray) -> np.ndarray:
        scale = np.linalg.norm(vector)  # keeps small residuals in the range of single precision
        padded = np.zeros((len(lower), n_tiles * tile), precision)
        padded[:, :n] = planes(vector / scale)
        cholesky.solve_factorised(factor, inverses, padded)
        return scale * from_planes(padded[:, :n].astype(float))

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
