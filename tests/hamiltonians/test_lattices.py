import json

import numpy as np
import pytest

from hamiltonians import chain, from_edges, rectangle, square


def test_bonds_of_a_ring():
    assert chain(5).bonds().tolist() == [[0, 1], [0, 4], [1, 2], [2, 3], [3, 4]]
    assert chain(5).bonds().dtype == np.int32


def test_bonds_of_an_open_chain():
    assert chain(4, periodic=False).bonds(2).tolist() == [[0, 2], [1, 3]]


def test_second_neighbours_reached_two_ways_are_one_bond():
    assert chain(4).bonds(2).tolist() == [[0, 2], [1, 3]]


@pytest.mark.parametrize("length", [3, 4, 5, 6])
def test_periodic_square_has_two_bonds_per_site(length):
    assert len(square(length).bonds()) == 2 * length**2


def test_site_number_of_a_rectangle_is_x_times_width_plus_y():
    lattice = rectangle(3, 4, periodic=False)
    x, y = lattice.positions.T
    assert (x * 4 + y == np.arange(12)).all()


def test_open_along_one_direction():
    bonds = rectangle(3, 2, periodic=(True, False)).bonds()
    assert bonds.tolist() == [
        [0, 1],
        [0, 2],
        [0, 4],
        [1, 3],
        [1, 5],
        [2, 3],
        [2, 4],
        [3, 5],
        [4, 5],
    ]


def test_shells_are_ordered_by_distance():
    lattice = square(6, periodic=False)
    for shell, squared in enumerate([1, 2, 4, 5], start=1):
        i, j = lattice.bonds(shell).T
        apart = ((lattice.positions[i] - lattice.positions[j]) ** 2).sum(axis=1)
        assert (apart == squared).all()


def test_shells_together_are_all_pairs():
    lattice = rectangle(4, 3)
    pairs = sum(len(lattice.bonds(shell)) for shell in range(1, lattice.n_shells + 1))
    assert pairs == 12 * 11 // 2


def test_shells_of_a_graph_count_steps():
    star = from_edges([(3, 0), (1, 0), (0, 2)])
    assert star.bonds().tolist() == [[0, 1], [0, 2], [0, 3]]
    assert star.bonds(2).tolist() == [[1, 2], [1, 3], [2, 3]]


def test_disconnected_graph():
    graph = from_edges([(0, 1)], n_sites=4)
    assert not graph.is_connected
    assert graph.n_shells == 1
    assert chain(7).is_connected


@pytest.mark.parametrize("lattice", [chain(6), chain(5, False), square(4), rectangle(4, 3, False)])
def test_sublattices_alternate(lattice):
    colours = lattice.sublattices()
    i, j = lattice.bonds().T
    assert colours[0] == 0
    assert (colours[i] != colours[j]).all()


@pytest.mark.parametrize("lattice", [chain(5), square(3), from_edges([(0, 1), (1, 2), (0, 2)])])
def test_odd_loops_are_not_bipartite(lattice):
    assert not lattice.is_bipartite
    with pytest.raises(ValueError, match="odd length"):
        lattice.sublattices()


def test_names_and_description():
    assert chain(20).name == "chain of 20, periodic"
    assert rectangle(4, 2, (True, False)).name == "rectangle 4x2, periodic along x"
    described = json.loads(json.dumps(from_edges([(1, 0)]).describe()))
    assert described["edges"] == [[0, 1]]
    assert described["kind"] == "graph"


def test_lattices_are_values():
    assert chain(6) == chain(6) != chain(6, periodic=False)
    assert hash(chain(6)) == hash(chain(6))
    with pytest.raises(ValueError, match="read-only"):
        chain(6).positions[0] = 1
