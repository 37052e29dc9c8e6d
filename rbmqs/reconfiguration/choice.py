"""Which solver a step uses: the cheapest by a count of operations, unless the user names one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rbmqs.checks import choice
from rbmqs.reconfiguration import solvers
from rbmqs.reconfiguration.jacobian import Jacobian
from rbmqs.reconfiguration.record import Solve
from rbmqs.reconfiguration.solvers import Direction

SOLVERS: dict[str, Callable[[Jacobian, np.ndarray, float], Direction]] = {
    "sample-space": solvers.sample_space,
    "matrix-free": solvers.matrix_free,
    "dense": solvers.dense,
}

# Iterations of conjugate gradients that a shift of 1e-3 takes from a typical spectrum.
_TYPICAL_CG_ITERATIONS = 150
# The largest matrix a solver may hold (bytes): beyond it only matrix-free remains.
_MAX_MATRIX_BYTES = 4 * 2**30


def costs(n_samples: int, width: int, n_parameters: int) -> dict[str, float]:
    """Multiply-adds of each solver, infinite where its matrix would not fit.

    sample-space: n^2 width/2 for the Gram matrix, whose width is N + M in factors and P
    otherwise, and n^3/6 for Cholesky; dense: n P^2/2 + P^3/6; matrix-free: two products of n P
    per iteration.
    """
    n, p = float(n_samples), float(n_parameters)
    estimate = {
        "sample-space": n * n * width / 2 + n**3 / 6,
        "matrix-free": _TYPICAL_CG_ITERATIONS * 2 * n * p,
        "dense": n * p * p / 2 + p**3 / 6,
    }
    for method, rows in (("sample-space", n), ("dense", p)):
        if 16 * rows * rows > _MAX_MATRIX_BYTES:
            estimate[method] = np.inf
    return estimate


def choose_solver(jacobian: Jacobian) -> str:
    """Name of the cheapest solver for this many samples and parameters."""
    estimate = costs(jacobian.n_samples, jacobian.width, jacobian.n_parameters)
    return min(estimate, key=lambda method: estimate[method])


def solve(
    jacobian: Jacobian,
    local_energies: np.ndarray,
    diag_shift: float,
    method: str | None = None,
    start: np.ndarray | None = None,
) -> Solve:
    """Solve (S + diag_shift) x = F, or with `start` (S + diag_shift)(x - start) = F - S start.

    Parameters
    ----------
    jacobian : Jacobian
    local_energies : complex array (n_samples,)
    diag_shift : float
        Positive.
    method : str, optional
        One of `SOLVERS`; the cheapest by `costs` when not given.
    start : array (n_parameters,), optional
        Direction towards which the shift pulls instead of zero: SPRING's momentum
        (arXiv:2401.10190, Eq. 13).

    Raises
    ------
    FloatingPointError
        Local energies or log-derivatives hold NaN or infinity, or the matrix stays indefinite at
        every shift tried.
    """
    name = choose_solver(jacobian) if method is None else choice("solver", method, tuple(SOLVERS))
    if not np.isfinite(local_energies).all():
        raise FloatingPointError("local energies hold NaN or infinity: no step can be taken")
    if not jacobian.is_finite:  # LAPACK factorises NaN without complaint
        raise FloatingPointError("log-derivatives hold NaN or infinity: no step can be taken")
    deviations = local_energies - local_energies.mean()
    if not jacobian.is_complex:
        deviations = np.ascontiguousarray(deviations.real)
    drift = None
    if start is not None and np.any(start):
        drift = jacobian.times(start)
    found = SOLVERS[name](jacobian, deviations if drift is None else deviations - drift, diag_shift)
    x = found.x if drift is None else start + found.x
    return _record(name, found, x, jacobian, deviations)


def _record(
    name: str,
    found: Direction,
    x: np.ndarray,
    jacobian: Jacobian,
    deviations: np.ndarray,
) -> Solve:
    """The direction with its slope and length."""
    n = jacobian.n_samples
    image = jacobian.times(x)
    force = jacobian.adjoint_times(deviations) / n
    return Solve(
        direction=x,
        method=name,
        diag_shift=float(found.diag_shift),
        residual=found.residual,
        rank=None,
        n_iterations=found.n_iterations,
        force_norm=float(np.linalg.norm(force)),
        slope=-2.0 * float(np.vdot(deviations, image).real) / n,
        metric_norm=float(np.linalg.norm(image)) / np.sqrt(n),
        advice=found.advice,
    )
