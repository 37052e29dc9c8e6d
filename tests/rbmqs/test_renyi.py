"""Renyi-2 entropy by the swap estimator against the Schmidt decomposition of the state vector."""

import naive
import numpy as np
import pytest

from hamiltonians import Sector, chain, heisenberg, ising, square, triangular
from rbmqs.estimators.observables import renyi_entropy
from rbmqs.estimators.observables.renyi import swap_values
from rbmqs.sampling.chains import Samples
from rbmqs.sampling.exact import ExactSampler
from rbmqs.sampling.metropolis import MetropolisSampler

MODELS = {
    "free": lambda: ising(chain(6), h=1.0),
    "chain": lambda: heisenberg(chain(8), total_sz=0, marshall=True),
    "square": lambda: heisenberg(square(4, periodic=False), total_sz=0),
    "triangular": lambda: heisenberg(triangular(3), total_sz=0.5),
}


def exact_purity(psi, H, region):
    """Tr rho_A^2 from the singular values of the amplitudes, regions as rows and columns."""
    sector = Sector(H.n_sites, H.total_sz)
    full = np.zeros(2**H.n_sites, complex)
    full[sector.basis_states()] = psi.state_vector(sector)
    rest = [i for i in range(H.n_sites) if i not in region]
    tensor = full.reshape([2] * H.n_sites).transpose([*region, *rest])
    values = np.linalg.svd(tensor.reshape(2 ** len(region), -1), compute_uv=False)
    return float((values**4).sum())


@pytest.mark.parametrize("kind", ["real", "complex", "tied", "projected", "momentum"])
@pytest.mark.parametrize("name", ["free", "chain"])
@pytest.mark.parametrize("region", [(0,), (1, 4), (0, 1, 2)])
def test_swap_by_full_summation(name, kind, region):
    """Every pair of configurations: equality to rounding."""
    H = MODELS[name]()
    psi = {
        "real": naive.random_rbm(H.n_sites, 4, float, scale=0.4),
        "complex": naive.random_rbm(H.n_sites, 4, scale=0.4),
        **naive.symmetric_machines(H.lattice),
    }[kind]
    sector = Sector(H.n_sites, H.total_sz)
    weights = abs(psi.state_vector(sector)) ** 2
    spins = sector.states_to_spins(sector.basis_states())[weights > 1e-24]
    weights = weights[weights > 1e-24]
    n = len(spins)
    pairs = np.stack([np.repeat(spins, n, axis=0), np.tile(spins, (n, 1))])
    values = swap_values(psi, Samples(pairs, 1.0), region, fixed_sector=H.total_sz is not None)
    found = np.outer(weights, weights).ravel() @ values[0]
    assert found == pytest.approx(exact_purity(psi, H, region), rel=1e-10)


@pytest.mark.parametrize("name", MODELS)
def test_sampled_entropy(name):
    H = MODELS[name]()
    psi = naive.random_rbm(H.n_sites, 6, scale=0.15)
    sampler = ExactSampler(Sector(H.n_sites, H.total_sz), 16)
    samples, _ = sampler.sample(psi, sampler.start(2), 1024)
    region = range(H.n_sites // 2)
    found = renyi_entropy(psi, H, samples, region)
    purity = exact_purity(psi, H, tuple(region))
    assert abs(found.purity.mean - purity) < 4 * found.purity.error_of_mean
    assert abs(found.entropy + np.log(purity)) < 4 * found.error
    assert found.error == pytest.approx(found.purity.error_of_mean / purity, rel=0.2)
    assert found.status == ""
    assert found.to_dict()["region"] == list(region)


def test_sector_matters():
    """The broken twin: amplitudes of other sectors must not count."""
    H = MODELS["chain"]()
    psi = naive.random_rbm(8, 4, scale=0.1)
    sampler = MetropolisSampler.for_hamiltonian(H, n_chains=16)
    samples, _ = sampler.sample(psi, sampler.start(2), 1024, n_discard=100)
    purity = exact_purity(psi, H, (0, 1, 2, 3))
    right, wrong = (
        swap_values(psi, samples, (0, 1, 2, 3), fixed_sector=fixed).mean()
        for fixed in (True, False)
    )
    assert right == pytest.approx(purity, rel=0.1)
    assert wrong > 2 * purity


def test_large_relative_error_is_reported():
    H = heisenberg(chain(16), total_sz=0)
    psi = naive.random_rbm(16, 8, scale=0.5)
    sampler = MetropolisSampler.for_hamiltonian(H, n_chains=8)
    samples, _ = sampler.sample(psi, sampler.start(1), 64)
    found = renyi_entropy(psi, H, samples, range(8))
    assert found.status


@pytest.mark.parametrize(
    ("region", "message"),
    [([], "got \\[\\]"), (range(8), "not all"), ([0, 8], "sites 0 to 7"), ([1, 1], "each once")],
)
def test_bad_region(region, message):
    H = MODELS["chain"]()
    psi = naive.random_rbm(8, 2)
    samples = Samples(np.tile(np.array([1, -1], np.int8), (2, 4, 4)), 1.0)
    with pytest.raises(ValueError, match=message):
        renyi_entropy(psi, H, samples, region)


def test_one_chain_is_refused():
    H = MODELS["chain"]()
    samples = Samples(np.tile(np.array([1, -1], np.int8), (1, 4, 4)), 1.0)
    with pytest.raises(ValueError, match="two independent chains or more"):
        renyi_entropy(naive.random_rbm(8, 2), H, samples, [0])
