import math

import numpy as np
import pytest

from hamiltonians import Sector

CASES = [(n, m / 2) for n in (1, 2, 5, 8) for m in range(-n, n + 1, 2)]


@pytest.mark.parametrize(("n_sites", "total_sz"), CASES)
def test_states_are_ranked_in_ascending_order(n_sites, total_sz):
    sector = Sector(n_sites, total_sz)
    states = sector.basis_states()
    everything = np.arange(2**n_sites)
    n_down = round(n_sites / 2 - total_sz)
    expected = [s for s in everything.tolist() if s.bit_count() == n_down]
    assert states.tolist() == expected
    assert sector.dimension == math.comb(n_sites, n_down)
    np.testing.assert_array_equal(sector.rank(states), np.arange(sector.dimension))


def test_rank_in_the_free_sector_is_the_state():
    states = np.array([5, 0, 30], np.uint64)
    assert Sector(5).rank(states).tolist() == [5, 0, 30]


def test_spins_there_and_back():
    sector = Sector(6, 1)
    spins = sector.states_to_spins(sector.basis_states())
    assert spins.dtype == np.int8
    assert (spins.sum(axis=1) == 2).all()
    np.testing.assert_array_equal(sector.spins_to_states(spins), sector.basis_states())


def test_site_zero_down_is_the_highest_bit():
    assert int(Sector(4).spins_to_states([-1, 1, 1, 1])) == 8


def test_the_longest_sector():
    sector = Sector(40, 19)
    assert sector.rank(sector.basis_states()).tolist() == list(range(40))
