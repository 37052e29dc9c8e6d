"""A point of a study as a job of several MPI ranks.

`iterated_on_ranks` starts `mpirun -n K python -m rbmqs.studies.rank_body ROOT POINT` and waits for
it: the ranks optimise together and leave log and checkpoint. The process that waits goes on from
there alone, draws the final samples and measures.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from rbmqs.studies.storage import StudyDirectory
from rbmqs.studies.study import Point
from rbmqs.utils.interrupts import Interrupts
from rbmqs.utils.json_files import write_json

BODY = "rbmqs.studies.rank_body"
LAUNCHER = "RBMQS_LAUNCHER"  # the words before the number of ranks, such as "srun -n"
_OF_A_RANK = ("OMPI_COMM_", "PMIX_", "PMI_")  # of the rank that this may be: not for another job


def iterated_on_ranks(
    directory: StudyDirectory, point: Point, n_ranks: int, threads: int | None
) -> int | None:
    """Optimise a point on ranks; returns the signal that ended this, or None.

    Raises
    ------
    RuntimeError
        The job failed, with its last line.
    FileNotFoundError
        There is no mpirun, and RBMQS_LAUNCHER names no other launcher.
    """
    described = directory.work(point.id).with_suffix(".json")
    described.parent.mkdir(parents=True, exist_ok=True)
    write_json(described, {"point": asdict(point), "threads": threads})
    module = [sys.executable, "-m", BODY, str(directory.root), str(described)]
    command = [*_launcher(), str(n_ranks), *module]
    environment = {k: v for k, v in os.environ.items() if not k.startswith(_OF_A_RANK)}
    try:
        with Interrupts() as interrupts, subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as job:  # fmt: skip
            said = _waited_for(job, interrupts)
    finally:
        described.unlink(missing_ok=True)
    if interrupts.received is None and job.returncode != 0:
        lines = [line for line in said.splitlines() if "failed" in line or "Error" in line]
        raise RuntimeError(f"{n_ranks} ranks failed: {lines[0] if lines else said[-300:]}")
    return interrupts.received


def _launcher() -> list[str]:
    words = shlex.split(os.environ.get(LAUNCHER, ""))
    if words:
        return words
    beside = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    mpirun = shutil.which("mpirun", path=beside)
    if mpirun is None:
        raise FileNotFoundError(
            f"no mpirun for the ranks of a point: install rbmqs[mpi], or set {LAUNCHER}"
        )
    return [mpirun, "-n"]


def _waited_for(job: subprocess.Popen, interrupts: Interrupts) -> str:
    """Output of the job, whose ranks are asked to save and end where this process is."""
    while True:
        try:
            return job.communicate(timeout=0.5)[0]
        except subprocess.TimeoutExpired:
            if interrupts.received is not None:
                _end_ranks(job.pid)


def _end_ranks(launcher: int) -> None:
    import psutil  # start-up time: only after a signal

    for child in psutil.Process(launcher).children(recursive=True):
        if BODY in child.cmdline() and child.is_running():
            child.send_signal(signal.SIGTERM)
