"""Which solver a step uses: the cheapest by its cost model, unless the user names one."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from hamiltonians.utils.checks import choice, instance, number, short
from hamiltonians.utils.registry import Registry
from rbmqs.sr import costs, solvers
from rbmqs.sr.costs import Count, Problem
from rbmqs.sr.record import SRSolution
from rbmqs.sr.solvers import Direction, problem_of
from rbmqs.states.jacobian import Jacobian
from rbmqs.states.rows import FactorRows
from rbmqs.states.unit_blocks import UnitBlocks
from rbmqs.states.weights import times_weights

Solver = Callable[[Jacobian, np.ndarray, float], Direction]
Cost = Callable[[Problem], Count | float]

SOLVERS: Registry[Solver] = Registry("solver")
_COSTS: dict[str, Cost] = {}


def register_solver(name: str, *, cost: Cost | None = None) -> Callable[[Solver], Solver]:
    """A decorator for a solver of (S + shift) x = F on one process, with what it costs.

    Parameters
    ----------
    name : str
        As in `OptimiserSettings.solver`.
    cost : callable
        From the sizes, a `rbmqs.sr.costs.Problem`, to a number of multiply-adds.

    Returns
    -------
    decorator

    Raises
    ------
    TypeError
        No `cost`: the cheapest solver could not be chosen.
    """
    if not callable(cost):
        raise TypeError(f"solver {name!r} needs a cost model: cost=f, f(sizes) in multiply-adds")

    def decorate(solver: Solver) -> Solver:
        SOLVERS.register(name)(solver)
        _COSTS[name] = cost
        return solver

    return decorate


for _name, _solver in {
    "sample-space": solvers.sample_space,
    "sample-space-cg": solvers.sample_space_cg,
    "matrix-free": solvers.matrix_free,
    "dense": solvers.dense,
}.items():
    register_solver(_name, cost=partial(costs.cost_of, _name))(_solver)

# Multiply-adds a second of `rbmqs.core.single_descent`: 30 us a product for 1008 samples of 20
# sites and 40 complex units, 200 us for twice as many of both.
_SINGLE_RATE = 1.1e10
# Iterations that must be affordable for a restart of 48, which fails where the shift is small.
_TRIED = 300


def costs_of(problem: Problem) -> dict[str, float]:
    """Time of each solver, infinite where its matrix would not fit; on ranks of those made so."""
    found = {}
    for name in _COSTS if problem.n_ranks == 1 else costs.PARTS:
        cost = _COSTS[name](problem)
        count = cost if isinstance(cost, Count) else costs.work(cost)
        found[name] = costs.seconds_of(count, problem)
    return found


def choose_solver(jacobian: Jacobian, diag_shift: float = 1e-2) -> str:
    """Name of the solver that takes the least time.

    Parameters
    ----------
    jacobian : Jacobian
        Of all samples, or of those of this rank; all ranks call this function together then.
    diag_shift : float

    Returns
    -------
    str
        A name of `SOLVERS`.
    """
    _check_jacobian(jacobian)
    seconds = costs_of(problem_of(jacobian, diag_shift))
    return min(seconds, key=lambda name: seconds[name])


def _check_jacobian(jacobian: object) -> None:
    if not isinstance(jacobian, Jacobian):
        raise TypeError(f"jacobian must be a Jacobian, got {short(jacobian)}")


def affordable_iterations(problem: Problem, seconds: dict[str, float]) -> int:
    """Conjugate-gradient iterations in single precision that cost as much as the best solver."""
    return int(min(seconds.values()) * _SINGLE_RATE / problem.product)


def _in_single_precision(
    jacobian: Jacobian, right: np.ndarray, diag_shift: float, limit: int
) -> Direction | None:
    """The direction by conjugate gradients in single precision, where that promises to be faster.

    It is with few parameters and a shift that is not too small, which the first iterations show.
    """
    rows = jacobian.own
    if limit < _TRIED or jacobian.ranks.size > 1 or jacobian.weights is not None:
        return None
    if not isinstance(rows, FactorRows) or rows.scale is not None:
        return None
    return solvers.single_precision(jacobian, right, diag_shift, limit)


def solve(
    jacobian: Jacobian,
    local_energies: np.ndarray,
    diag_shift: float,
    method: str | None = None,
    start: np.ndarray | None = None,
    *,
    blocks: UnitBlocks | None = None,
) -> SRSolution:
    """Solve (S + diag_shift) x = F, or with `start` (S + diag_shift)(x - start) = F - S start.

    Parameters
    ----------
    jacobian : Jacobian
        Of all samples, or of those of this rank; all ranks call this function together then.
    local_energies : complex array (n_samples,)
        Of the same samples.
    diag_shift : float
        Positive.
    method : str, optional
        One of `SOLVERS`. When not given, conjugate gradients in single precision, corrected in
        double, are tried for a small RBM; else, or if they are slow, `choose_solver` says.
    start : array (n_parameters,), optional
        Direction towards which the shift pulls instead of zero: SPRING's momentum
        (arXiv:2401.10190, Eq. 13).
    blocks : UnitBlocks, optional
        Makes the shift of a plain RBM's weights grow with distance, see
        `rbmqs.states.unit_blocks`.

    Returns
    -------
    SRSolution

    Raises
    ------
    ValueError
        A `method` that is not known.
    FloatingPointError
        Local energies or log-derivatives hold NaN or infinity, or the matrix stays indefinite at
        every shift tried.
    """
    _check_jacobian(jacobian)
    number("diag_shift", diag_shift, at_least=0)
    instance("method", "" if method is None else method, str)
    if method is not None and ":" not in method:  # import paths are looked up in SOLVERS
        choice("solver", method, tuple(SOLVERS))
    local_energies = np.asarray(local_energies)
    if local_energies.dtype.kind not in "iufc" or local_energies.ndim == 0:
        raise TypeError(f"local_energies must be an array, got {short(local_energies)}")
    if not jacobian.ranks.everywhere(bool(np.isfinite(local_energies).all())):
        raise FloatingPointError("local energies hold NaN or infinity: no step can be taken")
    if not jacobian.is_finite:  # LAPACK factorises NaN without complaint
        raise FloatingPointError("log-derivatives hold NaN or infinity: no step can be taken")
    deviations = jacobian.right_side(local_energies)
    drift = None
    if start is not None and np.any(start):
        drift = jacobian.times(start)
    right = deviations if drift is None else deviations - drift
    if blocks is None:
        name, found = _found(jacobian, right, diag_shift, method)
    else:
        local, scale = jacobian.with_blocks(blocks)
        name, found = _found(local, right, diag_shift, method)
        found = replace(found, x=scale * found.x)
    x = found.x if drift is None else start + found.x
    return solution_of(name, found, x, jacobian, deviations)


def _found(
    jacobian: Jacobian, right: np.ndarray, diag_shift: float, method: str | None
) -> tuple[str, Direction]:
    """The direction, and the name of the solver that found it."""
    if method is None:
        problem = problem_of(jacobian, diag_shift)
        seconds = costs_of(problem)
        limit = affordable_iterations(problem, seconds)
        found = _in_single_precision(jacobian, right, diag_shift, limit)
        if found is not None:
            return "matrix-free", found
        method = min(seconds, key=lambda name: seconds[name])
    elif jacobian.ranks.size > 1:
        choice("solver on MPI ranks", method, tuple(costs.PARTS))
    return method, SOLVERS[method](jacobian, right, diag_shift)


def solution_of(
    name: str,
    found: Direction,
    x: np.ndarray,
    jacobian: Jacobian,
    deviations: np.ndarray,
) -> SRSolution:
    """The direction with its slope and length.

    Parameters
    ----------
    name : str
        Of the solver.
    found : Direction
        What it returned.
    x : array (n_parameters,)
        The direction.
    jacobian : Jacobian
    deviations : complex array (n_samples,)
        Local energies less their mean.

    Returns
    -------
    SRSolution
    """
    n = jacobian.n_samples
    image = jacobian.times(x)
    force = jacobian.adjoint_times(deviations) / n
    weighted = times_weights(image, jacobian.weights)
    return SRSolution(
        direction=x,
        method=name,
        diag_shift=float(found.diag_shift),
        residual=found.residual,
        n_iterations=found.n_iterations,
        force_norm=float(np.linalg.norm(force)),
        slope=-2.0 * float(jacobian.inner(deviations, weighted).real) / n,
        metric_norm=math.sqrt(float(jacobian.inner(image, weighted).real) / n),
        advice=found.advice,
    )
