"""Numbers that are too large are refused in one line, at once, before anything is allocated."""

import time

import numpy as np
import psutil
import pytest

import hamiltonians as hm
import rbmqs
from hamiltonians import TooLargeError
from hamiltonians.convert import to_scipy
from rbmqs.boltzmann import BernoulliRBM, LayeredRBM
from rbmqs.sampling.metropolis import MetropolisSampler

BIG = 10**9
H = hm.ising(hm.chain(8))
PSI = rbmqs.RBM.random(8)
LARGE, SECTOR = hm.ising(hm.chain(40)), hm.heisenberg(hm.chain(40), total_sz=0)


def run(**options):
    return rbmqs.ground_state(H, progress=False, n_iterations=2, **options)


CALLS = {
    "Pauli site": lambda: hm.spin_hamiltonian(hm.Z(BIG)),
    "n_sites": lambda: hm.spin_hamiltonian(hm.Z(0), BIG),
    "edges": lambda: hm.from_edges([[0, BIG]]),
    "edges, array": lambda: hm.from_edges(np.array([[0, BIG]])),
    "sites of edges": lambda: hm.from_edges([[0, 1]], BIG),
    "alpha": lambda: run(alpha=1e9),
    "n_hidden": lambda: run(n_hidden=BIG),
    "n_features": lambda: run(tied="translations", n_features=BIG),
    "n_chains": lambda: run(alpha=1, n_chains=BIG, n_samples=2 * BIG),
    "n_samples": lambda: run(alpha=1, n_samples=BIG),
    "n_final_samples": lambda: run(alpha=1, n_final_samples=BIG),
    "RBM": lambda: rbmqs.RBM.random(BIG),
    "RBM, alpha": lambda: rbmqs.RBM.random(8, alpha=1e9),
    "measure": lambda: rbmqs.measure(PSI, H, n_samples=BIG),
    "measure, chains": lambda: rbmqs.measure(PSI, H, n_samples=100, n_chains=BIG),
    "sample": lambda: PSI.sample(BIG),
    "chains": lambda: MetropolisSampler.for_hamiltonian(H, n_chains=BIG).start(1),
    "k": lambda: hm.ground_state(hm.ising(hm.chain(30)), k=BIG),
    "Krylov vectors": lambda: hm.evolve(H, np.ones(256), [1.0], n_vectors=BIG),
    "exact": lambda: hm.ground_state(hm.ising(hm.chain(60))),
    "spectrum": lambda: hm.full_spectrum(LARGE),
    "levels": lambda: hm.low_spectrum(LARGE),
    "sparse": LARGE.to_sparse,
    "sparse, sector": SECTOR.to_sparse,
    "dense": hm.ising(hm.chain(24)).to_dense,
    "SciPy": lambda: to_scipy(LARGE, units="pauli"),
    "basis": hm.Sector(40).basis_states,
    "basis, sector": hm.Sector(60, 0).basis_states,
    "configurations": hm.Sector(60, 0).configurations,
    "n_components": lambda: BernoulliRBM(10**12).fit(np.eye(8)),
    "n_components, layers": lambda: LayeredRBM(n_components=10**12).fit(np.eye(8)),
}


@pytest.mark.parametrize("name", CALLS)
def test_too_large(name):
    process, began = psutil.Process(), time.perf_counter()
    before = process.memory_info().rss
    with pytest.raises(TooLargeError) as caught:
        CALLS[name]()
    assert time.perf_counter() - began < 2
    assert process.memory_info().rss - before < 2**26
    text = str(caught.value)
    assert "\n" not in text
    assert "would take" in text
    assert "available are" in text


@pytest.mark.parametrize("make", [hm.chain, hm.square, hm.triangular, hm.ladder, hm.kagome])
def test_lattices_say_how_many_sites_there_may_be(make):
    with pytest.raises(ValueError, match=r"at most 100000 sites, got \d+"):
        make(BIG)
