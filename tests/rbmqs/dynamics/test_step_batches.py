"""Configurations of a step: alike ones count once, and weights need no logarithm of each unit."""

import numpy as np
import pytest

import hamiltonians as hm
from rbmqs import RBM, SymmetricRBM
from rbmqs.dynamics.batches import Point, SampledBatch
from rbmqs.dynamics.equations import solve
from rbmqs.dynamics.records import EvolutionRecord
from rbmqs.estimators.local import local_energies
from rbmqs.states.weights import centred


@pytest.mark.parametrize("moved", [False, True])
def test_samples_that_are_alike_are_evaluated_once_and_count_as_often(moved):
    H = hm.ising(hm.chain(6), h=1.0, J=-1.0)
    psi = RBM.random(6, 1, seed=3, stddev=0.2)
    there = psi.with_flat(psi.flat * 1.1) if moved else psi
    samples = psi.sample(3008, seed=0)
    point = SampledBatch(psi, samples).at(there, H)
    assert point.jacobian.n_samples <= 64
    assert point.n_draws == 3008
    weights = np.exp(2 * (there.log_psi(samples.flat) - psi.log_psi(samples.flat)).real)
    weights /= weights.mean()
    values = local_energies(there, H, samples).ravel()
    mean = np.mean(weights * values)
    assert point.energy.mean == pytest.approx(mean, abs=1e-12)
    every = Point(there.jacobian(samples.flat, None, weights), values, point.energy, weights)
    for name in ("r2", "rank", "residual"):
        ours, all_of_them = (getattr(solve(p, False, 1e-6), name) for p in (point, every))
        assert ours == pytest.approx(all_of_them, abs=1e-6)
    assert point.mean_square(point.deviations) == pytest.approx(
        np.mean(weights * abs(centred(values, weights)) ** 2)
    )


def test_share_of_merged_samples_is_that_of_the_draws():
    psi = RBM.random(6, 1, seed=3, stddev=0.2)
    there = psi.with_flat(psi.flat * 1.2)
    samples = psi.sample(3008, seed=0)
    weights = np.exp(2 * (there.log_psi(samples.flat) - psi.log_psi(samples.flat)).real)
    expected = weights.mean() ** 2 / (weights**2).mean()
    assert SampledBatch(psi, samples).share(there) == pytest.approx(expected)


def test_signal_to_noise_of_merged_samples_is_that_of_the_draws():
    H = hm.ising(hm.chain(4), h=1.0, J=-1.0)
    psi = RBM.random(4, n_hidden=1, seed=3, stddev=0.2)
    samples = psi.sample(4000, seed=0)
    merged = SampledBatch(psi, samples).at(psi, H)
    rows, values = psi.jacobian(samples.flat), local_energies(psi, H, samples).ravel()
    every = Point(rows, values, merged.energy, None, n_draws=4000)
    found, expected = (solve(p, False, 1e-6, noise=True).snr for p in (merged, every))
    np.testing.assert_allclose(found[:5], expected[:5], rtol=1e-6)


@pytest.mark.parametrize("scale", [0.3, 3.0, 40.0, 400.0])
@pytest.mark.parametrize("dtype", [complex, float])
def test_modulus_is_the_real_part_of_log_psi(scale, dtype):
    plain = RBM.random(9, 2, dtype=dtype, seed=1, stddev=scale / 9)
    tied = SymmetricRBM.random(
        hm.chain(9).translation_group(), n_features=2, dtype=dtype, seed=1, stddev=scale / 9
    )
    spins = np.random.default_rng(0).choice([-1, 1], (50, 9)).astype(np.int8)
    for psi in (plain, tied):
        expected = psi.log_psi(spins).real
        tolerance = 1e-12 * (1 + abs(expected).max())
        np.testing.assert_allclose(psi.log_modulus(spins), expected, rtol=0, atol=tolerance)
        found = psi.log_modulus(spins, psi.prepare(spins))
        np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)


def test_records_hold_spectra_that_files_keep(tmp_path):
    import rbmqs

    H = hm.ising(hm.chain(10), h=1.0, J=-1.0)
    psi = RBM.random(10, 1, seed=3, stddev=0.2)
    directory = tmp_path / "run"
    result = rbmqs.evolve(
        H, psi, [0.0, 0.02], integrator="heun", step=0.01, n_samples=128, n_chains=16,
        summation=False, output=directory, progress=False,
    )  # fmt: skip
    record = result.records[-1]
    assert record.eigenvalues[0] == pytest.approx(1.0)
    assert len(record.snr) == len(record.eigenvalues) <= 32
    assert np.all(np.diff(record.eigenvalues) <= 0)
    assert min(record.snr) >= 0
    kept = rbmqs.dynamics.read_evolution_log(directory / "log.jsonl")[-1]
    assert kept.snr == pytest.approx(record.snr)
    table = record.to_dict()
    del table["snr"], table["eigenvalues"]  # of earlier versions
    assert EvolutionRecord.from_dict(table).snr == ()
