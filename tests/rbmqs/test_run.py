"""Whole runs: the same bytes however they are cut, interrupted, rolled back or threaded."""

import inspect
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numba
import numpy as np
import pytest
from on_threads import on_one_and_two_threads

import hamiltonians as hm
import rbmqs
from hamiltonians.utils.archive import CheckpointError
from rbmqs.runs.checkpoint import load_checkpoint
from rbmqs.runs.run import CHECKPOINT, LOG, run
from rbmqs.vmc import loop as vmc
from rbmqs.vmc.convergence import has_settled
from rbmqs.vmc.optimisers import StochasticReconfiguration
from rbmqs.vmc.run_state import DivergedError
from rbmqs.vmc.settings import OptimiserSettings, RunSettings, SamplingSettings
from rbmqs.vmc.step import MAX_ROLLBACKS, has_diverged, is_better

ROOT = Path(__file__).parents[2]
SAMPLING = SamplingSettings(n_samples=64, n_chains=8, n_final_samples=256, summation=False)
ISING = hm.ising(hm.chain(4), h=1.0)


def settings(n_iterations, **changes):
    return RunSettings(n_iterations=n_iterations, seed=3, sampling=SAMPLING, **changes)


def start(directory, n_iterations, hamiltonian=ISING, sampling=SAMPLING, **options):
    chosen = replace(settings(n_iterations), sampling=sampling)
    return rbmqs.ground_state(
        hamiltonian, 1, settings=chosen, output=directory, progress=False, **options
    )


def log_bytes(directory):
    return (directory / LOG).read_bytes()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """An undisturbed run of 12 iterations."""
    directory = tmp_path_factory.mktemp("whole") / "run"
    return start(directory, 12)


@pytest.fixture(scope="module")
def good():
    """A converged run on 8 sites, small but long enough to be trusted."""
    sampling = SamplingSettings(n_samples=256, n_chains=16, n_final_samples=8192)
    chosen = RunSettings(n_iterations=120, seed=1, sampling=sampling)
    return rbmqs.ground_state(hm.ising(hm.chain(8), h=1.0), 1, settings=chosen, progress=False)


@pytest.mark.parametrize("cut", [1, 4, 11])
def test_resumed_run_is_the_whole_run(whole, tmp_path, cut):
    start(tmp_path / "cut", cut)
    resumed = rbmqs.resume(tmp_path / "cut", n_iterations=12, progress=False)
    assert log_bytes(tmp_path / "cut") == log_bytes(whole.directory)
    assert np.array_equal(resumed.psi.flat, whole.psi.flat)
    assert resumed.energy == whole.energy
    assert resumed.history == whole.history


def test_without_directory_the_run_is_the_same(whole):
    assert np.array_equal(start(None, 12).psi.flat, whole.psi.flat)


def test_threads_do_not_change_a_byte(tmp_path):

    def log() -> bytes:
        directory = tmp_path / str(numba.get_num_threads())
        start(directory, 6)
        return log_bytes(directory)

    one, two = on_one_and_two_threads(log)
    assert one == two


def test_another_seed_is_another_run(whole):
    other = rbmqs.ground_state(ISING, 1, seed=4, settings=settings(12), progress=False)
    assert other.history != whole.history


def test_killed_run_resumes_to_the_same_bytes(whole, tmp_path):
    start(tmp_path / "killed", 4)
    lines = log_bytes(whole.directory).splitlines(keepends=True)
    with open(tmp_path / "killed" / LOG, "ab") as log:  # three lines after the checkpoint, and
        log.writelines([*lines[5:8], lines[8][:50]])  # one that was being written
    rbmqs.resume(tmp_path / "killed", n_iterations=12, progress=False)
    assert log_bytes(tmp_path / "killed") == log_bytes(whole.directory)


def test_first_iteration_is_saved_at_once(tmp_path, monkeypatch):
    """A process killed at its second iteration leaves something to resume."""
    original = vmc.step

    def killed(batch, state, *others):
        if state.iteration == 1:
            os.replace(tmp_path / "run" / CHECKPOINT, tmp_path / "kept.npz")
            raise SystemExit
        return original(batch, state, *others)

    monkeypatch.setattr(vmc, "step", killed)
    with pytest.raises(SystemExit):
        start(tmp_path / "run", 4)
    assert load_checkpoint(tmp_path / "kept.npz").state.iteration == 1


def test_resume_without_its_log_still_gives_a_result(tmp_path):
    start(tmp_path / "run", 2)
    (tmp_path / "run" / LOG).unlink()
    result = rbmqs.resume(tmp_path / "run", progress=False)
    assert np.isfinite(result.energy.mean)
    assert "too few" in str(result)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_finishes_the_step_saves_and_says_how_to_go_on(tmp_path, number):
    total = 4000
    command = [sys.executable, "-u", "-m", "rbmqs"]
    options = ["ising", "--length", "4", "--alpha", "1", "--samples", "64", "--chains", "8"]
    options += ["--final-samples", "256", "--seed", "3", "--iterations", str(total), "--quiet"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"}
    directory = tmp_path / "run"
    process = subprocess.Popen(
        [*command, "ground-state", *options, "--output", str(directory)],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if (directory / LOG).exists() and log_bytes(directory).count(b"\n") > 3:
            break
        time.sleep(0.01)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number, err
    assert f"saved; go on with: rbmqs resume {directory}" in err
    assert "interrupted" in out
    done = load_checkpoint(directory / CHECKPOINT).state.iteration
    assert log_bytes(directory).count(b"\n") == done + 1
    assert 1 < done < total
    json.loads((directory / "result.json").read_text(), parse_constant=pytest.fail)
    rbmqs.resume(directory, n_iterations=done + 2, progress=False)
    start(tmp_path / "undisturbed", done + 2, sampling=replace(SAMPLING, summation=None))
    assert log_bytes(directory) == log_bytes(tmp_path / "undisturbed")


def test_interrupted_result_has_no_samples(whole):
    cut = replace(whole, estimate=None, interrupted=2)
    assert cut.energy == whole.history[-1].energy
    with pytest.raises(ValueError, match="resume it first"):
        cut.expect(hm.Z(0))


def test_stops_when_the_energy_no_longer_falls():
    chosen = RunSettings(
        n_iterations=600, seed=3, stop_when_converged=True, sampling=SAMPLING,
        optimiser=OptimiserSettings(learning_rate=0.1, diag_shift=1e-3),
    )  # fmt: skip
    result = rbmqs.ground_state(ISING, 1, settings=chosen, progress=False)
    assert 200 <= len(result.history) < 600
    assert has_settled(result.history)
    assert not has_settled(result.history[:-1])


def test_energy_agrees_with_exact_diagonalisation(good):
    exact = hm.ground_state(good.hamiltonian).energy
    assert good.reference.energy == pytest.approx(exact, abs=1e-9)
    assert abs(good.energy.mean - exact) < 5 * good.energy.error_of_mean + 2e-3 * abs(exact)
    assert good.relative_error < 1e-2
    assert good.energy.error_of_mean < 0.02
    assert good.overlap() > 0.99


def test_observables_agree_with_exact_expectations(good):
    """Against the exact expectation of the run's own wavefunction, so errors are all there is."""
    sector = hm.Sector(8)
    vector = good.psi.state_vector(sector)

    def exact(operator):
        return hm.spin_hamiltonian(operator, n_sites=8).to_dense() @ vector @ vector.conj()

    for operator in (hm.X(2), hm.Z(0) * hm.Z(3), hm.Y(1) * hm.Y(2), hm.Z(0) * hm.X(1) * hm.Z(2)):
        stats = good.expect(operator)
        assert abs(stats.mean.real - exact(operator).real) < 5 * stats.error_of_mean + 1e-12
    c = good.correlations()
    for name, letter in (("xx", hm.X), ("yy", hm.Y), ("zz", hm.Z)):
        got, error = getattr(c, name)[1, 4], getattr(c, f"{name}_error")[1, 4]
        assert abs(got - exact(letter(1) * letter(4)).real) < 5 * error
        assert 0 < error < 0.1
    m = good.magnetisations()
    x = sum((hm.X(i) for i in range(1, 8)), hm.X(0)) * (1 / 8)
    assert abs(m["x"].mean - exact(x).real) < 5 * m["x"].error_of_mean
    energy = good.hamiltonian.to_dense() @ vector @ vector.conj()
    assert abs(good.energy.mean - energy.real) < 5 * good.energy.error_of_mean


def test_sector_is_kept():
    hamiltonian = hm.heisenberg(hm.chain(6), total_sz=0, marshall=True)
    result = rbmqs.ground_state(hamiltonian, 1, settings=settings(40), progress=False)
    assert np.all(result.estimate.samples.spins.sum(axis=-1) == 0)
    assert abs(result.relative_error) < 0.1
    assert "total S_z = 0" in str(result)


def test_real_parameters_stay_real(tmp_path):
    start(tmp_path / "run", 3, dtype=float)
    result = rbmqs.resume(tmp_path / "run", n_iterations=5, progress=False)
    assert not result.psi.is_complex
    assert result.psi.flat.dtype == np.float64
    again = start(None, 5, dtype=float)
    assert np.array_equal(result.psi.flat, again.psi.flat)


def test_directory_of_another_run_is_refused(whole):
    before = log_bytes(whole.directory)
    with pytest.raises(FileExistsError, match="holds a run already: resume it"):
        start(whole.directory, 2)
    assert log_bytes(whole.directory) == before


def test_nothing_is_written_for_a_wavefunction_of_the_wrong_size(tmp_path):
    psi = rbmqs.RBM.random(5, 1)
    with pytest.raises(ValueError, match="psi has 5 sites, the Hamiltonian 4"):
        rbmqs.ground_state(ISING, psi=psi, output=tmp_path / "run", settings=settings(2))
    assert not (tmp_path / "run" / LOG).exists()


def test_resume_refuses_what_is_not_the_run(whole, tmp_path):
    with pytest.raises(FileNotFoundError, match="no checkpoint to resume from"):
        rbmqs.resume(tmp_path)
    with pytest.raises(CheckpointError, match="another Hamiltonian"):
        rbmqs.resume(whole.directory, hm.ising(hm.chain(4), h=1.5))


def states(n):
    """Record and state after each of n iterations."""
    psi = rbmqs.RBM.random(4, 1, seed=1)
    loop = vmc.iterate(ISING, psi, settings(n))
    return [next(loop) for _ in range(n)]


def test_chains_go_on_from_iteration_to_iteration():
    (_, first), (_, second) = states(2)
    assert not np.array_equal(first.chains.rng, second.chains.rng)
    assert not np.array_equal(first.psi.flat, second.psi.flat)
    assert np.array_equal(first.last_good.spins, first.chains.spins)


def test_slow_rise_returns_to_the_lowest_energy():
    """Rises of 5 error bars each, none of which undoes a step, add up to more than 8."""
    (record, state), *_ = states(1)
    low = replace(record.energy, mean=-8.0, error_of_mean=0.1)
    assert has_diverged(replace(low, mean=-7.5), low) == ""
    assert not is_better(replace(low, mean=-7.5), low)
    assert not is_better(replace(low, mean=-8.1, error_of_mean=0.2), low)
    assert is_better(replace(low, mean=-8.01), low)
    good = replace(state.last_good, energy=low)
    unlike = state.psi.with_flat(state.psi.flat + 0.01)
    risen = replace(state, psi=unlike, last_good=good)
    record, after = next(vmc.iterate(ISING, state.psi, settings(9), state=risen))
    assert record.status.startswith("step undone: the energy rose by")
    assert np.array_equal(after.psi.flat, good.psi.flat)
    assert np.array_equal(after.last_good.psi.flat, good.psi.flat)


def test_no_parameter_moves_further_than_allowed():
    psi = rbmqs.RBM.random(4, 1, seed=1)
    optimiser = OptimiserSettings(learning_rate=1e3, max_step=1e9, max_change=0.02)
    chosen = replace(settings(1), optimiser=optimiser)
    record, state = next(vmc.iterate(ISING, psi, chosen))
    assert abs(state.psi.flat - psi.flat).max() == pytest.approx(0.02)
    assert 0 < record.learning_rate < 1e3


def spoil(state):
    """The state after a step to parameters of a much higher energy: all spins up."""
    n = state.psi.n_sites
    bad = replace(state.psi, visible_bias=np.full(n, 5.0 + 0j))
    spins = np.ones_like(state.chains.spins)
    return replace(state, psi=bad, chains=replace(state.chains, spins=spins))


def test_bad_step_is_undone_and_the_next_ones_are_shorter():
    _, state = states(5)[-1]
    spoiled = spoil(state)
    loop = vmc.iterate(ISING, state.psi, settings(9), state=spoiled)
    record, after = next(loop)
    assert record.status.startswith("step undone: the energy rose by")
    assert (record.damping, record.learning_rate, record.step_length) == (0.5, 0.0, 0.0)
    assert np.array_equal(after.psi.flat, state.last_good.psi.flat)
    assert np.array_equal(after.chains.spins, state.last_good.spins)
    assert (after.iteration, after.n_rollbacks) == (state.iteration + 1, 1)
    following, healthy = next(loop)
    assert following.status == ""
    assert following.damping == 0.5
    assert following.solve["diag_shift"] > 3 * states(1)[0][0].solve["diag_shift"]
    assert healthy.n_rollbacks == 0
    assert healthy.optimiser.damping == pytest.approx(0.55)


def test_undone_steps_are_named_in_the_status(tmp_path):
    _, state = states(5)[-1]
    result = run(ISING, state.psi, settings(7), state=spoil(state), progress=False)
    assert any("steps were undone" in sentence for sentence in result.status)
    assert not result.converged


def test_solve_that_meets_nan_is_a_bad_step(monkeypatch):
    _, state = states(3)[-1]

    def broken(*arguments, **options):
        raise FloatingPointError("log-derivatives hold NaN")

    monkeypatch.setattr(StochasticReconfiguration, "update", broken)
    record, after = next(vmc.iterate(ISING, state.psi, settings(9), state=state))
    assert record.status == "step undone: log-derivatives hold NaN"
    assert np.array_equal(after.psi.flat, state.last_good.psi.flat)


def nan_after(iteration, monkeypatch):
    def energies(*arguments, **options):
        values = rbmqs.local_energies(*arguments, **options)
        energies.calls += 1
        return values * np.nan if energies.calls > iteration else values

    energies.calls = 0
    monkeypatch.setattr("rbmqs.vmc.sources.local_energies", energies)


def test_nan_ends_the_run_with_the_last_good_state_saved(tmp_path, monkeypatch):
    start(tmp_path / "healthy", 4)
    expected = load_checkpoint(tmp_path / "healthy" / CHECKPOINT).state.last_good.psi.flat
    nan_after(4, monkeypatch)
    result = start(tmp_path / "run", 100)
    assert any("the energy is not finite" in sentence for sentence in result.status)
    assert len(result.history) == 4 + MAX_ROLLBACKS
    assert np.isnan(result.history[-1].energy.mean)
    assert np.isfinite(result.energy.mean)
    saved = load_checkpoint(tmp_path / "run" / CHECKPOINT).state
    assert np.array_equal(saved.psi.flat, result.psi.flat)
    assert np.array_equal(saved.psi.flat, expected)
    assert "NaN" not in (tmp_path / "run" / "result.json").read_text()
    assert len(rbmqs.read_log(tmp_path / "run" / LOG)[1]) == len(result.history)


def test_nan_at_the_first_iteration(tmp_path, monkeypatch):
    nan_after(0, monkeypatch)
    result = start(tmp_path / "run", 10)
    assert result.history == ()
    assert "stopped at iteration 0: the energy is not finite" in result.status[0]
    assert "NOT CONVERGED" in str(result)


def test_iterate_raises_diverged_with_the_state(monkeypatch):
    nan_after(2, monkeypatch)
    loop = vmc.iterate(ISING, rbmqs.RBM.random(4, 1), settings(50))
    with pytest.raises(DivergedError, match="not finite") as caught:
        list(itertools.islice(loop, 50))
    assert caught.value.state.iteration == 2 + MAX_ROLLBACKS
    assert np.all(np.isfinite(caught.value.state.psi.flat))


def test_files_of_a_run(whole):
    result = json.loads((whole.directory / "result.json").read_text())
    assert result["energy"]["mean"] == whole.energy.mean
    assert result["reference"]["energy"] == whole.reference.energy
    assert (result["converged"], result["status"]) == (False, list(whole.status))
    log = json.loads((whole.directory / "netket.log").read_text())
    assert log["Energy"]["iters"] == list(range(12))
    assert {p.name for p in whole.directory.iterdir()} == {
        CHECKPOINT, LOG, "result.json", "netket.log"
    }  # fmt: skip


def test_machine_options(tmp_path):
    result = start(None, 1, visible_bias=False, hidden_bias=False)
    assert result.psi.n_parameters == 16
    assert not result.psi.visible_bias.any()
    with pytest.raises(ValueError, match="not both"):
        start(None, 1, n_hidden=3)


def test_a_time_limit_ends_a_run_that_goes_on_to_the_same_bytes(tmp_path):
    limited = replace(settings(12), max_seconds=1e-9)
    first = rbmqs.ground_state(ISING, 1, settings=limited, output=tmp_path / "a", progress=False)
    assert len(first.history) == 1
    rbmqs.resume(tmp_path / "a", max_seconds=600.0, progress=False)
    rbmqs.ground_state(ISING, 1, settings=settings(12), output=tmp_path / "b", progress=False)
    assert (tmp_path / "a/log.jsonl").read_bytes() == (tmp_path / "b/log.jsonl").read_bytes()
    with pytest.raises(ValueError, match="max_seconds must be"):
        replace(settings(12), max_seconds=0)


def test_keywords_are_settings_by_their_own_names():
    keywords = {"n_iterations": np.int64(2), "n_samples": np.int32(64), "n_chains": 8,
                "n_final_samples": 256, "learning_rate": np.float32(0.5), "max_seconds": 60,
                "stop_when_converged": np.bool_(False), "seed": np.uint8(3)}  # fmt: skip
    result = rbmqs.ground_state(ISING, np.int64(1), progress=False, **keywords)
    chosen = result.settings
    assert (chosen.n_iterations, chosen.max_seconds, chosen.seed) == (2, 60, 3)
    assert chosen.sampling == SamplingSettings(n_samples=64, n_chains=8, n_final_samples=256)
    assert chosen.optimiser.learning_rate(7) == 0.5
    json.dumps(result.settings.describe())


def test_unknown_keyword_is_refused_with_what_may_have_been_meant():
    with pytest.raises(TypeError, match="'n_sample'; did you mean n_samples"):
        rbmqs.ground_state(ISING, n_sample=64)
    with pytest.raises(TypeError, match="unknown setting 'zzz'; known: n_iterations"):
        rbmqs.ground_state(ISING, zzz=1)


def test_signature_names_every_keyword():
    names = set(inspect.signature(rbmqs.ground_state).parameters)
    assert {"alpha", "tied", "n_samples", "learning_rate", "max_seconds", "callback"} <= names
    assert "keywords" not in names


def test_numpy_numbers_end_on_disk(tmp_path):
    start(tmp_path / "run", np.int64(2), sampling=replace(SAMPLING, n_samples=np.int64(64)))
    assert json.loads((tmp_path / "run" / "result.json").read_text())["n_iterations"] == 2


def test_callback_sees_each_iteration_and_ends_the_run(tmp_path):
    seen = []

    def callback(record, state):
        seen.append((record.iteration, state.iteration))
        return record.iteration == 2

    result = start(tmp_path / "stopped", 12, callback=callback)
    assert seen == [(0, 1), (1, 2), (2, 3)]
    assert len(result.history) == 3
    assert result.interrupted is None


def test_callback_does_not_keep_the_run_from_going_on(whole, tmp_path):
    start(tmp_path / "stopped", 12, callback=lambda record, state: record.iteration == 4)
    resumed = rbmqs.resume(tmp_path / "stopped", n_iterations=12, progress=False)
    assert np.array_equal(resumed.psi.flat, whole.psi.flat)


def test_no_iterations_measure(whole, tmp_path):
    measured = start(tmp_path / "measured", 0, psi=whole.psi)
    assert measured.history == ()
    assert np.array_equal(measured.psi.flat, whole.psi.flat)
    assert abs(measured.energy.mean - whole.energy.mean) < 6 * whole.energy.error_of_mean
    assert "0 iterations" in str(measured)
    assert not any("iterations" in sentence for sentence in measured.status)
    start(tmp_path / "later", 0)
    later = rbmqs.resume(tmp_path / "later", n_iterations=12, progress=False)
    assert np.array_equal(later.psi.flat, whole.psi.flat)
