"""Hidden units that begin with a classical order, against product states and known orders."""

import numpy as np
import pytest

import hamiltonians as hm
import rbmqs
from rbmqs.states.classical_order import exchange_couplings, lowest_order, with_classical_order

SEED = np.random.SeedSequence(3)


def order_of(H, seed=0):
    return lowest_order(H, exchange_couplings(H), np.random.default_rng(seed))


def energy_of(H, angles):
    cosines = np.cos(angles[:, None] - angles[None])
    return (exchange_couplings(H) * cosines).sum() / 2


def test_one_hidden_unit_is_the_product_state_and_its_mirror_image():
    H = hm.heisenberg(hm.triangular((3, 4)), total_sz=0)
    zero = rbmqs.RBM(np.zeros(12) + 0j, np.zeros(1) + 0j, np.zeros((12, 1)) + 0j)
    psi = with_classical_order(zero, H, SEED)
    angles = lowest_order(H, exchange_couplings(H), np.random.default_rng(SEED))
    vector = np.ones(1)
    for phi in angles:  # |up> + e^(i phi) |down>, but for a phase
        vector = np.kron(vector, [np.exp(-0.5j * phi), np.exp(0.5j * phi)])
    sigma = np.array([[1 - 2 * int(bit) for bit in f"{n:012b}"] for n in range(2**12)], np.int8)
    np.testing.assert_allclose(np.exp(psi.log_psi(sigma)), 2 * vector.real, atol=1e-12)


@pytest.mark.parametrize(
    ("H", "energy"),
    [
        (hm.heisenberg(hm.triangular(6), total_sz=0), -0.5 * 108),
        (hm.heisenberg(hm.kagome((2, 2)), total_sz=0), -0.5 * 24),
        (hm.j1j2(hm.square(4), J2=0.8, total_sz=0), -2 * 0.8 * 16),
        (hm.j1j2(hm.chain(12), J2=0.4, total_sz=0), 12 * (np.cos(2 * np.pi / 3) * 1.4)),
    ],
)
def test_orders_of_lattices_have_the_known_classical_energy(H, energy):
    """120 degrees on triangles, stripes, and the spiral of J1-J2 with the nearest momentum."""
    for seed in range(3):
        assert energy_of(H, order_of(H, seed)) == pytest.approx(energy, rel=1e-6)


def test_without_translations_no_random_angles_are_lower():
    H = hm.heisenberg(hm.triangular(4, periodic=False), total_sz=0)
    rng = np.random.default_rng(1)
    tried = [energy_of(H, 2 * np.pi * rng.random(16)) for _ in range(2000)]
    assert energy_of(H, order_of(H)) < min(tried) - 1


@pytest.mark.parametrize(
    "H",
    [
        hm.heisenberg(hm.square(4), total_sz=0, marshall=True),
        hm.heisenberg(hm.chain(10), total_sz=0),  # cos of the Neel order vanishes: 5 are odd
        hm.ising(hm.chain(6), h=1.0),
        hm.j1j2(hm.square(4), J2=0.8, total_sz=0, signs="marshall"),
        hm.heisenberg(hm.chain(4), total_sz=0, spin=1),
    ],
)
def test_psi_is_handed_back_where_there_is_no_order_to_begin_with(H):
    psi = rbmqs.RBM.random(H.n_sites, seed=1)
    assert with_classical_order(psi, H, SEED) is psi


def test_real_and_tied_parameters_are_handed_back():
    H = hm.heisenberg(hm.kagome((2, 2)), total_sz=0)
    real = rbmqs.RBM.random(12, seed=1, dtype=float)
    tied = rbmqs.SymmetricRBM.random(H.lattice.translation_group(), seed=1)
    assert with_classical_order(real, H, SEED) is real
    assert with_classical_order(tied, H, SEED) is tied


def test_projected_runs_of_frustrated_models_begin_below_the_ferromagnet():
    """Random parameters of 0.01 began at +24, the energy of parallel spins."""
    first = []
    result = rbmqs.ground_state(
        hm.heisenberg(hm.kagome((2, 2)), total_sz=0), project="symmetric", seed=1, n_iterations=3,
        n_final_samples=64, progress=False, callback=lambda r, _: first.append(r.energy.mean.real),
    )  # fmt: skip
    assert first[0] < 0
    assert result.settings.n_restarts == 1
