"""Entanglement entropies of exact states, and full spectra with their vectors."""

import numpy as np
import pytest

from hamiltonians import (
    Sector,
    chain,
    entanglement_entropy,
    full_spectrum,
    ground_state,
    heisenberg,
    ising,
)


def dense_entropy(vector, sites, n_sites, order):
    """By the density matrix itself, from all 2^N amplitudes."""
    rest = [i for i in range(n_sites) if i not in sites]
    psi = vector.reshape((2,) * n_sites).transpose(*sites, *rest).reshape(2 ** len(sites), -1)
    p = np.linalg.eigvalsh(psi @ psi.conj().T)
    p = p[p > 1e-15]
    return -(p * np.log(p)).sum() if order == 1 else np.log((p**order).sum()) / (1 - order)


@pytest.mark.parametrize("order", [1, 2, 0.5, 40])
def test_bell_ghz_and_product(order):
    bell = np.array([0, 1, -1, 0])
    ghz = np.zeros(32)
    ghz[[0, -1]] = 3.0
    product = np.kron([0.6, 0.8j], np.kron([1, 0], [0.8, -0.6]))
    assert entanglement_entropy(bell, [1], order) == pytest.approx(np.log(2), abs=1e-12)
    for sites in ([0], [2, 4], range(4)):
        assert entanglement_entropy(ghz, sites, order) == pytest.approx(np.log(2), abs=1e-12)
    assert entanglement_entropy(product, [0, 2], order) == pytest.approx(0, abs=1e-12)
    assert entanglement_entropy(ghz, [], order) == 0
    assert entanglement_entropy([0, 1, 1, 0], [0], order, Sector(2)) == pytest.approx(np.log(2))


@pytest.mark.parametrize("order", [1, 2, 3.5])
@pytest.mark.parametrize("sites", [(0, 1, 2, 3), (6, 1, 3), (0, 1, 2, 3, 4)])
def test_ring_in_every_basis_against_the_density_matrix(sites, order):
    ring = chain(8)
    free = ground_state(heisenberg(ring))
    expected = dense_entropy(free.vector, sites, 8, order)
    sector = heisenberg(ring, total_sz=0)
    in_sector = ground_state(sector)
    symmetric = ground_state(sector, symmetry=ring.translation_sectors()[0])
    for result in (free, in_sector, symmetric):
        assert entanglement_entropy(result, sites, order) == pytest.approx(expected, abs=1e-9)
    by_vector = entanglement_entropy(in_sector.vector, sites, order, Sector(8, 0))
    assert by_vector == pytest.approx(expected, abs=1e-9)


def test_region_and_its_complement_share_their_entropy():
    rng = np.random.default_rng(3)
    sector = Sector(7, 0.5)
    vector = rng.normal(size=sector.dimension) + 1j * rng.normal(size=sector.dimension)
    whole = np.zeros(2**7, complex)
    whole[sector.basis_states()] = vector / np.linalg.norm(vector)
    one = entanglement_entropy(vector, [0, 3, 4], sector=sector)
    assert one == pytest.approx(entanglement_entropy(vector, [1, 2, 5, 6], sector=sector))
    assert one == pytest.approx(dense_entropy(whole, (0, 3, 4), 7, 1))


def test_sector_of_thirty_sites_needs_no_more_than_its_states():
    sector = Sector(30, 13)
    vector = np.ones(sector.dimension)
    p = np.array([15 * 14 / 2, 15 * 15, 15 * 14 / 2]) / sector.dimension
    assert entanglement_entropy(vector, range(15), sector=sector) == pytest.approx(
        -(p * np.log(p)).sum()
    )


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((np.ones(3), [0]), "sector must be given for a vector of 3 amplitudes"),
        ((np.ones(4), [0], 1, Sector(3)), "state must have shape (8,), got (4,)"),
        ((np.zeros(4), [0]), "finite positive norm, got 0"),
        ((np.ones((4, 4)), [0]), "one vector of amplitudes"),
        ((np.ones(4), [2]), "sites 0 to 1 once each, got [2]"),
        ((np.ones(4), [0, 0]), "once each, got [0, 0]"),
        ((np.ones(4), [0.5]), "must be an integer"),
        ((np.ones(4), [0], 0), "order must be greater than 0"),
    ],
)
def test_bad_input_is_one_line(arguments, reason):
    with pytest.raises((TypeError, ValueError)) as caught:
        entanglement_entropy(*arguments)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("symmetry", [None, chain(6).translation_sectors()[1]])
@pytest.mark.parametrize("H", [ising(chain(6), h=0.7), heisenberg(chain(6), total_sz=1)])
def test_full_spectrum_with_vectors(H, symmetry):
    energies, vectors = full_spectrum(H, symmetry=symmetry, vectors=True)
    np.testing.assert_allclose(energies, full_spectrum(H, symmetry=symmetry), atol=1e-12)
    np.testing.assert_allclose(vectors.conj().T @ vectors, np.eye(len(energies)), atol=1e-12)
    if symmetry is None:
        np.testing.assert_allclose(H.to_dense() @ vectors, vectors * energies, atol=1e-12)


def test_energy_per_site_of_a_result():
    result = ground_state(heisenberg(chain(6), total_sz=0))
    assert result.energy_per_site == pytest.approx(result.energy / 6)
    with pytest.raises(TypeError, match="vectors must be true or false"):
        full_spectrum(heisenberg(chain(4)), vectors="yes")
