"""`measure`, `sample` and the expectation of a state against exact enumeration."""

import naive
import numpy as np
import pytest

from hamiltonians import Sector, X, Z, chain, heisenberg, ising
from rbmqs import RBM
from rbmqs.estimators.estimate import Estimate
from rbmqs.estimators.measurement import expect_of_state, measure, sample
from rbmqs.sampling.chains import Samples
from rbmqs.sampling.metropolis import MetropolisSampler

MODELS = {
    "sector": lambda: heisenberg(chain(8), total_sz=0, marshall=True),
    "free": lambda: ising(chain(6), h=0.8),
}


def exact_energy(psi, H):
    vector = psi.state_vector(Sector(H.n_sites, H.total_sz))
    return np.vdot(vector, H.to_sparse() @ vector).real


@pytest.mark.parametrize("metropolis", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_measured_energy_is_that_of_the_state(name, metropolis):
    H = MODELS[name]()
    psi = naive.random_rbm(H.n_sites, 4, scale=0.2)
    sampler = MetropolisSampler.for_hamiltonian(H) if metropolis else None
    found = measure(psi, H, n_samples=4096, seed=2, sampler=sampler)
    assert abs(found.energy.mean - exact_energy(psi, H)) < 4 * found.energy.error_of_mean
    assert found.samples.shape == (16, 256)
    assert found.variance == found.energy.variance > 0
    assert found.warnings == ()
    assert found.correlations().zz.shape == (H.n_sites, H.n_sites)
    assert found.renyi([0, 1]).purity.n_chains == 8
    assert found.dimers().means.shape == (len(H.lattice.bonds()),)
    assert "zz" in found.staggered_magnetisation()
    assert found.structure_factor(spin=False).spin is None
    assert "z" in found.magnetisations()
    assert len(repr(found).splitlines()) <= 20


def test_an_estimate_from_samples_is_the_measured_one():
    H = MODELS["sector"]()
    psi = naive.random_rbm(8, 4, scale=0.2)
    found = measure(psi, H, n_samples=512)
    again = Estimate(psi, H, found.samples)
    assert again.energy == found.energy
    assert again.comparison is None
    assert again.expect(Z(0) * Z(1)) == found.expect(Z(0) * Z(1))


@pytest.mark.parametrize(("n_sites", "total_sz"), [(6, None), (8, 1), (14, 0), (14, None)])
def test_samples_follow_the_squared_amplitudes(n_sites, total_sz):
    """Spin correlations of drawn configurations, by enumeration and by Metropolis chains."""
    psi = naive.random_rbm(n_sites, 3, scale=0.2)
    spins = naive.all_spins(n_sites, total_sz)
    weights = abs(np.exp(psi.log_psi(spins))) ** 2
    expected = (spins.T * weights / weights.sum()) @ spins
    drawn = sample(psi, 8000, total_sz=total_sz, seed=1)
    assert drawn.shape == (16, 500)
    found = drawn.flat.T.astype(float) @ drawn.flat / len(drawn.flat)
    assert abs(found - expected).max() < 6 * np.sqrt(5 / 8000)
    if total_sz is not None:
        assert np.all(drawn.flat.sum(axis=1) == 2 * total_sz)


def test_expectation_of_a_state():
    psi = naive.random_rbm(6, 3, scale=0.2)
    H = MODELS["free"]()
    energy = expect_of_state(psi, H, n_samples=4096)
    assert abs(energy.mean - exact_energy(psi, H)) < 4 * energy.error_of_mean
    vector = psi.state_vector(Sector(6)).reshape((2,) * 6)
    value = np.vdot(vector, vector[::-1]).real
    flip = expect_of_state(psi, X(0), n_samples=4096)
    assert abs(flip.mean - value) < 4 * flip.error_of_mean
    outside = expect_of_state(psi, X(0), n_samples=64, total_sz=0)
    assert outside.mean == 0


def test_bad_input():
    H = MODELS["sector"]()
    psi = naive.random_rbm(8, 2)
    small = naive.random_rbm(6, 2)
    found = measure(psi, H, n_samples=64)
    up = Samples(np.ones((2, 4, 8), np.int8), 1.0)
    wide = Samples(found.samples.spins.astype(float), 1.0)
    calls = [
        (lambda: measure(small, H), "psi has 6 sites, the Hamiltonian 8"),
        (lambda: measure(psi, H, n_samples=0), "n_samples must be at least 1, got 0"),
        (lambda: Estimate(small, H, found.samples), "samples have 8 sites, the state 6"),
        (lambda: Estimate(psi, H, up), "8 of 8 outside, such as total_sz=4"),
        (lambda: Estimate(psi, H, wide), "int8 spins"),
        (lambda: found.expect(Z(8)), "sites 0 to 7"),
        (lambda: found.renyi([0], order=3), "order must be 2"),
        (lambda: sample(psi, 10, total_sz=7), "total_sz"),
        (lambda: expect_of_state(psi, Z(9)), "sites 0 to 7"),
        (lambda: expect_of_state(psi, H, total_sz=1), "total_sz=0.0, got 1"),
    ]
    for call, message in calls:
        with pytest.raises(ValueError, match=message):
            call()
    with pytest.raises(TypeError, match="SpinHamiltonian or a PauliSum, got str"):
        expect_of_state(psi, "zz")


def test_fidelity_with_another_state_its_estimate_and_a_vector():
    H = MODELS["sector"]()
    sector = Sector(8, 0)
    psi, other = (naive.random_rbm(8, 4, scale=s) for s in (0.2, 0.25))
    exact = other.overlap(psi.state_vector(sector), sector)
    found = measure(psi, H, n_samples=4096)
    for comparison in (
        other,
        measure(other, H, n_samples=4096, seed=5),
        other.state_vector(sector),
    ):
        fidelity = found.fidelity(comparison)
        assert abs(fidelity.mean - exact) < 4.5 * fidelity.error_of_mean
    with pytest.raises(ValueError, match="the other state has 6 sites, this one 8"):
        found.fidelity(naive.random_rbm(6, 2))
    plain = measure(other, heisenberg(chain(8), total_sz=0), n_samples=64)
    with pytest.raises(ValueError, match="different rotation"):
        found.fidelity(plain)


def test_fidelity_of_states_too_large_to_enumerate():
    """A product state of 40 sites, x turned by a small angle: F is a product over the sites."""
    H = ising(chain(40), h=1.0)
    bias = np.full(40, 0.1)
    psi, other = (RBM(b, np.zeros(1), np.zeros((40, 1))) for b in (bias, bias + 0.05))
    one = np.array([[np.exp(b), np.exp(-b)] for b in (0.1, 0.15)])
    exact = ((one[0] @ one[1]) ** 2 / (one[0] @ one[0]) / (one[1] @ one[1])) ** 40
    found = measure(psi, H, n_samples=2048).fidelity(other)
    assert abs(found.mean - exact) < 4.5 * found.error_of_mean
    assert found.error_of_mean < 0.01
