import numpy as np
import pytest
from scipy.sparse import csr_array

from hamiltonians import (
    PauliSum,
    X,
    Y,
    Z,
    chain,
    heisenberg,
    identity,
    ising,
    kagome,
    spin_hamiltonian,
    triangular,
    xyz,
)
from hamiltonians.convert import (
    from_networkx,
    from_quspin,
    from_scipy,
    lattice_from_netket,
    lattice_from_networkx,
    lattice_to_networkx,
    to_netket,
    to_networkx,
    to_quspin,
    to_scipy,
)


def random_sum(n_sites, n_terms=30, longest=4, seed=5):
    """Strings of up to ``longest`` letters, Y among them, and a constant."""
    rng = np.random.default_rng(seed)
    terms = [(rng.normal(), [])]
    for _ in range(n_terms):
        sites = rng.choice(n_sites, rng.integers(1, longest + 1), replace=False)
        terms.append((rng.normal(), [(int(i), "XYZ"[rng.integers(3)]) for i in sites]))
    return spin_hamiltonian(PauliSum.from_terms(terms), n_sites)


def same(left, right):
    keys = set(left.terms.terms) | set(right.terms.terms)
    assert left.n_sites == right.n_sites
    for key in keys:
        assert left.terms.terms.get(key, 0) == pytest.approx(right.terms.terms.get(key, 0))


def quspin_matrix(static, n_sites, pauli):
    pytest.importorskip("quspin")
    from quspin.basis import spin_basis_general
    from quspin.operators import hamiltonian

    basis = spin_basis_general(n_sites, pauli=pauli)
    unchecked = {"check_herm": False, "check_symm": False, "check_pcon": False}
    return hamiltonian(static, [], basis=basis, dtype=np.complex128, **unchecked).toarray()


@pytest.mark.parametrize("pauli", [True, False, -1, 0, 1])
def test_quspin_lists_have_our_matrix(pauli):
    H = random_sum(5)
    np.testing.assert_allclose(
        quspin_matrix(to_quspin(H, pauli=pauli), 5, pauli), H.to_dense(), atol=1e-12
    )
    same(from_quspin(to_quspin(H, pauli=pauli), 5, pauli=pauli), H)


@pytest.mark.parametrize("pauli", [True, False, -1])
def test_lists_of_quspin_users_have_its_matrix(pauli):
    static = [
        ["+-", [[0.5, 0, 1], [0.5, 3, 2]]],
        ["-+", [[0.5, 0, 1], [0.5, 3, 2]]],
        ["zz", [[1.25, i, (i + 1) % 4] for i in range(4)]],
        ["+", [[0.2 + 0.7j, 1]]],
        ["-", [[0.2 - 0.7j, 1]]],
        ["xIy", [[-0.3, 0, 1, 2]]],
        ["zzz", [[0.4, 2, 2, 3]]],
        ["I", [[0.1, 0]]],
    ]
    H = from_quspin(static, 4, pauli=pauli)
    np.testing.assert_allclose(H.to_dense(), quspin_matrix(static, 4, pauli), atol=1e-12)


def test_spins_of_a_list_are_half_the_pauli_matrices():
    static = [[pair, [[1.0, 0, 1]]] for pair in ("xx", "yy", "zz")]
    for pauli, singlet in ((False, -0.75), (True, -3.0)):
        energies = np.linalg.eigvalsh(from_quspin(static, pauli=pauli).to_dense())
        assert energies[0] == pytest.approx(singlet)
    assert to_quspin(heisenberg(chain(3)), pauli=False)[0] == [
        "xx", [[4.0, 0, 1], [4.0, 0, 2], [4.0, 1, 2]],
    ]  # fmt: skip


@pytest.mark.parametrize("kind", [csr_array, np.asarray])
@pytest.mark.parametrize("units", ["pauli", "spin"])
def test_matrices_and_back(kind, units):
    H = random_sum(6)
    same(from_scipy(kind(to_scipy(H, units=units).toarray()), units=units), H)


def test_units_of_a_matrix():
    H = random_sum(4) + 0.5 * X(1) * Y(2) * Z(3)
    np.testing.assert_allclose(to_scipy(H, units="pauli").toarray(), H.to_dense())
    halves = {string: value / 2 ** len(string) for string, value in H.terms.terms.items()}
    spins = spin_hamiltonian(PauliSum(halves), 4)
    np.testing.assert_allclose(to_scipy(H, units="spin").toarray(), spins.to_dense())
    chain_in_sector = heisenberg(chain(6), total_sz=1)
    quarter = to_scipy(chain_in_sector, units="spin").toarray()
    np.testing.assert_allclose(4 * quarter, chain_in_sector.to_dense())
    assert quarter.shape == (15, 15)


def test_textbook_matrices_are_read():
    x, y, z = (np.array(m) for m in ([[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]))
    matrix = 0.5 * np.kron(y, np.kron(np.eye(2), x)) - 2 * np.kron(z, np.eye(4)) + np.eye(8)
    expected = spin_hamiltonian(0.5 * Y(0) * X(2) - 2 * Z(0) + identity(), 3)
    same(from_scipy(matrix, units="pauli"), expected)


@pytest.mark.parametrize("operators", ["pauli", "spin"])
def test_graphs_and_back(operators):
    pytest.importorskip("networkx")
    H = random_sum(6, longest=2)
    same(from_networkx(to_networkx(H, operators=operators), operators=operators), H)


def test_graphs_hold_couplings():
    pytest.importorskip("networkx")
    H = xyz(chain(4), Jx=1.0, Jy=2.0, Jz=3.0, field=(0, 0, 0.5))
    graph = to_networkx(H, operators="spin")
    assert graph.edges[0, 1] == {"XX": 4.0, "YY": 8.0, "ZZ": 12.0}
    assert graph.nodes[2] == {"Z": -1.0}


def test_weighted_graphs_of_other_origin():
    networkx = pytest.importorskip("networkx")
    graph = networkx.Graph()
    graph.add_edge("b", "a", weight=2.0)
    graph.add_edge("a", "c")
    H = from_networkx(graph, operators="pauli", weight=["ZZ"])
    same(H, spin_hamiltonian(2.0 * Z(0) * Z(1) + Z(1) * Z(2)))
    S = from_networkx(graph, operators="spin", weight=("XX", "YY", "ZZ"))
    assert S.terms.terms[(0, "X"), (1, "X")] == 0.5
    assert lattice_from_networkx(graph).bonds().tolist() == [[0, 1], [1, 2]]
    assert lattice_from_networkx(networkx.petersen_graph()).automorphism_group().order == 120


def test_lattices_as_graphs():
    networkx = pytest.importorskip("networkx")
    lattice = kagome(2)
    graph = lattice_to_networkx(lattice)
    assert networkx.diameter(graph) == lattice_from_networkx(graph).n_shells
    assert graph.nodes[1]["position"] == tuple(lattice.positions[1])
    assert (lattice_from_networkx(graph).bonds() == lattice.bonds()).all()


@pytest.mark.parametrize("lattice", [triangular(3), chain(6)])
def test_automorphisms_agree_with_networkx(lattice):
    networkx = pytest.importorskip("networkx")
    graph = lattice_to_networkx(lattice)
    matcher = networkx.isomorphism.GraphMatcher(graph, graph)
    found = {tuple(m[i] for i in range(lattice.n_sites)) for m in matcher.isomorphisms_iter()}
    rows = lattice.automorphism_group().permutations
    assert {tuple(row) for row in rows.tolist()} == found


@pytest.mark.parametrize(
    "call",
    [
        lambda: to_quspin(ising(chain(4))),
        lambda: from_quspin([["z", [[1.0, 0]]]]),
        lambda: to_scipy(ising(chain(4))),
        lambda: from_scipy(np.eye(4)),
        lambda: to_networkx(ising(chain(4))),
        lambda: from_networkx(None),
        lambda: to_netket(ising(chain(4))),
    ],
)
def test_the_factor_must_be_said(call):
    with pytest.raises(TypeError, match="missing 1 required keyword-only argument"):
        call()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: to_quspin(ising(chain(4)), pauli=2), ValueError, "True, False or -1 .* got 2"),
        (lambda: to_quspin(ising(chain(4)), pauli="spin"), ValueError, "got 'spin'"),
        (lambda: from_quspin([["zz", [[1, 0]]]], pauli=True), ValueError, "name 2 sites, got"),
        (lambda: from_quspin([["n", [[1, 0]]]], pauli=True), ValueError, "x, y, z, .* got 'n'"),
        (lambda: from_quspin(["zz"], pauli=True), TypeError, "pairs, got 'zz'"),
        (lambda: from_quspin([["+", [[1, 0]]]], pauli=True), ValueError, "Hermitian"),
        (lambda: from_quspin([1], pauli=True), TypeError, "pairs, got 1"),
        (lambda: to_scipy(ising(chain(4)), units="S"), ValueError, "'pauli' .* or 'spin' .*'S'"),
        (lambda: from_scipy(np.eye(3), units="pauli"), ValueError, r"\(2\^N, 2\^N\) .* \(3, 3\)"),
        (lambda: from_scipy(np.eye(4)[:, :2], units="pauli"), ValueError, r"got \(4, 2\)"),
        (lambda: from_scipy(csr_array((2**17, 2**17)), units="pauli"), ValueError, "at most 16"),
        (lambda: from_scipy(np.triu(np.ones((4, 4))), units="spin"), ValueError, "Hermitian"),
        (lambda: from_scipy(np.ma.masked_equal(np.eye(4), 0), units="spin"), TypeError, "masked"),
        (lambda: from_scipy(np.eye(4, dtype=object), units="spin"), TypeError, "dtype object"),
        (lambda: from_quspin([["zz", 5]], pauli=True), TypeError, "must be lists, got 5"),
        (lambda: from_quspin([["zz", [5]]], pauli=True), TypeError, "must be a list, got 5"),
        (lambda: from_quspin([["z", [["a", 0]]]], pauli=True), TypeError, "a number, got 'a'"),
    ],
)
def test_bad_input_is_one_line(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_bad_graphs_are_refused():
    networkx = pytest.importorskip("networkx")
    with pytest.raises(TypeError, match="undirected"):
        lattice_from_networkx(networkx.DiGraph([(0, 1)]))
    with pytest.raises(ValueError, match="at most two sites"):
        to_networkx(spin_hamiltonian(X(0) * X(1) * X(2)), operators="pauli")
    with pytest.raises(ValueError, match="got 'WW'"):
        from_networkx(networkx.path_graph(3), operators="pauli", weight=["WW"])
    graph = networkx.Graph()
    graph.add_edge(0, 1, zz=1.0)
    with pytest.raises(ValueError, match=r"edge \(0, 1\) has a coupling 'zz'; known there are XX"):
        from_networkx(graph, operators="pauli")
    graph = networkx.Graph()
    graph.add_edge(0, 1, weight=1.0)  # which counts only with weight=
    with pytest.raises(ValueError, match=r"edge \(0, 1\) has no coupling .* give weight="):
        from_networkx(graph, operators="pauli")
    graph.add_node(0, ZZ=1.0)
    with pytest.raises(ValueError, match="node 0 has a coupling 'ZZ'; known there are X, Y, Z"):
        from_networkx(graph, operators="pauli", weight=["ZZ"])
    with pytest.raises(TypeError, match="graph of NetKet, got Graph"):
        lattice_from_netket(graph)
