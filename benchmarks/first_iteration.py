"""One library, one case, one iteration in a fresh process; prints its peak memory.

    python benchmarks/first_iteration.py '{"library": "rbmqs", "case": {...}, "settings": {...}}'

The other benchmarks start it by `in_fresh_process`, which takes the time from the start of the
process to the line that is printed at the end of the iteration. Each library is imported alone.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cases import Case

# A warm start has byte code too, as installed packages have: some machines are told to write none.
WARM = {"PYTHONDONTWRITEBYTECODE": ""}


def in_fresh_process(
    task: Mapping[str, Any], environment: Mapping[str, str]
) -> tuple[float, float]:
    """Seconds to the end of the first iteration of a fresh process, and its peak memory in MB."""
    started = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, __file__, json.dumps(task)],
        env={**os.environ, **WARM, **environment},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        for line in process.stdout or ():
            elapsed = time.perf_counter() - started
            with contextlib.suppress(ValueError, TypeError, KeyError):  # NetKet prints settings
                memory = json.loads(line)["memory"]
    if process.returncode:
        raise SystemExit(f"the process of {task['library']} failed: {process.returncode}")
    return elapsed, memory


def run_rbmqs(case: Case) -> None:
    """Thermalise, then one iteration."""
    from workload import run_settings

    import rbmqs

    next(rbmqs.iterate(case.hamiltonian(), case.psi(), run_settings(case)))


def run_netket(case: Case, settings: dict, learning_rate: float, diag_shift: float) -> None:
    """One iteration of the driver."""
    from netket_side import NetKet, Settings

    NetKet(case, Settings(**settings), learning_rate, diag_shift).iterate()


def peak_memory() -> float:
    """Largest resident size so far, in MB.

    Linux passes the peak of the parent on to the child in `ru_maxrss`, so there the high-water
    mark of this process's own memory is read.
    """
    status = Path("/proc/self/status")
    if status.exists():
        fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(fields["VmHWM"].split()[0]) * 1024 / 1e6
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def main() -> None:
    task = json.loads(sys.argv[1])
    case = Case(**task["case"])
    if task["library"] == "rbmqs":
        run_rbmqs(case)
    else:
        run_netket(case, task["settings"], task["learning_rate"], task["diag_shift"])
    print(json.dumps({"memory": peak_memory()}), flush=True)


if __name__ == "__main__":
    main()
