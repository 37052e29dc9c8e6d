"""Equations of small wavefunctions solved in single precision and corrected in double."""

import naive
import numpy as np
import pytest

from rbmqs.core.aligned import LINE, aligned_empty
from rbmqs.core.single_descent import RESTART, descend
from rbmqs.sr import Jacobian, choose_solver, solve
from rbmqs.sr.choice import affordable_iterations, costs_of
from rbmqs.sr.single import SinglePrecision
from rbmqs.sr.solvers import problem_of

KINDS = [float, complex]
BIASES = [(True, True), (True, False), (False, True), (False, False)]


def problem(kind, biases=(True, True), n_samples=100, n_sites=6, n_hidden=5, scale=0.4):
    """Jacobian of random spins, their wavefunction, the spins and random local energies."""
    psi = naive.random_rbm(n_sites, n_hidden, kind, scale=scale, seed=0, biases=biases)
    rng = np.random.default_rng(0)
    spins = rng.choice(np.array([1, -1], np.int8), size=(n_samples, n_sites))
    energies = rng.normal(size=n_samples) + 1j * rng.normal(size=n_samples) - 7
    return psi.jacobian(spins), psi, spins, energies


@pytest.mark.submission
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("biases", BIASES)
@pytest.mark.parametrize("n_sites", [1, 4, 9])  # less than a group of four, one, two and one more
@pytest.mark.parametrize("n_hidden", [3, 16])  # with the 1 in the first and in the second vector
def test_an_iteration_multiplies_by_the_metric(kind, biases, n_sites, n_hidden):
    """After one iteration x is the right side b times b^2 / b (S + shift) b."""
    jacobian, psi, spins, _ = problem(kind, biases, 50, n_sites, n_hidden)
    single = SinglePrecision(jacobian)
    rng = np.random.default_rng(1)
    right = rng.normal(size=psi.n_parameters)
    if kind is complex:
        right = right + 1j * rng.normal(size=psi.n_parameters)
    O = naive.centred_jacobian(psi, spins)  # noqa: E741
    curved = O.conj().T @ (O @ right) / len(O) + 0.1 * right
    step = np.vdot(right, right).real / np.vdot(right, curved).real
    left = np.linalg.norm(right - step * curved) / np.linalg.norm(right)
    x, residual, n_iterations = descend(
        single.split, single.offsets, single.tanh, single.mask, single.pack(right), 0.1, 0.0, 1,
        False,
    )  # fmt: skip
    assert n_iterations == 1
    np.testing.assert_allclose(single.unpack(x), step * right, rtol=1e-5, atol=1e-6)
    assert residual == pytest.approx(left, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("biases", BIASES)
@pytest.mark.parametrize("n_samples", [1, 60, 300])
def test_the_solution_is_that_of_the_dense_formula(kind, biases, n_samples):
    jacobian, psi, spins, energies = problem(kind, biases, n_samples)
    deviations = energies - energies.mean()
    deviations = deviations if kind is complex else deviations.real
    force = jacobian.adjoint_times(deviations) / n_samples
    x, residual, _ = SinglePrecision(jacobian).solve(force, 0.03, 1e-10, 1000)
    expected = naive.direction(psi, spins, energies, 0.03)
    assert residual <= 1e-10
    assert np.linalg.norm(x - expected) <= 1e-8 * np.linalg.norm(expected)
    assert x.dtype == kind


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("biases", BIASES)
def test_parameters_return_from_their_rows(kind, biases):
    jacobian, psi, _, _ = problem(kind, biases)
    single = SinglePrecision(jacobian)
    flat = psi.flat.astype(np.complex64 if kind is complex else np.float32)
    np.testing.assert_array_equal(single.unpack(single.pack(flat)), flat)


def test_it_is_chosen_for_a_small_machine_and_left_where_it_is_slow():
    jacobian, _, _, energies = problem(complex, n_samples=1000, n_sites=16, n_hidden=16, scale=0.1)
    problem_at = problem_of(jacobian, 0.01)
    affordable = affordable_iterations(problem_at, costs_of(problem_at))
    assert affordable > 300
    fast, slow = solve(jacobian, energies, 0.01), solve(jacobian, energies, 1e-6)
    assert fast.method == "matrix-free"
    assert 0 < fast.n_iterations <= affordable
    assert fast.residual <= 1e-10
    assert slow.method == choose_solver(jacobian)
    for found in (fast, slow):
        direct = solve(jacobian, energies, found.diag_shift, "sample-space").direction
        assert np.linalg.norm(found.direction - direct) <= 1e-7 * np.linalg.norm(direct)
    force = jacobian.adjoint_times(energies)
    _, residual, n_iterations = SinglePrecision(jacobian).solve(force, 1e-6, 1e-10, 1000)
    assert n_iterations == RESTART
    assert residual > 0.005
    explicit = Jacobian.of_rows(jacobian.rows(0, 1000))
    assert solve(explicit, energies, 0.01).method == choose_solver(explicit)


def test_nothing_to_solve():
    jacobian = problem(complex)[0]
    x, residual, n_iterations = SinglePrecision(jacobian).solve(
        np.zeros(jacobian.n_parameters, complex), 0.01, 1e-10, 100
    )
    assert not x.any()
    assert (residual, n_iterations) == (0.0, 0)


@pytest.mark.parametrize("shape", [(3,), (2, 5), (40_000,)])
def test_arrays_begin_with_a_line_of_the_cache(shape):
    for dtype in (np.float32, complex):
        array = aligned_empty(shape, dtype)
        assert array.ctypes.data % LINE == 0
        assert (array.shape, array.dtype, array.flags.c_contiguous) == (shape, dtype, True)
