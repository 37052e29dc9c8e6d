"""Runs and equations on real MPI ranks: against one process, between numbers of ranks, twice."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

MPIRUN = shutil.which("mpirun", path=f"{Path(sys.executable).parent}:/usr/bin:/usr/local/bin")
WORK = Path(__file__).with_name("rank_work.py")


@pytest.fixture(scope="module")
def on_ranks():
    """What each number of ranks finds, each asked once but for a second time by name."""
    pytest.importorskip("mpi4py")
    if MPIRUN is None:
        pytest.skip("no mpirun: install rbmqs[mpi]")
    found = {}

    def ask(size, name=""):
        if (size, name) not in found:
            launcher = [MPIRUN, "--allow-run-as-root", "--oversubscribe", "--bind-to", "none"]
            done = subprocess.run(
                [*launcher, "-n", str(size), sys.executable, str(WORK)],
                capture_output=True, text=True, timeout=600, check=False,
                # Ranks that wait leave the core to those that work, where there are more of them.
                env={**os.environ, "OMPI_MCA_mpi_yield_when_idle": "1", "NUMBA_NUM_THREADS": "1"},
            )  # fmt: skip
            assert done.returncode == 0, done.stderr[-2000:]
            found[size, name] = json.loads(done.stdout)
        return found[size, name]

    return ask


@pytest.mark.submission
@pytest.mark.parametrize("size", [2, 4])
def test_ranks_solve_the_same_equations(on_ranks, size):
    for name, found in on_ranks(size)["equations"].items():
        assert found["error"] < 1e-9, name


@pytest.mark.parametrize("size", [2, 4])
def test_the_cost_model_predicts_messages_and_bytes(on_ranks, size):
    for name, found in on_ranks(size)["equations"].items():
        assert found["traffic"], name
        for part, (sent, expected) in found["traffic"].items():
            assert sent == pytest.approx(expected, rel=0.02), (name, part)


def test_energies_agree_between_numbers_of_ranks(on_ranks):
    """First iterations differ by rounding, which grows; the final energies by less than errors."""
    alone = on_ranks(1)["runs"]
    for size in (2, 4):
        for name, found in on_ranks(size)["runs"].items():
            assert found["first"] == pytest.approx(alone[name]["first"], rel=1e-9), (name, size)
            bar = 4 * (found["error"] ** 2 + alone[name]["error"] ** 2) ** 0.5
            assert abs(found["mean"] - alone[name]["mean"]) <= bar, (name, size)


def test_observables_are_those_of_one_process(on_ranks):
    alone = on_ranks(1)["observables"]
    for size in (2, 4):
        assert on_ranks(size)["observables"] == pytest.approx(alone, rel=1e-9, abs=1e-12)


def test_as_many_ranks_give_the_same_bytes(on_ranks):
    first, second = on_ranks(2), on_ranks(2, "again")
    for kind in ("equations", "runs"):
        for name, found in first[kind].items():
            assert found["digest"] == second[kind][name]["digest"], name
