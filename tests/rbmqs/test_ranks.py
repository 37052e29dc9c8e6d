"""Runs and equations on real MPI ranks: against one process, between numbers of ranks, twice."""

import json
from pathlib import Path

import pytest
from on_ranks import needs_ranks, on_ranks

pytestmark = needs_ranks
WORK = str(Path(__file__).with_name("rank_work.py"))
SIZES = [2, 4]


@pytest.fixture(scope="module")
def found_by():
    """What each number of ranks finds, each asked once but for a second time by name."""
    found = {}

    def ask(size, name=""):
        if (size, name) not in found:
            status, output, errors = on_ranks(size, WORK, timeout=600)
            assert status == 0, errors[-2000:]
            found[size, name] = json.loads(output)
        return found[size, name]

    return ask


@pytest.mark.submission
@pytest.mark.parametrize("size", SIZES)
def test_ranks_solve_the_same_equations(found_by, size):
    for name, found in found_by(size)["equations"].items():
        assert found["error"] < 1e-9, name


@pytest.mark.parametrize("size", SIZES)
def test_the_cost_model_predicts_messages_and_bytes(found_by, size):
    for name, found in found_by(size)["equations"].items():
        assert found["traffic"], name
        for part, (sent, expected) in found["traffic"].items():
            assert sent == pytest.approx(expected, rel=0.02), (name, part)


def agree(found, alone):
    """First iterations differ by rounding, which grows; the final energies by less than errors."""
    for name, one in alone.items():
        assert found[name]["first"] == pytest.approx(one["first"], rel=1e-9), name
        bar = 4 * (found[name]["error"] ** 2 + one["error"] ** 2) ** 0.5
        assert abs(found[name]["mean"] - one["mean"]) <= bar, name


@pytest.mark.parametrize("size", SIZES)
def test_energies_agree_between_numbers_of_ranks(found_by, size):
    agree(found_by(size)["runs"], found_by(1)["runs"])


@pytest.mark.parametrize("size", SIZES)
def test_observables_are_those_of_one_process(found_by, size):
    alone = found_by(1)["observables"]
    assert found_by(size)["observables"] == pytest.approx(alone, rel=1e-9, abs=1e-12)


def test_as_many_ranks_give_the_same_bytes(found_by):
    first, second = found_by(2), found_by(2, "again")
    for kind in ("equations", "runs"):
        for name, found in first[kind].items():
            assert found["digest"] == second[kind][name]["digest"], name
