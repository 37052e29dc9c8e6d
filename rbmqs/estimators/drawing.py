"""Samples of a state for an estimate: the sampler, the starts and the way to equilibrium."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hamiltonians.operators.connections import MAX_BITS
from hamiltonians.operators.spin_sectors import sector_of
from hamiltonians.utils.checks import positive_int
from rbmqs.estimators.equilibration import thermalised
from rbmqs.sampling.chains import Division, Sampler, Samples
from rbmqs.sampling.distributed import DistributedSampler, undivided
from rbmqs.sampling.exact import ExactSampler
from rbmqs.sampling.initial_configurations import started_chains
from rbmqs.sampling.metropolis import MetropolisSampler
from rbmqs.utils.progress import Progress

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian
    from hamiltonians.operators.local_space import LocalSpace
    from rbmqs.states.state import VariationalState

ENUMERATED = 2**12  # configurations up to which a sector is enumerated: draws are independent then
BLIND_SWEEPS = 300  # discarded by chains of which nothing but |psi|^2 is known


def draws_per_chain(n_samples: int, n_chains: int) -> int:
    """Draws of each chain, four at least, for `n_samples` samples or a few more in all."""
    n_chains = positive_int("n_chains", n_chains)
    return max(4, -(-positive_int("n_samples", n_samples) // n_chains))


def sampler_for(
    hamiltonian: SpinHamiltonian, n_chains: int, division: Division | None = None
) -> Sampler:
    """Enumeration of small sectors, else Metropolis chains with the moves of the Hamiltonian.

    Ranks divide the chains as those of `division` are; each enumerates for itself.
    """
    if hamiltonian.dimension <= ENUMERATED:
        return ExactSampler(sector_of(hamiltonian.local_space, hamiltonian.total_sz), n_chains)
    chains = MetropolisSampler.for_hamiltonian(hamiltonian, n_chains=n_chains)
    return chains if division is None else DistributedSampler(chains, division.ranks)


def sampler_of_sector(space: LocalSpace, total_sz: float | None, n_chains: int) -> Sampler:
    """The same without a Hamiltonian: moves of any two sites."""
    n_sites = space.n_sites
    if n_sites <= MAX_BITS and sector_of(space, total_sz).dimension <= ENUMERATED:
        return ExactSampler(sector_of(space, total_sz), n_chains)
    keywords: dict[str, Any] = {"n_chains": n_chains, "spin": space.spins[0]}
    if total_sz is not None:
        return MetropolisSampler(n_sites, total_sz, "pair-exchange", **keywords)
    pairs = np.stack(np.triu_indices(n_sites, 1), axis=1)
    return MetropolisSampler(n_sites, None, "mixed", pairs, **keywords)


def equilibrated_samples(
    psi: VariationalState,
    hamiltonian: SpinHamiltonian,
    sampler: Sampler,
    n_draws: int,
    seed: int | np.random.SeedSequence,
) -> Samples:
    """Samples of fresh chains after as many sweeps as their different starts need to agree."""
    chains, kinds = started_chains(hamiltonian, psi, undivided(sampler), seed)
    if isinstance(sampler, DistributedSampler):
        chains = sampler.division.own(chains)
    with Progress(n_draws, show=False, unit="draw") as bar:
        ready = thermalised(hamiltonian, psi, sampler, chains, kinds, bar)
    return sampler.sample(psi, ready.chains, n_draws, n_discard=ready.n_discard)[0]
