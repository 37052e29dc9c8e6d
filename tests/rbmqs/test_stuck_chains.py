"""Chains in spurious maxima: which ones are lost, what is left out, and where they go on."""

from dataclasses import replace

import numpy as np
import pytest

import rbmqs
from hamiltonians import chain, heisenberg
from rbmqs.estimators.chain_diagnostics import FAR, MIN_DRAWS, reset_chains, stuck_chains
from rbmqs.estimators.error_bars import quick_statistics
from rbmqs.runs.checkpoint import load_checkpoint
from rbmqs.runs.resume import CHECKPOINT
from rbmqs.sampling.chains import ChainState
from rbmqs.sampling.metropolis import MetropolisSampler
from rbmqs.states.factory import initial_wavefunction
from rbmqs.vmc import loop as vmc
from rbmqs.vmc.batch import Batch
from rbmqs.vmc.extension import RunContext
from rbmqs.vmc.extensions.probe_chains import LIFE, CorrectionByProbes, ProbeChains
from rbmqs.vmc.records import StepRecord
from rbmqs.vmc.settings import RunSettings, SamplingSettings
from rbmqs.vmc.sources import MonteCarlo
from rbmqs.vmc.step import step

H = heisenberg(chain(16), total_sz=0, marshall=True)
SAMPLER = MetropolisSampler.for_hamiltonian(H)


def energies(n_chains=8, n_draws=64, seed=0):
    return np.random.default_rng(seed).normal(-20.0, 1.0, (n_chains, n_draws))


def test_chains_that_ended_far_above_the_others_are_stuck():
    values = energies()
    assert not stuck_chains(values).any()
    values[2] += 10
    values[5, -17:] += 10  # fell in on the way
    values[6, :32] += 10  # and one that came back
    np.testing.assert_array_equal(np.flatnonzero(stuck_chains(values)), [2, 5])
    np.testing.assert_array_equal(np.flatnonzero(stuck_chains(values + 3j)), [2, 5])


def test_six_of_eight_may_be_stuck_at_once():
    values = energies()
    values[:6] += 50
    np.testing.assert_array_equal(stuck_chains(values), [True] * 6 + [False] * 2)


@pytest.mark.parametrize(("distance", "is_stuck"), [(FAR - 1, False), (FAR + 1, True)])
def test_how_far_is_far(distance, is_stuck):
    values = energies(n_draws=4096)
    values[0] += distance
    assert stuck_chains(values)[0] == is_stuck


def test_rare_configurations_with_high_local_energies_make_no_chain_stuck():
    """A quarter of the last draws far out is what a heavy tail may show."""
    values = np.full((16, 64), -20.0)
    values[3, -4:] = 1e3
    values[4] += 1e-12  # rounding
    assert not stuck_chains(values).any()


def test_nothing_is_stuck_where_nothing_can_be_told():
    few = energies(n_draws=MIN_DRAWS - 1)
    few[0] += 100
    assert not stuck_chains(few).any()
    broken = energies()
    broken[0] = np.nan
    assert not stuck_chains(broken).any()
    assert not stuck_chains(energies(n_chains=1)).any()


@pytest.mark.parametrize("n_replicas", [1, 3])
def test_stuck_chains_go_on_from_the_others_with_their_own_random_numbers(n_replicas):
    rng = np.random.default_rng(0)
    spins = rng.choice(np.array([1, -1], np.int8), (5 * n_replicas, 30))
    chains = ChainState(spins, rng.integers(0, 9, (5 * n_replicas, 4), dtype=np.uint64))
    stuck = np.array([True, False, True, False, True])
    found = reset_chains(chains, stuck)
    ladders, before = (s.reshape(5, n_replicas, 30) for s in (found.spins, spins))
    for here, there in enumerate([1, 1, 3, 3, 1]):
        np.testing.assert_array_equal(ladders[here], before[there])
    np.testing.assert_array_equal(found.rng, chains.rng)


def test_samples_of_stuck_chains_are_left_out():
    values = energies(4, 16)
    spins = np.arange(64, dtype=np.int8)[:, None]
    batch = Batch(spins, spins * 2, values.ravel(), quick_statistics(values), 0.5)
    found = batch.without(np.array([False, True, False, True]))
    np.testing.assert_array_equal(found.spins[:, 0], [*range(16), *range(32, 48)])
    np.testing.assert_array_equal(found.cache, 2 * found.spins)
    np.testing.assert_array_equal(found.local_energies, values[[0, 2]].ravel())
    assert found.energy == quick_statistics(values[[0, 2]])
    assert (found.energy.n_chains, found.acceptance) == (2, 0.5)


def test_the_probes_that_started_last_go_on_from_them():
    probes = ProbeChains.beside(SAMPLER, H, 1e-3, 0)
    state = probes.start()
    for iteration in range(LIFE):
        ages = probes.ages(iteration)
        moved = probes.sent_to(np.zeros((1, 16), np.int8), state, iteration)
        replaced = (moved.spins == 0).all(axis=1)
        np.testing.assert_array_equal(replaced, np.arange(4) == ages.argmin())
        np.testing.assert_array_equal(moved.rng, state.rng)
    all_of_them = probes.sent_to(np.zeros((9, 16), np.int8), state, 0)
    assert (all_of_them.spins == 0).all()


class Trap:
    """A sampler whose chain 0 is held in two ferromagnetic domains."""

    def __init__(self, sampler=SAMPLER):
        self.moves, self.n_chains = sampler, sampler.n_chains
        self.start = sampler.start
        self.seen = []

    def sample(self, psi, state, n_draws, *, n_discard=None):
        self.seen.append(state.spins[0].copy())
        samples, chains = self.moves.sample(psi, state, n_draws, n_discard=n_discard)
        if n_discard is None:
            domains = np.repeat(np.array([1, -1], np.int8), 8)
            samples.spins[0] = domains
            chains.spins[0] = domains
        return samples, chains


def measured_in_a_trap(share):
    """Samples, the state after them and the sampler, of an RBM that knows the ground state."""
    psi = initial_wavefunction(H, 0, alpha=1, tied="translations")
    settings = RunSettings(n_iterations=100, sampling=SamplingSettings(n_samples=256))
    state = next(s for _, s in vmc.iterate(H, psi, settings) if s.iteration == 40)
    settings = replace(settings, sampling=replace(settings.sampling, probe_share=share))
    run = RunContext(H, settings, Trap())
    correction = CorrectionByProbes(run)
    return (*correction.adjust(*MonteCarlo(run).draw(state)), correction)


def test_an_iteration_goes_on_without_a_stuck_chain():
    found, state, extras, correction = measured_in_a_trap(1e-3)
    assert extras["n_stuck"] == 1
    assert len(found.spins) - extras.get("n_outlying", 0) == 240
    assert found.energy.mean.real < -28  # the exact one is -28.57
    assert abs(state.chains.spins[0].reshape(2, 8).sum(axis=1)).max() < 8
    ages = correction.probes.ages(state.iteration)
    np.testing.assert_array_equal(
        state.of("probe_chains")["chains"].spins[ages.argmin()], [1] * 8 + [-1] * 8
    )
    record, _ = step(found, state, correction.run.settings, {"probe_chains": extras})
    assert StepRecord.from_dict(record.to_dict()).extra("probe_chains", "n_stuck") == 1
    MonteCarlo(correction.run).draw(state)
    trap = correction.run.sampler
    assert abs(trap.seen[-1].reshape(2, 8).sum(axis=1)).max() < 8


def test_without_probes_all_chains_count():
    found, state, extras, _ = measured_in_a_trap(0.0)
    assert (extras, len(found.spins)) == ({}, 256)
    assert found.energy.r_hat > 1.1
    assert abs(state.chains.spins[0].reshape(2, 8).sum(axis=1)).max() == 8


def test_a_resumed_run_has_the_same_stuck_chains_and_the_report_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr("rbmqs.estimators.chain_diagnostics.FAR", 0.05)

    def run(directory, n_iterations):
        sampling = SamplingSettings(n_samples=128, n_final_samples=256, summation=False)
        settings = RunSettings(n_iterations=n_iterations, sampling=sampling)
        return rbmqs.ground_state(
            H, alpha=1, settings=settings, output=tmp_path / directory, progress=False
        )

    whole = run("whole", 12)
    n_stuck = [record.extra("probe_chains", "n_stuck") for record in whole.history]
    assert sum(n_stuck) > 0
    n_left_out = sum(n > 0 for n in n_stuck)
    assert f"were left out of {n_left_out} iterations" in str(whole)
    run("parts", 5)
    again = rbmqs.resume(tmp_path / "parts", n_iterations=12, progress=False)
    assert [record.extra("probe_chains", "n_stuck") for record in again.history] == n_stuck
    first, second = (load_checkpoint(tmp_path / k / CHECKPOINT).state for k in ("whole", "parts"))
    np.testing.assert_array_equal(first.psi.flat, second.psi.flat)
    np.testing.assert_array_equal(
        first.of("probe_chains")["chains"].spins, second.of("probe_chains")["chains"].spins
    )
