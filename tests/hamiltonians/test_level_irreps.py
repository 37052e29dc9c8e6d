"""Irreps of more than one dimension: character tables and the levels that they label."""

import numpy as np
import pytest

import hamiltonians as hm
from hamiltonians import SymmetryGroup, chain, heisenberg, square
from hamiltonians.exact.level_irreps import irrep_levels, labelled_levels

S3 = SymmetryGroup.generated([[1, 2, 0], [1, 0, 2]])
S4 = SymmetryGroup.generated([[1, 2, 3, 0], [1, 0, 2, 3]])


def test_tables_of_textbooks():
    table = S3.character_table
    assert table.dimensions.tolist() == [1, 1, 2]
    fixed = (S3.permutations == np.arange(3)).sum(axis=1)  # of the permutation representation
    np.testing.assert_allclose(table.of_elements[2], fixed - 1, atol=1e-12)
    assert S4.character_table.dimensions.tolist() == [1, 1, 2, 3, 3]
    fixed = (S4.permutations == np.arange(4)).sum(axis=1)
    overlaps = S4.character_table.of_elements.conj() @ fixed / 24
    assert sorted(overlaps.real.round(9).tolist()) == [0, 0, 0, 1, 1]


@pytest.mark.parametrize(
    "group", [chain(7).space_group(), square(4).space_group(), chain(9).translation_group()]
)
def test_rows_are_orthogonal_and_dimensions_add_up(group):
    table = group.character_table
    assert (table.dimensions**2).sum() == group.order
    rows = table.of_elements
    np.testing.assert_allclose(rows @ rows.conj().T / group.order, np.eye(len(rows)), atol=1e-9)
    np.testing.assert_allclose(rows[0], 1, atol=1e-12)
    # Characters of products of representations are again sums of irreps.
    product = rows[-1] * rows[-1].conj()
    counts = rows.conj() @ product / group.order
    np.testing.assert_allclose(counts, counts.real.round(), atol=1e-9)


@pytest.mark.parametrize("H", [heisenberg(chain(6), spin=1, total_sz=1), hm.ising(chain(7), h=0.8)])
def test_degeneracies_are_those_of_the_irreps(H):
    group = H.lattice.space_group()
    dimensions = group.character_table.dimensions
    levels = labelled_levels(H, group)
    assert sum(level.degeneracy for level in levels) == H.dimension
    for level in levels:
        assert sum(dimensions[k] * n for k, n in level.irreps) == level.degeneracy
    found = [level.energy for level in levels]
    rows = group.character_table.of_elements
    for sector in H.lattice.sectors(k=0):  # those of the whole group have these very levels
        for k, row in enumerate(rows):
            if len(sector.characters) == len(row) and np.allclose(row, sector.characters):
                mine = [lv.energy for lv in levels for _ in range(dict(lv.irreps).get(k, 0))]
                expected = hm.full_spectrum(H, symmetry=sector)
                np.testing.assert_allclose(mine, expected, atol=1e-9)
    assert found == sorted(found)


@pytest.mark.parametrize("H", [heisenberg(chain(6), spin=1, total_sz=1), hm.ising(chain(7), h=0.8)])
def test_the_lowest_levels_of_each_irrep(H):
    group = H.lattice.space_group()
    everything = labelled_levels(H, group)
    for irrep, dimension in enumerate(group.character_table.dimensions):
        expected = [lv.energy for lv in everything for _ in range(dict(lv.irreps).get(irrep, 0))]
        found = irrep_levels(H, group, irrep, k=2)
        assert [level.degeneracy for level in found] == [dimension] * 2
        np.testing.assert_allclose([level.energy for level in found], expected[:2], atol=1e-9)
        with pytest.raises(ValueError, match=f"k must be at most the {len(expected)} levels of"):
            irrep_levels(H, group, irrep, k=len(expected) + 1)
    turns = SymmetryGroup(chain(6).translation_group().permutations)  # complex characters
    H = heisenberg(chain(6), spin=1, total_sz=1)
    found = [irrep_levels(H, turns, irrep)[0].energy for irrep in range(6)]
    expected = [hm.ground_state(H, symmetry=s).energy for s in turns.sectors()]
    np.testing.assert_allclose(sorted(found), sorted(expected), atol=1e-9)


def test_what_the_group_does_not_keep_is_refused():
    with pytest.raises(ValueError, match="group must leave the Hamiltonian invariant"):
        labelled_levels(hm.ising(chain(4), h=[1, 1, 1, 2]), chain(4).space_group())
    with pytest.raises(ValueError, match="irrep must be below 5, got 5"):
        irrep_levels(hm.ising(chain(4)), chain(4).space_group(), 5)
