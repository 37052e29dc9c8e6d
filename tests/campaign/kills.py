"""SIGKILL at random instants: what is left goes on to the same bytes."""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import test_study_running
from small_study import N_POINTS, results_of, run_here, write_study

from rbmqs.boltzmann import BernoulliRBM
from rbmqs.tomography.files import load_reconstruction
from tests.campaign.rows import Parts, Row, figure

MOST = 6  # kills in one folder: on a busy machine a command might never come to its end
Command = Callable[[Path], list[str]]  # from a folder to what is run, again or for the first time

RUN = ["ground-state", "ising", "--length", "6", "--alpha", "1", "--samples", "128", "--chains",
       "8", "--final-samples", "256", "--iterations", "300", "--quiet"]  # fmt: skip
EXACT = ["exact", "heisenberg", "--length", "16", "--total-sz", "0"]
TRAIN = ["--units", "16", "--epochs", "400", "--seed", "1", "--quiet"]
EVOLVE = ["evolve", "ising", "--length", "6", "--start", "+x", "--density", "1", "--until", "0.3",
          "--samples", "256", "--integrator", "heun", "--step", "0.01", "--quiet"]  # fmt: skip
EXCITED = ["excited", "ising", "--length", "4", "--alpha", "1", "--samples", "64", "--chains", "8",
           "--final-samples", "64", "--iterations", "60", "--quiet"]  # fmt: skip
LEARN = ["--hidden", "4", "--iterations", "60", "--starts", "2", "--held-out", "0", "--quiet"]


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


def gone_on_with(folder: Path) -> list[str]:
    """Where results go, and `--resume` where there is a checkpoint."""
    out = folder / "out"
    begun = (out / "checkpoint.npz", out / "state0")
    more = ["--resume"] if any(path.exists() for path in begun) else []
    return ["--output", str(out), *more]


def evolve(folder: Path) -> list[str]:
    """An evolution from a product state."""
    return [*EVOLVE, *gone_on_with(folder)]


def excited(folder: Path) -> list[str]:
    """Two states."""
    return [*EXCITED, *gone_on_with(folder)]


def reconstruct(folder: Path) -> list[str]:
    """A state from shots in the bases z and x."""
    counts = folder / "counts.json"
    if not counts.exists():
        rng = np.random.default_rng(0)
        rows = ["".join(row) for row in rng.choice(["0", "1"], (400, 4), p=[0.7, 0.3])]
        table = {basis: Counter(rows[k::2]) for k, basis in enumerate(("ZZZZ", "XXXX"))}
        counts.write_text(json.dumps(table))
    return ["reconstruct", str(counts), "--incomplete", *LEARN, *gone_on_with(folder)]


def log(folder: Path, said: str) -> bytes:
    """What a run leaves."""
    return (folder / "out" / "log.jsonl").read_bytes()


def energy(folder: Path, said: str) -> bytes:
    """The line of the ground state, without times and memory."""
    return b" ".join(line.split()[1].encode() for line in said.splitlines() if line[:5] == "    0")


def levels(folder: Path, said: str) -> bytes:
    """Energies, gaps and fidelities of excited states."""
    return (folder / "out" / "result.json").read_bytes()


def course(folder: Path, said: str) -> bytes:
    """The log of a reconstruction, and its state."""
    return log(folder, said) + load_reconstruction(folder / "out").psi.flat.tobytes()


def weights(folder: Path, said: str) -> bytes:
    """The model."""
    return BernoulliRBM.load(folder / "model.npz").components_.tobytes()


def until_done(command: Command, folder: Path, waits: Iterable[float] = ()) -> tuple[int, str, str]:
    """Kills after each of these seconds, then on to the end; their number, output and errors."""
    left = iter(waits)
    kills, environment = 0, os.environ | {"NUMBA_NUM_THREADS": "1"}
    while True:
        words = [sys.executable, "-m", "rbmqs", *command(folder)]
        process = subprocess.Popen(
            words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        try:
            out, errors = process.communicate(timeout=next(left, None))
            return kills, out, "" if process.returncode == 0 else errors.strip()
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            kills += 1


def killed(command: Command, left: Callable[[Path, str], bytes], n_kills: int) -> dict:
    """The number of kills, at least so many, and what went wrong."""
    rng, faults, done, n_folders = random.Random(0), [], 0, 0
    with tempfile.TemporaryDirectory() as root:
        for name in ("first", "whole"):  # the first one may compile
            whole = Path(root) / name
            whole.mkdir()
            begun = time.monotonic()
            _, out, errors = until_done(command, whole)
            longest = time.monotonic() - begun
            if errors:
                return {"kills": 0, "faults": [f"{command.__name__}: {errors}"]}
        expected = left(whole, out)
        while done < n_kills:
            folder = Path(root) / str(n_folders)
            folder.mkdir()
            most = min(MOST, n_kills - done)
            waits = (longest * rng.uniform(0.05, 1.2) for _ in range(most))
            kills, out, trouble = until_done(command, folder, waits)
            done, n_folders = done + kills, n_folders + 1
            if trouble:
                faults.append(f"{command.__name__}: {trouble.splitlines()[-1]}")
            elif left(folder, out) != expected:
                faults.append(f"{command.__name__}: other bytes after {kills} kills")
    return {"kills": done, "faults": faults}


def killed_studies(n_kills: int) -> dict:
    """The same of a study."""
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
            return {"kills": n_kills, "faults": [f"study: {errors.decode().strip()}"]}
        faults = [f"study: {point} was published twice" for point in twice]
        faults += [] if results_of(out) == results_of(whole) else ["study: other results"]
        return {"kills": n_kills, "faults": faults}


LEFT = {run: log, exact: energy, train: weights, evolve: log, reconstruct: course,
        excited: levels}  # fmt: skip


@figure("kills")
def kills(quick: bool, parts: Parts) -> Row:
    """How many folders did not go on to the same bytes."""
    n = 1 if quick else 30
    found = {
        command.__name__: parts(command.__name__, killed, command, left, n)
        for command, left in LEFT.items()
    }
    found["study"] = parts("study", killed_studies, n)
    total = sum(part["kills"] for part in found.values())
    faults = [fault for part in found.values() for fault in part["faults"]]
    return Row(
        "SIGKILL loses nothing",
        f"{total} kills at random instants, {n} or more each of {', '.join(found)}; then on to "
        "the end",
        f"{len(faults)} ends differ from the undisturbed one", f"0 of {7 * n}",
        not faults and total >= 7 * n, tuple(faults),
    )  # fmt: skip
