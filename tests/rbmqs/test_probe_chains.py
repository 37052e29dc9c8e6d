"""Probe chains: where they start, when they count, and that they keep spurious maxima away."""

from dataclasses import replace

import numpy as np
import pytest

import rbmqs
from hamiltonians import chain, heisenberg, square
from rbmqs import RBM
from rbmqs.estimators.chain_diagnostics import FAR
from rbmqs.estimators.error_bars import MAX_R_HAT, quick_statistics
from rbmqs.estimators.final import final_estimate
from rbmqs.estimators.local import local_energies
from rbmqs.runs.checkpoint import load_checkpoint
from rbmqs.runs.resume import CHECKPOINT
from rbmqs.sampling.chains import ChainState
from rbmqs.sampling.initial_configurations import ordered_states
from rbmqs.sampling.metropolis import MetropolisSampler
from rbmqs.states.factory import initial_wavefunction
from rbmqs.vmc import loop as vmc
from rbmqs.vmc.extensions.probe_chains import LIFE, SWEEPS, OutlyingSamples, ProbeChains
from rbmqs.vmc.settings import RunSettings, SamplingSettings
from rbmqs.vmc.sources import make_sampler

H = heisenberg(chain(16), total_sz=0, marshall=True)
SAMPLER = MetropolisSampler.for_hamiltonian(H)
FLAT = RBM.random(16, 1, stddev=1e-3)


def probes_of(hamiltonian=H, sampler=SAMPLER, share=1e-3, seed=0):
    return ProbeChains.beside(sampler, hamiltonian, share, seed)


def frozen(probes):
    """Probe chains that stay where they started, to see where that was."""

    class Frozen:
        def sample(self, psi, state, n_draws):
            assert n_draws == SWEEPS
            return state.spins, state

        start = probes.moves.start

    return replace(probes, moves=Frozen())


def test_there_is_a_probe_chain_for_every_kind_of_start():
    probes = frozen(probes_of())
    started, _ = probes.advance(FLAT, probes.start(), 0)
    patterns = list(ordered_states(H).values())
    assert len(started) == 1 + len(patterns)
    for sigma, pattern in zip(started[1:], patterns, strict=True):
        assert abs(sigma @ pattern) == 16
    np.testing.assert_array_equal(started.sum(axis=1), 0)
    tilted = heisenberg(square(4), total_sz=1)
    sampler = MetropolisSampler.for_hamiltonian(tilted)
    probes = frozen(probes_of(tilted, sampler))
    np.testing.assert_array_equal(probes.advance(FLAT, probes.start(), 0)[0].sum(axis=1), 2)


def test_each_starts_again_after_its_life_and_not_together():
    probes = frozen(probes_of())
    marked = np.tile(np.array([1, -1], np.int8), (4, 8))
    due = []
    for iteration in range(1, 2 * LIFE + 1):
        state = ChainState(np.roll(marked, 1, axis=1), probes.start().rng)
        spins, _ = probes.advance(FLAT, state, iteration)
        due.append((spins != state.spins).any(axis=1) | (spins == marked).all(axis=1))
    due = np.array(due)
    assert due.sum() >= 7  # a random choice of a pattern's sign may leave one as it was
    assert due.sum(axis=1).max() == 1
    np.testing.assert_array_equal(due[:LIFE].any(axis=0) | due[LIFE:].any(axis=0), True)


def test_probes_depend_on_seed_and_iteration_alone():
    first = probes_of().advance(FLAT, probes_of().start(), 0)
    again = probes_of().advance(FLAT, probes_of().start(), 0)
    other = probes_of(seed=1).advance(FLAT, probes_of(seed=1).start(), 0)
    np.testing.assert_array_equal(first[0].spins, again[0].spins)
    np.testing.assert_array_equal(first[1].rng, again[1].rng)
    assert not np.array_equal(first[1].rng, other[1].rng)
    assert first[0].shape == (4, SWEEPS)


def test_those_far_above_the_chains_are_outlying():
    probes = probes_of()
    state = SAMPLER.start(0)
    samples, _ = probes.advance(FLAT, probes.start(), 0)
    values = local_energies(FLAT, H, samples).real
    energy = quick_statistics(local_energies(FLAT, H, SAMPLER.sample(FLAT, state, 16)[0]))
    middle = np.sort(np.median(values, axis=1))
    level = (middle[-2] + middle[-1]) / 2  # more than half of one probe chain lies above
    found = probes.outlying(FLAT, samples, replace(energy, mean=level - FAR, variance=1.0), 512)
    here = np.arange(4) == np.median(values, axis=1).argmax()
    np.testing.assert_array_equal(found.probes, here)
    far = (values > level) & here[:, None]
    assert SWEEPS / 2 < len(found) == far.sum() < (values > level).sum()
    np.testing.assert_array_equal(found.spins, samples.spins[far])
    np.testing.assert_array_equal(found.local_energies, values[far])
    assert found.weight == pytest.approx(1e-3 * 512 / (4 * SWEEPS))
    assert probes.outlying(FLAT, samples, replace(energy, mean=1e3), 512) is None
    below = replace(energy, mean=-1e3, variance=1.0)
    assert len(probes.outlying(FLAT, samples, below, 512)) == 4 * SWEEPS


def test_local_energies_at_nodes_do_not_exceed_the_spectrum():
    class Node:
        n_sites = 16

        def log_psi(self, sigma):
            return np.zeros(len(sigma))

        def prepare(self, sigma):
            return None

        def local_values(self, sigma, connections, fixed_sector, cache):
            each = np.array([1e9, np.nan, -1e9, np.inf], dtype=complex)
            return np.repeat(each, SWEEPS)

    probes = probes_of()
    samples, _ = probes.advance(FLAT, probes.start(), 0)
    energy = replace(quick_statistics(np.zeros((2, 4))), variance=1.0)
    found = probes.outlying(Node(), samples, energy, 512)
    # three strings on each bond
    np.testing.assert_array_equal(found.local_energies, [48.0] * SWEEPS)


def test_weights_have_mean_one_and_probes_a_small_share():
    outlying = OutlyingSamples(np.ones((3, 4), np.int8), np.zeros(3), 0.25, np.ones(1, bool))
    weights = outlying.weights(1000)
    assert weights.mean() == pytest.approx(1)
    assert weights[-1] / weights[0] == pytest.approx(0.25)
    assert len(weights) == 1003


def test_no_probes_where_nothing_moves_or_none_are_wanted():
    exact = make_sampler(H, SamplingSettings(exact=True))
    assert probes_of(sampler=exact) is None
    assert probes_of(share=0.0) is None
    replicas = make_sampler(H, SamplingSettings(n_replicas=4))
    assert probes_of(sampler=replicas).moves.n_chains == 4
    with pytest.raises(ValueError, match=r"probe_share must lie in \[0, 1\), got 1"):
        SamplingSettings(probe_share=1.0)


def run_of(share, n_iterations, output=None, hamiltonian=H, **options):
    sampling = SamplingSettings(
        n_samples=128, n_final_samples=256, probe_share=share, summation=False
    )
    settings = RunSettings(n_iterations=n_iterations, sampling=sampling)
    return rbmqs.ground_state(
        hamiltonian, settings=settings, output=output, progress=False, **options
    )


def test_a_run_without_probes_outlying_is_as_if_there_were_none(monkeypatch):
    monkeypatch.setattr("rbmqs.vmc.extensions.probe_chains.FAR", 1e9)
    with_probes, without = (run_of(share, 12) for share in (1e-3, 0.0))
    assert sum(record.extra("probe_chains", "n_outlying") for record in with_probes.history) == 0
    np.testing.assert_array_equal(with_probes.psi.flat, without.psi.flat)


@pytest.mark.submission
@pytest.mark.parametrize("rbm", [{"alpha": 1}, {"tied": "translations"}])
def test_a_resumed_run_has_the_same_probes(tmp_path, rbm, monkeypatch):
    monkeypatch.setattr("rbmqs.vmc.extensions.probe_chains.FAR", -1e9)
    whole = run_of(1e-3, 12, tmp_path / "whole", **rbm)
    assert [record.extra("probe_chains", "n_outlying") for record in whole.history] == [
        4 * SWEEPS
    ] * 12
    run_of(1e-3, 5, tmp_path / "parts", **rbm)
    rbmqs.resume(tmp_path / "parts", n_iterations=12, progress=False)
    first, second = (load_checkpoint(tmp_path / k / CHECKPOINT).state for k in ("whole", "parts"))
    np.testing.assert_array_equal(first.psi.flat, second.psi.flat)
    np.testing.assert_array_equal(
        first.of("probe_chains")["chains"].spins, second.of("probe_chains")["chains"].spins
    )
    np.testing.assert_array_equal(
        first.of("probe_chains")["chains"].rng, second.of("probe_chains")["chains"].rng
    )
    logs = [(tmp_path / k / "log.jsonl").read_bytes() for k in ("whole", "parts")]
    assert logs[0] == logs[1]


def trained(share, n_sites=48, n_iterations=300):
    """Hamiltonian, and a tied RBM after some iterations."""
    hamiltonian = heisenberg(chain(n_sites), total_sz=0, marshall=True)
    psi = initial_wavefunction(hamiltonian, 0, alpha=2, tied="translations")
    sampling = SamplingSettings(n_samples=256, probe_share=share)
    steps = vmc.iterate(hamiltonian, psi, RunSettings(n_iterations=1000, sampling=sampling))
    return hamiltonian, next(s.psi for _, s in steps if s.iteration == n_iterations)


@pytest.mark.submission
def test_probes_keep_a_spurious_maximum_from_growing():
    """Without them the |psi| of two domains is e^36 times that centred, and chains stay there."""
    for share, is_centred in ((0.0, False), (1e-3, True)):
        hamiltonian, psi = trained(share)
        sampler = make_sampler(hamiltonian, SamplingSettings())
        estimate = final_estimate(hamiltonian, psi, sampler, 64, 2)
        assert (estimate.energy.r_hat < MAX_R_HAT) == is_centred
        assert (estimate.by_start["domain"].mean < -80) == is_centred
