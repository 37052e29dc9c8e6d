"""Lattices and operators against NetKet's own."""

import numpy as np
import pytest

import hamiltonians as hm
from hamiltonians.convert import from_netket, lattice_from_netket, lattice_to_netket, to_netket

nk = pytest.importorskip("netket")
pytestmark = pytest.mark.netket

PAIRS = {
    "triangular": (hm.triangular((3, 4)), lambda: nk.graph.Triangular([3, 4])),
    "open triangular": (hm.triangular(3, False), lambda: nk.graph.Triangular([3, 3], pbc=False)),
    "honeycomb": (hm.honeycomb((3, 2)), lambda: nk.graph.Honeycomb([3, 2])),
    "kagome": (hm.kagome((2, 3)), lambda: nk.graph.Kagome([2, 3])),
    "cubic": (hm.cubic(3), lambda: nk.graph.Hypercube(3, n_dim=3)),
    "pyrochlore": (hm.pyrochlore(2), lambda: nk.graph.Pyrochlore([2, 2, 2])),
    "square": (hm.rectangle(3, 4), lambda: nk.graph.Grid([3, 4])),
}


def pairs_of(bonds):
    return {tuple(sorted(map(int, bond))) for bond in bonds}


@pytest.mark.parametrize("name", PAIRS)
def test_sites_and_bonds_are_those_of_netket(name):
    ours, theirs = PAIRS[name][0], PAIRS[name][1]()
    assert ours.n_sites == theirs.n_nodes
    assert pairs_of(ours.bonds()) == pairs_of(theirs.edges())


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (hm.triangular(4), lambda: nk.graph.Triangular([4, 4])),
        (hm.honeycomb(3), lambda: nk.graph.Honeycomb([3, 3])),
        (hm.kagome(2), lambda: nk.graph.Kagome([2, 2])),
        (hm.square(4), lambda: nk.graph.Square(4)),
        (hm.rectangle(3, 4), lambda: nk.graph.Grid([3, 4])),
    ],
)
def test_space_groups_are_those_of_netket(ours, theirs):
    group = {tuple(row) for row in ours.space_group().permutations.tolist()}
    assert group == {tuple(row) for row in np.asarray(theirs().space_group()).tolist()}


def test_graphs_and_back():
    lattice = hm.kagome(2)
    graph = lattice_to_netket(lattice, shell=2)
    assert pairs_of(graph.edges()) == pairs_of(lattice.bonds(2))
    assert (lattice_from_netket(lattice_to_netket(lattice)).bonds() == lattice.bonds()).all()


def operators():
    chain = nk.graph.Chain(5)
    spins = nk.hilbert.Spin(0.5, 5)
    yield nk.operator.Ising(spins, chain, h=0.7, J=-1.2)
    yield nk.operator.Heisenberg(spins, chain, J=0.5, sign_rule=False)
    yield nk.operator.PauliStrings(spins, ["XXIIZ", "IYZIY", "IIIII"], [1.0, 2.0, 0.3])
    local = nk.operator.LocalOperator(spins, dtype=complex)
    for i, j in ((0, 3), (4, 1)):
        local += nk.operator.spin.sigmay(spins, i) @ nk.operator.spin.sigmax(spins, j)
        local += 0.3 * nk.operator.spin.sigmaz(spins, i)
    yield local + 1.5


@pytest.mark.submission
@pytest.mark.parametrize("number", range(4))
def test_operators_have_our_matrix(number):
    operator = list(operators())[number]
    H = from_netket(operator, units="pauli")
    np.testing.assert_allclose(H.to_dense(), operator.to_dense(), atol=1e-12)
    again = to_netket(H, units="pauli")
    np.testing.assert_allclose(again.to_dense(), operator.to_dense(), atol=1e-12)


@pytest.mark.submission
def test_spin_units_are_a_quarter_of_a_heisenberg_energy():
    H = hm.heisenberg(hm.triangular(3), total_sz=0.5)
    operator = to_netket(H, units="spin")
    order = hm.Sector(9, 0.5).rank(
        hm.Sector(9, 0.5).spins_to_states(operator.hilbert.all_states().astype(int))
    )
    ours = H.to_dense()[np.ix_(order, order)]  # NetKet lists the states of a sector otherwise
    np.testing.assert_allclose(4 * operator.to_dense(), ours, atol=1e-12)
    again = from_netket(operator, units="spin")
    assert again.total_sz == 0.5
    np.testing.assert_allclose(again.to_dense(), H.to_dense(), atol=1e-12)


def test_operators_of_other_kinds_are_refused():
    bosons = nk.hilbert.Fock(3, 2)
    with pytest.raises(ValueError, match="must act on spins, got one on Fock"):
        from_netket(nk.operator.boson.number(bosons, 0), units="pauli")
    with pytest.raises(ValueError, match=r"'pauli' .* or 'spin'"):
        from_netket(next(operators()), units="S")
