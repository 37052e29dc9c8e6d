"""Three ways to solve the stochastic-reconfiguration equations (S + shift) x = F.

With O the centred log-derivatives of n samples and e = E_loc - <E_loc>,

    S = O^dagger W O / n,      F = O^dagger W e / n

(Sorella, PRL 80, 4558 (1998); Carleo & Troyer 2017, supplement), W being one where all samples
count alike, and else the diagonal matrix of their weights, which add up to n. For real parameters
O is real and e enters by its real part.

`sample_space` uses (O^dagger O / n + shift)^-1 O^dagger = O^dagger (O O^dagger / n + shift)^-1
(minSR: Chen & Heyl, Nat. Phys. 20, 1476 (2024), arXiv:2302.01941), `matrix_free` conjugate
gradients on S, `dense` the covariance matrix itself. All three give the same x.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rbmqs.core.split_complex import split
from rbmqs.sr.positive import PositiveMatrix, Triangle, conjugate_gradients, solve_positive
from rbmqs.sr.single import SinglePrecision
from rbmqs.states.jacobian import FactorisedJacobian, Jacobian
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
        self._jacobian, self.repeats = jacobian, jacobian.repeats()
        self._roots = None if self.repeats is None else np.sqrt(self.repeats.counts)
        self.right = deviations
        if self.repeats is not None:
            self.right = self._roots * self.repeats.means(deviations)

    def direction(self, z: np.ndarray) -> np.ndarray:
        """x of z."""
        if self.repeats is None:
            return self._jacobian.adjoint_times(z)
        return self._jacobian.adjoint_times((z / self._roots)[self.repeats.kind])

    def by_factorisation(self, matrix: PositiveMatrix, diag_shift: float) -> Direction:
        """Cholesky."""
        n = self._jacobian.n_samples
        found = solve_positive(matrix, self.right, n * diag_shift)
        direction = self.direction(found.x)
        return Direction(
            direction, found.shift / n, found.residual, 0, shift_advice(found.n_raised)
        )

    def by_conjugate_gradients(self, matrix: PositiveMatrix, diag_shift: float) -> Direction:
        """Products with the matrix."""
        shift = self._jacobian.n_samples * diag_shift
        right = self.right.astype(complex if matrix.is_complex else float)
        z, residual, n_iterations = conjugate_gradients(
            lambda v: matrix.times(v) + shift * v, right, CG_TOLERANCE, CG_MAX_ITERATIONS,
            None, matrix.inner, matrix.norm,
        )  # fmt: skip
        direction = self.direction(z)
        return Direction(
            direction, diag_shift, residual, n_iterations, cg_advice(residual, n_iterations)
        )


def sample_space(jacobian: Jacobian, deviations: np.ndarray, diag_shift: float) -> Direction:
    """Solve in the space of samples: Cholesky of the n x n Gram matrix plus n * shift."""
    equations = SampleSpace(jacobian, deviations)
    return equations.by_factorisation(Triangle(jacobian.gram(equations.repeats)), diag_shift)


def sample_space_cg(jacobian: Jacobian, deviations: np.ndarray, diag_shift: float) -> Direction:
    """Solve in the space of samples by conjugate gradients on the n x n Gram matrix."""
    equations = SampleSpace(jacobian, deviations)
    matrix = Triangle(jacobian.gram(equations.repeats))
    return equations.by_conjugate_gradients(matrix, diag_shift)


def dense(jacobian: Jacobian, deviations: np.ndarray, diag_shift: float) -> Direction:
    """Solve with the covariance matrix S, built from blocks of rows: for few parameters."""
    n = jacobian.n_samples
    force = jacobian.adjoint_times(deviations) / n
    found = solve_positive(Triangle(split(covariance(jacobian))), force, diag_shift)
    return Direction(found.x, found.shift, found.residual, 0, shift_advice(found.n_raised))


def matrix_free(jacobian: Jacobian, deviations: np.ndarray, diag_shift: float) -> Direction:
    """Conjugate gradients on S + shift through products with O and its adjoint."""
    n = jacobian.n_samples
    force = jacobian.adjoint_times(deviations) / n

    def product(vector: np.ndarray) -> np.ndarray:
        return jacobian.adjoint_times(jacobian.times(vector)) / n + diag_shift * vector

    direction, residual, n_iterations = conjugate_gradients(
        product, force, CG_TOLERANCE, CG_MAX_ITERATIONS
    )
    advice = cg_advice(residual, n_iterations)
    return Direction(direction, diag_shift, residual, n_iterations, advice)


def single_precision(
    jacobian: FactorisedJacobian, deviations: np.ndarray, diag_shift: float, max_iterations: int
) -> Direction | None:
    """`matrix_free` for few parameters; None where it would take too many iterations."""
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
    second, mean = over_ranks(jacobian, second), over_ranks(jacobian, mean)
    mean /= n
    second /= n
    second -= np.outer(mean.conj(), mean)
    return second


def row_blocks(
    jacobian: Jacobian,
) -> Iterator[tuple[slice, np.ndarray, np.ndarray | None]]:
    """Some rows of the Jacobian at a time: which, the rows, and their weights; of a rank its own.

    A divided Jacobian has `n_own` rows here, and its `ranks`.
    """
    n = getattr(jacobian, "n_own", jacobian.n_samples)
    for start in range(0, n, ROW_BLOCK):
        part = slice(start, min(start + ROW_BLOCK, n))
        weights = None if jacobian.weights is None else jacobian.weights[part]
        yield part, jacobian.rows(part.start, part.stop), weights


def over_ranks(jacobian: Jacobian, own: np.ndarray) -> np.ndarray:
    """A sum over samples from that over the own ones."""
    ranks = getattr(jacobian, "ranks", None)
    return own if ranks is None else ranks.sum(own)


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
