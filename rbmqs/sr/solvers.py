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

from dataclasses import dataclass

import numpy as np

from rbmqs.core.split_complex import split
from rbmqs.sr.positive import conjugate_gradients, solve_positive
from rbmqs.sr.single import SinglePrecision
from rbmqs.states.jacobian import FactorisedJacobian, Jacobian
from rbmqs.states.weights import times_weights

_ROW_BLOCK = 256
_CG_TOLERANCE = 1e-10
_CG_MAX_ITERATIONS = 2000


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


def sample_space(jacobian: Jacobian, deviations: np.ndarray, diag_shift: float) -> Direction:
    """Solve in the space of samples: Cholesky of the n x n Gram matrix plus n * shift.

    Samples that are alike share a row; equations are multiplied by the root of the number of
    their samples, or of the sum of their weights.
    """
    n = jacobian.n_samples
    repeats = jacobian.repeats()
    if repeats is None:
        found = solve_positive(jacobian.gram(), deviations, n * diag_shift)
        direction = jacobian.adjoint_times(found.x)
    else:
        roots = np.sqrt(repeats.counts)
        right = roots * repeats.means(deviations)
        found = solve_positive(jacobian.gram(repeats), right, n * diag_shift)
        direction = jacobian.adjoint_times((found.x / roots)[repeats.kind])
    return Direction(direction, found.shift / n, found.residual, 0, _advice(found.n_raised))


def dense(jacobian: Jacobian, deviations: np.ndarray, diag_shift: float) -> Direction:
    """Solve with the covariance matrix S, built from blocks of rows: for few parameters."""
    n = jacobian.n_samples
    force = jacobian.adjoint_times(deviations) / n
    found = solve_positive(split(covariance(jacobian)), force, diag_shift)
    return Direction(found.x, found.shift, found.residual, 0, _advice(found.n_raised))


def matrix_free(jacobian: Jacobian, deviations: np.ndarray, diag_shift: float) -> Direction:
    """Conjugate gradients on S + shift through products with O and its adjoint."""
    n = jacobian.n_samples
    force = jacobian.adjoint_times(deviations) / n

    def product(vector: np.ndarray) -> np.ndarray:
        return jacobian.adjoint_times(jacobian.times(vector)) / n + diag_shift * vector

    direction, residual, n_iterations = conjugate_gradients(
        product, force, _CG_TOLERANCE, _CG_MAX_ITERATIONS
    )
    advice = ""
    if not residual <= _CG_TOLERANCE:
        advice = (
            f"conjugate gradients stopped at {n_iterations} iterations without reaching "
            f"{_CG_TOLERANCE:g}: raise diag_shift"
        )
    return Direction(direction, diag_shift, residual, n_iterations, advice)


def single_precision(
    jacobian: FactorisedJacobian, deviations: np.ndarray, diag_shift: float, max_iterations: int
) -> Direction | None:
    """`matrix_free` for few parameters; None where it would take too many iterations."""
    force = jacobian.adjoint_times(deviations) / jacobian.n_samples
    found = SinglePrecision(jacobian).solve(force, diag_shift, _CG_TOLERANCE, max_iterations)
    x, residual, n_iterations = found
    if not residual <= _CG_TOLERANCE:
        return None
    return Direction(x, diag_shift, residual, n_iterations, "")


def covariance(jacobian: Jacobian) -> np.ndarray:
    """S, shape (n_parameters, n_parameters)."""
    n, p = jacobian.n_samples, jacobian.n_parameters
    dtype = complex if jacobian.is_complex else float
    second, mean = np.zeros((p, p), dtype), np.zeros(p, dtype)
    for start in range(0, n, _ROW_BLOCK):
        rows = jacobian.rows(start, start + _ROW_BLOCK)
        weights = jacobian.weights
        weighted = times_weights(rows, None if weights is None else weights[start:][: len(rows)])
        second += rows.conj().T @ weighted
        mean += weighted.sum(axis=0)
    mean /= n
    second /= n
    second -= np.outer(mean.conj(), mean)
    return second


def _advice(n_raised: int) -> str:
    if n_raised == 0:
        return ""
    return (
        f"the matrix was not positive at the shift asked for, which was raised {n_raised} times: "
        f"use a larger diag_shift or more samples"
    )
