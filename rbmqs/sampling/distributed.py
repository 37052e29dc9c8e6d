"""One run on many MPI ranks: the chains are divided, and what they draw stays where it was drawn.

Every rank keeps the parameters and moves its own chains, each with a random stream of its own: with
the same parameters a chain draws the same configurations on any number of ranks. What is known of
all chains, local energies and their errors, is one number a sample, which every rank gathers.
Parameters follow from sums over ranks (`rbmqs.utils.ranks`): the same bits in every run on as many
ranks, and the same up to rounding on others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from rbmqs.sampling.chains import ChainState, Division, Sampler, Samples
from rbmqs.sampling.metropolis import MetropolisSampler
from rbmqs.sampling.replica_exchange import ReplicaExchangeSampler
from rbmqs.utils.ranks import Ranks

if TYPE_CHECKING:
    from rbmqs.states.state import VariationalState


@dataclass(frozen=True, eq=False)
class DistributedSampler:
    """A sampler whose chains, or ladders of replicas, are divided between ranks.

    All ranks call each method together. Chains go in and come out as those of this rank.

    Parameters
    ----------
    whole : MetropolisSampler or ReplicaExchangeSampler
        Of all chains.
    ranks : Ranks

    Raises
    ------
    TypeError
        A sampler without chains to divide.
    ValueError
        Fewer chains than ranks.
    """

    whole: MetropolisSampler | ReplicaExchangeSampler
    ranks: Ranks

    def __post_init__(self) -> None:
        if not isinstance(self.whole, MetropolisSampler | ReplicaExchangeSampler):
            raise TypeError("only Markov chains can be divided between ranks: set exact = false")
        if self.whole.n_chains < self.ranks.size:
            raise ValueError(
                f"n_chains must be at least the {self.ranks.size} ranks, got {self.whole.n_chains}"
            )

    @property
    def n_chains(self) -> int:
        """Chains on all ranks together."""
        return self.whole.n_chains

    @cached_property
    def division(self) -> Division:
        """Which rank has which chains."""
        return Division.of(self.n_chains, self.ranks)

    @cached_property
    def part(self) -> Sampler:
        """The sampler of this rank's chains."""
        n_chains = self.division.lengths[self.ranks.rank]
        if isinstance(self.whole, ReplicaExchangeSampler):
            return replace(self.whole, moves=replace(self.whole.moves, n_chains=n_chains))
        return replace(self.whole, n_chains=n_chains)

    def start(self, seed: int | np.random.SeedSequence) -> ChainState:
        """Fresh chains of this rank, as they are among all."""
        return self.division.own(self.whole.start(seed))

    def sample(
        self,
        psi: VariationalState,
        state: ChainState,
        n_draws: int,
        *,
        n_discard: int | None = None,
    ) -> tuple[Samples, ChainState]:
        """Draw from the chains of this rank; the rates are those of all."""
        drawn, chains = self.part.sample(psi, state, n_draws, n_discard=n_discard)
        with self.ranks.part("rates"):
            rates = self.ranks.sum(
                len(drawn.spins) * np.array([drawn.acceptance, *drawn.swap_rates])
            )
        acceptance, *swap_rates = (rates / self.n_chains).tolist()
        samples = Samples(drawn.spins, acceptance, tuple(swap_rates), self.division)
        return samples, replace(chains, division=self.division)

    def describe(self) -> dict:
        """Settings, for logs and checkpoints: those of all chains, on any number of ranks."""
        return self.whole.describe()


def undivided(sampler: Sampler) -> Sampler:
    """The sampler of all chains, where they are divided."""
    return sampler.whole if isinstance(sampler, DistributedSampler) else sampler
