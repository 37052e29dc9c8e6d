"""Which solver a step uses: the cheapest by a count of operations, unless the user names one."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from hamiltonians.utils.checks import choice, instance, short
from hamiltonians.utils.registry import Registry
from rbmqs.sr import solvers
from rbmqs.sr.divided.jacobian import DividedJacobian
from rbmqs.sr.local import LocalJacobian, UnitBlocks
from rbmqs.sr.record import SRSolution
from rbmqs.sr.solvers import Direction
from rbmqs.states.jacobian import FactorisedJacobian, Jacobian
from rbmqs.states.weights import times_weights

Solver = Callable[[Jacobian, np.ndarray, float], Direction]


class Sizes(NamedTuple):
    """What the cost of a solver depends on.

    Attributes
    ----------
    n_samples, n_different : float
        Samples, and those of them that differ.
    width : int
        Multiply-adds of an element of the Gram matrix.
    product : float
        Multiply-adds of a product with O.
    n_parameters : float
    """

    n_samples: float
    n_different: float
    width: int
    product: float
    n_parameters: float


SOLVERS: Registry[Solver] = Registry("solver")
_COSTS: dict[str, Callable[[Sizes], float]] = {}


def register_solver(
    name: str, *, cost: Callable[[Sizes], float] | None = None
) -> Callable[[Solver], Solver]:
    """A decorator for a solver of (S + shift) x = F, with its multiply-adds as a function of sizes.

    Parameters
    ----------
    name : str
        As in `OptimiserSettings.solver`.
    cost : callable
        From the sizes to a number of multiply-adds.

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


# Conjugate gradients take 270 (Ising chain 16) to 420 (J1-J2 4x4) iterations at a shift of 4e-3.
_TYPICAL_CG_ITERATIONS = 350
# A product with S in single precision, in products with O: 30 us for 1008 samples of 20 sites and
# 40 complex units, 200 us for twice as many of both; the others do 11 multiply-adds a ns.
_SINGLE_PRODUCT = 0.5
# Iterations that must be affordable for a restart of 48, which fails where the shift is small.
_TRIED = 300
# The largest matrix a solver may hold (bytes): beyond it only matrix-free remains.
_MAX_MATRIX_BYTES = 4 * 2**30


def costs(
    n_samples: int, width: int, product: float, n_parameters: int, n_different: int | None = None
) -> dict[str, float]:
    """Multiply-adds of each solver, infinite where its matrix would not fit.

    sample-space: n^2 width/2 for the Gram matrix, whose width is N + M in factors and P
    otherwise, and n^3/6 for Cholesky, n counting different samples only; dense: n P^2/2 + P^3/6;
    matrix-free: two products with O per iteration.
    """
    n = float(n_samples)
    rows = n if n_different is None else float(n_different)
    sizes = Sizes(n, rows, width, product, float(n_parameters))
    return {name: cost(sizes) for name, cost in _COSTS.items()}


def _if_it_fits(order: float, cost: float) -> float:
    """The cost of a solver with a matrix of this order, infinite beyond the memory allowed."""
    return math.inf if 16 * order * order > _MAX_MATRIX_BYTES else cost


def _sample_space_cost(sizes: Sizes) -> float:
    rows = sizes.n_different
    return _if_it_fits(rows, rows * rows * sizes.width / 2 + rows**3 / 6)


def _dense_cost(sizes: Sizes) -> float:
    n, p = sizes.n_samples, sizes.n_parameters
    return _if_it_fits(p, n * p * p / 2 + p**3 / 6)


# Behind the others on one process at every size tried, but for matrices that do not fit.
register_solver("sample-space-cg", cost=lambda sizes: math.inf)(solvers.sample_space_cg)
register_solver("sample-space", cost=_sample_space_cost)(solvers.sample_space)
register_solver("matrix-free", cost=lambda sizes: _TYPICAL_CG_ITERATIONS * 2 * sizes.product)(
    solvers.matrix_free
)
register_solver("dense", cost=_dense_cost)(solvers.dense)


def _costs_of(jacobian: Jacobian) -> dict[str, float]:
    repeats = jacobian.repeats()
    return costs(
        jacobian.n_samples,
        jacobian.width,
        jacobian.product_cost,
        jacobian.n_parameters,
        None if repeats is None else len(repeats.first),
    )


def _check_jacobian(jacobian: object) -> None:
    if not hasattr(jacobian, "right_side"):
        raise TypeError(f"jacobian must be a Jacobian, got {short(jacobian)}")


def choose_solver(jacobian: Jacobian) -> str:
    """Name of the cheapest solver for this many samples and parameters.

    Parameters
    ----------
    jacobian : Jacobian
        Of all samples.

    Returns
    -------
    str
        A name of `SOLVERS`.
    """
    _check_jacobian(jacobian)
    estimate = _costs_of(jacobian)
    return min(SOLVERS, key=lambda method: estimate[method])


def affordable_iterations(jacobian: FactorisedJacobian) -> int:
    """Conjugate-gradient iterations in single precision that cost as much as the best solver.

    Complex numbers take twice as long as real ones there, spins being real, and four times in
    other solvers.
    """
    product = _SINGLE_PRODUCT * jacobian.product_cost * (1 if jacobian.is_complex else 2)
    return int(min(_costs_of(jacobian).values()) / product)


def _in_single_precision(
    jacobian: Jacobian, right: np.ndarray, diag_shift: float
) -> Direction | None:
    """The direction by conjugate gradients in single precision, where that promises to be faster.

    It is with few parameters and a shift that is not too small, which the first iterations show.
    """
    if type(jacobian) is not FactorisedJacobian or jacobian.weights is not None:
        return None  # the kernel knows nothing of a `LocalJacobian`'s scale
    limit = affordable_iterations(jacobian)
    return solvers.single_precision(jacobian, right, diag_shift, limit) if limit >= _TRIED else None


def solve(
    jacobian: Jacobian | DividedJacobian,
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
    jacobian : Jacobian or DividedJacobian
        Of all samples, or of those of this rank; all ranks call this function together then.
    local_energies : complex array (n_samples,)
        Of the same samples.
    diag_shift : float
        Positive.
    method : str, optional
        One of `SOLVERS`. When not given, conjugate gradients in single precision, corrected in
        double, are tried for a small RBM; else, or if they are slow, the cheapest by `costs`.
    start : array (n_parameters,), optional
        Direction towards which the shift pulls instead of zero: SPRING's momentum
        (arXiv:2401.10190, Eq. 13).
    blocks : UnitBlocks, optional
        Makes the shift of a plain RBM's weights grow with distance, see `rbmqs.sr.local`.

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
    instance("method", "" if method is None else method, str)
    if method is not None and ":" not in method:  # import paths are looked up in SOLVERS
        choice("solver", method, tuple(SOLVERS))
    local_energies = np.asarray(local_energies)
    if local_energies.dtype.kind not in "iufc" or local_energies.ndim == 0:
        raise TypeError(f"local_energies must be an array, got {short(local_energies)}")
    finite = bool(np.isfinite(local_energies).all())
    if isinstance(jacobian, DividedJacobian):
        finite = jacobian.ranks.everywhere(finite)
    if not finite:
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
    elif isinstance(jacobian, DividedJacobian):
        divided, scale = jacobian.with_blocks(blocks)
        name, found = _found(divided, right, diag_shift, method)
        found = replace(found, x=scale * found.x)
    else:
        if not isinstance(jacobian, FactorisedJacobian):
            raise TypeError(f"blocks take a plain RBM, got a {type(jacobian).__name__}")
        local = LocalJacobian.of(jacobian, blocks)
        name, found = _found(local, right, diag_shift, method)
        found = local.unscaled(found)
    x = found.x if drift is None else start + found.x
    return solution_of(name, found, x, jacobian, deviations)


def _found(
    jacobian: Jacobian | DividedJacobian, right: np.ndarray, diag_shift: float, method: str | None
) -> tuple[str, Direction]:
    """The direction, and the name of the solver that found it."""
    if isinstance(jacobian, DividedJacobian):
        # Start-up time: 28 ms of solvers and kernels that one process never needs.
        from rbmqs.sr.divided.choice import solve_divided

        return solve_divided(jacobian, right, diag_shift, method)
    if method is None:
        found = _in_single_precision(jacobian, right, diag_shift)
        if found is not None:
            return "matrix-free", found
    name = method or choose_solver(jacobian)
    return name, SOLVERS[name](jacobian, right, diag_shift)


def solution_of(
    name: str,
    found: Direction,
    x: np.ndarray,
    jacobian: Jacobian | DividedJacobian,
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
    jacobian : Jacobian or DividedJacobian
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
    inner = getattr(jacobian, "inner", np.vdot)
    return SRSolution(
        direction=x,
        method=name,
        diag_shift=float(found.diag_shift),
        residual=found.residual,
        n_iterations=found.n_iterations,
        force_norm=float(np.linalg.norm(force)),
        slope=-2.0 * float(inner(deviations, weighted).real) / n,
        metric_norm=math.sqrt(float(inner(image, weighted).real) / n),
        advice=found.advice,
    )
