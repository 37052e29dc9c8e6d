"""Chains that stand where |psi|^2 has next to no weight, and what becomes of them."""

import math

import numpy as np
import pytest

import rbmqs
from hamiltonians import chain, ising
from rbmqs import RBM, MetropolisSampler
from rbmqs.estimators.chain_diagnostics import MARGIN, compare_starts, weightless_chains
from rbmqs.estimators.equilibration import PROBE_FALSE_ALARM, _Look
from rbmqs.estimators.final import final_estimate

H = ising(chain(20), h=1.0)
LOG_DIMENSION = math.log(H.dimension)  # 13.9
NEEL = np.where(np.arange(20) % 2, -1.0, 1.0)
FERROMAGNET = np.ones(20)


def neel_and_ferromagnet(neel, peak):
    """A wavefunction with maxima at the Neel and the ferromagnetic states, nothing between them.

    Up to a constant, log psi is 20 neel at the former and 4 peak at the latter, where a flip costs
    2 peak.
    """
    weights = np.stack([neel * NEEL, peak / 2 * FERROMAGNET, -peak / 2 * FERROMAGNET], axis=1)
    return RBM(np.zeros(20), np.array([0.0, -8 * peak, -8 * peak]), weights)


def log_ratio(psi):
    """log psi of the ferromagnet over that of the Neel state."""
    neel, other = psi.log_psi(np.stack([NEEL, FERROMAGNET]).astype(np.int8)).real
    return other - neel


def draws(means, n_draws=8):
    """Constant rows."""
    return np.repeat(np.array(means, dtype=float)[:, None], n_draws, axis=1)


def found(log_psi, energies, log_dimension=20.0):
    return weightless_chains(draws(log_psi), draws(energies), log_dimension).tolist()


def test_a_chain_without_weight_at_a_higher_energy_does_not_count():
    assert found([0.0, -26.0, 0.0], [-1.0, 5.0, -1.0]) == [False, True, False]


def test_the_number_of_configurations_could_make_up_for_small_amplitudes():
    assert found([0.0, -24.0], [-1.0, 5.0]) == [False, False]  # 20 - 48 = -28
    assert found([0.0, -26.0], [-1.0, 5.0], 50.0) == [False, False]


def test_chains_at_low_energies_count_whatever_they_weigh():
    """Otherwise a spurious maximum would be taken for the whole."""
    assert found([0.0, -1000.0], [5.0, -1.0]) == [False, False]


def test_the_whole_weighs_more_than_its_largest_value_seen():
    log_psi = draws([-100.0, -100.0])
    log_psi[0, 3] = 0.0
    weightless = weightless_chains(log_psi, draws([-1.0, 5.0]), 20.0)
    assert weightless.tolist() == [False, True]


def estimate_of(psi):
    return final_estimate(H, psi, MetropolisSampler.for_hamiltonian(H), 256, 2)


@pytest.fixture(autouse=True)
def _without_replica_exchange(monkeypatch):
    monkeypatch.setattr(
        "rbmqs.estimators.equilibration.tempered", lambda psi, sampler, chains: chains
    )


def test_they_go_on_from_where_others_are(monkeypatch):
    psi = neel_and_ferromagnet(2.0, 4.0)
    assert 2 * log_ratio(psi) + LOG_DIMENSION < -MARGIN
    estimate = estimate_of(psi)
    assert estimate.n_weightless == estimate.by_start["ferromagnetic"].n_chains
    assert estimate.comparison.agrees
    monkeypatch.setattr("rbmqs.estimators.chain_diagnostics.MARGIN", 1e3)
    held = estimate_of(psi)
    assert held.n_weightless == 0
    assert not held.comparison.agrees
    assert held.by_start["ferromagnetic"].mean > held.by_start["Neel"].mean + 10
    assert estimate.energy.mean == pytest.approx(held.by_start["Neel"].mean, abs=0.1)


def test_a_maximum_that_outweighs_the_rest_is_told():
    psi = neel_and_ferromagnet(1.0, 16.0)
    assert -2 * log_ratio(psi) + LOG_DIMENSION < -MARGIN
    estimate = estimate_of(psi)
    assert estimate.n_weightless == 0
    assert not estimate.comparison.agrees


def test_report_and_result_say_how_many(tmp_path):
    settings = rbmqs.RunSettings(
        n_iterations=1,
        sampling=rbmqs.SamplingSettings(n_samples=64, n_final_samples=1024, summation=False),
        optimiser=rbmqs.OptimiserSettings(learning_rate=rbmqs.Schedule(1e-9)),
    )
    result = rbmqs.ground_state(
        H, psi=neel_and_ferromagnet(2.0, 4.0), settings=settings, progress=False
    )
    n = result.to_dict()["n_weightless_chains"]
    assert n > 0
    assert f"{n} of 16 chains were where |psi|^2 is below e^-30 of the whole" in str(result)


def test_a_single_lost_chain_of_a_kind_is_seen():
    """It widens the spread within its kind, so that the comparison of starts accuses nobody."""
    kinds = ("random",) * 8 + ("domain", "Neel") * 4
    sampler = MetropolisSampler.for_hamiltonian(H)
    probe, _ = sampler.sample(neel_and_ferromagnet(0.1, 0.1), sampler.start(0), 8)
    look = _Look(H, neel_and_ferromagnet(0.1, 0.1), kinds, probe)
    energies = np.random.default_rng(1).normal(size=(16, 64))
    energies[8] += 100
    look.__dict__["energies"] = energies
    assert compare_starts(energies, kinds, PROBE_FALSE_ALARM).agrees
    assert not look.agrees()
    assert look.agrees(np.arange(16) != 8)
