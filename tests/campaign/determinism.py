"""The same bytes for any number of threads, any hash seed, any cut, and each number of ranks.

Runs on different numbers of ranks agree to rounding, which `tests/rbmqs/test_ranks.py` holds.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.campaign.rows import Parts, Row, figure

OPTIONS = ["heisenberg", "--length", "8", "--total-sz", "0", "--alpha", "1", "--chains", "8"]
OPTIONS += ["--samples", "128", "--final-samples", "256", "--seed", "3", "--quiet"]
LAUNCHER = [str(Path(sys.executable).with_name("mpirun")), "--allow-run-as-root", "--oversubscribe"]


def log_of(totals: tuple[int, ...], launcher: tuple[str, ...], variables: dict[str, str]) -> str:
    """A digest of the log of a run in parts, each with its own total of iterations."""
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root) / "run"
        run(folder, totals, launcher, variables)
        return hashlib.sha256((folder / "log.jsonl").read_bytes()).hexdigest()


def run(folder: Path, totals: tuple[int, ...], launcher: tuple, variables: dict) -> None:
    """Run and resume it, each in a process of its own."""
    rbmqs = [*launcher, sys.executable, "-m", "rbmqs"]
    for number, iterations in enumerate(totals):
        command = ["resume", str(folder)] if number else ["ground-state", *OPTIONS]
        output = ["--quiet"] if number else ["--output", str(folder)]
        done = subprocess.run(
            [*rbmqs, *command, *output, "--iterations", str(iterations)],
            env=os.environ | variables, capture_output=True, text=True, check=False, timeout=1200,
        )  # fmt: skip
        if done.returncode != 0:
            raise RuntimeError(done.stderr)


@figure("determinism")
def determinism(quick: bool, parts: Parts) -> Row:
    """Differing bytes of the logs of one run, done in many ways."""
    total = 20 if quick else 100
    ways: dict[str, tuple] = {
        "2 threads": ((total,), (), {"NUMBA_NUM_THREADS": "2"}),
        "1 thread": ((total,), (), {"NUMBA_NUM_THREADS": "1"}),
        "hash seed 7": ((total,), (), {"PYTHONHASHSEED": "7"}),
        "two parts": ((total // 3, total), (), {}),
    }
    if not quick:
        ways["hash seed 8"] = ((total,), (), {"PYTHONHASHSEED": "8"})
        ways["four parts"] = ((1, 10, total // 2, total), (), {})
        for n in (2, 4):
            launcher = (*LAUNCHER, "-n", str(n))
            for seed in ("7", "8"):
                variables = {"PYTHONHASHSEED": seed}
                ways[f"{n} ranks, hash seed {seed}"] = ((total,), launcher, variables)
    logs = {way: parts(way, log_of, *how) for way, how in ways.items()}
    differing = []
    for way in ways:
        same = f"{way.split(',')[0]}, hash seed 7" if "ranks" in way else "2 threads"
        if logs[way] != logs[same]:
            differing.append(f"{way}: the log differs")
    return Row(
        "a seed determines every byte",
        f"logs of {total} iterations: {', '.join(ways)}",
        f"{len(differing)} logs differ", "0", not differing, tuple(differing),
    )  # fmt: skip
