"""The ways to solve the stochastic-reconfiguration equations (S + shift) x = F.

With O the centred log-derivatives of n samples and e = E_loc - <E_loc>,

    S = O^dagger W O / n,      F = O^dagger W e / n

(Sorella, PRL 80, 4558 (1998); Carleo & Troyer 2017, supplement), W being one where all samples
count alike, and else the diagonal matrix of their weights, which add up to n. For real parameters
O is real and e enters by its real part. Samples may be divided between MPI ranks; one process is a
rank alone. All solvers give the same x.

"sample-space" factorises the Gram matrix, "sample-space-cg" multiplies by it, "matrix-free" by the
log-derivatives, both in conjugate gradients over samples,

    (W^1/2 O O^dagger W^1/2 + n shift) z = W^1/2 e,      x = O^dagger W^1/2 z

(minSR: Chen & Heyl, Nat. Phys. 20, 1476 (2024), arXiv:2302.01941), where an iteration sums
n_parameters numbers over ranks once or gathers n_samples, and no rank works on vectors of all
parameters beyond that. "dense" sums the covariance matrix S over ranks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rbmqs.sr.costs import Problem
from rbmqs.sr.equations import GramEquations
from rbmqs.sr.matrix import DividedMatrix
from rbmqs.sr.positive import PositiveMatrix, Product, conjugate_gradients, solve_positive
from rbmqs.sr.preconditioner import preconditioner
from rbmqs.sr.single import SinglePrecision
from rbmqs.states.jacobian import Jacobian
from rbmqs.states.weights import times_weights

ROW_BLOCK = 256
CG_TOLERANCE = 1e-10
CG_MAX_ITERATIONS = 2000


@dataclass(frozen=True, eq=False)
class Direction:
    """What a solver returns.

    Parameters
    ----------
    x : array (n_parameters,)
    diag_shift : float
        In use.
    residual : float
        Relative, of the equations that were solved.
    n_iterations : int
        Of an iterative solver, 0 otherwise.
    advice : str
        Empty, or a sentence on what is wrong and what to change.
    """

    x: np.ndarray
    diag_shift: float
    residual: float
    n_iterations: int
    advice: str


class SampleSpace:
    """Equations over samples, those that are alike in one row: (A + n shift) z = right.

    They are multiplied by the root of the number of their samples, or of the sum of their weights.
    """

    def __init__(self, jacobian: Jacobian, deviations: np.ndarray) -> None:
        self._jacobian, self._repeats = jacobian, jacobian.repeats()
        self.matrix = GramEquations(jacobian, self._repeats)
        self._right = deviations
        if self._repeats is not None:
            self._roots = np.sqrt(self._repeats.counts)
            self._right = self._roots * self._repeats.means(deviations)

    def _direction(self, z: np.ndarray) -> np.ndarray:
        if self._repeats is not None:
            z = (z / self._roots)[self._repeats.kind]
        return self._jacobian.adjoint_times(z)

    def by_factorisation(self, matrix: PositiveMatrix, diag_shift: float) -> Direction:
        """Cholesky."""
        n = self._jacobian.n_samples
        found = solve_positive(matrix, self._right, n * diag_shift)
        direction = self._direction(found.x)
        return Direction(
            direction, found.shift / n, found.residual, 0, shift_advice(found.n_raised)
        )

    def by_conjugate_gradients(self, rough: Product, diag_shift: float) -> Direction:
        """Products in single precision, corrected in double."""
        exact = self.matrix
        shift = exact.n_samples * diag_shift
        inverse = preconditioner(exact, shift)
        right = self._right.astype(complex if exact.is_complex else float)
        with exact.ranks.part("cg"):
            z, residual, n_iterations = conjugate_gradients(
                lambda v: rough(v) + shift * v, right, CG_TOLERANCE, CG_MAX_ITERATIONS, inverse,
                exact.inner, exact.norm, lambda v: exact.times(v) + shift * v,
            )  # fmt: skip
            x = self._direction(z)
        return Direction(x, diag_shift, residual, n_iterations, cg_advice(residual, n_iterations))


def problem_of(jacobian: Jacobian, diag_shift: float) -> Problem:
    """Sizes of the equations, the same on all ranks."""
    J, ranks, repeats = jacobian, jacobian.ranks, jacobian.repeats()
    lengths = ranks.lengths(J.n_own if repeats is None else len(repeats.first))
    product = ranks.total(J.own.product_cost)
    return Problem(
        J.n_samples, tuple(lengths), J.n_parameters, J.own.width, J.own.factor_bytes, product,
        J.is_complex, diag_shift,
    )  # fmt: skip


def sample_space(jacobian: Jacobian, deviations: np.ndarray, diag_shift: float) -> Direction:
    """Cholesky of the Gram matrix plus n * shift, both divided between ranks."""
    equations = SampleSpace(jacobian, deviations)
    matrix: PositiveMatrix = equations.matrix
    if jacobian.ranks.size == 1 and problem_of(jacobian, diag_shift).keeps_double:
        matrix = equations.matrix.made(complex if jacobian.is_complex else float)
    with jacobian.ranks.part("cholesky"):
        return equations.by_factorisation(matrix, diag_shift)


def sample_space_cg(jacobian: Jacobian, deviations: np.ndarray, diag_shift: float) -> Direction:
    """Conjugate gradients on the Gram matrix, divided between ranks."""
    equations = SampleSpace(jacobian, deviations)
    made = equations.matrix.made(equations.matrix.single)
    return equations.by_conjugate_gradients(made.times, diag_shift)


def matrix_free(jacobian: Jacobian, deviations: np.ndarray, diag_shift: float) -> Direction:
    """Conjugate gradients through products with O and its adjoint."""
    equations = SampleSpace(jacobian, deviations)
    return equations.by_conjugate_gradients(equations.matrix.in_single(), diag_shift)


def dense(jacobian: Jacobian, deviations: np.ndarray, diag_shift: float) -> Direction:
    """Solve with the covariance matrix S, which every rank holds: for few parameters."""
    force = jacobian.adjoint_times(deviations) / jacobian.n_samples
    with jacobian.ranks.part("covariance"):
        matrix = covariance(jacobian)
    found = solve_positive(DividedMatrix.of(matrix), force, diag_shift)
    return Direction(found.x, found.shift, found.residual, 0, shift_advice(found.n_raised))


def single_precision(
    jacobian: Jacobian, deviations: np.ndarray, diag_shift: float, max_iterations: int
) -> Direction | None:
    """Conjugate gradients over few parameters of one process; None where they would take long."""
    force = jacobian.adjoint_times(deviations) / jacobian.n_samples
    found = SinglePrecision(jacobian).solve(force, diag_shift, CG_TOLERANCE, max_iterations)
    x, residual, n_iterations = found
    if not residual <= CG_TOLERANCE:
        return None
    return Direction(x, diag_shift, residual, n_iterations, "")


def covariance(jacobian: Jacobian) -> np.ndarray:
    """S, shape (n_parameters, n_parameters)."""
    n, p = jacobian.n_samples, jacobian.n_parameters
    dtype = complex if jacobian.is_complex else float
    second, mean = np.zeros((p, p), dtype), np.zeros(p, dtype)
    for _, rows, weights in row_blocks(jacobian):
        weighted = times_weights(rows, weights)
        second += rows.conj().T @ weighted
        mean += weighted.sum(axis=0)
    ranks = jacobian.ranks
    second, mean = ranks.sum(second) / n, ranks.sum(mean) / n
    second -= np.outer(mean.conj(), mean)
    return second


def row_blocks(jacobian: Jacobian) -> Iterator[tuple[slice, np.ndarray, np.ndarray | None]]:
    """Some of a rank's own rows at a time, not centred: which, the rows, and their weights."""
    for start in range(0, jacobian.n_own, ROW_BLOCK):
        part = slice(start, min(start + ROW_BLOCK, jacobian.n_own))
        weights = None if jacobian.weights is None else jacobian.weights[part]
        yield part, jacobian.rows(part.start, part.stop), weights


def cg_advice(residual: float, n_iterations: int) -> str:
    """What to change where conjugate gradients did not converge; empty where they did."""
    if residual <= CG_TOLERANCE:
        return ""
    return (
        f"conjugate gradients stopped at {n_iterations} iterations without reaching "
        f"{CG_TOLERANCE:g}: raise diag_shift"
    )


def shift_advice(n_raised: int) -> str:
    """What to change where the shift had to be raised; empty where it had not."""
    if n_raised == 0:
        return ""
    return (
        f"the matrix was not positive at the shift asked for, which was raised {n_raised} times: "
        f"use a larger diag_shift or more samples"
    )
