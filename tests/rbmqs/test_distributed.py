"""Chains, samples and sums divided between ranks, which are threads here."""

import numpy as np
import pytest
from thread_ranks import on_ranks

import rbmqs
from hamiltonians import Sector, chain, ising
from rbmqs.sampling.distributed import DistributedSampler
from rbmqs.sampling.exact import ExactSampler
from rbmqs.sampling.metropolis import MetropolisSampler
from rbmqs.sampling.replica_exchange import ReplicaExchangeSampler
from rbmqs.utils.interrupts import Interrupts

N = 6
H = ising(chain(N), h=1.0)
PSI = rbmqs.RBM.random(N, alpha=2, seed=3, stddev=0.3)
SIZES = (1, 2, 3, 5)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 6, 8])
@pytest.mark.parametrize("n", [1, 5, 1000])
def test_sums_are_those_of_all_and_the_same_bits_everywhere(size, n):
    parts = np.random.default_rng(1).normal(size=(size, n))
    found = on_ranks(size, lambda ranks: ranks.sum(parts[ranks.rank]))
    assert np.allclose(found[0], parts.sum(axis=0), rtol=1e-13, atol=1e-13)
    assert all(np.array_equal(each, found[0]) for each in found)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8])
def test_gathered_rows_are_in_the_order_of_ranks(size):
    lengths = [(3 * rank) % 4 for rank in range(size)]
    whole = np.arange(2 * sum(lengths), dtype=np.int16).reshape(-1, 2)
    ends = np.concatenate([[0], np.cumsum(lengths)])

    def work(ranks):
        own = whole[ends[ranks.rank] : ends[ranks.rank + 1]]
        return ranks.gathered(own, lengths), ranks.lengths(ranks.rank**2)

    for found, squares in on_ranks(size, work):
        assert np.array_equal(found, whole)
        assert squares == [rank**2 for rank in range(size)]


@pytest.mark.parametrize("size", [2, 3, 5])
def test_a_broadcast_reaches_all_from_any_rank(size):
    def work(ranks):
        return [ranks.broadcast(np.array([ranks.rank]), root).item() for root in range(ranks.size)]

    assert on_ranks(size, work) == [list(range(size))] * size


def samples_of(whole, size):
    """Samples, chains and local energies of all ranks, from every rank."""

    def work(ranks):
        sampler = DistributedSampler(whole, ranks)
        samples, chains = sampler.sample(PSI, sampler.start(1), 7)
        assert len(samples.spins) == sampler.division.lengths[ranks.rank]
        energies = samples.of_all(rbmqs.local_energies(PSI, H, samples))
        whole_chains = chains.whole()
        arrays = (samples.of_all(samples.spins), whole_chains.spins, whole_chains.rng, energies)
        return arrays, (samples.acceptance, *samples.swap_rates)

    return on_ranks(size, work)


@pytest.mark.parametrize("replicas", [1, 3])
def test_chains_draw_the_same_on_any_number_of_ranks(replicas):
    whole = MetropolisSampler.for_hamiltonian(H, n_chains=5)
    if replicas > 1:
        whole = ReplicaExchangeSampler(whole, replicas)
    samples, chains = whole.sample(PSI, whole.start(1), 7)
    expected = (samples.spins, chains.spins, chains.rng, rbmqs.local_energies(PSI, H, samples))
    for size in SIZES:
        for found, rates in samples_of(whole, size):
            assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))
            if replicas == 1:  # tries of swaps differ from ladder to ladder
                assert rates == pytest.approx((samples.acceptance,), rel=1e-14)


def test_more_ranks_than_chains_are_refused():
    def work(ranks):
        with pytest.raises(ValueError, match="at least the 6 ranks, got 5"):
            DistributedSampler(MetropolisSampler(N, n_chains=5), ranks)

    on_ranks(6, work)


def test_exact_sampling_cannot_be_divided():
    def work(ranks):
        with pytest.raises(TypeError, match="exact = false"):
            DistributedSampler(ExactSampler(Sector(N)), ranks)

    on_ranks(2, work)


def test_ranks_stop_together():
    """One of two ranks gets a signal; both know it after the next agreement."""

    def work(ranks):
        interrupts = Interrupts(ranks.comm)
        before = interrupts.agree()
        if ranks.rank == 1:
            interrupts._handle(2, None)
        return before, interrupts.received, interrupts.agree()

    assert on_ranks(2, work) == [(None, None, 2)] * 2
