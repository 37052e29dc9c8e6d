"""A point of a study that is a job of two ranks."""

import json

import on_ranks
import pytest
from on_ranks import ALONE, needs_ranks

from rbmqs.studies.executors import make_executor
from rbmqs.studies.rank_job import LAUNCHER
from rbmqs.studies.reading import study_from_table
from rbmqs.studies.running import run_study
from rbmqs.studies.study import StudyError

TABLE = {
    "study": {"name": "two", "ranks": 2},
    "model": {"name": "ising"},
    "lattice": {"length": 6},
    "ansatz": {"alpha": 1},
    "run": {"n_iterations": 5, "seed": 1},
    "sampling": {"n_samples": 64, "n_chains": 8, "n_final_samples": 128, "summation": False},
}


@pytest.mark.submission
@needs_ranks
def test_two_ranks_optimise_each_point(tmp_path, monkeypatch):
    for name, value in (ALONE | {LAUNCHER: " ".join([*on_ranks.LAUNCHER, "-n"])}).items():
        monkeypatch.setenv(name, value)
    study = study_from_table(TABLE)
    with make_executor("local", n_processes=1) as executor:
        outcome = run_study(study, tmp_path / "out", executor=executor, progress=False)
    assert outcome.failed == []
    (point,) = outcome.done
    row = json.loads((tmp_path / "out" / "points" / point / "point.json").read_text())["row"]
    assert row["n_iterations"] == 5
    assert row["energy_error"] > 0


@pytest.mark.parametrize("wrong", [0, 1.5, "two", True])
def test_wrong_numbers_of_ranks_are_refused(wrong):
    with pytest.raises(StudyError, match=r"ranks in .study. must be a whole number from 1 on"):
        study_from_table(TABLE | {"study": {"ranks": wrong}})
