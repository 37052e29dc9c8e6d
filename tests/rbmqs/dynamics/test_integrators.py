"""Steps of the integrators: their order, their error estimates, the implicit equation."""

import numpy as np
import pytest

from rbmqs.dynamics.integrators import METHODS, StepError, increment, next_step

A = np.array([[0.0, 1.0], [-1.0, -0.1]])


def velocity(theta, time):
    return A @ theta + np.array([0.0, np.cos(2 * time)]) - 0.1 * theta**3


def end_of(method, n_steps, end=1.0):
    theta, step = np.array([1.0, 0.3]), end / n_steps
    for k in range(n_steps):
        theta = theta + increment(method, velocity, theta, k * step, step)[0]
    return theta


@pytest.mark.parametrize("name", METHODS)
def test_order_by_halving_steps(name):
    method = METHODS[name]
    exact = end_of(METHODS["rk45"], 400)
    errors = [np.linalg.norm(end_of(method, n) - exact) for n in (20, 40)]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(method.order, abs=0.35)


@pytest.mark.parametrize("name", METHODS)
def test_estimates_fall_with_the_power_of_the_step_of_their_order(name):
    method, theta = METHODS[name], np.array([1.0, 0.3])
    first, second = (
        np.linalg.norm(increment(method, velocity, theta, 0.2, step)[1]) for step in (0.1, 0.05)
    )
    # Of embedded pairs and of rk4 it is the error of the lower order, else of the step itself.
    is_lower = method.is_adaptive or name == "rk4"
    power = method.order + (not is_lower)
    assert np.log2(first / second) == pytest.approx(power, abs=0.35)
    if not is_lower:
        fine = np.array([1.0, 0.3])
        for k in range(20):
            fine = fine + increment(METHODS["rk45"], velocity, fine, 0.2 + 0.005 * k, 0.005)[0]
        error = np.linalg.norm(theta + increment(method, velocity, theta, 0.2, 0.1)[0] - fine)
        assert first == pytest.approx(error, rel=0.6)
    if method.is_adaptive:
        wanted = first / 2**method.order
        assert next_step(method, 0.1, first, wanted) == pytest.approx(0.045, rel=0.01)


def test_implicit_midpoint_keeps_the_norm_and_takes_stiff_equations():
    turn = np.array([[0.0, -30.0], [30.0, 0.0]])
    theta = np.array([1.0, 0.0])
    for k in range(20):
        theta = theta + increment(METHODS["midpoint"], lambda x, t: turn @ x, theta, k, 0.1)[0]
    assert np.linalg.norm(theta) == pytest.approx(1.0, abs=1e-8)


def test_an_implicit_equation_without_a_solution_is_refused_in_one_line():
    with pytest.raises(StepError, match="take a shorter step"), np.errstate(all="ignore"):
        increment(METHODS["midpoint"], lambda x, t: x**2 + 10, np.ones(1), 0.0, 10.0)
