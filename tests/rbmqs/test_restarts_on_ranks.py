"""Random restarts on groups of real MPI ranks: as in one process, cut short, and gone on with."""

import json
import shutil
from pathlib import Path

import pytest
from on_ranks import needs_ranks, on_ranks
from restart_work import LENGTH, found

from rbmqs.runs.checkpoint import load_checkpoint

pytestmark = needs_ranks
WORK = str(Path(__file__).with_name("restart_work.py"))


def by_ranks(size, directory, *names):
    status, output, errors = on_ranks(size, WORK, str(directory), *names)
    assert status == 0, errors[-2000:]
    return json.loads(output)


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    """What three ranks find, and where they left the run that was cut."""
    directory = tmp_path_factory.mktemp("three")
    return by_ranks(3, directory, "tied", "again", "replicas", "projected", "cut"), directory


def agree(a, b):
    assert a["restarts"] == pytest.approx(b["restarts"], rel=1e-9)
    assert abs(a["mean"] - b["mean"]) <= 4 * (a["error"] ** 2 + b["error"] ** 2) ** 0.5


@pytest.mark.parametrize("name", ["tied", "replicas", "projected"])
def test_restarts_are_those_of_one_process(three, name, tmp_path):
    """Four restarts on three ranks, then on all of them; two on three, one and two."""
    on_three, alone = three[0][name], found(name, tmp_path)
    assert on_three["iterations"] == alone["iterations"]
    agree(on_three, alone)


def test_as_many_ranks_give_the_same_bytes(three):
    assert three[0]["tied"] == three[0]["again"]


@pytest.mark.slow
def test_a_run_is_cut_and_goes_on(three, tmp_path):
    """On as many ranks with the same bytes; on two and in one process it finds the same restarts.

    Two ranks take up the restarts one after the other that three had at once.
    """
    whole, directory = three[0]["tied"], three[1]
    first = three[0]["cut"]
    assert first["iterations"] == [6, 6, 6]
    assert first["files"] == [f"restart-{k}.npz" for k in range(3)]
    assert load_checkpoint(directory / "cut" / "checkpoint.npz").state.iteration == 0
    places = [tmp_path / name for name in ("three", "two", "one")]
    for place in places:
        shutil.copytree(directory, place)
    again = by_ranks(3, places[0], "resumed")["resumed"]
    assert again["digest"] == whole["digest"]
    for found_there in (by_ranks(2, places[1], "resumed")["resumed"], found("resumed", places[2])):
        agree(found_there, whole)
        assert found_there["iterations"] == 4 * [LENGTH] + [3]
    assert again["files"] == []


@pytest.mark.slow
def test_a_limited_time_ends_a_run_among_its_restarts(tmp_path):
    """At once, or after a quarter of it where the projection is still to come."""
    results = by_ranks(2, tmp_path, "short", "limited")
    assert results["short"]["iterations"] == [1, 1]
    assert results["short"]["error"] > 0
    assert results["limited"]["n_restarts"] == 1
    numbers = results["limited"]["numbers"]
    assert numbers == list(range(len(numbers)))
