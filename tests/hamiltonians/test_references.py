import numpy as np
import pytest

from hamiltonians import (
    PauliSum,
    X,
    Z,
    best_reference,
    chain,
    ground_state,
    heisenberg,
    heisenberg_chain_energy,
    ising,
    ising_chain_energy,
    j1j2,
    rectangle,
    square,
)
from hamiltonians.references.published import SQUARE_J1J2

BETHE = {
    8: -14.604373635750,
    10: -18.061785417968,
    12: -21.549563669781,
    20: -35.617546119506,
    22: -39.147522607063,
    100: -177.291828300369,
    200: -354.534213008967,
}


@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize("n_sites", [3, 4, 5, 6, 7, 8])
def test_free_fermions_match_dense_energies(n_sites, periodic):
    rng = np.random.default_rng(n_sites)
    lattice = chain(n_sites, periodic)
    for _ in range(10):
        h = rng.normal(size=n_sites) * rng.integers(0, 2, size=n_sites)
        J = rng.normal(size=len(lattice.bonds()))
        pairs = [(i, (i + 1) % n_sites) for i in range(len(J))]
        terms = PauliSum.sum(c * Z(i) * Z(j) for c, (i, j) in zip(J, pairs, strict=True))
        terms -= PauliSum.sum(c * X(i) for i, c in enumerate(h))
        exact = np.linalg.eigvalsh(dense(terms, n_sites))[0]
        assert ising_chain_energy(n_sites, h, J, periodic) == pytest.approx(exact, abs=1e-11)


def dense(terms, n_sites):
    from textbook import matrix

    return matrix(terms, n_sites).real


@pytest.mark.parametrize("J", [1.0, -1.0])
@pytest.mark.parametrize("n_sites", [5, 7])
def test_frustrated_and_ferromagnetic_odd_rings(J, n_sites):
    for h in (0.3, 1.0, -1.7, 0.0):
        exact = ground_state(ising(chain(n_sites), h=h, J=J)).energy
        assert ising_chain_energy(n_sites, h, J) == pytest.approx(exact, abs=1e-11)


@pytest.mark.parametrize("n_sites", [20, 80, 1000])
def test_critical_ising_ring(n_sites):
    expected = -2 / np.sin(np.pi / (2 * n_sites))
    assert ising_chain_energy(n_sites) == pytest.approx(expected, rel=1e-13)


def test_ising_numbers_and_duality():
    assert ising_chain_energy(20, 0.5) == pytest.approx(-21.270888306919, abs=1e-11)
    assert ising_chain_energy(80, 4.0) == pytest.approx(-325.019844112881, abs=1e-10)
    assert ising_chain_energy(20, 2.0) == pytest.approx(2 * ising_chain_energy(20, 0.5))


def test_bethe_ansatz():
    assert heisenberg_chain_energy(4) == pytest.approx(-8, abs=1e-12)
    for n_sites, energy in BETHE.items():
        assert heisenberg_chain_energy(n_sites) == pytest.approx(energy, abs=1e-9)
    infinite = 1 - 4 * np.log(2)
    assert heisenberg_chain_energy(1000) / 1000 == pytest.approx(infinite, abs=1e-5)


@pytest.mark.parametrize("n_sites", [6, 8, 10, 12])
def test_bethe_ansatz_matches_exact_diagonalisation(n_sites):
    exact = ground_state(heisenberg(chain(n_sites), total_sz=0)).energy
    assert heisenberg_chain_energy(n_sites) == pytest.approx(exact, abs=1e-10)


@pytest.mark.parametrize("ratio", [0.0, 0.5, 1.0])
def test_published_4x4_energies_are_reproduced(ratio):
    H = j1j2(square(4), J2=ratio, total_sz=0)
    expected = 64 * SQUARE_J1J2[ratio, 4].per_site
    assert ground_state(H).energy == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("H", "kind", "energy"),
    [
        (ising(chain(80), h=0.5), "free fermions", -85.083552797869),
        (ising(chain(5, False), J=[1, 2, 3, 4], h=0.0), "free fermions", -10.0),
        (ising(chain(4), hz=0.5), "exact diagonalisation", None),
        (heisenberg(chain(80), J=2.0, marshall=True), "Bethe ansatz", -283.696609197768),
        (heisenberg(chain(4), total_sz=1), "Bethe ansatz", -4.0),
        (heisenberg(chain(4), J=-1.0), "exact diagonalisation", -4.0),
        (heisenberg(chain(6), J=[1, 1, 1, 1, 1, 2.0]), "exact diagonalisation", None),
        (heisenberg(square(6), total_sz=0), "published", -97.7575895972357),
        (j1j2(square(10), J1=2.0, J2=0.0), "published", -537.242128),
        (j1j2(square(6), J2=0.5, total_sz=0), "published", -72.548590160304),
    ],
)
def test_best_reference(H, kind, energy):
    reference = best_reference(H)
    assert reference.kind == kind
    assert energy is None or reference.energy == pytest.approx(energy, abs=1e-6)
    assert reference.uncertainty > 0


def test_couplings_along_a_ring_are_put_in_order():
    H = ising(chain(6), J=[1, -2, 3, 0.5, 1.5, -1], h=[0.2, 0.4, 1, 1, 3, 0.1])
    assert best_reference(H).energy == pytest.approx(ground_state(H).energy, abs=1e-11)


@pytest.mark.parametrize(
    "H",
    [
        heisenberg(square(10), field=(0, 0, 0.1)),
        heisenberg(square(10), total_sz=1),
        heisenberg(rectangle(10, 8)),
        heisenberg(square(6), J=-1.0),
        heisenberg(chain(41)),
        heisenberg(chain(40), field=(0, 0, 0.1)),
        j1j2(square(10)),
        ising(chain(64), hz=0.1),
        heisenberg(chain(40)) + Z(0),
    ],
)
def test_no_reference_is_better_than_a_wrong_one(H):
    assert best_reference(H) is None


def test_max_dimension():
    assert best_reference(heisenberg(chain(7)), max_dimension=2**6) is None
