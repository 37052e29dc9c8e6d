import json

import matplotlib
import numpy as np
import pytest

from hamiltonians import (
    chain,
    checkerboard,
    cubic,
    from_cell,
    from_edges,
    ground_state,
    heisenberg,
    honeycomb,
    ising,
    kagome,
    ladder,
    pyrochlore,
    rectangle,
    shuriken,
    square,
    tilted_square,
    triangular,
    unit_cell,
)
from hamiltonians.lattices import lattice_from_description
from hamiltonians.lattices.drawing import bond_segments

matplotlib.use("Agg")
LIEB = unit_cell(np.eye(2), [[0, 0], [0.5, 0], [0, 0.5]], name="Lieb")

# lattice, sites, coordination number
PERIODIC = [
    (triangular(4), 16, 6),
    (triangular(vectors=[[2, 2], [-2, 4]]), 12, 6),
    (triangular(vectors=[[3, 3], [-3, 6]]), 27, 6),
    (honeycomb(2), 8, 3),
    (honeycomb(vectors=[[2, 2], [-2, 4]]), 24, 3),
    (kagome(2), 12, 4),
    (kagome((3, 2)), 18, 4),
    (shuriken(1), 6, 4),
    (shuriken((2, 3)), 36, 4),
    (checkerboard(3), 18, 6),
    (checkerboard(vectors=[[2, 2], [-2, 2]]), 16, 6),
    (cubic(3), 27, 6),
    (pyrochlore(2), 32, 6),
    (pyrochlore(vectors=[[-1, 1, 1], [1, -1, 1], [1, 1, -1]]), 16, 6),
    (ladder(5), 10, 3),
    *[(tilted_square(a, b), n, 4) for a, b, n in
      [(3, 1, 10), (3, 3, 18), (4, 2, 20), (5, 1, 26), (4, 4, 32), (5, 5, 50), (7, 1, 50)]],
]  # fmt: skip


def coordination(lattice, shell=1):
    return np.bincount(lattice.bonds(shell).ravel(), minlength=lattice.n_sites)


@pytest.mark.parametrize(("lattice", "n_sites", "neighbours"), PERIODIC)
def test_sites_and_bonds(lattice, n_sites, neighbours):
    assert lattice.n_sites == n_sites
    assert (coordination(lattice) == neighbours).all()
    assert lattice.is_connected
    assert (lattice.multiplicity() == 1).all()


@pytest.mark.parametrize(
    ("lattice", "shells"),
    [
        (triangular(7), [6, 6, 6, 12]),
        (honeycomb(6), [3, 6, 3, 6]),
        (kagome(5), [4, 4, 6, 8]),  # the third shell: 2 along lines and 4 across hexagons
        (cubic(5), [6, 12, 8, 6]),
        (tilted_square(5, 5), [4, 4, 4, 8]),
    ],
)
def test_shells_have_the_coordination_of_the_infinite_lattice(lattice, shells):
    for shell, number in enumerate(shells, start=1):
        assert (coordination(lattice, shell) == number).all()


def brute_force_distance(lattice):
    """Smallest distance over many images, however oblique the cluster is."""
    steps = np.indices((9,) * len(lattice.translations)).reshape(len(lattice.translations), -1).T
    images = (steps - 4) @ lattice.translations
    apart = lattice.positions[:, None, None] - lattice.positions[None, :, None] + images
    return np.linalg.norm(apart, axis=-1).min(axis=-1)


@pytest.mark.parametrize(
    "lattice",
    [
        triangular(vectors=[[3, 1], [5, 5]]),
        from_cell(LIEB, vectors=[[2, 1], [5, 4]]),
        from_cell(unit_cell([[1, 0], [2.2, 0.9]], name="oblique"), (4, 3)),
        honeycomb((3, 2), periodic=(True, False)),
        pyrochlore((2, 2, 1), periodic=(True, True, False)),
    ],
    ids=lambda lattice: lattice.name,
)
def test_shells_are_by_distance_to_the_nearest_image(lattice):
    distance = brute_force_distance(lattice).round(8)
    values = np.unique(distance)
    for shell in range(1, min(5, lattice.n_shells) + 1):
        i, j = lattice.bonds(shell).T
        assert (distance[i, j] == values[shell]).all()
        assert len(i) == (distance == values[shell]).sum() / 2


def test_images_that_coincide_are_counted_on_request():
    assert chain(4).multiplicity(2).tolist() == [2, 2]
    assert (square(4).multiplicity(2) == 1).all()
    assert (square(4).multiplicity(3) == 2).all()
    assert (square(4).multiplicity(5) == 4).all()
    assert (from_edges([(0, 1)]).multiplicity() == 1).all()


def test_cells_and_sites_are_numbered_in_order():
    lattice = kagome((2, 3))
    a1, a2 = np.array(lattice.cell.vectors)
    for number in range(lattice.n_sites):
        cell, site = divmod(number, 3)
        place = cell // 3 * a1 + cell % 3 * a2 + lattice.cell.basis[site]
        np.testing.assert_allclose(lattice.positions[number], place)


def test_mixed_boundaries():
    assert len(triangular((3, 4), periodic=(True, False)).bonds()) == 3 * 12 - 2 * 3
    assert len(kagome(3, periodic=False).bonds()) == 54 - 11
    assert len(cubic((3, 2, 2), periodic=(True, False, False)).bonds()) == 12 + 6 + 6
    assert len(checkerboard((3, 4), periodic=(True, False)).bonds()) == 63


def test_three_and_four_sublattices():
    for lattice, number in [(triangular(6), 3), (kagome(2), 3), (pyrochlore(2), 4),
                            (checkerboard(4), 4), (shuriken(2), 3)]:  # fmt: skip
        colours = lattice.sublattices(number)
        i, j = lattice.bonds().T
        assert colours[0] == 0
        assert set(colours.tolist()) == set(range(number))
        assert (colours[i] != colours[j]).all()
    with pytest.raises(ValueError, match="no 3 sublattices"):
        triangular(4).sublattices(3)
    assert honeycomb(3).is_bipartite
    assert not kagome(2).is_bipartite


@pytest.mark.parametrize(
    "lattice",
    [chain(5), square(4), rectangle(3, 4, (True, False)), ladder(4, 3), from_edges([(0, 2)]),
     triangular((3, 4), (True, False)), kagome(vectors=[[2, 1], [-1, 2]]), tilted_square(3, 1),
     checkerboard(3), from_cell(LIEB, 3), pyrochlore(2)],
    ids=lambda lattice: lattice.name,
)  # fmt: skip
def test_description_builds_the_lattice_again(lattice):
    again = lattice_from_description(json.loads(json.dumps(lattice.describe())))
    assert again == lattice
    assert hash(again) == hash(lattice)
    assert (again.bonds() == lattice.bonds()).all()


@pytest.mark.parametrize(
    ("lattice", "per_site"),
    [
        # VarBench data set (arXiv:2302.04919), exact diagonalisation: totals in Pauli units
        (kagome((3, 2)), -32.19308309416487 / 18),
        (triangular(4), -34.222059670065 / 16),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_published_energies(lattice, per_site):
    H = heisenberg(lattice, total_sz=0)
    assert ground_state(H).energy / lattice.n_sites == pytest.approx(per_site, abs=1e-11)


def test_clusters_that_are_known_graphs():
    cube = from_edges([(a, a ^ 1 << b) for a in range(8) for b in range(3) if a < a ^ 1 << b])
    full = from_edges([(i, j) for j in range(9) for i in range(j) if i // 3 != j // 3])
    for lattice, twin in [(honeycomb(2), cube), (triangular(3), full)]:
        mine, other = heisenberg(lattice, total_sz=None), heisenberg(twin)
        spectra = [np.linalg.eigvalsh(H.to_dense()) for H in (mine, other)]
        np.testing.assert_allclose(*spectra, atol=1e-10)


def test_models_take_every_lattice():
    for lattice, *_ in PERIODIC:
        assert len(ising(lattice, h=0.5).terms) == len(lattice.bonds()) + lattice.n_sites


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: triangular(2), ValueError, r"longer than 2 .* write periodic=\(False, False\)"),
        (lambda: triangular((2, 4)), ValueError, r"joins sites 0 and .* periodic=\(False, True\)"),
        (lambda: cubic((2, 3, 3)), ValueError, r"write periodic=\(False, True, True\)"),
        (lambda: kagome(1), ValueError, "longer than 1 .* for kagome 1x1, which joins sites 0"),
        (lambda: checkerboard(2), ValueError, "by two bonds"),
        (lambda: pyrochlore(1), ValueError, "longer than 1"),
        (lambda: from_cell(unit_cell([[1]]), 2), ValueError, "write periodic=False"),
        (lambda: from_cell(unit_cell([[1]]), 1), ValueError, "joins a site to itself"),
        (lambda: ladder(2), ValueError, r"write ladder\(2, 2, periodic=False\)"),
        (lambda: tilted_square(1, 1), ValueError, "longer, got .* join sites 0 and 1 by two"),
        (lambda: tilted_square(0, 0), ValueError, r"area 0, got \[\[0, 0\], \[0, 0\]\]"),
        (lambda: triangular(vectors=[[1, 2], [2, 4]]), ValueError, "must not have area 0"),
        (lambda: cubic(vectors=np.ones((3, 3), int)), ValueError, "must not have volume 0"),
        (lambda: triangular(vectors=[[2.5, 1], [0, 3]]), TypeError, "must be integers"),
        (lambda: triangular(vectors=[[3, 0]]), ValueError, r"got shape \(1, 2\)"),
        (lambda: kagome(vectors=[[9999, 9998], [9998, 9997]]), ValueError, "less oblique"),
        (lambda: triangular(), ValueError, "either shape or vectors, got shape=None"),
        (lambda: triangular(3, vectors=[[3, 0], [0, 3]]), ValueError, "either shape or vectors"),
        (lambda: triangular((3, 3, 3)), ValueError, "2 lengths, or one for all"),
        (lambda: triangular(3.5), TypeError, "must be an integer, got 3.5"),
        (lambda: triangular(0), ValueError, "must be at least 1, got 0"),
        (lambda: kagome(10**6), ValueError, "at most 100000 sites, got 3000000000000"),
        (lambda: triangular(4, periodic=(True,)), TypeError, "a pair of them"),
        (lambda: triangular(vectors=[[3, 0], [0, 3]], periodic=False), ValueError, "need shape"),
        (lambda: unit_cell([[1, 0], [2, 0]]), ValueError, "independent, .* of volume 0"),
        (lambda: unit_cell([[1, 0]]), ValueError, r"got shape \(1, 2\)"),
        (lambda: unit_cell(np.eye(2), [[0, 0], [1, 0]]), ValueError, "site 0 at .* and site 1"),
        (lambda: unit_cell(np.eye(2), [[0, 0, 0]]), ValueError, r"basis must have shape \(n, 2\)"),
        (lambda: unit_cell([[np.nan]]), ValueError, "finite"),
        (lambda: unit_cell(np.eye(2), bonds=[(0, 1, (1, 0))]), ValueError, "sites 0 to 0"),
        (lambda: unit_cell(np.eye(2), bonds=[(0, 0)]), TypeError, r"\(site, site, offset\)"),
        (lambda: from_cell("kagome", 2), TypeError, "must be a UnitCell, got str"),
        (lambda: from_cell(unit_cell([[1]], name="graph"), 3), ValueError, "another name"),
        (lambda: chain(4).sublattices(0), ValueError, "at least 1"),
    ],
)
def test_bad_input_is_one_line(call, error, message):
    with pytest.raises(error, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_bonds_are_drawn_whole_or_as_two_halves():
    lattice = triangular((3, 4), periodic=(True, False))
    whole, halves = bond_segments(lattice, lattice.bonds())
    lengths = [np.linalg.norm(b - a) for a, b in whole]
    np.testing.assert_allclose(lengths, 1)
    np.testing.assert_allclose([np.linalg.norm(b - a) for a, b in halves], 0.5)
    assert len(whole) + len(halves) / 2 == len(lattice.bonds())
    assert not bond_segments(square(3, False), square(3, False).bonds())[1]


@pytest.mark.parametrize(
    "lattice", [chain(4), kagome(2), cubic(3), from_edges([(0, 1), (1, 2)]), square(9)]
)
def test_pictures(lattice, tmp_path):
    import matplotlib.pyplot as plt

    axes = lattice.draw(shells=[1, 2])
    assert axes.get_title() == lattice.name
    assert len(axes.texts) == (lattice.n_sites if lattice.n_sites <= 64 else 0)
    axes.figure.savefig(tmp_path / "lattice.png", dpi=40)
    plt.close(axes.figure)


def test_pictures_refuse_what_is_not_there():
    import matplotlib.pyplot as plt

    _, flat = plt.subplots()
    with pytest.raises(ValueError, match='projection="3d"'):
        cubic(3).draw(flat)
    with pytest.raises(ValueError, match="shell must be between"):
        chain(4).draw(flat, shells=7)
    plt.close("all")
