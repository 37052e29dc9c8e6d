"""Which solver ranks use together, and what it finds."""

from __future__ import annotations

import numpy as np

from rbmqs.sr.divided import costs, solvers
from rbmqs.sr.divided.jacobian import DividedJacobian
from rbmqs.sr.solvers import Direction

SOLVERS: dict[str, solvers.Solver] = {
    "sample-space": solvers.sample_space,
    "sample-space-cg": solvers.sample_space_cg,
    "matrix-free": solvers.matrix_free,
    "dense": solvers.dense,
}


def problem_of(jacobian: DividedJacobian, diag_shift: float) -> costs.Problem:
    """Sizes of the equations, the same on all ranks."""
    J, ranks = jacobian, jacobian.ranks
    repeats = J.repeats()
    lengths = ranks.lengths(J.n_own if repeats is None else len(repeats.first))
    product = ranks.total(J.own.product_cost)
    return costs.Problem(
        J.n_samples, tuple(lengths), J.n_parameters, J.own.width, J.own.factor_bytes, product,
        J.is_complex, diag_shift,
    )  # fmt: skip


def choose_divided(jacobian: DividedJacobian, diag_shift: float) -> str:
    """Name of the solver that takes ranks the least time."""
    problem = problem_of(jacobian, diag_shift)
    return min(SOLVERS, key=lambda name: costs.seconds_of(name, problem))


def solve_divided(
    jacobian: DividedJacobian, right: np.ndarray, diag_shift: float, method: str | None
) -> tuple[str, Direction]:
    """The direction, and the name of the solver that found it; see `rbmqs.sr.solve`.

    Raises
    ------
    ValueError
        A solver that was registered for one process.
    """
    name = method or choose_divided(jacobian, diag_shift)
    if name not in SOLVERS:
        raise ValueError(f"solver on MPI ranks must be one of {', '.join(SOLVERS)}, got {name!r}")
    return name, SOLVERS[name](jacobian, right, diag_shift)
