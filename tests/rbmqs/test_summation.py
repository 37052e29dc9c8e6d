"""Sums over all configurations up to symmetry, against sums over all states."""

from dataclasses import replace

import numpy as np
import pytest

import rbmqs
from hamiltonians import Sector, chain, ground_state, heisenberg, ising, j1j2, kagome, square
from hamiltonians.exact.orbits import count_orbits
from hamiltonians.models.symmetries import symmetric_sector
from rbmqs import RBM, ProjectedRBM, SymmetricRBM
from rbmqs.vmc import loop as vmc
from rbmqs.vmc.full_summation import Summation, common_symmetry, n_configurations
from rbmqs.vmc.settings import RunSettings, SamplingSettings
from rbmqs.vmc.step import RISE, has_diverged

CHAIN = heisenberg(chain(8), total_sz=0, marshall=True)
FIELD = ising(chain(6), h=0.7)
SQUARE = j1j2(square(4), J2=0.5, total_sz=0, marshall=True)
SETTINGS = SamplingSettings(n_samples=256, n_final_samples=64)


def tied(n_sites, **options):
    group = chain(n_sites).translation_group()
    return SymmetricRBM.random(group, n_features=2, stddev=0.3, seed=1, **options)


def momentum(n_sites):
    sector = chain(n_sites).translation_group().sectors()[1]
    return ProjectedRBM(RBM.random(n_sites, 1, stddev=0.4, seed=2), sector)


PROBLEMS = {
    "plain": (CHAIN, RBM.random(8, 1, stddev=0.3, seed=3), 70),
    "plain, even": (CHAIN, RBM.random(8, 1, visible_bias=False, hidden_bias=False), 35),
    "plain, free S_z": (FIELD, RBM.random(6, 1, stddev=0.3, seed=4), 64),
    "tied": (CHAIN, tied(8), 10),
    "tied, even": (FIELD, tied(6, spin_inversion=True), 8),
    "momentum": (CHAIN, momentum(8), 10),
    "odd S_z": (heisenberg(chain(8), total_sz=1), tied(8), 7),
    "symmetric": (
        SQUARE,
        ProjectedRBM(RBM.random(16, 1, visible_bias=False, hidden_bias=False, stddev=0.3),
                     symmetric_sector(SQUARE)),
        107,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PROBLEMS)
def test_energy_and_variance_are_those_of_the_state_vector(name):
    hamiltonian, psi, n = PROBLEMS[name]
    summation = Summation.wanted(hamiltonian, psi, SETTINGS)
    sector = Sector(hamiltonian.n_sites, hamiltonian.total_sz)
    assert len(summation.spins) == n
    assert summation.multiplicities.sum() == sector.dimension
    batch = summation.batch(psi)
    vector = psi.state_vector(sector)
    image = hamiltonian.to_sparse() @ vector
    energy = np.vdot(vector, image).real
    assert batch.energy.mean.real == pytest.approx(energy, rel=1e-10)
    variance = np.vdot(image, image).real - energy**2
    assert batch.energy.variance == pytest.approx(variance, rel=1e-7)
    assert batch.energy.error_of_mean == 0
    assert batch.weights.mean() == pytest.approx(1)
    assert batch.summed


@pytest.mark.parametrize("name", ["plain", "tied", "symmetric"])
def test_the_force_is_that_of_all_states(name):
    hamiltonian, psi, _ = PROBLEMS[name]
    batch = Summation.wanted(hamiltonian, psi, SETTINGS).batch(psi)
    found = batch.jacobian(psi).adjoint_times(batch.local_energies) / len(batch.spins)
    sector = Sector(hamiltonian.n_sites, hamiltonian.total_sz)
    spins = sector.states_to_spins(sector.basis_states())
    vector = psi.state_vector(sector)
    rows = psi.log_derivatives(spins)
    p = abs(vector) ** 2
    local = (hamiltonian.to_sparse() @ vector) / vector
    expected = ((rows - p @ rows).conj() * (p * (local - p @ local))[:, None]).sum(axis=0)
    np.testing.assert_allclose(found, expected, atol=1e-9 * abs(expected).max())


def test_symmetries_that_the_hamiltonian_lacks_are_left_out():
    uneven = heisenberg(kagome(2), total_sz=0)
    psi = RBM.random(12, 1, visible_bias=False, hidden_bias=False)
    assert n_configurations(uneven, common_symmetry(uneven, psi)) == 924 / 2
    tilted = ising(chain(6), h=0.7, hz=0.1)
    even = tied(6, spin_inversion=True)
    assert n_configurations(tilted, common_symmetry(tilted, even)) == 14
    open_chain = heisenberg(chain(8, periodic=False), total_sz=0)
    symmetry = common_symmetry(open_chain, tied(8))
    assert symmetry.group.order == 1


def test_when_a_run_sums():
    psi = RBM.random(8, 1)
    assert Summation.wanted(CHAIN, psi, SETTINGS) is not None
    assert Summation.wanted(CHAIN, psi, replace(SETTINGS, n_samples=64)) is None
    assert Summation.wanted(CHAIN, psi, replace(SETTINGS, n_samples=64, summation=True))
    assert Summation.wanted(CHAIN, psi, replace(SETTINGS, summation=False)) is None
    assert Summation.wanted(CHAIN, psi, replace(SETTINGS, exact=True)) is None
    large = heisenberg(chain(20), total_sz=0)
    with pytest.raises(ValueError, match="at most 32768 configurations, there are 184756"):
        Summation.wanted(large, RBM.random(20, 1), replace(SETTINGS, summation=True))
    with pytest.raises(TypeError, match="summation must be true, false or None, got 1"):
        SamplingSettings(summation=1)


@pytest.mark.parametrize("number", range(8))
def test_configurations_without_amplitude_do_not_count(number):
    """The Neel state has none except at momenta 0 and pi."""
    sector = chain(8).translation_group().sectors()[number]
    psi = ProjectedRBM(RBM.random(8, 1, stddev=0.4, seed=2), sector)
    batch = Summation.wanted(CHAIN, psi, SETTINGS).batch(psi)
    assert len(batch.spins) == count_orbits(8, 4, sector)
    assert np.isfinite(batch.local_energies).all()


def test_runs_without_noise_reach_what_samples_cannot():
    """Heisenberg chain of 8: 10 configurations, no error bar, and a relative error below 1e-9."""
    settings = RunSettings(n_iterations=300, sampling=SETTINGS)
    result = rbmqs.ground_state(CHAIN, tied="translations", settings=settings, progress=False)
    last = result.history[-1]
    assert last.summed
    assert last.energy.n_draws == 10
    assert abs(last.energy.mean.real / result.reference.energy - 1) < 1e-9
    assert "summed over 10 configurations" in str(result)


def test_exact_energies_may_rise_a_little():
    """As much as an error bar of a thousand samples would allow, since there is none."""
    psi = PROBLEMS["plain"][1]
    energy = Summation.wanted(CHAIN, psi, SETTINGS).batch(psi).energy
    bar = np.sqrt(energy.variance / 1000)
    assert has_diverged(replace(energy, mean=energy.mean + 0.9 * RISE * bar), energy) == ""
    assert has_diverged(replace(energy, mean=energy.mean + 1.1 * RISE * bar), energy) != ""


def test_a_resumed_sum_is_the_same(tmp_path):
    settings = RunSettings(n_iterations=8, sampling=SETTINGS)
    options = {"tied": "translations", "progress": False}
    whole = rbmqs.ground_state(CHAIN, settings=settings, output=tmp_path / "whole", **options)
    short = replace(settings, n_iterations=3)
    rbmqs.ground_state(CHAIN, settings=short, output=tmp_path / "parts", **options)
    parts = rbmqs.resume(tmp_path / "parts", n_iterations=8, progress=False)
    np.testing.assert_array_equal(whole.psi.flat, parts.psi.flat)
    logs = [(tmp_path / k / "log.jsonl").read_bytes() for k in ("whole", "parts")]
    assert logs[0] == logs[1]


def test_vmc_and_summation_agree_within_error():
    psi = PROBLEMS["tied"][1]
    exact = Summation.wanted(CHAIN, psi, SETTINGS).batch(psi).energy
    drawn = RunSettings(sampling=SamplingSettings(n_samples=4096, summation=False))
    record, _ = next(vmc.iterate(CHAIN, psi, drawn))
    assert not record.summed
    assert abs(record.energy.mean - exact.mean) < 5 * record.energy.error_of_mean


@pytest.mark.parametrize("n_sites", [50, 62, 200])
def test_one_magnon_on_many_sites(n_sites):
    """Case 27: as many configurations as sites, whatever 2^N is."""
    H = heisenberg(chain(n_sites), J=-1, total_sz=n_sites / 2 - 1)
    result = rbmqs.ground_state(H, alpha=0.1, n_iterations=3, progress=False, n_final_samples=64)
    assert all(record.summed for record in result.history)
    assert result.energy.mean.real == pytest.approx(-n_sites, abs=1)
    assert 0 < result.estimate.fidelity(ground_state(H).vector).mean <= 1
