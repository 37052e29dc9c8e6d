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
from rbmqs.sr.divided.equations import GramEquations
from rbmqs.sr.divided.jacobian import DividedJacobian
from rbmqs.sr.divided.preconditioner import preconditioner
from rbmqs.sr.positive import Product, Triangle, conjugate_gradients, solve_positive
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


def sample_space(jacobian: DividedJacobian, deviations: np.ndarray, diag_shift: float) -> Direction:
    """Cholesky of the Gram matrix plus n * shift, both divided between ranks."""
    equations = SampleSpace(jacobian, deviations)  # type: ignore[arg-type]
    matrix = GramEquations(jacobian, equations.repeats)
    with jacobian.ranks.part("cholesky"):
        return equations.by_factorisation(matrix, diag_shift)


def sample_space_cg(
    jacobian: DividedJacobian, deviations: np.ndarray, diag_shift: float
) -> Direction:
    """Conjugate gradients on the Gram matrix, divided between ranks."""
    equations = SampleSpace(jacobian, deviations)  # type: ignore[arg-type]
    exact = GramEquations(jacobian, equations.repeats)
    return _by_conjugate_gradients(equations, exact, exact.made(exact.single).times, diag_shift)


def matrix_free(jacobian: DividedJacobian, deviations: np.ndarray, diag_shift: float) -> Direction:
    """Conjugate gradients through products with O and its adjoint."""
    equations = SampleSpace(jacobian, deviations)  # type: ignore[arg-type]
    exact = GramEquations(jacobian, equations.repeats)
    return _by_conjugate_gradients(equations, exact, exact.in_single(), diag_shift)


def _by_conjugate_gradients(
    equations: SampleSpace, exact: GramEquations, rough: Product, diag_shift: float
) -> Direction:
    """The direction by products in single precision, corrected in double."""
    ranks, shift = exact.ranks, exact.n_samples * diag_shift
    inverse = preconditioner(exact, shift)
    right = equations.right.astype(complex if exact.is_complex else float)
    with ranks.part("cg"):
        z, residual, n_iterations = conjugate_gradients(
            lambda v: rough(v) + shift * v, right, CG_TOLERANCE, CG_MAX_ITERATIONS, inverse,
            exact.inner, exact.norm, lambda v: exact.times(v) + shift * v,
        )  # fmt: skip
        x = equations.direction(z)
    return Direction(x, diag_shift, residual, n_iterations, cg_advice(residual, n_iterations))


def dense(jacobian: DividedJacobian, deviations: np.ndarray, diag_shift: float) -> Direction:
    """Solve with the covariance matrix S, which every rank holds: for few parameters."""
    force = jacobian.adjoint_times(deviations) / jacobian.n_samples
    with jacobian.ranks.part("covariance"):
        matrix = covariance(jacobian)  # type: ignore[arg-type]  # of its own rows
    found = solve_positive(Triangle(split(matrix)), force, diag_shift)
    return Direction(found.x, found.shift, found.residual, 0, shift_advice(found.n_raised))
