"""The solvers of `rbmqs.sr.solvers` over ranks; all give the same x.

"sample-space" factorises the Gram matrix, "sample-space-cg" multiplies by it, "matrix-free" by the
log-derivatives, both in conjugate gradients over samples,

    (W^1/2 O O^dagger W^1/2 + n shift) z = W^1/2 e,      x = O^dagger W^1/2 z,

where an iteration sums n_parameters numbers over ranks once or gathers n_samples, and no rank works
on vectors of all parameters beyond that. "dense" sums the covariance matrix over ranks.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rbmqs.core.split_complex import split
from rbmqs.sr.divided.jacobian import DividedJacobian
from rbmqs.sr.divided.matrix import DividedMatrix, divided_gram
from rbmqs.sr.positive import Triangle, conjugate_gradients, solve_positive
from rbmqs.sr.solvers import (
    CG_MAX_ITERATIONS,
    CG_TOLERANCE,
    Direction,
    SampleSpace,
    cg_advice,
    covariance,
    shift_advice,
)

Solver = Callable[[DividedJacobian, np.ndarray, float], Direction]


def _equations(
    jacobian: DividedJacobian, deviations: np.ndarray
) -> tuple[SampleSpace, DividedMatrix]:
    """Equations over samples, and their matrix."""
    own, ranks = jacobian.own, jacobian.ranks
    equations = SampleSpace(jacobian, deviations)  # type: ignore[arg-type]
    repeats = equations.repeats
    counts = np.ones(own.n_rows) if repeats is None else repeats.counts
    factors = own.factors(slice(None) if repeats is None else repeats.first)
    with ranks.part("gram"):
        return equations, divided_gram(factors, counts, ranks)


def sample_space(jacobian: DividedJacobian, deviations: np.ndarray, diag_shift: float) -> Direction:
    """Cholesky of the Gram matrix plus n * shift, both divided between ranks."""
    equations, matrix = _equations(jacobian, deviations)
    with jacobian.ranks.part("cholesky"):
        return equations.by_factorisation(matrix, diag_shift)


def sample_space_cg(
    jacobian: DividedJacobian, deviations: np.ndarray, diag_shift: float
) -> Direction:
    """Conjugate gradients on the Gram matrix, divided between ranks."""
    equations, matrix = _equations(jacobian, deviations)
    with jacobian.ranks.part("cg"):
        return equations.by_conjugate_gradients(matrix, diag_shift)


def matrix_free(jacobian: DividedJacobian, deviations: np.ndarray, diag_shift: float) -> Direction:
    """Conjugate gradients through products with O and its adjoint."""
    J, n = jacobian, jacobian.n_samples
    roots = 1.0 if J.weights is None else np.sqrt(J.weights)
    _ = J.mean  # its sum is no part of an iteration

    def product(vector: np.ndarray) -> np.ndarray:
        image = J.times(J.adjoint_times(vector / roots))
        return roots * image + n * diag_shift * vector

    def norm(vector: np.ndarray) -> float:
        return float(np.sqrt(J.inner(vector, vector).real))

    right = (roots * deviations).astype(complex if J.is_complex else float)
    with J.ranks.part("cg"):
        z, residual, n_iterations = conjugate_gradients(
            product, right, CG_TOLERANCE, CG_MAX_ITERATIONS, None, J.inner, norm
        )
        x = J.adjoint_times(z / roots)
    return Direction(x, diag_shift, residual, n_iterations, cg_advice(residual, n_iterations))


def dense(jacobian: DividedJacobian, deviations: np.ndarray, diag_shift: float) -> Direction:
    """Solve with the covariance matrix S, which every rank holds: for few parameters."""
    force = jacobian.adjoint_times(deviations) / jacobian.n_samples
    with jacobian.ranks.part("covariance"):
        matrix = covariance(jacobian)  # type: ignore[arg-type]  # of its own rows
    found = solve_positive(Triangle(split(matrix)), force, diag_shift)
    return Direction(found.x, found.shift, found.residual, 0, shift_advice(found.n_raised))
