"""The files of a run: one writer, no gap unnoticed, nothing lost by a kill or a full disk."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import hamiltonians as hm
import rbmqs
from hamiltonians.utils import files
from hamiltonians.utils.archive import CheckpointError
from hamiltonians.utils.locks import LockedError, locked
from rbmqs.cli.main import main
from rbmqs.runs import log as log_of_runs
from rbmqs.runs import writer as writer_of_runs
from rbmqs.runs.checkpoint import load_checkpoint
from rbmqs.runs.log import LOG, read_log
from rbmqs.runs.result import RESULT
from rbmqs.runs.resume import CHECKPOINT
from rbmqs.utils.json_files import read_json
from rbmqs.utils.parsing import DamagedError

ROOT = Path(__file__).parents[2]
ISING = hm.ising(hm.chain(4), h=1.0)
SMALL = {"n_samples": 64, "n_chains": 8, "n_final_samples": 128, "seed": 3, "summation": False}
OPTIONS = ["ising", "--length", "4", "--field", "1", "--alpha", "1", "--samples", "64",
           "--chains", "8", "--final-samples", "128", "--seed", "3", "--quiet"]  # fmt: skip


def start(directory, n_iterations, **options):
    return rbmqs.ground_state(
        ISING, 1, n_iterations=n_iterations, output=directory, progress=False, **SMALL | options
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    directory = tmp_path_factory.mktemp("run") / "whole"
    start(directory, 12)
    return directory


@pytest.fixture
def copy(whole, tmp_path):
    shutil.copytree(whole, tmp_path / "run")
    return tmp_path / "run"


def lines_of(directory):
    return (directory / LOG).read_bytes().splitlines(keepends=True)


def test_log_checkpoint_and_result_carry_one_name(whole):
    run_id = load_checkpoint(whole / CHECKPOINT).meta["run_id"]
    assert len(run_id) == 16
    assert read_log(whole / LOG)[0]["run_id"] == run_id
    assert read_json(whole / RESULT)["run_id"] == run_id
    assert rbmqs.load(whole, progress=False).run_id == run_id


def test_resume_and_start_beside_a_live_run_are_refused(copy, capsys):
    with locked(copy):
        with pytest.raises(LockedError, match=f"written by process {os.getpid()} on"):
            rbmqs.resume(copy, progress=False)
        with pytest.raises(LockedError, match="is being written"):
            start(copy, 2)
        assert main(["resume", str(copy), "--quiet"]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"rbmqs: error: {copy} is being written by process {os.getpid()}")
    assert err.count("\n") == 1
    rbmqs.resume(copy, progress=False)
    assert not (copy / ".lock").exists()


@pytest.mark.submission
def test_two_resumes_at_once_leave_one_whole_log(copy):
    command = [sys.executable, "-m", "rbmqs", "resume", str(copy), "--iterations", "400", "--quiet"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"}
    both = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    answers = [process.communicate(timeout=120) for process in both]
    codes = sorted(process.returncode for process in both)
    assert codes[0] == 0, answers
    assert codes[1] in (2, codes[0])  # refused, unless the other one was over
    assert [r.iteration for r in read_log(copy / LOG)[1]] == list(range(400))


@pytest.mark.parametrize("resumed", [True, False])
def test_a_gap_in_the_log_is_said_and_no_verdict_spans_it(copy, resumed, capsys):
    lines = lines_of(copy)
    (copy / LOG).write_bytes(b"".join([*lines[:4], *lines[8:]]))
    sentence = "the log lacks 4 of 12 iterations, from 3 to 6"
    result = (
        rbmqs.resume(copy, n_iterations=14, progress=False)
        if resumed
        else rbmqs.load(copy, progress=False)
    )
    assert sentence in result.status
    assert not result.converged
    assert result.verdict.optimisation.level == "unfinished"
    assert result.n_iterations == (14 if resumed else 12)
    assert f"{result.n_iterations} iterations" in str(result)
    assert sentence in str(result)
    if not resumed:
        main(["report", str(copy)])
        assert sentence in (copy / "report.md").read_text()


def test_a_damaged_line_is_refused_by_load_and_dropped_by_resume(copy):
    data = bytearray((copy / LOG).read_bytes())
    data[sum(map(len, lines_of(copy)[:6])) + 40] ^= 1
    (copy / LOG).write_bytes(data)
    with pytest.raises(DamagedError, match="line 7: it does not match its checksum"):
        rbmqs.load(copy, progress=False)
    result = rbmqs.resume(copy, n_iterations=14, progress=False)
    assert "the log lacks 1 of 12 iterations, from 5 to 5" in result.status
    assert len(read_log(copy / LOG)[1]) == 13


def test_a_result_older_than_the_checkpoint_is_not_mixed_in(copy, capsys):
    kept = (copy / RESULT).read_bytes()
    rbmqs.resume(copy, n_iterations=14, progress=False)
    (copy / RESULT).write_bytes(kept)
    sentence = "result.json is of iteration 12, checkpoint.npz of 14"
    loaded = rbmqs.load(copy, progress=False)
    assert sentence in loaded.status
    assert "the run has not ended: resume it" in loaded.status
    capsys.readouterr()
    assert main(["report", str(copy)]) == 2
    err = capsys.readouterr().err
    assert sentence in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("name", [LOG, RESULT])
def test_a_file_of_another_run_is_refused(copy, tmp_path, name):
    start(tmp_path / "other", 12, seed=4)
    shutil.copy(tmp_path / "other" / name, copy / name)
    with pytest.raises(DamagedError, match=f"{name} belongs to another run than checkpoint.npz"):
        rbmqs.load(copy, progress=False)


def test_the_state_before_the_first_iteration_goes_on_like_the_whole_run(
    whole, tmp_path, monkeypatch
):
    def killed(*arguments, **options):
        raise SystemExit

    monkeypatch.setattr(log_of_runs.LogWriter, "append", killed)
    monkeypatch.setattr(writer_of_runs.RunWriter, "close", lambda self, state: self._log.close())
    with pytest.raises(SystemExit):
        start(tmp_path / "log", 12)
    monkeypatch.undo()
    monkeypatch.setattr(writer_of_runs, "LogWriter", killed)  # before the first line of the log
    with pytest.raises(SystemExit):
        start(tmp_path / "checkpoint", 12)
    monkeypatch.undo()
    for directory in (tmp_path / "log", tmp_path / "checkpoint"):
        rbmqs.resume(directory, progress=False)
        assert lines_of(directory) == lines_of(whole)


@pytest.mark.parametrize("ansatz", [{"tied": "translations"}, {"growth": (1, 2), "alpha": None}])
def test_restarts_and_growth_go_on_from_their_first_state(tmp_path, ansatz, monkeypatch):
    settings = {"n_iterations": 12, "n_restarts": 2, "restart_iterations": 4, **SMALL}
    if "growth" in ansatz:
        settings |= {"n_restarts": 1}
    options = {"alpha": 1} | ansatz
    rbmqs.ground_state(ISING, output=tmp_path / "whole", progress=False, **options, **settings)

    def killed(*arguments, **others):
        raise SystemExit

    monkeypatch.setattr(writer_of_runs, "LogWriter", killed)
    with pytest.raises(SystemExit):
        rbmqs.ground_state(ISING, output=tmp_path / "run", progress=False, **options, **settings)
    monkeypatch.undo()
    rbmqs.resume(tmp_path / "run", progress=False)
    assert lines_of(tmp_path / "run") == lines_of(tmp_path / "whole")


@pytest.mark.slow
def test_a_kill_at_any_early_instant_leaves_what_can_go_on(whole, tmp_path):
    """SIGKILL at 8 instants of the first seconds; the same command or `resume` goes on."""
    command = [sys.executable, "-m", "rbmqs"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"}
    rng = np.random.default_rng(0)
    for k in range(8):
        directory = tmp_path / str(k)
        new = [*command, "ground-state", *OPTIONS, "--iterations", "60", "--output", directory]
        process = subprocess.Popen(
            list(map(str, new)), env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        begun = time.monotonic()
        while not directory.exists() and time.monotonic() < begun + 60:
            time.sleep(0.005)
        time.sleep(rng.uniform(0, 3.0))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if (directory / CHECKPOINT).exists():
            again = [*command, "resume", str(directory), "--quiet"]
        else:
            again = list(map(str, new))
        done = subprocess.run(again, env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        assert [r.iteration for r in read_log(directory / LOG)[1]] == list(range(60))
    assert len({(tmp_path / str(k) / LOG).read_bytes() for k in range(8)}) == 1


def full(*arguments, **options):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_costs_no_run(whole, tmp_path, monkeypatch):
    """The checkpoint after each iteration is optional; the log is completed when there is room."""
    monkeypatch.setattr(writer_of_runs, "CHECKPOINT_SECONDS", -1.0)
    original, seen = files.os.fsync, []

    def fsync(descriptor):
        seen.append(descriptor)
        if 4 < len(seen) < 8:
            full()
        original(descriptor)

    monkeypatch.setattr(files.os, "fsync", fsync)
    with pytest.warns(RuntimeWarning, match=r"checkpoint.npz could not be written \(No space"):
        result = start(tmp_path / "run", 12)
    assert len(seen) > 12
    assert result.n_iterations == 12
    assert lines_of(tmp_path / "run") == lines_of(whole)
    assert not list((tmp_path / "run").glob("*.partial"))


def test_lines_that_a_full_disk_kept_out_are_written_later(tmp_path, whole):
    _, records = read_log(whole / LOG)
    log = log_of_runs.LogWriter(tmp_path / LOG, {})
    log.append(records[0])
    inner, log._file = log._file, FullFor(log._file, 2)
    with pytest.warns(RuntimeWarning, match=r"log.jsonl could not be written \(No space left"):
        list(map(log.append, records[1:3]))
    assert len(read_log(tmp_path / LOG)[1]) == 1
    log.append(records[3])
    log._file = inner
    log.close()
    assert read_log(tmp_path / LOG)[1] == records[:4]


class FullFor:
    """A file that takes half of what is written, a few times."""

    def __init__(self, file, times):
        self._inner, self._times = file, times

    def write(self, data):
        self._times -= 1
        return self._inner.write(data[: len(data) // 2] if self._times >= 0 else data)

    def truncate(self, size):
        return self._inner.truncate(size)


def test_an_output_is_tried_before_the_work(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr("rbmqs.vmc.step", None)
    with pytest.raises(OSError, match="file"):
        start(tmp_path / "file", 2)
    with pytest.raises(OSError, match="file"):
        start(tmp_path / "file" / "run", 2)
    monkeypatch.setattr(writer_of_runs, "save_checkpoint", full)
    with pytest.raises(OSError, match="No space left"):
        start(tmp_path / "run", 2)


NUMPY = {
    "n_iterations": np.int64(2), "n_samples": np.int32(64), "n_chains": np.uint8(8),
    "n_final_samples": np.int64(128), "seed": np.int64(3), "summation": np.bool_(False),
    "learning_rate": np.float32(0.05), "max_seconds": np.float32(60.0),
    "stop_when_converged": np.bool_(True), "diag_shift": np.float64(1e-3),
    "momentum": np.float32(0.25), "n_restarts": np.int64(1),
}  # fmt: skip


@pytest.mark.parametrize(
    "ansatz",
    [
        {"alpha": np.float32(1.0)},
        {"alpha": np.int64(1), "visible_bias": np.bool_(False)},
        {"n_hidden": np.int64(3)},
        {"tied": "translations", "n_features": np.int8(1)},
        {"growth": (np.int64(1), np.float32(2.0))},
    ],
)
def test_numpy_numbers_end_on_disk_as_numbers(tmp_path, ansatz):
    model = hm.ising(hm.chain(np.int64(4)), J=np.float32(1.0), h=np.float64(0.5))
    rbmqs.ground_state(model, output=tmp_path / "run", progress=False, **NUMPY | ansatz)
    for name in (RESULT, "netket.log"):
        json.loads((tmp_path / "run" / name).read_text(), parse_constant=pytest.fail)
    result = rbmqs.resume(tmp_path / "run", n_iterations=np.int64(3), progress=False)
    assert result.n_iterations == 3
    assert rbmqs.load(tmp_path / "run", progress=False).energy == result.energy


def test_a_checkpoint_of_an_array_too_many_bytes_is_refused_by_the_command(copy, capsys):
    data = (copy / CHECKPOINT).read_bytes()
    (copy / CHECKPOINT).write_bytes(data[: len(data) // 2])
    with pytest.raises(CheckpointError, match="cut short"):
        rbmqs.resume(copy, progress=False)
    for command in ("resume", "report", "lanczos"):
        assert main([command, str(copy)]) == 2
        err = capsys.readouterr().err
        assert err.startswith("rbmqs: error: ")
        assert err.count("\n") == 1
