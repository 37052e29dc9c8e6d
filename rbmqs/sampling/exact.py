"""Independent draws from |psi|^2 by enumeration of a small sector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hamiltonians.operators.local_space import LocalSpace
from hamiltonians.utils.brief import Brief
from hamiltonians.utils.checks import positive_int
from hamiltonians.utils.memory import require_memory
from rbmqs.core.random import fill_uniform
from rbmqs.sampling.chains import ChainState, Samples, check_chains, random_chains

if TYPE_CHECKING:
    from hamiltonians.operators.spin_sectors import AnySector
    from rbmqs.states.state import VariationalState


@dataclass(frozen=True, eq=False, repr=False)
class ExactSampler(Brief):
    """Independent draws from |psi|^2 by enumeration of a small sector.

    Parameters
    ----------
    sector : hamiltonians.Sector or SpinSector
    n_chains : int
        Streams of draws, so that samples have the shape that Metropolis gives.
    """

    sector: AnySector
    n_chains: int = 16

    def __post_init__(self) -> None:
        positive_int("n_chains", self.n_chains)

    @property
    def _space(self) -> LocalSpace:
        return getattr(self.sector, "space", LocalSpace(self.sector.n_sites))

    def start(self, seed: int | np.random.SeedSequence) -> ChainState:
        """Fresh streams; the configurations are placeholders, overwritten by the first draw."""
        return random_chains(self._space, self.sector.total_sz, self.n_chains, seed)

    def sample(
        self,
        psi: VariationalState,
        state: ChainState,
        n_draws: int,
        *,
        n_discard: int | None = None,
    ) -> tuple[Samples, ChainState]:
        """Draw `n_draws` independent configurations per chain; `n_discard` has no effect."""
        n_draws = positive_int("n_draws", n_draws)
        check_chains(state, self.n_chains, self._space, psi.hilbert, self.sector.total_sz)
        n, n_sites = self.n_chains * n_draws, self.sector.n_sites
        require_memory(n * (10 * n_sites + 32), f"{n} samples of {n_sites} sites (n_samples)")
        cumulative = np.cumsum(np.abs(psi.state_vector(self.sector)) ** 2)
        rng = state.rng.copy()
        u = np.empty((self.n_chains, n_draws))
        fill_uniform(rng, u)
        index = np.searchsorted(cumulative, u.ravel() * cumulative[-1], side="right")
        index = np.minimum(index, len(cumulative) - 1)
        if self.sector.is_sparse:
            spins = self.sector.configurations()[index]
        else:
            spins = self.sector.states_to_spins(self.sector.basis_states()[index])
        spins = spins.reshape(self.n_chains, n_draws, -1)
        return Samples(spins, 1.0), ChainState(spins[:, -1].copy(), rng)

    def describe(self) -> dict:
        """Settings, for logs and checkpoints."""
        return {"sampler": "exact", "n_chains": self.n_chains}
