"""One step of theta' = v(theta, t): Runge-Kutta methods, and the implicit midpoint rule.

References
----------
.. [1] E. Hairer, S. P. Norsett, G. Wanner, Solving Ordinary Differential Equations I (1993).
.. [2] P. Bogacki, L. F. Shampine, Appl. Math. Lett. 2, 321 (1989).
.. [3] J. R. Dormand, P. J. Prince, J. Comput. Appl. Math. 6, 19 (1980).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Velocity = Callable[[np.ndarray, float], np.ndarray]

MAX_ITERATIONS = 60  # of the implicit equation
_MEMORY = 5  # differences in its Anderson acceleration
_IMPLICIT = 1e-10  # relative change at which it is solved


class StepError(ArithmeticError):
    """A step that cannot be made as long as it was asked for."""


@dataclass(frozen=True)
class Method:
    """Coefficients of a Runge-Kutta method.

    Parameters
    ----------
    order : int
        Of the step; the error of an embedded pair is of this order in the step.
    nodes, rows, weights : tuples
        c, a and b of the Butcher table.
    embedded : tuple of float
        Weights of a solution of another order, the distance to which estimates the error; of fixed
        steps it takes a stage of its own.
    is_adaptive : bool
        Whether the estimate decides on the step.
    implicit : bool
        Whether the one stage is implicit; its error is estimated by Simpson's rule.
    """

    order: int
    nodes: tuple[float, ...]
    rows: tuple[tuple[float, ...], ...]
    weights: tuple[float, ...]
    embedded: tuple[float, ...] = ()
    is_adaptive: bool = False
    implicit: bool = False


METHODS = {
    "rk45": Method(
        5,
        (0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1, 1),
        (
            (),
            (1 / 5,),
            (3 / 40, 9 / 40),
            (44 / 45, -56 / 15, 32 / 9),
            (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
            (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
            (35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
        ),
        (35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84, 0),
        (5179 / 57600, 0, 7571 / 16695, 393 / 640, -92097 / 339200, 187 / 2100, 1 / 40),
        True,
    ),
    "rk23": Method(
        3,
        (0, 1 / 2, 3 / 4, 1),
        ((), (1 / 2,), (0, 3 / 4), (2 / 9, 1 / 3, 4 / 9)),
        (2 / 9, 1 / 3, 4 / 9, 0),
        (7 / 24, 1 / 4, 1 / 3, 1 / 8),
        True,
    ),
    "adaptive-heun": Method(2, (0, 1), ((), (1,)), (1 / 2, 1 / 2), (1, 0), True),
    "euler": Method(1, (0, 1), ((), (1,)), (1, 0), (1 / 2, 1 / 2)),
    "heun": Method(  # within the third-order method of Shu and Osher
        2, (0, 1, 1 / 2), ((), (1,), (1 / 4, 1 / 4)), (1 / 2, 1 / 2, 0), (1 / 6, 1 / 6, 2 / 3)
    ),
    "rk4": Method(  # the velocity after the step makes a method of third order
        4,
        (0, 1 / 2, 1 / 2, 1, 1),
        ((), (1 / 2,), (0, 1 / 2), (0, 0, 1), (1 / 6, 1 / 3, 1 / 3, 1 / 6)),
        (1 / 6, 1 / 3, 1 / 3, 1 / 6, 0),
        (1 / 6, 1 / 3, 1 / 3, 0, 1 / 6),
    ),
    "midpoint": Method(2, (0.5,), ((0.5,),), (1.0,), implicit=True),
}


def increment(
    method: Method, velocity: Velocity, theta: np.ndarray, time: float, step: float
) -> tuple[np.ndarray, np.ndarray]:
    """Change of theta in one step, and the estimate of its error.

    Raises
    ------
    StepError
        The implicit equation was not solved.
    """
    if method.implicit:
        middle = _implicit_stage(velocity, theta, time, step)
        ends = velocity(theta, time) + velocity(theta + step * middle, time + step)
        return step * middle, step / 6 * (ends - 2 * middle)
    stages: list[np.ndarray] = []
    for node, row in zip(method.nodes, method.rows, strict=True):
        at = theta + step * _combination(row, stages) if stages else theta
        stages.append(velocity(at, time + node * step))
    change = step * _combination(method.weights, stages)
    differences = [b - e for b, e in zip(method.weights, method.embedded, strict=True)]
    return change, step * _combination(differences, stages)


def next_step(method: Method, step: float, error: float, tolerance: float) -> float:
    """The step that would make the error asked for, between a fifth and three times the last."""
    ratio = (tolerance / max(error, 1e-300)) ** (1 / method.order)
    return step * min(3.0, max(0.2, 0.9 * ratio))


def _combination(weights: tuple[float, ...] | list[float], stages: list[np.ndarray]) -> np.ndarray:
    terms = [w * k for w, k in zip(weights, stages, strict=False) if w != 0]
    return np.sum(terms, axis=0)


def _implicit_stage(velocity: Velocity, theta: np.ndarray, time: float, step: float) -> np.ndarray:
    """k = v(theta + step k / 2, time + step / 2), by fixed points with Anderson acceleration."""
    k = velocity(theta, time)
    values: list[np.ndarray] = []
    residuals: list[np.ndarray] = []
    for _ in range(MAX_ITERATIONS):
        found = velocity(theta + 0.5 * step * k, time + 0.5 * step)
        residual = found - k
        if np.linalg.norm(residual) <= _IMPLICIT * np.linalg.norm(found):
            return found
        values, residuals = [*values, found][-_MEMORY:], [*residuals, residual][-_MEMORY:]
        if len(values) == 1:
            k = found
            continue
        differences = np.stack([r - residual for r in residuals[:-1]], axis=1)
        share = np.linalg.lstsq(differences, -residual, rcond=1e-12)[0]
        k = found + sum(s * (v - found) for s, v in zip(share, values[:-1], strict=True))
    raise StepError(
        f"the implicit midpoint rule was not solved in {MAX_ITERATIONS} iterations at "
        f"t = {time:g}: take a shorter step than {step:g}"
    )
