"""What ranks, threads here, no longer repeat: sums over sectors and probe chains."""

import dataclasses

import numpy as np
import pytest
from thread_ranks import on_ranks

import rbmqs
from hamiltonians import chain, heisenberg
from rbmqs.sampling.distributed import DistributedSampler
from rbmqs.sampling.metropolis import MetropolisSampler
from rbmqs.vmc.extensions.probe_chains import ProbeChains
from rbmqs.vmc.full_summation import Summation, exact_statistics
from rbmqs.vmc.settings import SamplingSettings

N = 6
H = heisenberg(chain(N), total_sz=0, marshall=True)
PSI = rbmqs.RBM.random(N, alpha=1, seed=3, stddev=0.3)
SAMPLER = MetropolisSampler.for_hamiltonian(H, n_chains=30)


@pytest.mark.parametrize("size", [2, 3, 7, 13])
def test_a_sum_over_a_sector_is_divided_by_rows(size):
    """The 20 states, 10 up to inversion, or all on each rank where some would have none."""
    settings = SamplingSettings(summation=True)
    alone = Summation.wanted(H, PSI, settings).batch(PSI)

    def work(ranks):
        division = DistributedSampler(SAMPLER, ranks).division
        batch = Summation.wanted(H, PSI, settings, division).batch(PSI)
        return batch.spins, batch.local_energies, batch.weights, batch.energy

    n = len(alone.spins)
    everyone = on_ranks(size, work)
    for rank, (*own, energy) in enumerate(everyone):
        assert energy.mean == pytest.approx(alone.energy.mean, rel=1e-13)
        assert energy.variance == pytest.approx(alone.energy.variance, rel=1e-12)
        part = slice(rank * n // size, (rank + 1) * n // size) if n >= size else slice(None)
        whole = (alone.spins, alone.local_energies, alone.weights)
        for found, expected in zip(own, whole, strict=True):
            np.testing.assert_allclose(found, expected[part], rtol=1e-12)


@pytest.mark.parametrize("size", [2, 3, 11])
def test_probe_chains_are_divided(size):
    """Also where there are more ranks than probe chains."""
    low = exact_statistics(np.zeros(2), np.ones(2))
    far = dataclasses.replace(low, mean=-1e3, variance=1.0)
    probes = ProbeChains.beside(SAMPLER, H, 0.01, 5)
    samples, after = probes.advance(PSI, probes.start(), 0)
    expected = probes.outlying(PSI, samples, far, 100)

    def work(ranks):
        divided = ProbeChains.beside(DistributedSampler(SAMPLER, ranks), H, 0.01, 5)
        drawn, moved = divided.advance(PSI, divided.start(), 0)
        assert len(drawn.spins) <= -(-len(probes.kinds) // size)
        return moved, divided.outlying(PSI, drawn, far, 100)

    everyone = on_ranks(size, work)
    for moved, outlying in everyone:
        assert np.array_equal(moved.spins, after.spins)
        assert np.array_equal(moved.rng, after.rng)
        assert len(outlying) == len(expected)
        assert outlying.weight == expected.weight
        assert np.array_equal(outlying.probes, expected.probes)
    joined = np.concatenate([outlying.spins for _, outlying in everyone])
    assert np.array_equal(joined, expected.spins)
