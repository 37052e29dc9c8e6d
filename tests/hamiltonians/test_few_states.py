"""Small sectors of many sites: nothing has 2^N entries, and integers of 64 bits are not needed."""

import numpy as np
import pytest

import hamiltonians as hm
from hamiltonians import Sector, TooLargeError, chain, heisenberg
from hamiltonians.operators.configurations import list_configurations, sparse_on_configurations


def magnons(n_sites):
    """Exact energies of one magnon on the ferromagnetic ring."""
    return np.sort(-n_sites + 4 * (1 - np.cos(2 * np.pi * np.arange(n_sites) / n_sites)))


@pytest.mark.parametrize("n_sites", [37, 50, 62, 63, 64, 200])
@pytest.mark.parametrize("sign", [1, -1])
def test_one_magnon(n_sites, sign):
    """Case 27."""
    H = heisenberg(chain(n_sites), J=-1, total_sz=sign * (n_sites / 2 - 1))
    result = hm.ground_state(H, k=3)
    np.testing.assert_allclose(result.energies, magnons(n_sites)[:3], atol=1e-9)
    np.testing.assert_allclose(hm.full_spectrum(H), magnons(n_sites), atol=1e-9)
    assert result.expect(hm.Z(0)) == pytest.approx(sign * (1 - 2 / n_sites), abs=1e-9)
    assert np.trace(result.correlations()) == pytest.approx(n_sites)
    moved = hm.evolve(H, result.vector, [0.7])[0]
    np.testing.assert_allclose(moved, np.exp(-0.7j * result.energy) * result.vector, atol=1e-8)


def test_two_magnons_take_lanczos():
    H = heisenberg(chain(50), total_sz=23)
    with_vector, alone = hm.ground_state(H), hm.ground_state(H, vectors=False)
    assert with_vector.dimension == 1225
    assert with_vector.energy == pytest.approx(alone.energy, abs=1e-9)
    assert alone.energy == pytest.approx(hm.full_spectrum(H)[0], abs=1e-9)


@pytest.mark.parametrize("n_down", [0, 1, 2, 5, 6, 7])
def test_lists_and_matrices_are_those_of_integers(n_down):
    H = hm.spin_hamiltonian(
        heisenberg(chain(7), J=1.3).terms
        + 0.4 * hm.Z(1) * hm.Z(3) * hm.Z(6)
        + 0.3 * (hm.X(0) * hm.Y(2) - hm.Y(0) * hm.X(2)) * hm.Z(5),
        7,
        total_sz=3.5 - n_down,
    )
    sector = Sector(7, H.total_sz)
    spins = list_configurations(7, n_down)
    np.testing.assert_array_equal(spins, sector.configurations())
    assert spins.dtype == np.int8
    matrix = sparse_on_configurations(H.terms, spins)
    np.testing.assert_allclose(matrix.toarray(), H.to_dense(), atol=1e-14)
    np.testing.assert_array_equal(sector.rank_of_spins(spins), np.arange(len(spins)))


def test_ranks_of_many_sites():
    sector = Sector(70, 34)
    spins = sector.configurations()
    order = np.random.default_rng(1).permutation(len(spins))
    np.testing.assert_array_equal(sector.rank_of_spins(spins[order]), order)
    with pytest.raises(ValueError, match="must lie in the sector"):
        sector.rank_of_spins(-spins)
    with pytest.raises(ValueError, match="63 sites, got 70"):
        sector.basis_states()


def test_what_is_large_is_refused():
    with pytest.raises(ValueError, match="n_sites must be at most 63"):
        Sector(64)
    with pytest.raises(ValueError, match="n_sites must be at most 63"):
        Sector(64, 0)
    with pytest.raises(TooLargeError, match="at most 62 sites, got 80"):
        hm.ground_state(heisenberg(chain(80), total_sz=0))
    H = heisenberg(chain(60), J=-1, total_sz=29)
    with pytest.raises(TooLargeError, match=r"would take .* available are"):
        hm.ground_state(H, symmetry=H.lattice.sectors()[0])
