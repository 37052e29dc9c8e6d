"""Commands on MPI ranks of this machine, by the launcher that comes with the tests."""

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

MPIRUN = shutil.which("mpirun", path=f"{Path(sys.executable).parent}:/usr/bin:/usr/local/bin")
ROOT = Path(__file__).parents[1]
LAUNCHER = (str(MPIRUN), "--allow-run-as-root", "--oversubscribe")
# One thread a rank; a rank that waits gives its core to one that works.
ALONE = {"NUMBA_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "OMPI_MCA_mpi_yield_when_idle": "1"}
needs_ranks = pytest.mark.skipif(
    find_spec("mpi4py") is None or MPIRUN is None, reason="mpi4py or mpirun is not installed"
)


def started_on_ranks(n: int, *words: str, **options) -> subprocess.Popen:
    """`python WORDS` on n ranks, started."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [*LAUNCHER, "-n", str(n), sys.executable, *words],
        env=os.environ | ALONE | {"PYTHONPATH": path},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options,
    )  # fmt: skip


def on_ranks(n: int, *words: str, timeout: float = 300) -> tuple[int, str, str]:
    """Exit status, output and errors of `python WORDS` on n ranks."""
    with started_on_ranks(n, *words) as process:
        output, errors = process.communicate(timeout=timeout)
    return process.returncode, output, errors
