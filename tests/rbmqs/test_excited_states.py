"""Excited states by penalties on overlaps, against exact levels, summed and sampled."""

import json
import shutil

import numpy as np
import pytest

import hamiltonians as hm
import rbmqs
from rbmqs.cli.main import main
from rbmqs.estimators.observables.overlap import overlap_from
from rbmqs.sampling.chains import Samples
from rbmqs.sampling.exact import ExactSampler
from rbmqs.vmc.batch import Batch
from rbmqs.vmc.extension import RunContext
from rbmqs.vmc.extensions.states_below import StatesBelow, n_lower, remembered
from rbmqs.vmc.full_summation import Summation
from rbmqs.vmc.settings import RunSettings, SamplingSettings

FIELDS = np.outer([1.1, -0.7, 0.3, 1.6, -1.2, 0.4, -0.2, 0.9], [0, 0, 1])


@pytest.fixture(scope="module")
def chain_in_fields():
    return hm.heisenberg(hm.chain(8), field=FIELDS, total_sz=0)


@pytest.fixture(scope="module")
def three_states(chain_in_fields, tmp_path_factory):
    return rbmqs.excited_states(
        chain_in_fields,
        3,
        alpha=3,
        n_iterations=250,
        learning_rate=0.1,
        progress=False,
        output=tmp_path_factory.mktemp("excited") / "levels",
    )


@pytest.mark.submission
def test_three_lowest_states_of_a_chain_in_random_fields(chain_in_fields, three_states):
    exact = hm.ground_state(chain_in_fields, 3).energies
    sector = hm.Sector(8, 0)
    vectors = [psi.state_vector(sector) for psi in three_states.states]
    H = chain_in_fields.to_sparse()
    energies = [np.vdot(v, H @ v).real for v in vectors]
    np.testing.assert_allclose(energies, exact, atol=1e-3)
    np.testing.assert_allclose(three_states.exact, exact, atol=1e-8)
    overlaps = abs(np.array(vectors).conj() @ np.array(vectors).T) ** 2
    assert np.abs(overlaps - np.eye(3)).max() < 1e-4
    assert three_states.status == ()
    assert three_states.gap_errors[0] == 0
    assert np.all(three_states.gap_errors[1:] > 0)
    for (j, k), fidelity in three_states.fidelities.items():
        assert abs(fidelity.mean - overlaps[j, k]) < 5 * fidelity.error_of_mean + 1e-9


def test_files_of_each_state_load_and_tell_the_same(three_states):
    saved = json.loads((three_states.directory / "result.json").read_text())
    assert saved["gaps"] == three_states.gaps.tolist()
    for k, run in enumerate(three_states.runs):
        loaded = rbmqs.load(three_states.directory / f"state{k}")
        np.testing.assert_array_equal(loaded.psi.flat, run.psi.flat)


def test_an_excited_run_goes_on_orthogonal_to_the_states_below(chain_in_fields, tmp_path):
    options = {"alpha": 1, "progress": False, "n_final_samples": 256, "seed": 3}
    whole = rbmqs.excited_states(
        chain_in_fields, 2, n_iterations=12, output=tmp_path / "whole", **options
    )
    cut = rbmqs.excited_states(
        chain_in_fields, 2, n_iterations=12, output=tmp_path / "cut", **options
    )
    del cut
    went_on = rbmqs.resume(tmp_path / "cut" / "state1", n_iterations=20, progress=False)
    again = rbmqs.resume(tmp_path / "whole" / "state1", n_iterations=20, progress=False)
    np.testing.assert_array_equal(went_on.psi.flat, again.psi.flat)
    assert len(whole.runs[1].history) == 12
    assert went_on.history[-1].extra("states_below", "fidelities") != 0
    assert went_on.reference.source.startswith("exact diagonalisation, level 1")


def states(n_sites, n):
    return [rbmqs.RBM.random(n_sites, 2, seed=k, stddev=0.4) for k in range(n)]


def exact_penalised(H, psi, levels, margin, energies):
    """E, H' psi / psi on the whole sector, and fidelities: the naive twin."""
    sector = hm.Sector(H.n_sites, H.total_sz)
    v = psi.state_vector(sector)
    matrix = H.to_sparse().toarray().astype(complex)
    now, fidelities = np.vdot(v, matrix @ v).real, []
    for phi, energy in zip(levels, energies, strict=True):
        w = phi.state_vector(sector)
        fidelity = abs(np.vdot(w, v)) ** 2
        raised = (margin + max(now - energy, 0)) / (1 - fidelity)
        matrix = matrix + raised * np.outer(w, w.conj())
        fidelities.append(fidelity)
    return np.vdot(v, matrix @ v).real, matrix @ v / v, fidelities


@pytest.mark.parametrize("total_sz", [None, 0])
def test_summed_penalties_are_the_exact_ones(total_sz):
    H = hm.xxz(hm.chain(6), delta=0.7, total_sz=total_sz)
    psi, *levels = states(6, 3)
    settings = RunSettings(sampling=SamplingSettings(n_samples=64, summation=True))
    run = RunContext(H, settings, None)
    energies = [-9.0, -7.5]
    expected, local, fidelities = exact_penalised(H, psi, levels, 1.5, energies)
    values = remembered(levels, energies, 1.5)
    summation = Summation.wanted(H, psi, settings.sampling)
    batch = summation.batch(psi)
    state = _state(psi, values)
    assert n_lower(state) == 2
    found, _, extras = StatesBelow(run).adjust(batch, state)
    np.testing.assert_allclose(found.energy.mean, expected, rtol=1e-10)
    np.testing.assert_allclose(extras["fidelities"], fidelities, rtol=1e-9)
    order = hm.Sector(6, total_sz).rank_of_spins(found.spins)
    np.testing.assert_allclose(found.local_energies, local[order], rtol=1e-9, atol=1e-9)


@pytest.mark.submission
def test_sampled_penalties_agree_with_exact_ones_and_with_their_errors():
    """60 batches of exact samples: energies of H' within 4 bars of their mean, and the mean true.

    The bias of fidelities is of order 1 / n: 0.5 % of the energy would be seen.
    """
    H = hm.xxz(hm.chain(6), delta=0.7, total_sz=0)
    psi, *levels = states(6, 3)
    sampler = ExactSampler(hm.Sector(6, 0), n_chains=8)
    run = RunContext(H, RunSettings(sampling=SamplingSettings(n_samples=2048)), sampler)
    energies = [-9.0, -7.5]
    expected, local, fidelities = exact_penalised(H, psi, levels, 1.5, energies)
    found, bars, gradients = [], [], []
    for seed in range(60):
        samples, chains = sampler.sample(psi, sampler.start(seed), 256)
        batch = _batch(psi, H, samples)
        state = _state(psi, remembered(levels, energies, 1.5), chains)
        extension = StatesBelow(
            RunContext(H, RunSettings(seed=seed, sampling=run.settings.sampling), sampler)
        )
        after, _, extras = extension.adjust(batch, state)
        found.append(after.energy.mean.real)
        bars.append(after.energy.error_of_mean)
        jacobian = after.jacobian(psi)
        deviations = jacobian.right_side(after.local_energies)
        gradients.append(jacobian.adjoint_times(deviations) / jacobian.n_samples)
        assert extras["fidelities"] == pytest.approx(fidelities, abs=0.1)
    found = np.array(found)
    assert abs(found.mean() - expected) < 4 * found.std() / 60**0.5 + 0.005 * abs(expected)
    assert 0.6 < found.std() / np.mean(bars) < 1.6
    exact = _exact_force(psi, H, local)
    gradients = np.array(gradients)
    error = np.linalg.norm(gradients.std(axis=0)) / 60**0.5
    assert np.linalg.norm(gradients.mean(axis=0) - exact) < 3 * error + 0.01 * np.linalg.norm(exact)


def test_overlap_from_logarithms_is_that_of_the_vectors():
    psi, phi = states(6, 2)
    sector = hm.Sector(6)
    spins = sector.states_to_spins(sector.basis_states())
    rng = np.random.default_rng(0)
    logs = []
    for state in (psi, phi):
        p = abs(state.state_vector(sector)) ** 2
        drawn = spins[rng.choice(len(p), size=200_000, p=p)]
        logs.append(phi.log_psi(drawn) - psi.log_psi(drawn))
    v, w = (np.exp(s.log_psi(spins)) for s in (psi, phi))
    exact = np.vdot(v, w) / np.linalg.norm(v) / np.linalg.norm(w)
    found = overlap_from(*logs)
    assert abs(found.value - exact) < 0.01
    assert found.log_norms == pytest.approx(
        2 * np.log(np.linalg.norm(w) / np.linalg.norm(v)), abs=0.03
    )


def test_two_states_of_spins_one_are_the_exact_ones():
    H = hm.heisenberg(hm.chain(4), spin=1, total_sz=0)
    options = {"alpha": 2, "n_iterations": 120, "progress": False}
    found = [run.estimate.energy for run in rbmqs.excited_states(H, n_states=2, **options).runs]
    exact = hm.ground_state(H, 2).energies
    np.testing.assert_allclose([energy.mean.real for energy in found], exact, rtol=1e-3)


def test_the_gap_of_the_bethe_ansatz_by_sectors():
    H = hm.heisenberg(hm.chain(10))
    lowest = [hm.ground_state(H.with_total_sz(m), vectors=False).energy for m in (0, 1, 3)]
    for m, energy in zip((0, 1, 3), lowest, strict=True):
        assert hm.heisenberg_chain_energy(10, m) == pytest.approx(energy, abs=1e-10)
    assert hm.best_reference(hm.heisenberg(hm.chain(40), total_sz=1)).kind == "Bethe ansatz"
    with pytest.raises(ValueError, match=r"total_sz must be a whole number of at most 5, got 0\.5"):
        hm.heisenberg_chain_energy(10, 0.5)


WRONG = [
    ({"n_states": 1}, ValueError, "n_states must be"),
    ({"n_states": 71}, ValueError, "n_states must be at most 70, the dimension of the sector"),
    ({"margin": 0.0}, ValueError, "margin must be"),
    ({"dtype": float}, ValueError, "psi must have complex parameters"),
    ({"psi": [rbmqs.RBM.random(8)]}, ValueError, "psi must hold 2 states to start with, got 1"),
    ({"penalty": 3}, TypeError, "unknown setting 'penalty'"),
]


@pytest.mark.parametrize(("options", "kind", "message"), WRONG)
def test_wrong_arguments_are_refused_in_one_line(chain_in_fields, options, kind, message):
    with pytest.raises(kind) as error:
        rbmqs.excited_states(chain_in_fields, **{"progress": False, **options})
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_command(tmp_path, capsys):
    command = "excited heisenberg --length 6 --total-sz 0 --alpha 2 --iterations 150 --quiet"
    code = main([*command.split(), "--output", str(tmp_path / "levels")])
    out = capsys.readouterr().out
    assert code == 0
    assert "all checks passed" in out
    assert (tmp_path / "levels" / "state1" / "checkpoint.npz").exists()
    assert main(["excited", "ising", "--length", "4", "--states", "1", "--quiet"]) == 2
    shutil.rmtree(tmp_path / "levels" / "state1")  # as where the first state was just done
    again = [*command.split(), "--output", str(tmp_path / "levels"), "--resume"]
    assert main(again) == 0
    assert capsys.readouterr().out == out
    for option, said in {
        "--seed=1": "its settings are not",
        "--length=8": "another Hamiltonian",
    }.items():
        assert main([*again, option]) == 2
        assert said in capsys.readouterr().err
    assert main([*command.split(), "--output", str(tmp_path / "none"), "--resume"]) == 2
    assert "output must be a directory with states to resume" in capsys.readouterr().err


def _state(psi, values, chains=None):
    from rbmqs.vmc.run_state import OptimiserState, RunState

    return RunState(0, psi, chains, OptimiserState.fresh(psi), extensions=values)


def _batch(psi, H, samples: Samples) -> Batch:
    from rbmqs.estimators.error_bars import quick_statistics
    from rbmqs.estimators.local import local_energies

    values = local_energies(psi, H, samples)
    cache = psi.prepare(samples.flat)
    return Batch(samples.flat, cache, values.ravel(), quick_statistics(values), 1.0)


def _exact_force(psi, H, local):
    sector = hm.Sector(H.n_sites, H.total_sz)
    spins = sector.states_to_spins(sector.basis_states())
    p = abs(psi.state_vector(sector)) ** 2
    rows = psi.log_derivatives(spins)
    rows = rows - p @ rows
    return (rows.conj() * (p * (local - p @ local))[:, None]).sum(axis=0)


@pytest.mark.slow
def test_sampled_states_reach_their_levels(chain_in_fields):
    found = rbmqs.excited_states(
        chain_in_fields, 3, alpha=3, n_iterations=200, n_samples=512, summation=False,
        n_final_samples=8192, progress=False,
    )  # fmt: skip
    shifts = [run.settings.optimiser.diag_shift_at(10**6, run.psi) for run in found.runs]
    assert shifts == [1e-3, 0.03, 0.03]
    sector, H = hm.Sector(8, 0), chain_in_fields.to_sparse()
    vectors = [psi.state_vector(sector) for psi in found.states]
    energies = np.array([np.vdot(v, H @ v).real for v in vectors])
    # Measured: 0.019, 0.016 and 0.009.
    assert np.abs(energies - found.exact).max() < 0.06
