"""SIGKILL at random instants: what is left goes on to the same bytes."""

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import test_study_running
from small_study import N_POINTS, results_of, run_here, write_study

from rbmqs.boltzmann import BernoulliRBM
from tests.campaign.rows import Row, figure

MOST = 6  # kills in one folder
Command = Callable[[Path], list[str]]  # from a folder to what is run, again or for the first time

RUN = ["ground-state", "ising", "--length", "6", "--alpha", "1", "--samples", "128", "--chains",
       "8", "--final-samples", "256", "--iterations", "300", "--quiet"]  # fmt: skip
EXACT = ["exact", "heisenberg", "--length", "16", "--total-sz", "0"]
TRAIN = ["--units", "16", "--epochs", "400", "--seed", "1", "--quiet"]


def run(folder: Path) -> list[str]:
    """`resume` where there is a checkpoint, else the same command."""
    if (folder / "out" / "checkpoint.npz").exists():
        return ["resume", str(folder / "out"), "--quiet"]
    return [*RUN, "--output", str(folder / "out")]


def exact(folder: Path) -> list[str]:
    """The same command again."""
    return [*EXACT, "--checkpoint", str(folder / "lanczos.npz")]


def train(folder: Path) -> list[str]:
    """`--resume` where there is a model."""
    data, model = folder / "data.npy", folder / "model.npz"
    if not data.exists():
        rows = np.random.default_rng(0).random((400, 20)) < 0.3
        np.save(data, rows.astype(float))
    more = ["--resume"] if model.exists() else []
    return ["train", str(data), *TRAIN, "--output", str(model), *more]


def log(folder: Path, said: str) -> bytes:
    """What a run leaves."""
    return (folder / "out" / "log.jsonl").read_bytes()


def energy(folder: Path, said: str) -> bytes:
    """The line of the ground state, without times and memory."""
    return b" ".join(line.split()[1].encode() for line in said.splitlines() if line[:5] == "    0")


def weights(folder: Path, said: str) -> bytes:
    """The model."""
    return BernoulliRBM.load(folder / "model.npz").components_.tobytes()


def until_done(command: Command, folder: Path, longest: float, rng: random.Random) -> tuple:
    """Kills until the command ended by itself; their number, its output and its errors.

    After `MOST` kills it is left alone: on a busy machine it might never come to its end.
    """
    kills, environment = 0, os.environ | {"NUMBA_NUM_THREADS": "1"}
    while True:
        words = [sys.executable, "-m", "rbmqs", *command(folder)]
        process = subprocess.Popen(
            words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        try:
            wait = longest * rng.uniform(0.05, 1.2) if kills < MOST else None
            out, errors = process.communicate(timeout=wait)
            return kills, out, "" if process.returncode == 0 else errors.strip()
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            kills += 1


def killed(command: Command, left: Callable[[Path, str], bytes], n_kills: int) -> list[str]:
    """What went wrong in at least so many kills."""
    rng, faults, done, n_folders = random.Random(0), [], 0, 0
    with tempfile.TemporaryDirectory() as root:
        whole = Path(root) / "whole"
        whole.mkdir()
        times = []
        for _ in range(2):  # the first one may compile
            begun = time.monotonic()
            _, out, errors = until_done(command, whole, 1e6, rng)
            times.append(time.monotonic() - begun)
            expected = left(whole, out) if not errors else b""
        while done < n_kills and not errors:
            folder = Path(root) / str(n_folders)
            folder.mkdir()
            kills, out, trouble = until_done(command, folder, times[0], rng)
            done, n_folders = done + kills, n_folders + 1
            print(f"    {command.__name__}: {done} kills", file=sys.stderr, flush=True)
            if trouble:
                faults.append(f"{command.__name__}: {trouble.splitlines()[-1]}")
            elif left(folder, out) != expected:
                faults.append(f"{command.__name__}: other bytes after {kills} kills")
    return faults + ([f"{command.__name__}: {errors}"] if errors else [])


def killed_studies(n_kills: int) -> list[str]:
    """What went wrong in a study killed so often."""
    with tempfile.TemporaryDirectory() as root:
        folders = [Path(root) / name for name in ("whole", "killed")]
        for folder in folders:
            folder.mkdir()
        whole, _ = run_here(folders[0])
        path, out = write_study(folders[1]), folders[1] / "out"
        twice = test_study_running.kill_at_random(path, out, n_kills, N_POINTS, seed=1)
        process = test_study_running.start_study(path, out)
        _, errors = process.communicate()
        if process.returncode != 0:
            return [f"study: {errors.decode().strip()}"]
        same = results_of(out) == results_of(whole)
        return [f"study: {point} was published twice" for point in twice] + (
            [] if same else ["study: other results"]
        )


@figure("kills")
def kills(quick: bool) -> Row:
    """How many folders did not go on to the same bytes."""
    n = 3 if quick else 60
    faults = killed(run, log, n) + killed(exact, energy, n) + killed(train, weights, n)
    n_study = 2 if quick else 30
    faults += killed_studies(n_study)
    return Row(
        "SIGKILL loses nothing",
        f"at least {3 * n + n_study} kills at random instants: {n} each of runs, of exact "
        f"diagonalisation and of training, {n_study} of a study; then on to the end",
        f"{len(faults)} ends differ from the undisturbed one", "0", not faults, tuple(faults),
    )  # fmt: skip
