"""Rotations about z that make ground states positive: found where they exist, refused elsewhere."""

import numpy as np
import pytest

from hamiltonians import (
    PauliSum,
    X,
    Y,
    Z,
    chain,
    heisenberg,
    honeycomb,
    ising,
    j1j2,
    kagome,
    ladder,
    spin_hamiltonian,
    square,
    xxz,
    xyz,
)
from hamiltonians.models.known_signs import known_signs
from hamiltonians.models.symmetries import sector_of_label, turned_sector
from hamiltonians.symmetry.rotations import Rotation, rotation_from_description


def summed(*terms):
    return spin_hamiltonian(PauliSum.sum(terms))


def twisted(n_bonds):
    """Exchange with a Dzyaloshinskii-Moriya term on the bonds (i, i + 1)."""
    return summed(
        *(X(i) * X(i + 1) + Y(i) * Y(i + 1) + 0.5 * Z(i) * Z(i + 1) for i in range(n_bonds)),
        *(0.7 * (X(i) * Y(i + 1) - Y(i) * X(i + 1)) for i in range(n_bonds)),
    )


RANDOM = np.random.default_rng(3)
KNOWN = {
    "chain": (heisenberg(chain(8)), "marshall"),
    "ladder": (heisenberg(ladder(4, periodic=False), total_sz=0), "marshall"),
    "honeycomb": (xxz(honeycomb(2), delta=-0.5, total_sz=0), "marshall"),
    "ferromagnetic J2": (j1j2(chain(8), J2=-0.4), "marshall"),
    "field against": (ising(chain(6), h=-1.0), "sites"),
    "fields of mixed sign": (ising(ladder(3), h=RANDOM.normal(size=6), hz=0.3), "sites"),
    "random signs": (heisenberg(chain(9, False), J=RANDOM.choice([-1, 1], 8)), "sites"),
    "three sites": (summed(X(0) * X(1) * X(2), X(1) * X(2) * X(3), Z(0) * Z(3)), "sites"),
    "Z of another site": (summed(X(0) + 0.4 * X(0) * Z(1), -X(1) + 0.9 * X(1) * Z(0)), "sites"),
    "Y exchange": (xyz(chain(6), Jx=0.3, Jy=1.0, Jz=0.4), "angles"),
    "field in the plane": (heisenberg(chain(6), J=-1.0, field=(0.3, 0.4, 0.1)), "angles"),
    "twist": (twisted(6), "angles"),
}


@pytest.mark.parametrize("name", KNOWN)
def test_no_element_is_positive_after_the_rotation(name):
    H, rule = KNOWN[name]
    rotation = known_signs(H).rotation
    assert (rotation.rule, rotation.automatic) == (rule, True)
    turned = H.rotated(rotation)
    matrix = turned.to_dense()
    off = matrix - np.diag(np.diag(matrix))
    assert np.abs(off.imag).max() < 1e-12
    assert off.real.max() < 1e-12
    spectra = [np.linalg.eigvalsh(h.to_dense()) for h in (H, turned)]
    np.testing.assert_allclose(*spectra, atol=1e-10)
    back = turned.unrotated()
    np.testing.assert_allclose(back.to_dense(), H.to_dense(), atol=1e-12)
    assert rule == "angles" or back.fingerprint == H.fingerprint
    assert "signs" in turned.name or "phases" in turned.name


@pytest.mark.parametrize(
    "H",
    [ising(chain(6), h=0.7), heisenberg(chain(4), J=-1.0), summed(Z(0) * Z(1)), summed(-X(0))],
    ids=["ising", "ferromagnet", "classical", "one spin"],
)
def test_nothing_is_turned_where_no_element_is_positive(H):
    known = known_signs(H)
    assert known.rotation is None
    assert known.obstacle == ""


UNKNOWN = {
    "triangle": (heisenberg(kagome(2)), "frustrated loop of bonds 0-1, 0-2, 1-2"),
    "odd ring": (heisenberg(chain(5)), "frustrated loop of bonds 0-1, 0-4, 1-2, 2-3, 3-4"),
    "J1-J2": (j1j2(square(4)), "frustrated loop of bonds 0-1, 0-4, 1-4"),
    "field across": (heisenberg(chain(6), field=(1, 0, 0)), "frustrated set of terms on"),
    "Kitaev": (summed(X(0) * X(1), Y(1) * Y(2), Z(2) * Z(0)), "1-2 that ask for angles"),
    "flux": (twisted(3) + (X(3) * X(0) + Y(3) * Y(0)), "complex elements"),
    "cluster state": (summed(Z(0) * X(1) * Z(2)), "flip 1 take more than one sign"),
    "many sites": (
        spin_hamiltonian(PauliSum.from_strings({"XXXXXXXXX": 1.0})),
        "flips 9 sites, more than 8",
    ),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_frustration_is_named(name):
    H, reason = UNKNOWN[name]
    known = known_signs(H)
    assert known.rotation is None
    assert reason in known.obstacle


@pytest.mark.parametrize("seed", range(20))
def test_gauge_transformed_ferromagnets_are_recognised(seed):
    """Random angles on a random graph: what was turned is turned back."""
    rng = np.random.default_rng(seed)
    edges = [(int(rng.integers(i)), i) for i in range(1, 7)]
    edges += [tuple(map(int, sorted(rng.choice(7, 2, replace=False)))) for _ in range(3)]
    bonds = [-(X(i) * X(j) + Y(i) * Y(j)) * rng.uniform(0.2, 1) for i, j in edges]
    angles = rng.uniform(0, 6, 7) if seed % 2 else 3.0 * rng.integers(0, 2, 7)
    H = spin_hamiltonian(Rotation("angles", tuple(angles)).apply(PauliSum.sum(bonds)), 7)
    rotation = known_signs(H).rotation
    matrix = (H if rotation is None else H.rotated(rotation)).to_dense()
    assert np.abs(matrix.imag).max() < 1e-12
    assert matrix.real.max() < 1e-12
    assert rotation is None or rotation.is_real == (seed % 2 == 0)


def test_the_state_of_a_sector_is_in_the_turned_sector():
    """The ground state of the ring of 6 at k = pi, odd, is the symmetric one after the rotation."""
    H = heisenberg(chain(6), total_sz=0)
    rotation = known_signs(H).rotation
    sector = sector_of_label(H, "k=pi even -", "project", "")
    turned = turned_sector(sector, rotation, H)
    assert np.allclose(turned.characters, 1)
    assert turned.spin_inversion == 1
    turned.check(H.rotated(rotation))
    mixed = Rotation("sites", (3, 3, 0, 0, 0, 0))
    assert turned_sector(sector, mixed, H) is None


def test_a_rotation_of_a_run_is_described_and_read():
    rotation = Rotation("angles", (0, 1.5, 2.25), automatic=True)
    assert rotation_from_description({"rotation": rotation.describe()}).automatic
    assert rotation_from_description({"rotation": rotation.describe()}) == rotation
    assert "automatic" not in Rotation("marshall", (0, 3)).describe()
    with pytest.raises(ValueError, match="angles must be 0 to below 6"):
        Rotation("own", (6.5,))
