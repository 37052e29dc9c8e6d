"""Signals go on to the program once all is saved; one process writes a directory at a time."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from hamiltonians.utils import locks
from hamiltonians.utils.locks import LockedError, locked
from rbmqs.boltzmann import BernoulliRBM
from rbmqs.utils.interrupts import Interrupts, pass_on, signals_reported

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"}


def started(code, *arguments):
    """A Python process, once it has said that it is ready."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", code, *map(str, arguments)],
        env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout.readline() == "ready\n", process.stderr.read()
    return process


HOLDER = """
import sys, time
from hamiltonians.utils.locks import locked
with locked(sys.argv[1]):
    print("ready")
    time.sleep(60)
"""


@pytest.mark.parametrize("name", ["", "model.npz"])
def test_a_second_writer_is_refused_by_name_and_a_dead_one_is_followed(tmp_path, name):
    target = tmp_path / name
    process = started(HOLDER, target)
    try:
        with pytest.raises(LockedError) as caught, locked(target):
            pass
        message = str(caught.value)
        assert f"{target} is being written by process {process.pid} on {socket.gethostname()}" in (
            message
        )
        assert "\n" not in message
    finally:
        process.kill()
        process.communicate()
    assert len(list(tmp_path.iterdir())) == 1  # the lock file of the dead process
    with locked(target):
        pass
    assert list(tmp_path.iterdir()) == []


def test_one_thread_excludes_another_and_nothing_is_left(tmp_path):
    with locked(tmp_path), pytest.raises(LockedError), locked(tmp_path):
        pass
    with locked(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_waiting_ends_with_the_holder(tmp_path):
    process = started(HOLDER.replace("60", "0.5"), tmp_path)
    with locked(tmp_path, wait=True):
        process.communicate(timeout=10)
    assert process.returncode == 0


def test_without_locks_of_the_file_system_a_living_holder_is_respected(tmp_path, monkeypatch):
    fcntl = pytest.importorskip("fcntl")

    def no_locks(file, operation):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    holder = f"process {os.getpid()} on"
    with locked(tmp_path), pytest.raises(LockedError, match=holder), locked(tmp_path):
        pass
    for holder in ({"host": socket.gethostname(), "pid": 2**22 + 1, "since": time.time()},
                   {"host": socket.gethostname(), "pid": os.getpid(), "since": 0.0},
                   {"host": []}, {}, []):  # fmt: skip
        (tmp_path / ".lock").write_text(json.dumps(holder))
        with locked(tmp_path):
            pass


@pytest.mark.parametrize("text", ["", "[", '{"host": "x"}', '{"host": 1, "pid": "a", "since": 0}'])
def test_a_damaged_lock_file_is_no_obstacle(tmp_path, text):
    (tmp_path / ".lock").write_text(text)
    with locked(tmp_path):
        pass
    assert locks._refusal(tmp_path, {}).startswith(f"{tmp_path} is being written by another")


FOUR_FITS = """
import sys
import numpy as np
from rbmqs.boltzmann import BernoulliRBM
X = (np.random.default_rng(0).random((400, 8)) < 0.5).astype(float)
BernoulliRBM(4, n_iter=1, random_state=0).fit(X)
print("ready")
for k in range(4):
    BernoulliRBM(4, n_iter=10**7, random_state=k).fit(X, checkpoint=f"{sys.argv[1]}/{k}.npz")
print("all four are over")
"""
FOUR_RUNS = """
import sys
import hamiltonians, rbmqs
H = hamiltonians.ising(hamiltonians.chain(4))
rbmqs.ground_state(H, n_iterations=1, n_samples=64, n_final_samples=64, progress=False)
print("ready")
for k in range(4):
    rbmqs.ground_state(H, n_iterations=10**7, n_samples=64, n_final_samples=64, progress=False,
                       output=f"{sys.argv[1]}/{k}")
print("all four are over")
"""


@pytest.mark.parametrize("code", [FOUR_FITS, FOUR_RUNS])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_ends_the_program(tmp_path, code, number):
    process = started(code, tmp_path)
    time.sleep(1.0)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == -number
    assert "over" not in out
    assert ("KeyboardInterrupt" in err) == (number == signal.SIGINT)
    saved = [path for path in tmp_path.rglob("*.npz") if path.stat().st_size]
    assert len(saved) == 1


POOL = """
import multiprocessing
import time
import numpy as np
from rbmqs.boltzmann import BernoulliRBM

def fit(seed):
    X = (np.random.default_rng(0).random((400, 8)) < 0.5).astype(float)
    BernoulliRBM(4, n_iter=10**7, random_state=seed).fit(X)

if __name__ == "__main__":
    pool = multiprocessing.get_context("spawn").Pool(1)
    work = pool.map_async(fit, range(4))
    time.sleep(8)
    started = time.monotonic()
    pool.terminate()
    pool.join()
    print("ended", time.monotonic() - started)
"""


@pytest.mark.submission
def test_a_pool_of_processes_can_be_terminated(tmp_path):
    script = tmp_path / "pool.py"
    script.write_text(POOL)
    done = subprocess.run([sys.executable, str(script)], env=ENVIRONMENT, capture_output=True,
                          text=True, timeout=100)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.split()[1]) < 20


def test_an_interrupt_carries_the_result():
    with Interrupts() as interrupts:
        signal.raise_signal(signal.SIGINT)
    assert interrupts.received == signal.SIGINT
    with pytest.raises(KeyboardInterrupt) as caught:
        pass_on(interrupts.received, "what there is")
    assert caught.value.result == "what there is"
    with signals_reported():
        pass_on(interrupts.received)
    pass_on(None)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_program_that_handles_signals_is_asked(number):
    seen = []
    previous = signal.signal(number, lambda n, frame: seen.append(n))
    try:
        with Interrupts() as interrupts:
            signal.raise_signal(number)
        assert seen == []
        pass_on(interrupts.received)
        assert seen == [number]
    finally:
        signal.signal(number, previous)


def test_a_second_ctrl_c_ends_at_once():
    with Interrupts():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_two_trainings_into_one_file_are_refused(tmp_path):
    rows = (np.random.default_rng(0).random((60, 6)) < 0.5).astype(np.int8)
    path = tmp_path / "model.npz"
    rbm = BernoulliRBM(3, n_iter=2, random_state=0)
    with locked(path), pytest.raises(LockedError, match=r"model\.npz is being written by process"):
        rbm.fit(rows, checkpoint=path)
    rbm.fit(rows, checkpoint=path)
    with locked(path), pytest.raises(LockedError):
        BernoulliRBM(3, n_iter=4).resume(path, rows)
    assert [item.name for item in tmp_path.iterdir()] == ["model.npz"]
