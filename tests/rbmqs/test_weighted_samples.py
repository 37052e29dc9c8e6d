"""Samples with weights, against the same samples repeated as often as the weights say."""

import naive
import numpy as np
import pytest

from hamiltonians import chain
from rbmqs import ProjectedRBM, SymmetricRBM
from rbmqs.sr import SOLVERS, choose_solver, solve
from rbmqs.sr.equations import gram_matrix

MULTIPLICITIES = np.tile([1, 2, 5, 1, 3], 12)


def rbm(kind):
    if kind in ("real", "complex"):
        return naive.random_rbm(6, 5, float if kind == "real" else complex, scale=0.4)
    group = chain(6).translation_group()
    tied = SymmetricRBM.random(group, n_features=2, stddev=0.4, seed=1)
    return tied if kind == "tied" else ProjectedRBM(tied.plain, group.sectors()[0])


def problem(kind):
    """Machine, spins, energies, and the rows of the samples written out."""
    rng = np.random.default_rng(2)
    n = len(MULTIPLICITIES)
    spins = rng.choice(np.array([1, -1], np.int8), size=(n, 6))
    energies = rng.normal(size=n) + 1j * rng.normal(size=n) - 7
    return rbm(kind), spins, energies, np.repeat(np.arange(n), MULTIPLICITIES)


@pytest.mark.parametrize("kind", ["real", "complex", "tied", "projected"])
@pytest.mark.parametrize("options", [{"method": m} for m in SOLVERS])
def test_weights_stand_for_repeated_samples(kind, options):
    psi, spins, energies, rows = problem(kind)
    weighted = psi.jacobian(spins, weights=MULTIPLICITIES / MULTIPLICITIES.mean())
    written_out = psi.jacobian(spins[rows])
    start = 0.3 * psi.flat
    found = solve(weighted, energies, 0.01, start=start, **options)
    expected = solve(written_out, energies[rows], 0.01, start=start, **options)
    distance = np.linalg.norm(found.direction - expected.direction)
    assert distance <= 1e-7 * np.linalg.norm(expected.direction)
    for name in ("force_norm", "slope", "metric_norm"):
        assert getattr(found, name) == pytest.approx(getattr(expected, name), rel=1e-7)
    equal = solve(psi.jacobian(spins), energies, 0.01, start=start, **options)
    assert np.linalg.norm(found.direction - equal.direction) > 1e-2 * distance


@pytest.mark.parametrize("kind", ["complex", "tied"])
def test_products_with_weights(kind):
    psi, spins, energies, _ = problem(kind)
    weights = MULTIPLICITIES / MULTIPLICITIES.mean()
    jacobian = psi.jacobian(spins, weights=weights)
    rows = psi.log_derivatives(spins)
    O = rows - weights @ rows / len(rows)  # noqa: E741
    vector = psi.flat
    np.testing.assert_allclose(jacobian.times(vector), O @ vector, atol=1e-11)
    np.testing.assert_allclose(
        jacobian.adjoint_times(energies), O.conj().T @ (weights * energies), atol=1e-11
    )
    repeats = jacobian.repeats()
    first, roots = repeats.first, np.sqrt(repeats.counts)
    expected = np.outer(roots, roots) * (O[first] @ O[first].conj().T)
    found = gram_matrix(jacobian, repeats)
    np.testing.assert_allclose(found, np.tril(expected), atol=1e-10)
    assert repeats.counts.sum() == pytest.approx(len(spins))
    assert choose_solver(jacobian) in SOLVERS
