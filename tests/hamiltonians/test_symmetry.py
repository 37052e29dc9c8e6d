import numpy as np
import pytest
from symmetry_twins import act_on_states, symmetric_basis

from hamiltonians import (
    Sector,
    SymmetryGroup,
    SymmetrySector,
    X,
    Y,
    Z,
    chain,
    from_edges,
    ground_state,
    heisenberg,
    ising,
    j1j2,
    spin_hamiltonian,
    square,
    symmetry_group,
    triangular,
    xxz,
)
from hamiltonians.symmetry.characters import commutator_subgroup, linear_characters

SHIFT = np.roll(np.arange(6), 1)
MIRROR = np.arange(6)[::-1]
DIHEDRAL = SymmetryGroup.generated([SHIFT, MIRROR])


def cyclic(n):
    return SymmetryGroup.generated([np.roll(np.arange(n), 1)])


def symmetric(n):
    """All permutations, from a transposition and a cycle."""
    swap = np.arange(n)
    swap[:2] = 1, 0
    return SymmetryGroup.generated([swap, np.roll(np.arange(n), 1)])


@pytest.mark.parametrize(
    ("group", "order"), [(cyclic(7), 7), (DIHEDRAL, 12), (symmetric(4), 24), (symmetric(5), 120)]
)
def test_generated_groups_are_closed(group, order):
    assert group.order == len(group) == order
    assert (group.permutations[0] == np.arange(group.n_sites)).all()
    known = {tuple(row) for row in group.permutations.tolist()}
    assert len(known) == order
    for left in group.permutations:
        assert {tuple(row) for row in group.permutations[:, left].tolist()} == known


def test_products_act_in_turn():
    sigma = np.random.default_rng(1).choice([-1, 1], (5, 4))
    group = symmetric(4)
    table = group.multiplication_table
    for i in range(group.order):
        for j in (0, 3, 17):
            assert (group.act(table[i, j], sigma) == group.act(i, group.act(j, sigma))).all()
            assert table[i, j] == group.product(i, j)
        assert group.product(i, group.inverse(i)) == 0


def test_rows_act_on_states_as_operators():
    sector = Sector(4)
    group = symmetric(4)
    for i, j in [(3, 5), (8, 20), (1, 23)]:
        first = act_on_states(sector, group.permutations[j])
        then = act_on_states(sector, group.permutations[i])
        both = act_on_states(sector, group.permutations[group.product(i, j)])
        assert (then[first] == both).all()


@pytest.mark.parametrize(
    ("group", "count"),
    [(cyclic(12), 12), (DIHEDRAL, 4), (symmetric(3), 2), (symmetric(4), 2), (symmetric(5), 2)],
)
def test_linear_characters(group, count):
    characters = linear_characters(group)
    assert characters.shape == (count, group.order)
    assert (characters[0] == 1).all()
    np.testing.assert_allclose(
        characters @ characters.conj().T, group.order * np.eye(count), atol=1e-10
    )
    products = characters[:, group.multiplication_table]
    np.testing.assert_allclose(
        products, characters[:, :, None] * characters[:, None, :], atol=1e-12
    )
    assert count * len(commutator_subgroup(group)) == group.order


def test_sectors_of_an_abelian_group_are_all_states():
    sector = Sector(6)
    found = [symmetric_basis(sector, s) for s in cyclic(6).sectors(spin_inversion=True)]
    basis = np.concatenate(found, axis=1)
    assert basis.shape == (64, 64)
    np.testing.assert_allclose(basis.conj().T @ basis, np.eye(64), atol=1e-12)


def test_subgroup_and_index():
    rotations = DIHEDRAL.subgroup([DIHEDRAL.index(np.roll(np.arange(6), k)) for k in range(1, 6)])
    assert rotations.order == 6
    with pytest.raises(ValueError, match="must belong to the group"):
        DIHEDRAL.index([1, 0, 2, 3, 4, 5])


def test_labels_follow_the_elements():
    group = SymmetryGroup([[0, 1], [1, 0]], ("1", "swap"))
    assert group.subgroup([1]).labels == ("1", "swap")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[1, 0], [0, 1]], "identity must be the first"),
        ([[0, 1, 2], [1, 2, 0]], "closed under products, got 2 rows"),
        ([[0, 1], [1, 0], [1, 0]], "must differ, got 3 rows of which 2"),
        ([[0, 1], [0, 0]], r"sites 0 to 1 once, got \[0, 0\] in row 1"),
        ([0, 1], r"shape \(order, n_sites\)"),
        ([[0.0, 1.0]], "must be integers"),
    ],
)
def test_what_is_no_group_is_refused(rows, message):
    with pytest.raises((ValueError, TypeError), match=message):
        SymmetryGroup(rows)


def test_groups_too_large_are_refused():
    with pytest.raises(ValueError, match="at most max_order=50"):
        SymmetryGroup.generated([[1, 0, 2, 3, 4], [1, 2, 3, 4, 0]], max_order=50)


@pytest.mark.parametrize(
    ("characters", "message"),
    [
        (np.ones(5), r"shape \(6,\)"),
        (np.arange(6), "chi"),
        (np.exp(1j * np.arange(6)), "deviation"),
        (np.full(6, np.nan), "deviation of nan"),
    ],
)
def test_what_is_no_representation_is_refused(characters, message):
    with pytest.raises(ValueError, match=message):
        SymmetrySector(cyclic(6), characters)


def test_spin_inversion_is_checked():
    sector = SymmetrySector(cyclic(6), np.ones(6), label="k=0")
    assert sector.with_spin_inversion(-1).label == "k=0 -"
    assert sector.with_spin_inversion(-1).with_spin_inversion(1).label == "k=0 +"
    sector.with_spin_inversion(1).check(ising(chain(6)))
    for parity in (0, 2, True, "+"):
        with pytest.raises(ValueError, match="None, 1 or -1"):
            sector.with_spin_inversion(parity)
    with pytest.raises(ValueError, match=r"Z\(0\) changes sign"):
        sector.with_spin_inversion(1).check(ising(chain(6), hz=0.1))
    with pytest.raises(ValueError, match="total_sz=1"):
        sector.with_spin_inversion(1).check(heisenberg(chain(6), total_sz=1))
    sector.check(heisenberg(chain(6), total_sz=1))


@pytest.mark.parametrize("marshall", [False, True])
def test_lattice_models_are_invariant(marshall):
    lattice = square(4)
    for H in (heisenberg(lattice, marshall=marshall), j1j2(lattice, J2=0.3, marshall=marshall)):
        lattice.space_group().leaves_invariant(H)


def test_groups_that_move_couplings_are_refused():
    J = np.ones(6)
    J[2] = 1.5
    with pytest.raises(ValueError, match=r"moves 1 .* onto .* with coefficient 1.5"):
        DIHEDRAL.leaves_invariant(heisenberg(chain(6), J=J))
    with pytest.raises(ValueError, match="8 sites of the Hamiltonian, got one on 6"):
        DIHEDRAL.leaves_invariant(heisenberg(chain(8)))
    chiral = spin_hamiltonian(sum((X(i) * Y((i + 1) % 6) for i in range(6)), start=0 * Z(0)))
    cyclic(6).leaves_invariant(chiral)
    with pytest.raises(ValueError, match="leave the Hamiltonian invariant"):
        DIHEDRAL.leaves_invariant(chiral)
    assert DIHEDRAL.restricted_to(chiral).order == 6


def test_symmetries_of_a_hamiltonian_are_found():
    H = xxz(square(4), delta=0.7)
    assert symmetry_group(H).order == 384
    assert symmetry_group(H + 0.1 * Z(5)).order == 24
    assert symmetry_group(j1j2(square(4), J2=0.4)).order == 128  # further shells tell more
    ring = spin_hamiltonian(sum((X(i) * Y((i + 1) % 5) for i in range(5)), start=0 * Z(0)))
    assert symmetry_group(ring).order == 5
    three = spin_hamiltonian(X(0) * X(1) * Z(2) + X(0) + X(1) + X(2))
    assert symmetry_group(three).order == 2


@pytest.mark.parametrize(
    ("lattice", "order"),
    [
        (square(4), 384),  # the hypercube in four dimensions, 2^4 4!
        (square(6), 288),
        (from_edges([(a, a ^ 1 << b) for a in range(8) for b in range(3) if a < a ^ 1 << b]), 48),
        (from_edges([(i, (i + 1) % 5) for i in range(5)]
                    + [(5 + i, 5 + (i + 2) % 5) for i in range(5)]
                    + [(i, i + 5) for i in range(5)]), 120),  # Petersen's graph
        (from_edges([(0, 1), (1, 2), (2, 3), (3, 4), (1, 5)]), 2),
        (from_edges([(0, 1)], n_sites=4), 4),
    ],
)  # fmt: skip
def test_automorphisms_of_graphs(lattice, order):
    group = lattice.automorphism_group()
    assert group.order == order
    group.leaves_invariant(heisenberg(lattice))
    if lattice.cell is None:
        assert lattice.space_group().order == order


def test_searches_that_are_too_large_are_refused():
    star = from_edges([(0, i) for i in range(1, 12)])
    with pytest.raises(ValueError, match="at most max_order=20000 elements, got at least 40320"):
        star.space_group()
    with pytest.raises(ValueError, match="n_sites must be at most 200 for a search, got 251"):
        from_edges([(0, 250)]).space_group()


def test_ground_state_is_in_the_sector_of_its_name():
    H = heisenberg(triangular(vectors=[[2, 2], [-2, 4]]), total_sz=0)
    psi, sector = ground_state(H).vector, Sector(12, 0)
    (symmetry,) = [s for s in H.lattice.sectors(k=(0, 0)) if s.label == "k=(0,0) A1"]
    basis = symmetric_basis(sector, symmetry.with_spin_inversion(1))
    assert np.linalg.norm(basis.conj().T @ psi) == pytest.approx(1, abs=1e-10)
