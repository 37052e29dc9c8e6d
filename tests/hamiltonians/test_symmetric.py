"""Symmetry sectors: against dense projectors, and together against the full spectrum."""

import itertools

import numpy as np
import pytest
from naive_sectors import eigenvalues, projector, spins_of
from on_threads import on_one_and_two_threads

from hamiltonians import (
    Sector,
    SymmetryGroup,
    SymmetrySector,
    X,
    Z,
    chain,
    full_spectrum,
    ground_state,
    heisenberg,
    ising,
    j1j2,
    kagome,
    rectangle,
    spin_hamiltonian,
    square,
    tilted_square,
    triangular,
    xyz,
)
from hamiltonians.exact.diagonalisation import compiled
from hamiltonians.exact.orbits import OrbitBasis, choose_chunk, count_orbits
from hamiltonians.exact.spectrum import low_spectrum
from hamiltonians.operators.pauli import PauliSum

SQUARE = square(3).space_group()


def random_invariant(group: SymmetryGroup, total_sz: float | None, seed: int):
    """Random couplings on random strings, averaged over the group; conserves S_z if asked to."""
    rng = np.random.default_rng(seed)
    n = group.n_sites
    terms = PauliSum()
    for _ in range(6):
        i, j, k = rng.choice(n, 3, replace=False).tolist()
        a, b, c = rng.normal(size=3).tolist()
        exchange = X(i) * X(j) + PauliSum.from_terms([(1, [(i, "Y"), (j, "Y")])])
        terms += a * exchange + b * Z(i) * Z(j) + 0.3 * c * exchange * Z(k)
        if total_sz is None:
            terms += c * X(i) + b * PauliSum.from_terms([(1, [(i, "X"), (j, "Y"), (k, "Z")])])
    moved = [
        PauliSum.from_terms((v, [(int(place[s]), p) for s, p in string])
                            for string, v in terms.terms.items())
        for place in np.argsort(group.permutations, axis=1)
    ]  # fmt: skip
    return spin_hamiltonian(PauliSum.sum(moved) * (1 / len(moved)), n, total_sz=total_sz)


@pytest.mark.parametrize("total_sz", [None, 0.5, 1.5])
@pytest.mark.parametrize("seed", [1, 2])
def test_random_couplings_in_every_sector_of_a_torus(total_sz, seed):
    H = random_invariant(SQUARE, total_sz, seed)
    for sector in SQUARE.sectors():
        expected = eigenvalues(H, sector)
        assert count_orbits(9, Sector(9, total_sz).n_down, sector) == len(expected)
        if len(expected):
            np.testing.assert_allclose(full_spectrum(H, symmetry=sector), expected, atol=1e-10)


@pytest.mark.parametrize("total_sz", [None, 0])
def test_random_couplings_with_complex_characters(total_sz):
    group = chain(8).translation_group()
    H = random_invariant(group, total_sz, 3)
    together = []
    for sector in group.sectors():
        found = full_spectrum(H, symmetry=sector)
        np.testing.assert_allclose(found, eigenvalues(H, sector), atol=1e-10)
        together.extend(found)
    np.testing.assert_allclose(np.sort(together), full_spectrum(H), atol=1e-10)


@pytest.mark.parametrize("parity", [1, -1])
@pytest.mark.parametrize("H", [heisenberg(chain(8), total_sz=0), xyz(chain(7), Jx=0.3, Jz=0.6)])
def test_parities_under_turning_over_all_spins(H, parity):
    for sector in H.lattice.space_group().sectors():
        both = sector.with_spin_inversion(parity)
        expected = eigenvalues(H, both)
        if len(expected):
            np.testing.assert_allclose(full_spectrum(H, symmetry=both), expected, atol=1e-10)


@pytest.mark.parametrize(
    "H",
    [
        heisenberg(chain(8)),
        j1j2(square(3), total_sz=0.5),
        heisenberg(triangular((3, 3)), total_sz=0.5),
        heisenberg(tilted_square(2, 2), total_sz=0),
        ising(kagome((3, 1), periodic=(True, False)), h=0.6),
        ising(rectangle(3, 3), h=0.7),
    ],
    ids=lambda H: H.name,
)
def test_all_sectors_together_are_the_full_spectrum(H):
    states = low_spectrum(H, 10**6).states
    together = np.sort(np.concatenate([[s.energy] * s.copies for s in states]))
    np.testing.assert_allclose(together, full_spectrum(H), atol=1e-9)


def test_stored_and_found_anew_are_the_same_operator():
    symmetry = chain(12).sector(2 * np.pi / 12, spin_inversion=-1)
    H = j1j2(chain(12), J2=0.3, total_sz=0)
    stored, anew = (compiled(H, symmetry, stored=flag) for flag in (True, False))
    rng = np.random.default_rng(0)
    x = rng.normal(size=stored.dimension) + 1j * rng.normal(size=stored.dimension)
    start = rng.normal(size=stored.dimension) + 0j
    images = [start.copy(), start.copy()]
    shares = [op.multiply(x, y, 0.7, 0.2) for op, y in zip((stored, anew), images, strict=True)]
    np.testing.assert_allclose(images[0], images[1], atol=1e-13)
    assert shares[0] == pytest.approx(shares[1])
    weighted = 0.7 * np.vdot(x * stored.weights, images[0]).real
    assert shares[0] == pytest.approx(weighted)


def test_products_do_not_depend_on_the_number_of_threads():
    H = heisenberg(chain(18), total_sz=0)
    operator = compiled(H, chain(18).sector(0, "even"))
    x = np.random.default_rng(1).normal(size=operator.dimension)

    def image() -> bytes:
        y = np.zeros_like(x)
        operator.multiply(x, y)
        return y.tobytes()

    one, two = on_one_and_two_threads(image)
    assert one == two


@pytest.mark.parametrize("n_down", [None, 4])
def test_representatives_are_the_smallest_of_their_orbits(n_down):
    symmetry = SymmetrySector(SQUARE, np.ones(72))
    basis = OrbitBasis(9, n_down, symmetry)
    sector = Sector(9, None if n_down is None else 0.5)
    images = [basis.relabel(sector.spins_to_states(spins_of(sector)[:, row]))
              for row in SQUARE.permutations]  # fmt: skip
    smallest, sizes = np.unique(np.min(images, axis=0), return_counts=True)
    np.testing.assert_array_equal(basis.listed[0], smallest)
    np.testing.assert_array_equal(basis.listed[1], sizes)


def test_expanded_vectors_are_normalised_eigenvectors():
    H = heisenberg(square(4), total_sz=0)
    symmetry = H.lattice.sector((np.pi, 0), "A1", spin_inversion=1)
    result = ground_state(H, symmetry=symmetry)
    vector = result.expanded()
    assert np.linalg.norm(vector) == pytest.approx(1)
    residual = H.to_sparse() @ vector - result.energy * vector
    assert np.linalg.norm(residual) < 1e-8
    spins = spins_of(Sector(16, 0))
    for row, chi in zip(symmetry.group.permutations[:8], symmetry.characters, strict=False):
        there = Sector(16, 0).rank(Sector(16, 0).spins_to_states(spins[:, row]))
        np.testing.assert_allclose(vector[there] * chi, vector, atol=1e-9)


def test_means_in_a_sector_are_those_of_the_expanded_vector():
    H = j1j2(chain(12), J2=0.4, total_sz=0)
    result = ground_state(H, symmetry=H.lattice.sector(np.pi, "odd", spin_inversion=-1))
    plain = ground_state(H)
    assert result.energy >= plain.energy - 1e-9
    from hamiltonians import expectation

    for observable in (X(0) * X(3), Z(1) * Z(2), Z(4), X(0) * Z(1), 1j * X(0) * X(1)):
        direct = expectation(result.expanded(), observable, Sector(12, 0))
        assert result.expect(observable) == pytest.approx(direct, abs=1e-9)
    zz = result.correlations()
    for i, j in itertools.product(range(12), repeat=2):
        mean = 1.0 if i == j else result.expect(Z(i) * Z(j))
        assert zz[i, j] == pytest.approx(mean, abs=1e-9)


def test_a_group_without_structure_has_a_chunk_too():
    identity = np.arange(7)[None]
    assert 1 <= len(choose_chunk(identity, with_inversion=True)) <= 7
    alone = SymmetrySector(SymmetryGroup(np.arange(1)[None]), np.ones(1))
    assert OrbitBasis(1, None, alone).dimension == 2


def test_projector_of_the_twin_is_one():
    """The twin itself: P^2 = P, and a broken character is no projector."""
    sector = chain(6).translation_sector(np.pi / 3)
    P = projector(Sector(6, 0), sector)
    np.testing.assert_allclose(P @ P, P, atol=1e-12)


@pytest.mark.parametrize(
    ("symmetry", "message"),
    [
        (chain(6).translation_sector(0), "group must act on the 4 sites"),
        (chain(4).sector(0, "odd", spin_inversion=1), "empty sector 'k=0 odd"),
    ],
)
def test_bad_sectors_are_refused(symmetry, message):
    with pytest.raises(ValueError, match=message):
        ground_state(heisenberg(chain(4), total_sz=0), symmetry=symmetry)
