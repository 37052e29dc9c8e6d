"""Python, `--config`, options and a study prepare a run by one function: the same bytes."""

import tomllib

import numpy as np
import pytest

import rbmqs
from rbmqs.cli.main import main
from rbmqs.runs.config import config_from_table
from rbmqs.studies import load_wavefunction, read_study

SMALL = """
[model]
name = "ising"
parameters = { h = 1.0 }
[lattice]
length = 6
[sampling]
n_samples = 64
n_chains = 8
n_final_samples = 128
summation = false
"""
TIED = """
[ansatz]
tied = "translations"
alpha = 1
[run]
n_iterations = 600
restart_iterations = 4
seed = 5
"""
GROWTH = """
[run]
n_iterations = 6
seed = 5
growth = [1, 2, 4]
growth_interval = 2
"""
PLAIN = """
[ansatz]
alpha = 1
[run]
n_iterations = 4
seed = 5
"""


def doors(text, tmp_path):
    """Directory of the run through each door."""
    config = config_from_table(tomllib.loads(text))
    python, cli, study = (tmp_path / name for name in ("python", "cli", "study"))
    rbmqs.ground_state(
        config.hamiltonian(), settings=config.settings(), output=python, progress=False,
        **config.ansatz.options(),
    )  # fmt: skip
    (tmp_path / "run.toml").write_text(text)
    main(["ground-state", "--config", str(tmp_path / "run.toml"), "--output", str(cli), "--quiet"])
    (tmp_path / "study.toml").write_text(f'[study]\noutput = "{study}"\n{text}')
    main(["study", "run", str(tmp_path / "study.toml"), "--processes", "1", "--quiet"])
    (point,) = read_study(tmp_path / "study.toml").points
    return python, cli, study / "points" / point.id


@pytest.mark.submission
@pytest.mark.parametrize("run", [PLAIN, GROWTH, TIED.replace("600", "32")])
def test_the_same_table_gives_the_same_bytes_through_each_door(run, tmp_path):
    directories = doors(SMALL + run, tmp_path)
    logs = {(directory / "log.jsonl").read_bytes() for directory in directories}
    assert len(logs) == 1
    flats = [rbmqs.wavefunction_of(directory).flat for directory in directories]
    assert all(np.array_equal(flat, flats[0]) for flat in flats)
    assert load_wavefunction(tmp_path / "study", directories[2].name).flat.size == flats[0].size


def test_options_are_the_table_in_other_words(tmp_path):
    text = SMALL.replace("summation = false\n", "") + PLAIN
    (tmp_path / "run.toml").write_text(text)
    main(["ground-state", "--config", str(tmp_path / "run.toml"), "--quiet",
          "--output", str(tmp_path / "config")])  # fmt: skip
    main(["ground-state", "ising", "--field", "1", "--length", "6", "--samples", "64",
          "--chains", "8", "--final-samples", "128", "--alpha", "1", "--iterations", "4",
          "--seed", "5", "--quiet", "--output", str(tmp_path / "options")])  # fmt: skip
    logs = [(tmp_path / name / "log.jsonl").read_bytes() for name in ("config", "options")]
    assert logs[0] == logs[1]


def test_growth_starts_with_its_first_density_through_each_door(tmp_path):
    for directory in doors(
        SMALL + GROWTH.replace("n_iterations = 6", "n_iterations = 1"), tmp_path
    ):
        assert rbmqs.wavefunction_of(directory).n_hidden == 6


def test_tied_weights_restart_through_each_door(tmp_path):
    """Three restarts as far as they take half of the iterations: n_restarts is not left open."""
    for directory in doors(SMALL + TIED.replace("600", "24"), tmp_path):
        header, history = rbmqs.read_log(directory / "log.jsonl")
        assert header["settings"]["n_restarts"] == 3
        assert [record.extra("multistart", "restart") for record in history[:12]] == [0] * 4 + [
            1
        ] * 4 + [2] * 4
