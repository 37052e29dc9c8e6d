"""The equations of several ranks, threads here: the Gram matrix, its columns, and hard shifts."""

import numpy as np
import pytest
from thread_ranks import on_ranks

import rbmqs
from hamiltonians import chain, heisenberg
from rbmqs.sr import preconditioner, solve
from rbmqs.sr.equations import GramEquations
from rbmqs.states.jacobian import Jacobian

H = heisenberg(chain(12), total_sz=0, marshall=True)
PSI = rbmqs.RBM.random(12, alpha=2, seed=1, stddev=0.3)
SAMPLER = rbmqs.MetropolisSampler.for_hamiltonian(H, n_chains=400)
SAMPLES = SAMPLER.sample(PSI, SAMPLER.start(1), 1, n_discard=20)[0]
SPINS = SAMPLES.flat
ENERGIES = rbmqs.local_energies(PSI, H, SAMPLES).ravel()


def own_part(ranks):
    n, k = len(SPINS), ranks.rank
    return slice(k * n // ranks.size, (k + 1) * n // ranks.size)


def divided(ranks):
    own = SPINS[own_part(ranks)]
    return PSI.jacobian(own).over(ranks)


@pytest.fixture(scope="module")
def equations():
    """Rows that stand for several samples each, and their matrix from its definition."""

    def work(ranks):
        jacobian = divided(ranks)
        repeats = jacobian.repeats()
        centred = PSI.log_derivatives(SPINS) - PSI.log_derivatives(SPINS).mean(axis=0)
        rows = np.sqrt(repeats.counts)[:, None] * centred[repeats.first]
        return GramEquations(jacobian, repeats), rows @ rows.conj().T

    return on_ranks(1, work)[0]


def test_exact_products_and_matrices_in_single_precision(equations):
    found, dense = equations
    vector = np.random.default_rng(1).normal(size=found.order) + 0.5j
    exact, scale = dense @ vector, np.linalg.norm(dense @ vector)
    assert np.linalg.norm(found.times(vector) - exact) < 1e-12 * scale
    assert np.linalg.norm(found.in_single()(vector) - exact) < 1e-5 * scale
    assert np.linalg.norm(found.made(np.complex64).times(vector) - exact) < 1e-5 * scale
    assert np.linalg.norm(found.made(complex).times(vector) - exact) < 1e-12 * scale
    some = np.array([3, 0, 60])
    columns = found.columns(some, [3])
    assert np.allclose(columns, dense[:, some], rtol=0, atol=1e-6 * abs(dense).max())


def test_the_preconditioner_of_all_columns_is_the_inverse(equations, monkeypatch):
    """With every row among the columns Nystroem's approximation is the matrix."""
    found, dense = equations
    monkeypatch.setattr(preconditioner, "n_columns", list)
    shift = 400.0
    inverse = preconditioner.preconditioner(found, shift)
    vector = np.random.default_rng(2).normal(size=found.order).astype(complex)
    expected = shift * np.linalg.solve(dense + shift * np.eye(found.order), vector)
    assert np.linalg.norm(inverse(vector) - expected) < 0.02 * np.linalg.norm(expected)


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("method", ["sample-space", "sample-space-cg", "matrix-free"])
def test_solvers_converge_at_a_shift_of_1e_4(method, size):
    exact = solve(PSI.jacobian(SPINS), ENERGIES, 1e-4, "sample-space").direction

    def work(ranks):
        return solve(divided(ranks), ENERGIES[own_part(ranks)], 1e-4, method)

    for found in on_ranks(size, work):
        assert found.advice == ""
        assert found.n_iterations < 1000
        error = np.linalg.norm(found.direction - exact) / np.linalg.norm(exact)
        assert error < 1e-9


@pytest.mark.parametrize("method", ["sample-space", "sample-space-cg", "matrix-free", "dense"])
@pytest.mark.parametrize(("seed", "n_others"), [(0, 0), (1, 0), (3, 0), (0, 4), (3, 4)])
def test_samples_that_are_nearly_all_alike(method, seed, n_others):
    """In single precision their Gram matrix may have negative eigenvalues, or be zero."""
    rng = np.random.default_rng(seed)
    rows = np.ones((64, 7), complex) if seed == 0 else np.tile(complex_normal(rng, 7), (64, 1))
    rows[:n_others] = complex_normal(rng, (n_others, 7))
    energies = complex_normal(rng, 64)
    expected = solve(Jacobian.of_rows(rows), energies, 1e-2, "dense").direction

    def work(ranks):
        own = slice(ranks.rank, None, 2)
        jacobian = Jacobian.of_rows(rows[own]).over(ranks)
        return solve(jacobian, energies[own], 1e-2, method).direction

    for found in on_ranks(2, work):
        assert found == pytest.approx(expected, rel=1e-8, abs=1e-12)


def complex_normal(rng, shape):
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)
