"""Three ways to solve the stochastic-reconfiguration equations (S + shift) x = F.

With O the centred log-derivatives of n samples and e = E_loc - <E_loc>,

    S = O^dagger O / n,      F = O^dagger e / n

(Sorella, PRL 80, 4558 (1998); Carleo & Troyer 2017, supplement). For real parameters O is real
and e enters by its real part.

`sample_space` uses (O^dagger O / n + shift)^-1 O^dagger = O^dagger (O O^dagger / n + shift)^-1
(minSR: Chen & Heyl, Nat. Phys. 20, 1476 (2024), arXiv:2302.01941), `matrix_free` conjugate
gradients on S, `dense` the covariance matrix itself. All three give the same x.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import scipy.linalg

from rbmqs.reconfiguration.jacobian import FactorisedJacobian
from rbmqs.reconfiguration.record import Solve

_ROW_BLOCK = 256
_CG_TOLERANCE = 1e-10
_CG_MAX_ITERATIONS = 2000
_SHIFT_GROWTH = 10.0
_MAX_SHIFT_TRIALS = 8


def sample_space(jacobian: FactorisedJacobian, deviations: np.ndarray, diag_shift: float) -> Solve:
    """Solve in the space of samples: Cholesky of the n x n Gram matrix plus n * shift."""
    n = jacobian.n_samples
    matrix = jacobian.gram()
    y, shift, tried = _solve_positive(matrix, deviations, n * diag_shift)
    direction = jacobian.adjoint_times(y)
    return _record(jacobian, deviations, direction, "sample-space", shift / n, 0, _advice(tried))


def dense(jacobian: FactorisedJacobian, deviations: np.ndarray, diag_shift: float) -> Solve:
    """Solve with the covariance matrix S, built from blocks of rows: for few parameters."""
    n = jacobian.n_samples
    p = jacobian.n_parameters
    dtype = jacobian.tanh.dtype
    covariance = np.zeros((p, p), dtype=dtype)
    mean = np.zeros(p, dtype=dtype)
    for start in range(0, n, _ROW_BLOCK):
        rows = jacobian.rows(start, start + _ROW_BLOCK)
        covariance += rows.conj().T @ rows
        mean += rows.sum(axis=0)
    mean /= n
    covariance /= n
    covariance -= np.outer(mean.conj(), mean)
    force = jacobian.adjoint_times(deviations) / n
    direction, shift, tried = _solve_positive(covariance, force, diag_shift)
    return _record(jacobian, deviations, direction, "dense", shift, 0, _advice(tried))


def matrix_free(jacobian: FactorisedJacobian, deviations: np.ndarray, diag_shift: float) -> Solve:
    """Conjugate gradients on S + shift through products with O and its adjoint."""
    n = jacobian.n_samples
    force = jacobian.adjoint_times(deviations) / n

    def product(vector: np.ndarray) -> np.ndarray:
        return jacobian.adjoint_times(jacobian.times(vector)) / n + diag_shift * vector

    direction, n_iterations, converged = _conjugate_gradients(product, force)
    advice = ""
    if not converged:
        advice = (
            f"conjugate gradients stopped at {n_iterations} iterations without reaching "
            f"{_CG_TOLERANCE:g}: raise diag_shift"
        )
    return _record(
        jacobian, deviations, direction, "matrix-free", diag_shift, n_iterations, advice
    )


def with_start(
    jacobian: FactorisedJacobian, deviations: np.ndarray, correction: Solve, start: np.ndarray
) -> Solve:
    """The solve for start + correction, its slope and length taken from the whole direction."""
    direction = start + correction.direction
    force = jacobian.adjoint_times(deviations) / jacobian.n_samples
    length = np.linalg.norm(jacobian.times(direction)) / np.sqrt(jacobian.n_samples)
    return replace(
        correction,
        direction=direction,
        force_norm=float(np.linalg.norm(force)),
        slope=-2.0 * float(np.vdot(force, direction).real),
        metric_norm=float(length),
    )


def _solve_positive(
    matrix: np.ndarray, right: np.ndarray, shift: float
) -> tuple[np.ndarray, float, int]:
    """Cholesky solve of matrix + shift; the shift grows until the factorisation succeeds."""
    diagonal = np.einsum("ii->i", matrix)
    original = diagonal.copy()
    floor = np.finfo(float).eps * max(float(original.real.max(initial=0.0)), 1e-300) * len(matrix)
    for tried in range(_MAX_SHIFT_TRIALS):
        diagonal[:] = original + shift
        try:
            factor = scipy.linalg.cho_factor(matrix, lower=True, check_finite=False)
        except np.linalg.LinAlgError:
            shift = max(shift * _SHIFT_GROWTH, floor)
            continue
        return scipy.linalg.cho_solve(factor, right, check_finite=False), shift, tried
    raise FloatingPointError("the reconfiguration matrix is not positive, or holds NaN")


def _advice(tried: int) -> str:
    if tried == 0:
        return ""
    return (
        f"the matrix was not positive at the shift asked for, which was raised {tried} times: "
        f"use a larger diag_shift or more samples"
    )


def _conjugate_gradients(
    product: Callable[[np.ndarray], np.ndarray], right: np.ndarray
) -> tuple[np.ndarray, int, bool]:
    """Solve product(x) = right for a Hermitian positive product."""
    x = np.zeros_like(right)
    residual = right.copy()
    search = residual.copy()
    norm = np.vdot(residual, residual).real
    target = _CG_TOLERANCE**2 * norm
    for iteration in range(_CG_MAX_ITERATIONS):
        if norm <= target:
            return x, iteration, True
        image = product(search)
        step = norm / np.vdot(search, image).real
        x += step * search
        residual -= step * image
        new_norm = np.vdot(residual, residual).real
        search = residual + (new_norm / norm) * search
        norm = new_norm
    return x, _CG_MAX_ITERATIONS, False


def _record(
    jacobian: FactorisedJacobian,
    deviations: np.ndarray,
    direction: np.ndarray,
    method: str,
    diag_shift: float,
    n_iterations: int,
    advice: str,
) -> Solve:
    """Residual, slope and metric norm from two products with the Jacobian."""
    n = jacobian.n_samples
    image = jacobian.times(direction)
    force = jacobian.adjoint_times(deviations) / n
    force_norm = float(np.linalg.norm(force))
    defect = jacobian.adjoint_times(image) / n + diag_shift * direction - force
    return Solve(
        direction=direction,
        method=method,
        diag_shift=float(diag_shift),
        residual=float(np.linalg.norm(defect)) / force_norm if force_norm > 0 else 0.0,
        rank=None,
        n_iterations=n_iterations,
        force_norm=force_norm,
        slope=-2.0 * float(np.vdot(force, direction).real),
        metric_norm=float(np.linalg.norm(image)) / np.sqrt(n),
        advice=advice,
    )
