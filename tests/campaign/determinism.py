"""The same bytes for any number of threads, ranks and processes, any hash seed, any cut."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.campaign.rows import Row, figure

OPTIONS = ["heisenberg", "--length", "8", "--total-sz", "0", "--alpha", "1", "--chains", "8"]
OPTIONS += ["--samples", "128", "--final-samples", "256", "--seed", "3", "--quiet"]
LAUNCHER = [str(Path(sys.executable).with_name("mpirun")), "--allow-run-as-root", "--oversubscribe"]


def log_of(folder: Path, *parts: int, launcher: tuple[str, ...] = (), **variables: str) -> bytes:
    """The log of a run in these parts, each with its own total of iterations."""
    rbmqs = [*launcher, sys.executable, "-m", "rbmqs"]
    for number, iterations in enumerate(parts):
        command = ["resume", str(folder)] if number else ["ground-state", *OPTIONS]
        output = ["--quiet"] if number else ["--output", str(folder)]
        done = subprocess.run(
            [*rbmqs, *command, *output, "--iterations", str(iterations)],
            env=os.environ | variables, capture_output=True, text=True, check=False, timeout=1200,
        )  # fmt: skip
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
    return (folder / "log.jsonl").read_bytes()


@figure("determinism")
def determinism(quick: bool) -> Row:
    """Differing bytes of the logs of one run, done in many ways."""
    total = 20 if quick else 100
    ways: dict[str, tuple] = {
        "1 thread": ((total,), (), {"NUMBA_NUM_THREADS": "1"}),
        "hash seed 7": ((total,), (), {"PYTHONHASHSEED": "7"}),
        "two parts": ((total // 3, total), (), {}),
    }
    if not quick:
        ways["hash seed 8"] = ((total,), (), {"PYTHONHASHSEED": "8"})
        ways["four parts"] = ((1, 10, total // 2, total), (), {})
        for n in (2, 4):
            ways[f"{n} ranks"] = ((total,), (*LAUNCHER, "-n", str(n)), {})
    with tempfile.TemporaryDirectory() as folder:
        expected = log_of(Path(folder) / "plain", total)
        differing = []
        for way, (parts, launcher, variables) in ways.items():
            log = log_of(Path(folder) / way, *parts, launcher=launcher, **variables)
            if log != expected:
                differing.append(f"{way}: the log differs")
    return Row(
        "a seed determines every byte",
        f"logs of {total} iterations on 2 threads beside: {', '.join(ways)}",
        f"{len(differing)} logs differ", "0", not differing, tuple(differing),
    )  # fmt: skip
