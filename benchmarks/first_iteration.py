"""One library, one case, one iteration in a fresh process; prints its peak memory.

    python benchmarks/first_iteration.py '{"library": "rbmqs", "case": {...}, "settings": {...}}'

`versus_netket.py` starts it, and takes the time from the start of the process to the line that is
printed at the end of the iteration. Each library is imported alone.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from cases import Case


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
