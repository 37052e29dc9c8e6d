"""Final estimates of healthy wavefunctions accuse their starts as rarely as stated."""

import numpy as np
import pytest

from hamiltonians import chain, heisenberg, ising, square
from rbmqs import RBM, MetropolisSampler
from rbmqs.estimators.chain_diagnostics import compare_starts
from rbmqs.estimators.local import local_energies
from rbmqs.sampling.initial_configurations import started_chains

N_ESTIMATES = 300
HAMILTONIANS = {
    "flips": ising(chain(8), h=1.0),
    "exchange": heisenberg(chain(8), total_sz=0, marshall=True),
    "square": heisenberg(square(3), total_sz=0.5),
}


@pytest.mark.submission
@pytest.mark.parametrize("sweep_size", [8, 1])
@pytest.mark.parametrize("name", HAMILTONIANS)
def test_healthy_chains_are_accused_at_the_stated_rate(name, sweep_size):
    """At a rate of 5 %, up to 15 + 3.3 sigma of 300: a right test fails with 5e-4 at most."""
    H = HAMILTONIANS[name]
    psi = RBM.random(H.n_sites, alpha=1, seed=5, stddev=0.25)
    sampler = MetropolisSampler.for_hamiltonian(H, n_chains=16, sweep_size=sweep_size)
    accused = 0
    for seed in range(N_ESTIMATES):
        chains, kinds = started_chains(H, psi, sampler, seed)
        samples, _ = sampler.sample(psi, chains, 256, n_discard=300)
        accused += not compare_starts(local_energies(psi, H, samples).real, kinds, 0.05).agrees
    assert accused <= 15 + 3.3 * np.sqrt(300 * 0.05 * 0.95)
