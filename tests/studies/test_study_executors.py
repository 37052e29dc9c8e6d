"""The same study file with local processes, Dask, MPI and submitit: the same results."""

import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from small_study import N_POINTS, results_of, run_here, write_study

from rbmqs.studies import make_executor, read_study, run_study
from rbmqs.studies.executors import SlurmExecutor

MPIRUN = shutil.which("mpirun", path=f"{Path(sys.executable).parent}:/usr/bin:/usr/local/bin")
pytestmark = pytest.mark.submission


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """Results of the study run in this process."""
    return results_of(run_here(tmp_path_factory.mktemp("here"))[0])


def command(path: Path, root: Path, *options: str) -> list[str]:
    return ["rbmqs", "study", "run", str(path), "--output", str(root), "--quiet", *options]


def test_local_processes(expected, tmp_path):
    root = tmp_path / "out"
    arguments = command(write_study(tmp_path), root, "--processes", "2", "--threads", "1")
    subprocess.run([sys.executable, "-m", *arguments], check=True)
    assert results_of(root) == expected


@pytest.mark.skipif(find_spec("distributed") is None, reason="Dask is not installed")
@pytest.mark.filterwarnings("default")
def test_dask(expected, tmp_path):
    root = tmp_path / "out"
    arguments = command(write_study(tmp_path), root, "--executor", "dask", "--processes", "2")
    subprocess.run([sys.executable, "-m", *arguments], check=True, timeout=600)
    assert results_of(root) == expected


@pytest.mark.skipif(
    find_spec("mpi4py") is None or MPIRUN is None, reason="mpi4py or mpirun is not installed"
)
def test_mpi(expected, tmp_path):
    root = tmp_path / "out"
    launcher = [str(MPIRUN), "--allow-run-as-root", "--oversubscribe", "-n", "3", sys.executable]
    arguments = command(write_study(tmp_path), root, "--executor", "mpi")
    subprocess.run([*launcher, "-m", "mpi4py.futures", "-m", *arguments], check=True, timeout=600)
    assert results_of(root) == expected


@pytest.mark.skipif(find_spec("submitit") is None, reason="submitit is not installed")
def test_submitit_without_slurm_runs_here(expected, tmp_path):
    executor = SlurmExecutor({"timeout_min": 10}, folder=str(tmp_path / "jobs"))
    study = read_study(write_study(tmp_path))
    outcome = run_study(study, tmp_path / "out", executor=executor, progress=False)
    assert len(outcome.done) == N_POINTS
    assert results_of(tmp_path / "out") == expected


def test_unknown_executor_is_refused():
    with pytest.raises(ValueError, match="executor must be one of local, mpi, dask, slurm"):
        make_executor("cloud")
