"""Published ground-state energies of clusters, with and without symmetry sectors."""

import networkx as nx
import pytest

from hamiltonians import (
    ground_sector,
    ground_state,
    heisenberg,
    j1j2,
    kagome,
    rectangle,
    shuriken,
    square,
    tilted_square,
    triangular,
    with_smallest_sz,
)
from hamiltonians.references.lookup import published

SMALL = [
    j1j2(square(4), J2=0.5),
    heisenberg(kagome((3, 2))),
    heisenberg(triangular(4)),
]
LARGE = [j1j2(rectangle(4, 6), J2=0.5), heisenberg(shuriken(2))]


def energy(H, symmetry=None):
    return ground_state(with_smallest_sz(H), symmetry=symmetry, vectors=False).energy


@pytest.mark.parametrize("H", SMALL, ids=lambda H: H.name)
def test_published_clusters(H):
    reference = published(H)
    assert energy(H) == pytest.approx(reference.energy, abs=2 * reference.uncertainty)


@pytest.mark.slow
@pytest.mark.parametrize("H", LARGE, ids=lambda H: H.name)
def test_published_larger_clusters(H):
    reference = published(H)
    assert energy(H) == pytest.approx(reference.energy, abs=2 * reference.uncertainty)


def test_two_line_graphs_that_are_one_cluster():
    # The kagome cluster of 4 x 2 cells has the bonds of the shuriken cluster of 2 x 2, renumbered:
    # the published energy of the one is the other's.
    assert nx.is_isomorphic(*(nx.Graph(L.bonds().tolist()) for L in (kagome((4, 2)), shuriken(2))))


def test_a_frustrated_cluster_in_a_named_sector():
    H = j1j2(square(4), J2=0.5, total_sz=0)
    symmetry = H.lattice.sector((0, 0), "A1", spin_inversion=1)
    assert energy(H, symmetry) == pytest.approx(published(H).energy, abs=1e-9)


def test_a_tilted_square_with_and_without_symmetries():
    H = heisenberg(tilted_square(4, 2), total_sz=0)
    assert energy(H, ground_sector(H)) == pytest.approx(energy(H), abs=1e-9)
