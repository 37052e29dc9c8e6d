"""Bounds on the ground-state energy: they hold on every exact spectrum, or say why they do not."""

import math

import naive
import numpy as np
import pytest

from hamiltonians import Sector, chain, heisenberg, ising, j1j2, xyz
from rbmqs.estimators.error_bars import statistics
from rbmqs.estimators.lanczos import (
    EnergyVariance,
    energy_variance,
    temple_lower_bound,
    variational_upper_bound,
    weinstein_lower_bound,
)
from rbmqs.estimators.stats import Stats
from rbmqs.sampling.exact import ExactSampler

MODELS = [
    ising(chain(8), h=0.7),
    heisenberg(chain(8), total_sz=0, marshall=True),
    j1j2(chain(10), J2=0.4, total_sz=0),
    xyz(chain(6), Jx=1.0, Jy=0.6, Jz=0.3),
]


def spectrum(H):
    energies, vectors = np.linalg.eigh(H.to_dense())
    levels = energies[np.append(True, np.diff(energies) > 1e-9)]
    return levels, vectors


def exact_state(H, vector):
    """Energy and variance of a vector."""
    vector = vector / np.linalg.norm(vector)
    moved = H.to_dense() @ vector
    energy = np.vdot(vector, moved).real
    return energy, max(np.vdot(moved, moved).real - energy**2, 0.0)


def mixtures(H, number=200, seed=0):
    """Ground states with more and more of everything else mixed in."""
    levels, vectors = spectrum(H)
    rng = np.random.default_rng(seed)
    for size in np.geomspace(1e-3, 3, number):
        noise = vectors @ rng.normal(size=len(vectors))
        yield levels, vectors[:, 0] + size * noise / np.linalg.norm(noise)


@pytest.mark.parametrize("H", MODELS, ids=lambda H: H.name)
def test_bounds_hold_on_exact_spectra(H):
    n_temple = n_weinstein = 0
    for levels, vector in mixtures(H):
        energy, variance = exact_state(H, vector)
        assert variational_upper_bound(energy).value >= levels[0] - 1e-10
        if energy < levels[1]:
            temple = temple_lower_bound((energy, variance), levels[1])
            assert temple.value <= levels[0] + 1e-9
            n_temple += 1
        if energy + math.sqrt(variance) < levels[1]:
            weinstein = weinstein_lower_bound((energy, variance), levels[1])
            assert weinstein.value <= levels[0] + 1e-9
            assert weinstein.proven
            assert temple.value >= weinstein.value - 1e-12
            n_weinstein += 1
    assert 10 < n_weinstein <= n_temple < 200


def test_temple_is_exact_on_two_levels():
    H = MODELS[0]
    levels, vectors = spectrum(H)
    assert levels[1] > levels[0]
    column = int(np.argmin(abs(np.linalg.eigvalsh(H.to_dense()) - levels[1])))
    state = exact_state(H, vectors[:, 0] + 0.4 * vectors[:, column])
    assert temple_lower_bound(state, levels[1]).value == pytest.approx(levels[0], abs=1e-9)


def test_conditions_matter():
    """Without its condition each lower bound is wrong: an excited state shows it."""
    H = MODELS[1]
    levels, vectors = spectrum(H)
    state = exact_state(H, vectors[:, 3])
    assert state[0] - math.sqrt(state[1]) > levels[0]
    with pytest.raises(ValueError, match="Temple's bound needs an energy below first_excited"):
        temple_lower_bound(state, levels[1])
    with pytest.raises(ValueError, match="Weinstein's bound needs energy"):
        weinstein_lower_bound(state, levels[1])
    unproven = weinstein_lower_bound(state)
    assert not unproven.proven
    assert "if the level nearest to the energy is the ground state" in str(unproven)


def batch(energy, variance, error):
    """Energy and variance with small bars."""
    plain = statistics(np.random.default_rng(1).normal(size=(8, 100)))

    def stats(mean):
        return Stats(mean, error, plain.variance, plain.r_hat, plain.tau, plain.ess, 8, 100)

    return EnergyVariance(stats(energy), stats(variance))


def test_errors_widen_the_bounds():
    state = batch(-10.0, 0.5, 0.01)
    assert variational_upper_bound(state.energy, 0.99).value == pytest.approx(-10 + 0.0232635)
    exact = temple_lower_bound((-10.0, 0.5), -8.0)
    found = temple_lower_bound(state, -8.0, 0.99)
    assert exact.value == -10.25
    assert exact.confidence == 1
    assert found.value < exact.value
    z = 2.712998  # each of three limits fails with probability 0.01 / 3
    assert found.value == pytest.approx(
        min(E - (0.5 + z * 0.01) / (-8 - E) for E in (-10 - z * 0.01, -10 + z * 0.01)), rel=1e-6
    )
    low = weinstein_lower_bound(state, confidence=0.99).value
    assert low == pytest.approx(-10 - z * 0.01 - math.sqrt(0.5 + z * 0.01), rel=1e-6)


def test_sampled_bounds_hold():
    """Bounds of 99.9 % from samples of a rough state, over twenty seeds."""
    H = MODELS[1]
    levels, _ = spectrum(H)
    psi = naive.random_rbm(8, 4, scale=0.1)
    sampler = ExactSampler(Sector(8, 0), 8)
    for seed in range(20):
        samples, _ = sampler.sample(psi, sampler.start(seed), 256)
        state = energy_variance(psi, H, samples)
        assert variational_upper_bound(state.energy, 0.999).value > levels[0]
        assert weinstein_lower_bound(state, confidence=0.999).value < levels[0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: temple_lower_bound((0.0, -1.0), 1.0), "variance must not be negative, got -1.0"),
        (lambda: temple_lower_bound((0.0, 1.0), math.nan), "first_excited must be finite"),
        (lambda: temple_lower_bound((math.inf, 1.0), 2.0), "energy must be finite"),
        (lambda: variational_upper_bound(0.0, 1.0), "confidence must lie between 0.5 and 1"),
        (lambda: variational_upper_bound(statistics(np.ones((2, 9)))), "no bound from this energy"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_bound_as_json_and_text():
    bound = temple_lower_bound((-10.0, 0.5), -8.0)
    assert bound.to_dict()["side"] == "lower"
    assert str(bound).startswith("E0 >= -10.25")
    assert "E0 <=" in str(variational_upper_bound(-10.0))
