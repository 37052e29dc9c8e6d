"""Faults that were once planted and that no test noticed: each has the test that fails there.

`tests/campaign/mutants.py` plants them again.
"""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import binom, chi2

from hamiltonians import LocalSpace, X, chain, heisenberg, identity, ising
from hamiltonians.exact import thick_restart
from rbmqs import RBM, MetropolisSampler, expect
from rbmqs.boltzmann import BernoulliRBM
from rbmqs.boltzmann.fused_learner import BinaryLearner
from rbmqs.estimators import equilibration
from rbmqs.estimators.error_bars import statistics
from rbmqs.estimators.final import final_estimate
from rbmqs.sampling.chains import random_chains


@pytest.mark.parametrize("method", ["cd", "pcd"])
def test_the_data_side_averages_over_hidden_units(method, monkeypatch):
    """Sampled ones have the same mean and more noise: nothing but the activities shows it."""
    seen = []

    def step(self, data, model, rate):
        inputs = data.visible @ self.rbm.weights + self.rbm.hidden_bias
        seen.append((np.array(data.hidden), expit(np.asarray(inputs, float))))
        original(self, data, model, rate)

    original = BinaryLearner._step
    monkeypatch.setattr(BinaryLearner, "_step", step)
    X = (np.random.default_rng(0).random((60, 12)) < 0.5).astype(float)
    BernoulliRBM(5, method=method, n_iter=2, random_state=0).fit(X)
    assert seen
    for hidden, expected in seen:
        np.testing.assert_allclose(hidden, expected, atol=1e-5)


def test_the_v_score_does_not_see_a_constant():
    H, psi = heisenberg(chain(6), total_sz=0), RBM.random(6, alpha=1, seed=0, stddev=0.2)
    sampler = MetropolisSampler.for_hamiltonian(H, n_chains=4)
    scores = [
        final_estimate(h, psi, sampler, seed=1, n_draws=32, progress=False).v_score
        for h in (H, H + 40 * identity())
    ]
    assert scores[1] == pytest.approx(scores[0], rel=1e-9)


def test_final_chains_move_before_the_first_draw_that_counts(monkeypatch):
    sweeps = []

    def sample(self, psi, state, n_draws, *, n_discard=None):
        sweeps.append(n_discard)
        return original(self, psi, state, n_draws, n_discard=n_discard)

    original = MetropolisSampler.sample
    monkeypatch.setattr(MetropolisSampler, "sample", sample)
    H, psi = ising(chain(6)), RBM.random(6, alpha=1, seed=0, stddev=0.2)
    sampler = MetropolisSampler.for_hamiltonian(H, n_chains=4)
    final_estimate(H, psi, sampler, seed=1, n_draws=32, progress=False)
    assert len(sweeps) == 2, "chains that agree at once look once and are drawn once"
    assert all(n >= equilibration.FINAL_SWEEPS // 2 for n in sweeps)


@pytest.mark.parametrize(("errors", "said"), [(4.5, False), (6.0, True)])
def test_an_imaginary_energy_is_noticed_from_five_of_its_errors(errors, said):
    from rbmqs.estimators.doubts import doubts_about

    rng = np.random.default_rng(0)
    noise = rng.normal(size=(16, 400))
    noise -= noise.mean()
    bar = statistics(noise + 1j * noise).error_of_imag
    energy = statistics(noise + 1j * (noise + errors * bar))
    found = doubts_about(0.5, True, statistics(noise), energy, noise, "")
    assert any("imaginary part of the energy" in sentence for sentence in found) == said


def test_random_starts_have_the_magnetisation_of_coins():
    """5,000 chains of 8 spins: chi-squared of the number of up spins against the binomial law."""
    up = (random_chains(LocalSpace(8), None, 5000, seed=3).spins > 0).sum(axis=1)
    counts = np.bincount(up, minlength=9)
    expected = 5000 * binom.pmf(np.arange(9), 8, 0.5)
    assert chi2.sf(np.sum((counts - expected) ** 2 / expected), 8) > 1e-4


def test_the_basis_of_thick_restarts_is_orthonormal_beside_a_large_constant():
    """Images lose eight digits in the first projection here; the second one brings them back."""
    rng = np.random.default_rng(0)
    levels = 1e8 + rng.uniform(-1, 1, size=60)
    search = thick_restart._Search(SimpleNamespace(comm=None), lambda v: levels * v, 1e-10)
    V, T = np.zeros((20, 60)), np.zeros((20, 20))
    start = rng.normal(size=60)
    locked = np.zeros((0, 60))
    n, _, _ = thick_restart._fill(search, locked, V, T, 0, start / np.linalg.norm(start))
    assert n == 20
    np.testing.assert_allclose(V @ V.T, np.eye(20), atol=1e-12)


def test_what_an_observable_takes_out_of_the_sector_counts_as_zero():
    H, psi = heisenberg(chain(6), total_sz=0), RBM.random(6, alpha=1, seed=0, stddev=0.2)
    sampler = MetropolisSampler.for_hamiltonian(H, n_chains=4)
    samples, _ = sampler.sample(psi, sampler.start(1), 16)
    assert expect(psi, H, samples, X(0)).mean == 0


def test_observables_are_turned_with_the_sign_rule():
    """Under Marshall's rule the x components of neighbours have opposite signs."""
    psi = RBM.random(6, alpha=1, seed=0, stddev=0.2)
    sampler = MetropolisSampler.for_hamiltonian(heisenberg(chain(6), total_sz=0), n_chains=4)
    samples, _ = sampler.sample(psi, sampler.start(1), 16)
    plain, turned = (
        expect(psi, heisenberg(chain(6), total_sz=0, signs=signs), samples, X(0) * X(1)).mean
        for signs in (None, "marshall")
    )
    assert abs(plain) > 0.1
    assert turned == pytest.approx(-plain, rel=1e-12)
