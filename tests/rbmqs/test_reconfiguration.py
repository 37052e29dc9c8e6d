"""Solves of stochastic reconfiguration against dense formulas with the whole Jacobian."""

import naive
import numpy as np
import pytest
from on_threads import on_one_and_two_threads
from threadpoolctl import threadpool_limits

from hamiltonians import Sector, chain, heisenberg, ising
from rbmqs.estimators.local import local_energies
from rbmqs.sampling.exact import ExactSampler
from rbmqs.sr import SOLVERS, choose_solver, solve
from rbmqs.sr.choice import costs_of
from rbmqs.sr.costs import Problem
from rbmqs.sr.equations import gram_matrix

KINDS = [float, complex]
BIASES = [(True, True), (True, False), (False, True), (False, False)]


def problem(kind=complex, biases=(True, True), n_samples=300, n_sites=6, n_hidden=5, seed=0):
    """Machine, spins (n_samples, N) and local energies of a disordered test problem."""
    psi = naive.random_rbm(n_sites, n_hidden, kind, scale=0.4, seed=seed, biases=biases)
    rng = np.random.default_rng(seed)
    spins = rng.choice(np.array([1, -1], np.int8), size=(n_samples, n_sites))
    energies = rng.normal(size=n_samples) + 1j * rng.normal(size=n_samples) - 7
    return psi, spins, energies


def random_vector(psi, seed=1):
    rng = np.random.default_rng(seed)
    vector = rng.normal(size=psi.n_parameters)
    return vector + 1j * rng.normal(size=psi.n_parameters) if psi.is_complex else vector


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("biases", BIASES)
@pytest.mark.parametrize("n_samples", [1, 127, 128, 300])
def test_gram_is_the_centred_product(kind, biases, n_samples):
    psi, spins, _ = problem(kind, biases, n_samples)
    jacobian = psi.jacobian(spins)
    O = naive.centred_jacobian(psi, spins)  # noqa: E741
    gram = gram_matrix(jacobian)
    assert gram.dtype == kind
    np.testing.assert_allclose(gram, np.tril(O @ O.conj().T), atol=1e-11)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("biases", BIASES)
def test_products_with_the_jacobian(kind, biases):
    psi, spins, energies = problem(kind, biases)
    jacobian = psi.jacobian(spins)
    O = naive.centred_jacobian(psi, spins)  # noqa: E741
    assert (jacobian.n_samples, jacobian.n_parameters) == O.shape
    assert jacobian.is_complex == (kind is complex)
    vector = random_vector(psi)
    values = energies if kind is complex else energies.real
    np.testing.assert_allclose(jacobian.times(vector), O @ vector, atol=1e-11)
    np.testing.assert_allclose(jacobian.adjoint_times(values), O.conj().T @ values, atol=1e-11)
    np.testing.assert_allclose(
        jacobian.rows(10, 20), naive.log_derivatives(psi, spins)[10:20], atol=1e-13
    )
    left = np.vdot(values, jacobian.times(vector))
    right = np.vdot(jacobian.adjoint_times(values), vector)
    assert abs(left - right) <= 1e-11 * abs(left)


def test_known_pairs_are_used():
    psi, spins, _ = problem()
    cache = psi.prepare(spins)
    given, made = (psi.jacobian(spins, p) for p in (cache, None))
    np.testing.assert_array_equal(given.own.tanh, made.own.tanh)


@pytest.mark.parametrize("method", SOLVERS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("biases", BIASES)
@pytest.mark.parametrize("n_samples", [20, 300])
def test_solvers_agree_with_the_dense_formula(method, kind, biases, n_samples):
    psi, spins, energies = problem(kind, biases, n_samples)
    shift = 1e-2
    result = solve(psi.jacobian(spins), energies, shift, method)
    expected = naive.direction(psi, spins, energies, shift)
    metric, force = naive.metric_and_force(psi, spins, energies)
    scale = np.linalg.norm(expected)
    tolerance = 1e-6 if method == "matrix-free" else 1e-8  # residual 1e-8 over the shift
    assert np.linalg.norm(result.direction - expected) <= tolerance * scale
    assert result.direction.dtype == kind
    assert result.method == method
    assert result.residual <= 2e-8
    assert result.diag_shift == pytest.approx(shift, rel=1e-14)
    assert result.advice == ""
    assert (result.n_iterations > 0) == (method in ("matrix-free", "sample-space-cg"))
    assert result.force_norm == pytest.approx(np.linalg.norm(force), rel=1e-10)
    slope = -2 * np.vdot(force, expected).real
    assert result.slope == pytest.approx(slope, rel=1e-6)
    assert result.predicted_change(0.1) == pytest.approx(0.1 * slope, rel=1e-6)
    assert result.slope < 0
    length = np.sqrt(np.vdot(expected, metric @ expected).real)
    assert result.metric_norm == pytest.approx(length, rel=1e-6)
    assert result.summary()["residual"] == result.residual


@pytest.mark.parametrize("kind", KINDS)
def test_the_three_solvers_agree_at_a_shift_that_iterations_reach(kind):
    psi, spins, energies = problem(kind, n_samples=60)
    jacobian = psi.jacobian(spins)
    found = [solve(jacobian, energies, 0.3, method).direction for method in SOLVERS]
    for direction in found[1:]:
        assert np.linalg.norm(direction - found[0]) <= 1e-6 * np.linalg.norm(found[0])
    exact = [solve(jacobian, energies, 1e-4, m).direction for m in ("sample-space", "dense")]
    assert np.linalg.norm(exact[0] - exact[1]) <= 1e-8 * np.linalg.norm(exact[0])


@pytest.mark.parametrize("method", SOLVERS)
@pytest.mark.parametrize("kind", KINDS)
def test_momentum_starts_from_the_last_direction(method, kind):
    """SPRING: x = start + (S + shift)^-1 (F - S start), and F's slope along all of x."""
    psi, spins, energies = problem(kind, n_samples=50)
    start = 0.3 * random_vector(psi)
    jacobian = psi.jacobian(spins)
    result = solve(jacobian, energies, 0.05, method, start)
    expected = naive.direction(psi, spins, energies, 0.05, start)
    metric, force = naive.metric_and_force(psi, spins, energies)
    assert np.linalg.norm(result.direction - expected) <= 1e-6 * np.linalg.norm(expected)
    assert result.force_norm == pytest.approx(np.linalg.norm(force), rel=1e-10)
    assert result.slope == pytest.approx(-2 * np.vdot(force, expected).real, rel=1e-6)
    length = np.sqrt(np.vdot(expected, metric @ expected).real)
    assert result.metric_norm == pytest.approx(length, rel=1e-6)
    plain = solve(jacobian, energies, 0.05, method)
    zero = solve(jacobian, energies, 0.05, method, np.zeros_like(start))
    np.testing.assert_array_equal(plain.direction, zero.direction)


@pytest.mark.parametrize("kind", [float, complex])
def test_samples_that_are_alike_share_a_row(kind):
    """The direction is that of all samples, also where their energies differ."""
    psi, spins, energies = problem(kind=kind)
    chosen = np.random.default_rng(3).integers(0, len(spins) // 3, len(spins))
    spins, energies = spins[chosen], energies + 0.1 * np.arange(len(spins))
    jacobian = psi.jacobian(spins)
    repeats = jacobian.repeats()
    assert repeats.counts.sum() == len(spins) > len(repeats.first)
    np.testing.assert_array_equal(spins[repeats.first][repeats.kind], spins)
    found = solve(jacobian, energies, 0.01, "sample-space").direction
    expected = naive.direction(psi, spins, energies, 0.01)
    assert np.linalg.norm(found - expected) <= 1e-8 * np.linalg.norm(expected)


@pytest.mark.parametrize("method", ["sample-space", "dense"])
@pytest.mark.parametrize("shift", [0.0, 1e-30])
def test_a_singular_matrix_gives_advice_and_finite_numbers(method, shift):
    """Every sample twice and fewer samples than parameters: both matrices are singular."""
    psi, spins, energies = problem(n_samples=12)
    spins, energies = np.repeat(spins, 2, axis=0), np.repeat(energies, 2)
    result = solve(psi.jacobian(spins), energies, shift, method)
    assert np.all(np.isfinite(result.direction))
    assert np.isfinite(result.residual)
    if result.diag_shift > shift:
        assert "diag_shift" in result.advice
        assert "\n" not in result.advice
    # What the solve reports is what it solved: the shift in use explains the direction.
    expected = naive.direction(psi, spins, energies, 1e-3)
    raised = solve(psi.jacobian(spins), energies, 1e-3, method)
    assert np.linalg.norm(raised.direction - expected) <= 1e-8 * np.linalg.norm(expected)


@pytest.mark.parametrize("method", ["sample-space", "dense"])
def test_an_indefinite_matrix_raises_the_shift_and_says_so(method, monkeypatch):
    """An eigenvalue below zero by more than rounding: no shift of 1e-18 can mend that."""
    from rbmqs.sr import solvers
    from rbmqs.sr.matrix import DividedMatrix

    def indefinite(matrix, right, shift):
        broken = matrix.whole()
        broken[:, 0] = 0.0
        broken[0, 0] = -1e-9 * broken.diagonal().real.max()
        whole = broken + np.tril(broken, -1).conj().T
        return solve_positive(DividedMatrix.of(whole), right, shift)

    solve_positive = solvers.solve_positive
    monkeypatch.setattr(solvers, "solve_positive", indefinite)
    psi, spins, energies = problem(n_samples=12)
    spins, energies = np.repeat(spins, 2, axis=0), np.repeat(energies, 2)
    result = solve(psi.jacobian(spins), energies, 1e-18, method)
    assert np.all(np.isfinite(result.direction))
    assert result.diag_shift > 1e-18
    assert "raised" in result.advice
    assert "diag_shift" in result.advice


def test_iterations_that_do_not_converge_say_so(monkeypatch):
    from rbmqs.sr import solvers

    monkeypatch.setattr(solvers, "CG_MAX_ITERATIONS", 3)
    psi, spins, energies = problem()
    result = solve(psi.jacobian(spins), energies, 1e-6, "matrix-free")
    assert "raise diag_shift" in result.advice
    assert result.n_iterations == 3
    assert result.residual > 1e-8


@pytest.mark.parametrize("method", SOLVERS)
def test_equal_energies_leave_the_parameters_alone(method):
    psi, spins, energies = problem()
    result = solve(psi.jacobian(spins), np.full_like(energies, -3), 0.01, method)
    assert np.linalg.norm(result.direction) <= 1e-12
    assert np.isfinite(result.residual)


@pytest.mark.parametrize("method", SOLVERS)
def test_nan_in_the_matrix_is_refused(method):
    psi, spins, energies = problem()
    jacobian = psi.jacobian(spins)
    jacobian.own.tanh[3, 1] = np.nan
    with pytest.raises(FloatingPointError):
        solve(jacobian, energies, 0.01, method)


@pytest.mark.parametrize("method", SOLVERS)
def test_nan_in_the_energies_is_refused(method):
    psi, spins, energies = problem()
    energies[7] = np.nan
    with pytest.raises(FloatingPointError, match="local energies"):
        solve(psi.jacobian(spins), energies, 0.01, method)


def test_unknown_solvers_are_refused():
    psi, spins, energies = problem()
    with pytest.raises(ValueError, match="solver must be one of sample-space"):
        solve(psi.jacobian(spins), energies, 0.01, "minsr")


def test_the_choice_of_solver():
    few = problem(n_samples=20, n_sites=8, n_hidden=16)
    many = problem(n_samples=4000, n_sites=12, n_hidden=2)
    alike = problem(n_samples=4000, n_sites=4, n_hidden=2)  # of 16 kinds only
    assert choose_solver(few[0].jacobian(few[1])) == "sample-space"
    assert choose_solver(many[0].jacobian(many[1])) == "dense"
    assert choose_solver(alike[0].jacobian(alike[1])) == "sample-space"
    assert solve(few[0].jacobian(few[1]), few[2], 0.01).method == "sample-space"
    huge = Problem(100_000, (100_000,), 323_300, 3300, 0, 100_000 * 323_300.0, True)
    seconds = costs_of(huge)
    assert min(seconds, key=lambda m: seconds[m]) == "matrix-free"
    assert seconds["sample-space"] == seconds["dense"] == np.inf


def full_sum(psi, hamiltonian):
    """S, F of the exact distribution, from the state vector and central sums over all states."""
    spins = naive.all_spins(hamiltonian.n_sites, hamiltonian.total_sz)
    p = naive.probabilities(psi, spins)
    O = naive.log_derivatives(psi, spins)  # noqa: E741
    O = O - p @ O  # noqa: E741
    amplitude = naive.amplitude(psi, spins)
    energies = (hamiltonian.to_sparse() @ amplitude) / amplitude
    deviations = energies - p @ energies
    if not psi.is_complex:
        deviations = deviations.real
    return (O.conj().T * p) @ O, (O.conj().T * p) @ deviations


def energy(psi, hamiltonian):
    vector = psi.state_vector(Sector(hamiltonian.n_sites, hamiltonian.total_sz))
    return np.vdot(vector, hamiltonian.to_sparse() @ vector).real


@pytest.mark.parametrize("kind", KINDS)
def test_a_uniform_full_sum_is_the_exact_natural_gradient(kind):
    """With |psi| uniform, all states once are the distribution itself: no sampling error."""
    H = ising(chain(6), h=0.8, hz=0.2)
    psi = naive.random_rbm(6, 4, kind, scale=0.3, seed=3)
    if kind is complex:  # a phase per site and no weights: |psi| = 1
        psi = type(psi)(1j * psi.visible_bias.real, np.zeros(4), np.zeros((6, 4)))
    else:
        psi = psi.with_flat(0 * psi.flat)
    spins = naive.all_spins(6)
    energies = local_energies(psi, H, naive.as_samples(spins)).ravel()
    metric, force = full_sum(psi, H)
    expected = np.linalg.solve(metric + 0.01 * np.eye(len(force)), force)
    for method in SOLVERS:
        found = solve(psi.jacobian(spins), energies, 0.01, method)
        np.testing.assert_allclose(found.direction, expected, atol=1e-8)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("total_sz", [None, 0])
def test_the_force_is_the_gradient_of_the_energy(kind, total_sz):
    """dE = 2 Re(F^dagger dtheta) by central differences of the exact energy."""
    H = heisenberg(chain(6), total_sz=total_sz) if total_sz == 0 else ising(chain(6), hz=0.3)
    psi = naive.random_rbm(6, 3, kind, scale=0.3, seed=4)
    _, force = full_sum(psi, H)
    h = 1e-5
    for k in range(psi.n_parameters):
        for turn in (1,) if kind is float else (1, 1j):
            step = np.zeros(psi.n_parameters, dtype=kind)
            step[k] = h * turn
            up, down = psi.with_flat(psi.flat + step), psi.with_flat(psi.flat - step)
            slope = (energy(up, H) - energy(down, H)) / (2 * h)
            assert abs(slope - 2 * (np.conj(force[k]) * turn).real) <= 1e-8


@pytest.mark.parametrize("kind", KINDS)
def test_many_samples_approach_the_exact_force(kind):
    """Each of at most 70 components within 6.5 sigma: by chance once in 1e8 runs."""
    H = heisenberg(chain(6), total_sz=0)
    psi = naive.random_rbm(6, 4, kind, scale=0.3, seed=5)
    sampler = ExactSampler(Sector(6, 0), 16)
    samples, _ = sampler.sample(psi, sampler.start(0), 2000)
    energies = local_energies(psi, H, samples).ravel()
    jacobian = psi.jacobian(samples.flat)
    deviations = energies - energies.mean()
    deviations = deviations if kind is complex else deviations.real
    found = jacobian.adjoint_times(deviations) / jacobian.n_samples
    terms = naive.centred_jacobian(psi, samples.flat[:2000]).conj() * deviations[:2000, None]
    error = terms.std(axis=0) / np.sqrt(jacobian.n_samples)
    _, force = full_sum(psi, H)
    assert np.all(abs(found - force) <= 6.5 * 1.2 * error + 1e-12)  # 1.2: error of the error


@pytest.mark.parametrize("method", SOLVERS)
@pytest.mark.parametrize("kind", KINDS)
def test_bytes_do_not_depend_on_threads(method, kind):
    psi, spins, energies = problem(kind, n_samples=500)

    def gram_and_direction():
        jacobian = psi.jacobian(spins)
        result = solve(jacobian, energies, 1e-3, method)
        return gram_matrix(jacobian).tobytes(), result.direction.tobytes()

    with threadpool_limits(1):
        one, two = on_one_and_two_threads(gram_and_direction)
    assert one == two
