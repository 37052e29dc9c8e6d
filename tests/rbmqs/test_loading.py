"""A run read back from its directory is the run: energy, history, observables, report."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

import hamiltonians as hm
import rbmqs
from rbmqs.runs.config import config_from_table, settings_from_description
from rbmqs.runs.log import LOG, LogWriter
from rbmqs.runs.old_names import RENAMED, with_new_names
from rbmqs.runs.result import RESULT

ISING = hm.ising(hm.chain(4), h=1.0)
SMALL = {"n_samples": 64, "n_chains": 8, "n_final_samples": 256, "seed": 3}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    directory = tmp_path_factory.mktemp("loaded") / "run"
    return rbmqs.ground_state(
        ISING, 1, n_iterations=4, output=directory, progress=False, **SMALL, summation=False
    )


def test_loaded_run_is_the_run(run):
    loaded = rbmqs.load(run.directory, progress=False)
    assert loaded.energy == run.energy
    assert np.array_equal(loaded.psi.flat, run.psi.flat)
    assert loaded.history == run.history
    assert str(loaded) == str(run)
    zz = hm.Z(0) * hm.Z(1)
    assert loaded.expect(zz) == run.expect(zz)
    assert np.array_equal(loaded.correlations().zz, run.correlations().zz)
    assert loaded.renyi([0, 1]).entropy == run.renyi([0, 1]).entropy


def test_killed_run_is_measured_where_it_stands(run, tmp_path):
    shutil.copytree(run.directory, tmp_path / "killed")
    (tmp_path / "killed" / RESULT).unlink()
    log = LogWriter(tmp_path / "killed" / LOG, {}, 4)
    log.append(replace(run.history[-1], iteration=4))  # after the checkpoint
    log.close()
    loaded = rbmqs.load(tmp_path / "killed", progress=False)
    assert len(loaded.history) == 4
    assert loaded.status == ("the run has not ended: resume it",)
    assert loaded.energy == run.energy
    assert "NOT CONVERGED" in str(loaded)


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist"):
        rbmqs.load(tmp_path / "nowhere")


def test_result_fits_a_terminal_and_a_notebook(run):
    assert len(repr(run).splitlines()) <= 20
    assert run._repr_html_().count("<tr>") == str(run).count("\n") - 2
    assert "<script" not in run._repr_html_()


def test_names_of_earlier_versions_are_understood():
    old = {"n_trials": 3, "trial_iterations": 5, "sampling": {"scout_share": 1e-3}}
    settings = settings_from_description(old)
    assert (settings.n_restarts, settings.restart_iterations) == (3, 5)
    assert settings.sampling.probe_share == 1e-3
    assert with_new_names([1]) == [1]
    assert not RENAMED.keys() & set(RENAMED.values())


def test_a_file_with_old_names_is_read_with_a_note():
    table = {"model": {"name": "ising"}, "run": {"n_trials": 2}}
    with pytest.warns(FutureWarning, match="n_trials is now called n_restarts"):
        config = config_from_table(table)
    assert config.run.n_restarts == 2
