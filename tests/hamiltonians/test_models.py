import numpy as np
import pytest
from textbook import matrix

from hamiltonians import (
    MODELS,
    PauliSum,
    X,
    Y,
    Z,
    chain,
    from_edges,
    heisenberg,
    ising,
    j1j2,
    square,
    xxz,
    xyz,
)


def dot(i, j):
    return X(i) * X(j) + Y(i) * Y(j) + Z(i) * Z(j)


def test_ising_formula():
    expected = 0.5 * (Z(0) * Z(1) + Z(0) * Z(2) + Z(1) * Z(2))
    expected -= 2 * (X(0) + X(1) + X(2)) + 0.1 * (Z(0) + Z(1) + Z(2))
    assert ising(chain(3), h=2.0, J=0.5, hz=0.1).terms == expected


def test_heisenberg_with_a_field():
    H = heisenberg(chain(2, periodic=False), J=3, field=(0.1, 0.2, 0.4))
    field = 0.1 * (X(0) + X(1)) + 0.2 * (Y(0) + Y(1)) + 0.4 * (Z(0) + Z(1))
    assert H.terms == 3 * dot(0, 1) - field
    assert not H.is_real


def test_xxz_and_xyz_agree_with_heisenberg():
    lattice = chain(5)
    assert xxz(lattice, J=2.0).terms == heisenberg(lattice, J=2.0).terms
    assert xyz(lattice, 2, 2, 1).terms == xxz(lattice, J=2, delta=0.5).terms


def test_j1j2_on_the_square_lattice():
    H = j1j2(square(3, periodic=False), J1=1.0, J2=0.25)
    assert H.terms.terms[((0, "Z"), (1, "Z"))] == 1.0
    assert H.terms.terms[((0, "Z"), (4, "Z"))] == 0.25
    assert len(H.terms) == 3 * (12 + 8)


def test_couplings_follow_the_order_of_the_bonds():
    lattice = from_edges([(2, 1), (0, 1)])
    H = heisenberg(lattice, J=[1.0, 5.0])
    assert H.terms == dot(0, 1) + 5 * dot(1, 2)


def test_fields_follow_the_sites():
    H = ising(chain(3), J=0, h=[1, 2, 3], hz=np.array([0.0, 0.0, 1.0]))
    assert H.terms == -(X(0) + 2 * X(1) + 3 * X(2) + Z(2))
    fields = np.arange(6.0).reshape(2, 3)
    H = heisenberg(chain(2, False), J=0, field=fields)
    assert H.terms == -PauliSum.from_terms(
        (c, [(i, a)]) for i, row in enumerate(fields) for c, a in zip(row, "XYZ", strict=True)
    )


def test_changing_an_array_afterwards_changes_nothing():
    J = np.ones(4)
    H = heisenberg(chain(4), J=J)
    J[0] = 7
    assert H.spec.parameters["J"].tolist() == [1, 1, 1, 1]


NAMES = {
    "Ising, chain of 20, periodic, J=1, h=0.5": ising(chain(20), h=0.5),
    "Ising, chain of 4, periodic, J=4 values, h=1, hz=0.1": ising(chain(4), J=[1, 2, 3, 4], hz=0.1),
    "J1-J2, square 4x4, periodic, J1=1, J2=0.5": j1j2(square(4)),
    "Heisenberg, chain of 3, open, J=1, field=(0, 0, 1)": heisenberg(
        chain(3, False), field=(0, 0, 1)
    ),
}


@pytest.mark.parametrize("name", NAMES)
def test_names(name):
    assert NAMES[name].name == name


def test_every_model_runs_with_its_defaults():
    for model, build in MODELS.items():
        H = build(square(3))
        assert H.spec.model == model
        assert H.is_real


@pytest.mark.submission
@pytest.mark.netket
def test_matrices_are_those_of_netket():
    netket = pytest.importorskip("netket")
    for length, dim, lattice in ((6, 1, chain(6)), (3, 2, square(3))):
        graph = netket.graph.Hypercube(length, dim, pbc=True)
        hilbert = netket.hilbert.Spin(0.5, graph.n_nodes)
        theirs = netket.operator.Ising(hilbert, graph, h=0.7, J=-1.3).to_dense()
        np.testing.assert_allclose(ising(lattice, h=0.7, J=-1.3).to_dense(), theirs, atol=1e-12)
        theirs = netket.operator.Heisenberg(hilbert, graph, sign_rule=False).to_dense()
        np.testing.assert_allclose(heisenberg(lattice).to_dense(), theirs, atol=1e-12)


@pytest.mark.submission
@pytest.mark.netket
def test_j1j2_and_marshall_matrices_are_those_of_netket():
    netket = pytest.importorskip("netket")
    graph = netket.graph.Chain(8, max_neighbor_order=2)
    hilbert = netket.hilbert.Spin(0.5, 8)
    theirs = netket.operator.Heisenberg(hilbert, graph, J=[1.0, 0.4], sign_rule=[True, False])
    mine = j1j2(chain(8), J2=0.4, marshall=True)
    np.testing.assert_allclose(mine.to_dense(), theirs.to_dense(), atol=1e-12)


def test_textbook_two_site_singlet():
    energies = np.linalg.eigvalsh(matrix(heisenberg(chain(2, False)).terms, 2))
    np.testing.assert_allclose(energies, [-3, 1, 1, 1], atol=1e-12)
