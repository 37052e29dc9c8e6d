import numpy as np
import pytest
from symmetry_twins import spectrum, symmetric_basis

from hamiltonians import (
    Sector,
    SymmetryGroup,
    chain,
    checkerboard,
    cubic,
    from_cell,
    from_edges,
    heisenberg,
    honeycomb,
    j1j2,
    kagome,
    ladder,
    pyrochlore,
    rectangle,
    shuriken,
    square,
    tilted_square,
    triangular,
    unit_cell,
    xxz,
)

TWELVE = triangular(vectors=[[2, 2], [-2, 4]])
CUBIC_CELL = [[-1, 1, 1], [1, -1, 1], [1, 1, -1]]
OBLIQUE = from_cell(unit_cell([[1, 0], [0.3, 1.1]], name="oblique"), (3, 4))

# lattice, translations, point group, space group
ORDERS = [
    (chain(6), 6, 2, 12),
    (chain(6, periodic=False), 1, 2, 2),
    (square(4), 16, 8, 128),
    (square(6), 36, 8, 288),
    (square(3, periodic=False), 1, 8, 8),
    (rectangle(4, 6), 24, 4, 96),
    (rectangle(4, 4, (True, False)), 4, 4, 16),
    (ladder(5), 5, 4, 20),
    (tilted_square(3, 1), 10, 4, 40),
    (tilted_square(3, 3), 18, 8, 144),
    (tilted_square(4, 2), 20, 4, 80),
    (tilted_square(4, 4), 32, 8, 256),
    (tilted_square(5, 5), 50, 8, 400),
    (triangular(6), 36, 12, 432),
    (TWELVE, 12, 12, 144),
    (triangular((4, 3)), 12, 2, 24),
    (honeycomb(3), 9, 12, 108),
    (kagome(2), 4, 12, 48),
    (kagome((3, 2)), 6, 2, 12),
    (shuriken(2), 4, 8, 32),
    (checkerboard(3), 9, 8, 72),
    (cubic(3), 27, 48, 1296),
    (cubic((3, 3, 4)), 36, 16, 576),
    (pyrochlore(2), 8, 24, 384),  # Fd-3m: 48 cosets, half of them glides and screws
    (pyrochlore(vectors=CUBIC_CELL), 4, 24, 192),
    (OBLIQUE, 12, 2, 24),
]


@pytest.mark.parametrize(("lattice", "translations", "point", "space"), ORDERS)
def test_orders(lattice, translations, point, space):
    assert lattice.translation_group().order == translations
    assert lattice.point_group().order == point
    group = lattice.space_group()
    assert group.order == space
    assert SymmetryGroup.generated(group.permutations[list(group.generators)]).order == space
    group.leaves_invariant(heisenberg(lattice))
    for shell in range(1, min(lattice.n_shells, 4) + 1):
        bonds = {frozenset(bond) for bond in lattice.bonds(shell).tolist()}
        for generator in group.generators:
            row = group.permutations[generator]
            assert {frozenset(row[list(bond)].tolist()) for bond in bonds} == bonds


def test_translations_move_by_lattice_vectors():
    lattice = rectangle(3, 5)
    group = lattice.translation_group()
    x, y = lattice.positions.T
    sigma = x * 10 + y
    moved = group.act(group.labels.index("T(1,2)"), sigma)
    assert (moved == (x - 1) % 3 * 10 + (y - 2) % 5).all()


def test_momenta_of_a_tilted_cluster():
    momenta = tilted_square(3, 1).momenta()
    assert momenta.shape == (10, 2)
    assert (momenta[0] == 0).all()
    assert ((momenta > -np.pi) & (momenta <= np.pi)).all()
    phases = np.exp(1j * momenta @ np.array([[3, 1], [-1, 3]]).T)
    np.testing.assert_allclose(phases, 1, atol=1e-12)
    assert len(np.unique(momenta.round(9), axis=0)) == 10


def test_characters_are_bloch_phases():
    lattice = rectangle(3, 4)
    k = np.array([2 * np.pi / 3, -np.pi / 2])
    sector = lattice.translation_sector(k)
    cells = lattice.positions  # translation n moves the origin to site n
    np.testing.assert_allclose(sector.characters, np.exp(-1j * cells @ k), atol=1e-12)
    assert sector.label == "k=(2pi/3,-pi/2)"
    basis = symmetric_basis(Sector(12, 5), sector)  # one spin up: plane waves
    site_of_state = (Sector(12, 5).states_to_spins(Sector(12, 5).basis_states()) < 0).argmax(axis=1)
    wave = np.exp(1j * lattice.positions[site_of_state] @ k) / np.sqrt(12)
    assert basis.shape == (12, 1)
    assert abs(wave.conj() @ basis[:, 0]) == pytest.approx(1)


def random_model(lattice, seed):
    rng = np.random.default_rng(seed)
    H = xxz(lattice, J=rng.normal(), delta=rng.normal(), total_sz=0)
    return H + j1j2(lattice, J1=0.0, J2=rng.normal(), total_sz=0) if lattice.n_shells > 1 else H


@pytest.mark.parametrize(
    "lattice", [chain(10), rectangle(3, 4), TWELVE, kagome(2), tilted_square(3, 1), ladder(5),
                honeycomb((2, 3)), pyrochlore((1, 1, 3), (False, False, True))],
    ids=lambda lattice: lattice.name,
)  # fmt: skip
def test_sectors_exhaust_the_spectrum(lattice):
    H = random_model(lattice, 3)
    sector, dense = Sector(lattice.n_sites, 0), H.to_dense()
    everything = np.linalg.eigvalsh(dense)
    momenta = lattice.translation_sectors()
    np.testing.assert_allclose(spectrum(dense, sector, momenta), everything, atol=1e-10)
    complete = lattice.sectors(complete=True, spin_inversion=True)
    for symmetry in complete:
        symmetry.check(H)
    np.testing.assert_allclose(spectrum(dense, sector, complete), everything, atol=1e-10)


def test_full_little_groups_leave_out_degenerate_levels_only():
    H = random_model(TWELVE, 3)
    sector, dense = Sector(12, 0), H.to_dense()
    found = spectrum(dense, sector, TWELVE.sectors())
    everything = np.linalg.eigvalsh(dense)
    assert 0 < len(found) < len(everything)
    rest = list(everything)
    for energy in found:
        rest.pop(int(np.abs(np.array(rest) - energy).argmin()))
    gaps = np.abs(np.subtract.outer(rest, rest)) + np.eye(len(rest))
    assert gaps.min(axis=1).max() < 1e-9


def test_names_of_irreps():
    labels = [s.label for s in square(4).sectors(k=(np.pi, np.pi), spin_inversion=True)]
    names = ["A1", "A2", "B1", "B2"]
    assert labels == [f"k=(pi,pi) {name} {sign}" for name in names for sign in "+-"]
    K = (2 * np.pi / 3, -2 * np.pi / 3)
    assert [s.label.split()[1] for s in TWELVE.sectors(k=K)] == ["A1", "A2"]
    assert [s.label for s in chain(4).sectors(k=np.pi)] == ["k=pi even", "k=pi odd"]
    assert [s.label for s in chain(5, False).sectors()] == ["even", "odd"]
    assert [s.label for s in tilted_square(3, 1).sectors(k=(0, 0))] == [
        "k=(0,0) A", "k=(0,0) B", "k=(0,0) l=+1", "k=(0,0) l=-1",
    ]  # fmt: skip
    assert [s.label for s in cubic(3).sectors(k=(0, 0, 0))] == [
        "k=(0,0,0) A1g", "k=(0,0,0) A1u", "k=(0,0,0) A2g", "k=(0,0,0) A2u",
    ]  # fmt: skip
    for lattice in (pyrochlore(2), cubic(3), kagome(2)):
        for complete in (False, True):
            found = [s.label for s in lattice.sectors(complete=complete)]
            assert len(set(found)) == len(found)


def test_mulliken_symbols_of_the_square():
    """About the centre of an open square, x^2 - y^2 is B1, xy is B2, and both together A2."""
    lattice = square(4, periodic=False)
    x, y = (lattice.positions - 1.5).T
    functions = {"A1": x**2 + y**2, "B1": x**2 - y**2, "B2": x * y, "A2": x * y * (x**2 - y**2)}
    for name, function in functions.items():
        (symmetry,) = [s for s in lattice.sectors() if s.label == name]
        for element, chi in enumerate(symmetry.characters):
            moved = symmetry.group.act(element, function)
            np.testing.assert_allclose(moved, chi.real * function, atol=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: square(4).sector((np.pi, np.pi), "E"), r"exist at k=\(pi,pi\), .* got 'E'"),
        (lambda: square(4).sector((0, np.pi / 2), "B1"), "there are A', A'', got 'B1'"),
        (lambda: square(4).translation_sector((1, 0)), "one of the 16 momenta .* nearest is"),
        (lambda: square(4).translation_sector(0.0), "2 finite phases"),
        (lambda: chain(4).translation_sector(np.nan), "finite phases"),
        (lambda: from_edges([(0, 1)]).translation_group(), "a lattice with positions"),
        (lambda: from_edges([(0, 1)]).sectors(), "a lattice with positions"),
    ],
)
def test_bad_sectors_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_sector_by_name():
    lattice = square(4)
    assert lattice.sector((np.pi, 0), "B1", -1).label == "k=(pi,0) B1 -"
    assert lattice.sector((np.pi, 0)).group.order == 16
    assert lattice.sector((0, 0), "l=+1").group.order == 64
