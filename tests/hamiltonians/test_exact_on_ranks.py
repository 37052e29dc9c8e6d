"""Exact diagonalisation on MPI ranks: the digits of one process, continued on any number."""

import json
import shutil

import exact_cases
import numpy as np
import pytest
from on_ranks import needs_ranks, on_ranks

import hamiltonians as hm
from hamiltonians.exact import checkpoints
from hamiltonians.exact.layout import lay_out
from hamiltonians.operators.sectors import Sector

pytestmark = needs_ranks


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What 2 and then 3 ranks have left, each going on with a run cut on another number."""
    folder, default = tmp_path_factory.mktemp("ranks"), checkpoints.Checkpoint.save_if_due
    try:
        exact_cases.cut(folder / "cut-1")
    finally:
        checkpoints.Checkpoint.save_if_due = default
    shutil.copy(folder / "cut-1", folder / "cut-before")
    for n in (2, 3):
        status, _, errors = on_ranks(n, exact_cases.__file__, str(folder))
        assert status == 0, errors
        for path in folder.glob(f"cut-{n}*"):
            shutil.copy(path, folder / path.name.replace(f"cut-{n}", "cut-before"))
    return folder


@pytest.fixture(scope="module")
def alone():
    return exact_cases.numbers()


@pytest.mark.parametrize("n", [2, 3])
def test_ranks_find_what_one_process_finds(folder, alone, n):
    found = json.loads((folder / f"found-{n}.json").read_text())["numbers"]
    assert found.keys() == alone.keys()
    for name, values in found.items():
        np.testing.assert_allclose(values, alone[name], rtol=1e-10, atol=1e-7, err_msg=name)
        size = 2 if name in ("several", "spectrum") else 1
        np.testing.assert_allclose(values[:size], alone[name][:size], rtol=1e-12, err_msg=name)


@pytest.mark.parametrize("n", [2, 3])
def test_a_run_goes_on_on_another_number_of_ranks(folder, n):
    """2 ranks go on with what one process has left, 3 with that of 2."""
    first, products, energy = json.loads((folder / f"found-{n}.json").read_text())["continued"]
    expected = hm.ground_state(exact_cases.RING, vectors=False)
    assert (first, products) == (16, expected.n_products)
    assert energy == pytest.approx(expected.energy, rel=1e-13)


def test_one_process_goes_on_with_the_parts_of_three(folder, tmp_path):
    for path in folder.glob("cut-3*"):
        shutil.copy(path, tmp_path)
    assert len(list(tmp_path.glob("cut-3.12.*.part"))) == 3
    first, _, energy = exact_cases.continued(tmp_path / "cut-3")
    assert first == 16
    assert energy == pytest.approx(hm.ground_state(exact_cases.RING).energy, rel=1e-13)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [0, 2])
def test_a_part_that_is_missing_or_damaged_is_named(folder, tmp_path, number):
    for path in folder.glob("cut-3*"):
        shutil.copy(path, tmp_path)
    part = tmp_path / f"cut-3.12.{number}.part"
    part.write_bytes(part.read_bytes()[:-100])
    with pytest.raises(ValueError, match=part.name):
        exact_cases.continued(tmp_path / "cut-3")
    part.unlink()
    with pytest.raises(FileNotFoundError, match=part.name):
        exact_cases.continued(tmp_path / "cut-3")


def test_parts_of_a_layout_hold_all_states_in_order():
    sector = Sector(13, 0.5)
    whole = lay_out(sector)
    parts = [whole.only(first, first + 3) for first in range(0, len(whole.klasses), 3)]
    joined = np.concatenate([part.states() for part in parts])
    np.testing.assert_array_equal(joined, sector.basis_states())
    assert sum(part.total for part in parts) == sector.dimension


def test_the_plan_of_a_rank_is_a_part_of_the_whole():
    H = hm.heisenberg(hm.chain(26), total_sz=0)
    whole = hm.memory_plan(H, vectors=False)
    for n, most in ((2, 0.6), (4, 0.35)):
        plan = hm.memory_plan(H, vectors=False, n_ranks=n)
        assert plan.total < most * whole.total
        assert f"on each of {n} ranks" in str(plan)
