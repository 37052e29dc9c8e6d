"""Operators on spins of any S: matrices against Kronecker products, algebra, errors."""

import numpy as np
import pytest
from spin_twins import dot_matrix, product_matrix, spin_matrix

import hamiltonians as hm
from hamiltonians import SpinOperator, SpinSector, Sx, Sy, Sz, X, Z, spin_dot, spin_hamiltonian
from hamiltonians.operators.level_connections import connected, level_connections
from hamiltonians.operators.local_space import LocalSpace, count_levels

WORDS = ("Sx", "Sy", "Sz", "Sp", "Sm")
MIXED = [(0.5, 0.5, 0.5), (1, 1, 1), (1.5, 1.5), (2, 1, 0.5), (0.5, 1, 0.5, 1.5)]


def random_terms(spins, seed):
    """A random sum of products of words on up to three sites, and its matrix."""
    rng, dims = np.random.default_rng(seed), [round(2 * s) + 1 for s in spins]
    operator, matrix = 0.0, 0.0
    for _ in range(7):
        sites = rng.choice(len(spins), rng.integers(1, min(3, len(spins)) + 1), replace=False)
        words = rng.choice(WORDS, len(sites))
        value = complex(*rng.normal(size=2))
        product = value
        for word, site in zip(words, sites.tolist(), strict=True):
            product = product * getattr(hm, word)(site, spins[site])
        factors = {s: spin_matrix(w, spins[s]) for w, s in zip(words, sites.tolist(), strict=True)}
        operator, matrix = product + operator, matrix + value * product_matrix(factors, dims)
    return operator, matrix


@pytest.mark.parametrize("spins", MIXED, ids=str)
def test_matrices_of_random_operators_are_kronecker_products(spins):
    operator, matrix = random_terms(spins, 1)
    H = spin_hamiltonian(operator + operator.hermitian_conjugate(), len(spins), spin=spins)
    expected = matrix + matrix.conj().T
    np.testing.assert_allclose(H.to_dense(), expected, atol=1e-12)
    assert H.is_spin_half == (spins == (0.5, 0.5, 0.5))
    assert H.is_real == (not expected.imag.any())
    assert H.trace == pytest.approx(np.trace(expected).real / len(expected), abs=1e-12)
    levels = np.linalg.eigvalsh(expected)
    assert np.abs(levels - H.trace).max() <= H.energy_scale * (1 + 1e-12)


@pytest.mark.parametrize("spins", [s for s in MIXED if s != (0.5, 0.5, 0.5)], ids=str)
def test_connected_configurations_hold_the_matrix(spins):
    """Not Hermitian either: the elements are <sigma|A|sigma'>, the first of them diagonal."""
    operator, matrix = random_terms(spins, 2)
    space = LocalSpace.of_spin(len(spins), spins)
    sector = SpinSector(space)
    sigma = sector.configurations()
    np.testing.assert_array_equal(sector.rank_of_spins(sigma), np.arange(len(sigma)))
    there, elements = connected(level_connections(operator, space), sigma, space)
    np.testing.assert_array_equal(there[:, 0], sigma)
    found = np.zeros_like(matrix, complex)
    for row, columns in enumerate(sector.rank_of_spins(there)):
        np.add.at(found[row], columns, elements[row])
    np.testing.assert_allclose(found, matrix, atol=1e-12)


def test_words_and_algebra():
    assert Sz(0) == Z(0) / 2
    assert Sx(3, 0.5) == X(3) / 2
    commutator = Sx(0, 1) * Sy(0, 1) - Sy(0, 1) * Sx(0, 1)
    assert (commutator - 1j * Sz(0, 1)).parts == {}
    assert (Sz(0, 1) ** 2 - Sz(0, 1) * Sz(0, 1)).parts == {}
    assert (2 * Sz(1, 1.5) / 2 - Sz(1, 1.5) + 3 - 3).parts == {}
    assert np.float64(2) * Sz(0, 1) == Sz(0, 1) * 2
    assert spin_dot(0, 1, 1) == spin_dot(1, 0, 1)
    assert Z(0) * Sz(1, 1) == Sz(1, 1) * Z(0)
    assert (X(0) @ Sz(1, 1)).local_dims == {0: 2, 1: 3}
    total = sum(spin_dot(i, j, 1) for i in range(3) for j in range(3) if i != j)
    square = spin_hamiltonian(total + 6).to_dense()  # S_total^2 of three spins 1
    values, counts = np.unique(np.linalg.eigvalsh(square).round(9), return_counts=True)
    assert dict(zip(values.tolist(), counts.tolist(), strict=True)) == {0: 1, 2: 9, 6: 10, 12: 7}
    mixed = spin_hamiltonian(spin_dot(0, 1, (1, 0.5)), spin=(1, 0.5)).to_dense()
    np.testing.assert_allclose(mixed, dot_matrix(0, 1, (1, 0.5)), atol=1e-15)
    again = SpinOperator(total.parts.items(), total.local_dims)
    assert again == total
    assert hash(again) == hash(total)


def test_parts_do_not_depend_on_how_an_operator_is_written():
    a = Sz(0, 1) * Sz(1, 1)
    bond = np.kron(spin_matrix("Sz", 1), spin_matrix("Sz", 1))
    assert SpinOperator.from_matrix(bond, (1, 0)) == a
    wide = np.kron(bond, np.eye(3))
    assert SpinOperator.from_matrix(wide, (0, 1, 2)).parts.keys() == {(0, 1)}
    half = SpinOperator.from_matrix(np.diag([1.0, -1.0]), (0,), 0.5)
    assert spin_hamiltonian(half + 0.5, 2, spin=0.5).terms == Z(0) + 0.5


@pytest.mark.parametrize("total_sz", [-0.5, 1.5, 3.5])
def test_sectors_list_what_is_there(total_sz):
    space = LocalSpace.of_spin(4, (1, 0.5, 1, 1))
    sector = SpinSector(space, total_sz)
    everything = SpinSector(space).configurations()
    expected = everything[everything.sum(axis=1) == 2 * total_sz]
    np.testing.assert_array_equal(sector.configurations(), expected)
    assert sector.dimension == len(expected)
    np.testing.assert_array_equal(sector.rank_of_spins(expected), np.arange(len(expected)))


def test_levels_are_counted_under_a_blockade():
    pairs = [(0, 1), (1, 2), (2, 3), (3, 0), (0, 2)]
    space = LocalSpace.of_spin(4, (1, 0.5, 1, 1), pairs)
    sigma = SpinSector(LocalSpace.of_spin(4, space.spins)).configurations()
    up = space.levels(sigma) == 0
    kept = ~np.any([up[:, i] & up[:, j] for i, j in pairs], axis=0)
    np.testing.assert_array_equal(SpinSector(space).configurations(), sigma[kept])
    assert SpinSector(space).dimension == kept.sum()
    at_half = kept & (sigma.sum(axis=1) == -1)
    assert SpinSector(space, -0.5).dimension == at_half.sum()
    assert count_levels([2, 2], [1, 1], 5) == 0


def test_rotations_keep_a_constant():
    H = hm.aklt(hm.chain(4), signs="marshall")
    assert H.trace == pytest.approx(hm.aklt(hm.chain(4)).trace)
    levels = [np.linalg.eigvalsh(one.to_dense()) for one in (H, H.unrotated())]
    np.testing.assert_allclose(*levels, atol=1e-12)
    assert hm.best_reference(hm.heisenberg(hm.chain(4), spin=1)).energy == pytest.approx(-6)


def test_rotations_about_z_act_on_levels():
    H = hm.heisenberg(hm.chain(4), spin=1.5, signs="marshall")
    plain = hm.heisenberg(hm.chain(4), spin=1.5)
    sigma = SpinSector(plain.local_space).configurations()
    lowered = plain.local_space.levels(sigma)[:, ::2].sum(axis=1)
    U = (-1.0) ** lowered
    np.testing.assert_allclose(H.to_dense(), U[:, None] * plain.to_dense() * U, atol=1e-14)
    assert H.to_dense()[~np.eye(256, dtype=bool)].max() <= 0
    assert H.unrotated().terms == plain.terms


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (lambda: Sz(0, 0.7), "spin must be 0.5, 1, 1.5, ... up to 60, got 0.7"),
        (lambda: Sz(0, "1"), "spin must be a number such as 0.5 or 1, got '1'"),
        (lambda: Sz(0, True), "spin must be a number"),
        (lambda: Sz(-1, 1), "a site must be at least 0, got -1"),
        (lambda: Sz(0, 1) + Sz(0, 1.5), "spin must be one on each site, got S = 1 and 1.5 on"),
        (lambda: Sz(0, 1) + Z(0), "spin must be one on each site, got S = 1 and 0.5 on site 0"),
        (lambda: Sz(0, 1) * np.nan, "a factor of an operator must be finite"),
        (lambda: SpinOperator.from_matrix(np.eye(4), (0, 1)), "matrix must have shape (9, 9)"),
        (lambda: SpinOperator.from_matrix(np.eye(9), (1, 1)), "each once, got [1, 1]"),
        (lambda: SpinOperator.from_matrix(np.full((3, 3), np.inf), (0,)), "matrix has 9 values"),
        (lambda: Sz(0, 1) ** -1, "exponent must be at least 0, got -1"),
        (lambda: np.prod([Sz(i, 1) for i in range(7)]), "at most 1024 states together, got 2187"),
        (lambda: spin_hamiltonian(Sz(0, 1) * 1j), "terms must be Hermitian, got another adjoint"),
        (lambda: spin_hamiltonian(Sx(0, 1), total_sz=0), "the term on sites 0 changes it"),
        (lambda: spin_hamiltonian(Sz(0, 1) * Z(2)), "spin must be given: terms leave it open on"),
        (lambda: spin_hamiltonian(Sz(0, 1), 2, spin=1.5), "terms must act on spin 1.5 on site 0"),
        (lambda: spin_hamiltonian(Sz(3, 1), 2), "n_sites must be at least 4"),
        (lambda: spin_hamiltonian(Sz(0, 1), 2, total_sz=0.5), "an integer between -2 and 2 for 2"),
        (lambda: spin_hamiltonian(Sz(0, 1), 2, spin=(1, 1, 1)), "spin must be one number or 2"),
        (lambda: spin_hamiltonian(Z(0), 2, blockade=[(0, 2)]), "different sites 0 to 1, got"),
        (lambda: spin_hamiltonian(Z(0), 2, blockade=[0]), "blockade must be pairs of sites"),
        (lambda: SpinSector(LocalSpace.of_spin(40, 1)).basis_states(), "must be at most 31"),
        (lambda: LocalSpace.of_spin(2, 1).check("sigma", [[1, 0]]), "must hold 2 S_z = 2, 0, -2"),
        (lambda: hm.xxz(hm.chain(4), D=0.1), "D must be 0 without a spin"),
        (lambda: hm.rydberg(hm.chain(4), blockade=1), "blockade must be true or false, got 1"),
        (lambda: hm.aklt("chain"), "lattice must be a Lattice"),
        (lambda: hm.bilinear_biquadratic(hm.chain(3), np.inf), "angle must be finite"),
        (lambda: hm.long_range_xy(hm.chain(3), alpha=-1), "alpha must be at least 0"),
        (lambda: hm.long_range_xy(hm.from_edges([(0, 1)], 3)), "lattice must join all sites"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line(build, reason):
    with pytest.raises((TypeError, ValueError)) as caught:
        build()
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
