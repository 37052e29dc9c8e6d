"""Under a launcher a command divides its work or refuses: no rank repeats that of another."""

import contextlib

import pytest
from on_ranks import needs_ranks, on_ranks

from rbmqs.cli.main import main

ALONE = {
    "train": ["train", "data.npy", "--output", "model.npz"],
    "sample": ["sample", "model.npz"],
    "score": ["score", "model.npz", "data.npy"],
    "reconstruct": ["reconstruct", "shots.csv"],
    "excited": ["excited", "ising", "--length", "4"],
    "compare": ["compare", "ising", "--length", "4"],
    "lanczos": ["lanczos", "runs/a"],
    "response": ["response", "runs/a"],
    "study run": ["study", "run", "study.toml"],
    "study check": ["study", "check", "study.toml"],
    "report": ["report", "runs/a"],
    "info": ["info"],
}


@pytest.mark.parametrize("size", ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"])
@pytest.mark.parametrize("name", ALONE)
def test_every_other_command_refuses_before_it_looks_at_its_files(monkeypatch, capsys, name, size):
    monkeypatch.setenv(size, "3")
    assert main(ALONE[name]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith(f"rbmqs: error: {name} runs in one process, got 3 of the launcher")
    assert output.err.count("\n") == 1


def test_a_study_names_its_ways_to_use_ranks(monkeypatch, capsys):
    monkeypatch.setenv("PMI_SIZE", "3")
    assert main([*ALONE["study run"], "--executor", "mpi"]) == 2
    assert "python -m mpi4py.futures" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["info"], ["no such command"]])
def test_other_ranks_leave_the_message_to_the_first(monkeypatch, capsys, words):
    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "2")
    monkeypatch.setenv("OMPI_COMM_WORLD_RANK", "1")
    with contextlib.suppress(SystemExit):  # argparse leaves by an exception
        assert main(words) == 2
    assert capsys.readouterr() == ("", "")


def test_an_mpi_that_is_not_the_launchers_is_refused(monkeypatch, capsys):
    """Each process would take itself for the only one, and write what the others write."""
    pytest.importorskip("mpi4py")
    monkeypatch.setenv("SLURM_STEP_NUM_TASKS", "2")
    monkeypatch.setenv("SLURM_PROCID", "0")
    assert main(["ground-state", "ising", "--length", "4", "--quiet"]) == 2
    assert "started 2 processes, and mpi4py sees 1 rank in each" in capsys.readouterr().err


@needs_ranks
def test_mpirun_is_noticed():
    status, output, errors = on_ranks(2, "-m", "rbmqs", "info")
    assert (status, output) == (2, "")
    assert errors.count("rbmqs: error: info runs in one process, got 2 of the launcher") == 1
