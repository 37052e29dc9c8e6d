"""One run on many MPI ranks: the chains are divided, and what they draw is gathered.

Every rank keeps the whole state and does the same steps. A rank moves its own chains and evaluates
its own local energies; per iteration the ranks exchange the spins that were drawn and one complex
number for each, n_samples (N + 16) bytes, and per chain its spins and random words, N + 32 bytes.
Hidden units are computed again from the spins on each rank, which moves fewer bytes than their
tanh's and keeps every bit: the same seed gives the same run on any number of ranks. The equations
of stochastic reconfiguration are solved on every rank.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from rbmqs.sampling.chains import ChainState, Samples
from rbmqs.sampling.metropolis import MetropolisSampler

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian
    from rbmqs.states.state import VariationalState


@dataclass(frozen=True, eq=False)
class DistributedSampler:
    """A Metropolis sampler whose chains are divided between ranks.

    All ranks call each method together and with the same arguments, and get the same values.

    Parameters
    ----------
    whole : MetropolisSampler
        Of all chains.
    comm : mpi4py communicator

    Raises
    ------
    TypeError
        A sampler without chains to divide.
    ValueError
        Fewer chains than ranks.
    """

    whole: MetropolisSampler
    comm: Any

    def __post_init__(self) -> None:
        if not isinstance(self.whole, MetropolisSampler):
            raise TypeError(
                "only Metropolis chains can be divided between ranks: set exact = false and "
                "n_replicas = 1"
            )
        if self.whole.n_chains < self.comm.size:
            raise ValueError(
                f"n_chains must be at least the {self.comm.size} ranks, got {self.whole.n_chains}"
            )

    @property
    def n_chains(self) -> int:
        """Chains on all ranks together."""
        return self.whole.n_chains

    @cached_property
    def _bounds(self) -> np.ndarray:
        """First chain of every rank, and the end."""
        return np.arange(self.comm.size + 1) * self.n_chains // self.comm.size

    @property
    def _mine(self) -> slice:
        return slice(*self._bounds[self.comm.rank : self.comm.rank + 2].tolist())

    def start(self, seed: int | np.random.SeedSequence) -> ChainState:
        """Fresh chains, the same on every rank."""
        return self.whole.start(seed)

    def sample(
        self,
        psi: VariationalState,
        state: ChainState,
        n_draws: int,
        *,
        n_discard: int | None = None,
    ) -> tuple[Samples, ChainState]:
        """Draw from the chains of this rank, and gather those of all."""
        mine = self._mine
        part = replace(self.whole, n_chains=mine.stop - mine.start)
        own = ChainState(state.spins[mine], state.rng[mine])
        drawn, own = part.sample(psi, own, n_draws, n_discard=n_discard)
        # Shares of proposals become whole numbers again, so that their sum has no rounding.
        discarded = self.whole.n_discard_per_chain if n_discard is None else n_discard
        per_chain = (n_draws + discarded) * int(self.whole.sweep_size or 0)
        accepted = self.comm.allreduce(round(drawn.acceptance * part.n_chains * per_chain))
        samples = Samples(self._gather(drawn.spins), accepted / (self.n_chains * per_chain))
        return samples, ChainState(self._gather(own.spins), self._gather(own.rng))

    def local_energies(
        self,
        psi: VariationalState,
        hamiltonian: SpinHamiltonian,
        samples: Samples,
        cache: np.ndarray,
    ) -> np.ndarray:
        """Local energies of all samples, each rank evaluating those of its own chains."""
        mine, n_draws = self._mine, samples.shape[1]
        rows = slice(mine.start * n_draws, mine.stop * n_draws)
        fixed, own = hamiltonian.total_sz is not None, samples.flat[rows]
        values = psi.local_values(own, hamiltonian.connections, fixed, cache[rows])
        return self._gather(values.reshape(-1, n_draws))

    def describe(self) -> dict:
        """Settings, for logs and checkpoints: those of all chains, on any number of ranks."""
        return self.whole.describe()

    def _gather(self, own: np.ndarray) -> np.ndarray:
        """Arrays of all ranks joined along the axis of chains."""
        whole = np.empty((self.n_chains, *own.shape[1:]), own.dtype)
        sizes = np.diff(self._bounds) * (own.nbytes // len(own))
        target = [whole.view(np.uint8).reshape(-1), sizes.tolist()]
        self.comm.Allgatherv(np.ascontiguousarray(own).view(np.uint8).reshape(-1), target)
        return whole
