"""Which samples a final estimate rests on, and that they may be drawn in parts."""

import numpy as np
import pytest

from hamiltonians import chain, heisenberg
from rbmqs import RBM, MetropolisSampler
from rbmqs.estimators.doubts import carrier_warnings, n_carriers
from rbmqs.estimators.final import final_estimate
from rbmqs.vmc.settings import SamplingSettings
from rbmqs.vmc.sources import make_sampler


def test_normal_deviations_are_carried_by_a_third_of_the_samples():
    values = np.random.default_rng(0).normal(size=(10, 10_000))
    assert n_carriers(values) == pytest.approx(100_000 / 3, rel=0.05)
    assert n_carriers(1e100 * values) == pytest.approx(n_carriers(values))


def test_one_outlier_carries_the_variance():
    values = np.zeros(1000)
    values[7] = 1.0
    assert n_carriers(values) == pytest.approx(1, abs=0.01)
    assert "rests on some 1 of the samples" in carrier_warnings(n_carriers(values))[0]


def test_constant_values_and_nan_raise_no_alarm_of_their_own():
    for value in (0.0, np.nan):
        assert carrier_warnings(n_carriers(np.full(50, value))) == []


@pytest.mark.parametrize("replicas", [1, 3])
def test_draws_in_parts_are_those_in_one(monkeypatch, replicas):
    H = heisenberg(chain(10), total_sz=0, marshall=True)
    sampler = make_sampler(H, SamplingSettings(n_replicas=replicas))
    psi = RBM.random(10, 2, seed=1)

    def estimate(part, **options):
        monkeypatch.setattr("rbmqs.estimators.final.PART", part)
        return final_estimate(H, psi, sampler, 50, 3, **options)

    whole, parts = estimate(10**6), estimate(16 * 8)
    np.testing.assert_array_equal(parts.samples.spins, whole.samples.spins)
    assert parts.energy.mean == pytest.approx(whole.energy.mean, rel=1e-12)
    assert parts.acceptance == pytest.approx(whole.acceptance, rel=1e-12)
    assert len(parts.samples.swap_rates) == replicas - 1
    np.testing.assert_allclose(parts.samples.swap_rates, whole.samples.swap_rates, atol=0.05)
    asked = iter([False, True])
    cut = estimate(16 * 8, interrupted=lambda: next(asked))
    np.testing.assert_array_equal(cut.samples.spins, whole.samples.spins[:, :16])
    assert cut.energy.n_draws == 16


def test_a_long_estimate_says_what_it_does(monkeypatch, capsys):
    monkeypatch.setattr("rbmqs.utils.progress.LINE_EVERY", -1.0)
    monkeypatch.setattr("rbmqs.estimators.final.PART", 16 * 32)
    H = heisenberg(chain(10), total_sz=0, marshall=True)
    psi, sampler = RBM.random(10, 2, seed=1), MetropolisSampler.for_hamiltonian(H)
    final_estimate(H, psi, sampler, 64, 3, progress=True)
    lines = capsys.readouterr().err.splitlines()
    assert lines[-2:] == [f"final draw {n}/64: final estimate" for n in (32, 64)]
    final_estimate(H, psi, sampler, 64, 3)
    assert capsys.readouterr().err == ""
