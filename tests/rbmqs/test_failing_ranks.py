"""Ranks that fail, are killed or get signals: the job ends with a sentence, and the run goes on."""

import signal
import time

import psutil
import pytest
from on_ranks import needs_ranks, on_ranks, started_on_ranks

import rbmqs
from rbmqs.cli.main import main

pytestmark = needs_ranks
FAILING = """
from mpi4py import MPI
from hamiltonians.utils.failures import guard
guard(MPI.COMM_WORLD)
if MPI.COMM_WORLD.rank {where}:
    raise {error}
MPI.COMM_WORLD.Barrier()
"""


@pytest.mark.parametrize("error", ["RuntimeError('no such thing')", "MemoryError('too large')"])
def test_a_rank_that_fails_alone_ends_the_job(error):
    status, _, errors = on_ranks(2, "-c", FAILING.format(where="== 1", error=error), timeout=120)
    assert status != 0
    assert f"rank 1 of 2 failed: {error.split('(')[0]}: {error[:-2].split(chr(39))[1]}" in errors


def test_ranks_that_fail_alike_say_it_once():
    status, _, errors = on_ranks(2, "-c", FAILING.format(where=">= 0", error="RuntimeError('x')"))
    assert status != 0
    assert errors.count("RuntimeError: x") == 1
    assert "failed:" not in errors


def test_bad_input_is_one_line():
    words = ["exact", "ising", "--length", "4", "--states", "99", "--quiet"]
    status, _, errors = on_ranks(2, "-m", "rbmqs", *words)
    assert status == 2
    assert errors.count("rbmqs: error: k must be at most the dimension 16") == 1


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGUSR1])
def test_a_run_goes_on_after_a_signal(tmp_path, capsys, number):
    """One rank is killed, or all get a scheduler's signal, as from srun."""
    out = tmp_path / "run"
    words = ["ground-state", "ising", "--length", "8", "--alpha", "1", "--chains", "8"]
    words += ["--samples", "64", "--iterations", "1000000", "--quiet", "--output", str(out)]
    with started_on_ranks(2, "-m", "rbmqs", *words) as process:
        log = out / "log.jsonl"
        end = time.monotonic() + 200
        while not (log.exists() and log.read_bytes().count(b"\n") > 60):
            assert time.monotonic() < end
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.05)
        ranks = [
            child
            for child in psutil.Process(process.pid).children(recursive=True)
            if "ground-state" in child.cmdline() and "mpirun" not in child.cmdline()[0]
        ]
        assert len(ranks) == 2
        for rank in ranks[-1:] if number == signal.SIGKILL else ranks:
            rank.send_signal(number)
        _, errors = process.communicate(timeout=120)
    assert process.returncode != 0
    assert ("signal 9" if number == signal.SIGKILL else "saved; go on with") in errors
    done = len(rbmqs.read_log(log)[1])
    assert main(["resume", str(out), "--iterations", str(done + 2), "--quiet"]) == 0
    assert len(rbmqs.read_log(log)[1]) == done + 2
