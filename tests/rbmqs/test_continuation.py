"""Learning goes on from any saved state with changed settings, or starts another run."""

import json
from pathlib import Path

import numpy as np
import pytest

import hamiltonians as hm
import rbmqs
from rbmqs import ProjectedRBM
from rbmqs.cli.main import main
from rbmqs.runs.checkpoint import load_checkpoint
from rbmqs.runs.resume import changed_settings
from rbmqs.runs.run import CHECKPOINT, LOG
from rbmqs.utils.schedules import Schedule
from rbmqs.vmc.settings import RunSettings, SamplingSettings

ISING = hm.ising(hm.chain(4), h=1.0)
SAMPLING = SamplingSettings(n_samples=64, n_chains=8, n_final_samples=256)
SETTINGS = RunSettings(n_iterations=4, seed=3, sampling=SAMPLING)


def start(directory, **options):
    return rbmqs.ground_state(
        ISING, 1, settings=SETTINGS, output=directory, progress=False, **options
    )


def test_changed_settings():
    changes = {
        "n_iterations": 9,
        "sampling.n_samples": 128,
        "optimiser.learning_rate": 0.5,
        "optimiser.diag_shift": {"initial": 0.1, "decay": "inverse"},
        "growth": [1, 2],
    }
    changed = changed_settings(SETTINGS, changes)
    assert (changed.n_iterations, changed.sampling.n_samples, changed.growth) == (9, 128, (1, 2))
    assert changed.optimiser.learning_rate == Schedule(0.5)
    assert changed.optimiser.diag_shift == Schedule(0.1, "inverse")
    assert changed.seed == SETTINGS.seed
    assert changed_settings(SETTINGS, {}) == SETTINGS


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("momentum", 0.5, "unknown setting 'momentum'; known: n_iterations, seed"),
        ("optimiser.speed", 1, "optimiser.momentum"),
        ("seed.deep", 1, "unknown setting 'seed.deep'"),
        ("optimiser.momentum", 1.5, r"momentum must lie in \[0, 1\), got 1.5"),
        ("n_iterations", -1, "n_iterations must be at least 0, got -1"),
        ("sampling.n_samples", "many", "must be an integer, got 'many'"),
    ],
)
def test_changes_that_are_refused(name, value, message):
    with pytest.raises(ValueError, match=message) as caught:
        changed_settings(SETTINGS, {name: value})
    assert "\n" not in str(caught.value)


def test_run_goes_on_with_changed_settings_and_says_so(tmp_path):
    start(tmp_path)
    changes = {"optimiser.momentum": 0.0, "sampling.n_samples": 128}
    result = rbmqs.resume(tmp_path, n_iterations=7, changes=changes, progress=False)
    assert len(result.history) == 7
    assert result.settings.optimiser.momentum == 0
    assert result.estimate.samples.shape[0] == 8
    first, _ = rbmqs.read_log(tmp_path / LOG)
    assert first["changes"] == [{"iteration": 4, **changes}]
    rbmqs.resume(tmp_path, n_iterations=8, changes={"seed": 5}, progress=False)
    assert [c["iteration"] for c in load_checkpoint(tmp_path / CHECKPOINT).meta["changes"]] == [
        4,
        7,
    ]
    rbmqs.resume(tmp_path, n_iterations=9, progress=False)
    assert len(rbmqs.read_log(tmp_path / LOG)[0]["changes"]) == 2


def test_change_is_the_run_that_had_it_all_along(tmp_path):
    """A schedule that only differs later: the changed run equals one with it from the start."""
    start(tmp_path / "changed")
    final = {"sampling.n_final_samples": 512}
    changed = rbmqs.resume(tmp_path / "changed", n_iterations=8, changes=final, progress=False)
    settings = changed_settings(SETTINGS, {**final, "n_iterations": 8})
    whole = rbmqs.ground_state(ISING, 1, settings=settings, progress=False)
    assert np.array_equal(changed.psi.flat, whole.psi.flat)
    assert changed.energy == whole.energy


def test_fewer_iterations_than_done_are_refused(tmp_path):
    start(tmp_path)
    for few in ({"n_iterations": 3}, {"changes": {"n_iterations": 3}}):
        with pytest.raises(ValueError, match="at least the 4 done already, got 3"):
            rbmqs.resume(tmp_path, progress=False, **few)


def test_another_number_of_chains_starts_them_afresh(tmp_path):
    start(tmp_path)
    result = rbmqs.resume(
        tmp_path, n_iterations=6, changes={"sampling.n_chains": 4}, progress=False
    )
    state = load_checkpoint(tmp_path / CHECKPOINT).state
    assert state.chains.spins.shape == state.last_good.spins.shape == (4, 4)
    assert len(result.history) == 6
    again = rbmqs.resume(tmp_path, n_iterations=7, progress=False)
    assert again.settings.sampling.n_chains == 4


def test_wavefunction_of_a_run_starts_another(tmp_path):
    done = start(tmp_path)
    for place in (tmp_path, tmp_path / CHECKPOINT):
        assert np.array_equal(rbmqs.wavefunction_of(place).flat, done.psi.flat)
    settings = RunSettings(n_iterations=1, sampling=SAMPLING)
    other = rbmqs.ground_state(
        hm.ising(hm.chain(4), h=1.1), psi=done.psi, settings=settings, progress=False
    )
    first = other.history[0].energy.mean
    assert abs(first - done.energy.mean) < abs(done.energy.mean) / 2
    with pytest.raises(FileNotFoundError, match="no checkpoint to start from"):
        rbmqs.wavefunction_of(tmp_path / "nowhere")


@pytest.mark.submission
def test_projected_machine_starts_from_the_plain_one(tmp_path):
    """Where the plain RBM has learnt the ground state, its projection costs nothing."""
    done = start(tmp_path / "plain", n_iterations=120)
    sector = ISING.lattice.space_group().sectors()[0]
    psi = ProjectedRBM(rbmqs.wavefunction_of(tmp_path / "plain"), sector)
    settings = RunSettings(n_iterations=3, sampling=SAMPLING)
    warm = rbmqs.ground_state(
        ISING, psi=psi, settings=settings, output=tmp_path / "warm", progress=False
    )
    exact = warm.reference.energy
    assert warm.history[0].energy.mean.real - exact < 0.05 * abs(exact)
    assert done.psi.overlap(warm.psi.state_vector(hm.Sector(4)), hm.Sector(4)) > 0.95
    assert isinstance(rbmqs.wavefunction_of(tmp_path / "warm"), ProjectedRBM)


def test_command_line(tmp_path, capsys):
    small = ["--samples", "64", "--chains", "8", "--final-samples", "256", "--quiet"]
    first, second, third = (str(tmp_path / name) for name in ("first", "second", "third"))
    model = ["ground-state", "ising", "--length", "4", "--iterations", "2", "--seed", "1", *small]
    assert main([*model, "--growth", "1", "2", "--output", first]) == 0
    assert main([*model, "--from", first, "--output", second]) == 0
    assert main([*model, "--from", first, "--alpha", "3", "--output", third]) == 0
    for directory, n_hidden in ((second, 4), (third, 12)):
        result = json.loads((Path(directory) / "result.json").read_text())
        assert result["ansatz"]["n_hidden"] == n_hidden
    fourth = str(tmp_path / "fourth")
    projected = ["--project", "symmetric", "--output", fourth]
    assert main([*model, "--from", first, *projected]) == 0
    assert json.loads((tmp_path / "fourth" / "result.json").read_text())["ansatz"]["n_images"] > 1
    capsys.readouterr()
    assert main([*model, "--from", first, "--tied", "translations"]) == 2
    assert "tied cannot be given for a saved wavefunction" in capsys.readouterr().err
    change = ["--set", "optimiser.momentum=0.5", "--set", "sampling.move=flip"]
    assert main(["resume", first, "--iterations", "4", "--quiet", *change]) == 0
    settings = json.loads((tmp_path / "first" / "result.json").read_text())["settings"]
    assert (settings["optimiser"]["momentum"], settings["sampling"]["move"]) == (0.5, "flip")
    assert settings["growth"] == [1.0, 2.0]
    capsys.readouterr()
    for wrong in ("momentum", "momentum=0.5"):
        assert main(["resume", first, "--set", wrong]) == 2
        assert capsys.readouterr().err.count("\n") == 1
