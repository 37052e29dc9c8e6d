"""Replica exchange: chains at |psi|^(2 beta) with beta <= 1 carry others between separate maxima.

A ladder of replicas samples |psi|^(2 beta_k), beta_0 = 1 > ... > beta_min. After every sweep
neighbours propose to swap their configurations, which leaves the product of their distributions
as it is if accepted with probability

    min(1, exp((beta_k - beta_k+1) (log |psi_k+1|^2 - log |psi_k|^2)))

(Hukushima & Nemoto, J. Phys. Soc. Jpn. 65, 1604 (1996), arXiv:cond-mat/9512035, Eqs. 2.4 to 2.7).
Only replicas at beta = 1 are recorded. Every chain of the result is a ladder of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from hamiltonians.utils.checks import number, positive_int
from rbmqs.core.random import fill_uniform
from rbmqs.sampling.chains import ChainState, Samples, check_chains, random_chains, room_for_draws
from rbmqs.sampling.metropolis import MetropolisSampler

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian
    from rbmqs.states.state import VariationalState

N_REPLICAS, BETA_MIN = 8, 0.1


@dataclass(frozen=True, eq=False)
class ReplicaExchangeSampler:
    """Ladders of Metropolis chains between |psi|^2 and the nearly flat |psi|^(2 beta_min).

    Parameters
    ----------
    moves : MetropolisSampler
        Sector, moves and sweeps of every replica; its `n_chains` is the number of ladders.
    n_replicas : int
        Replicas in a ladder, at least 2.
    beta_min : float
        Exponent of the last replica, in (0, 1); those between are spaced geometrically.

    Raises
    ------
    TypeError, ValueError
        Fewer than two replicas, or an exponent out of range.
    """

    moves: MetropolisSampler
    n_replicas: int = N_REPLICAS
    beta_min: float = BETA_MIN

    def __post_init__(self) -> None:
        positive_int("n_replicas", self.n_replicas, minimum=2)
        if not 0 < number("beta_min", self.beta_min) < 1:
            raise ValueError(f"beta_min must lie in (0, 1), got {self.beta_min}")

    @classmethod
    def for_hamiltonian(
        cls,
        hamiltonian: SpinHamiltonian,
        move: str | None = None,
        *,
        n_replicas: int = N_REPLICAS,
        beta_min: float = BETA_MIN,
        **settings: int | None,
    ) -> ReplicaExchangeSampler:
        """The sampler in the Hamiltonian's sector, see `MetropolisSampler.for_hamiltonian`."""
        moves = MetropolisSampler.for_hamiltonian(hamiltonian, move, **settings)
        return cls(moves, n_replicas, beta_min)

    @property
    def n_chains(self) -> int:
        """Number of ladders, each giving one chain of draws."""
        return self.moves.n_chains

    @cached_property
    def betas(self) -> np.ndarray:
        """Exponents of a ladder, from 1 to `beta_min`, shape (n_replicas,)."""
        return float(self.beta_min) ** (np.arange(self.n_replicas) / (self.n_replicas - 1))

    def start(self, seed: int | np.random.SeedSequence) -> ChainState:
        """All replicas at random configurations of the sector, ladder after ladder."""
        n_rows = self.n_chains * self.n_replicas
        return random_chains(self.moves.space, self.moves.total_sz, n_rows, seed)

    def sample(
        self,
        psi: VariationalState,
        state: ChainState,
        n_draws: int,
        *,
        n_discard: int | None = None,
    ) -> tuple[Samples, ChainState]:
        """Draw `n_draws` configurations per ladder from |psi|^2, one a sweep.

        The acceptance of the samples is that at beta = 1, and `swap_rates` are the accepted shares
        of the swaps between neighbours, over all sweeps.
        """
        n_draws = positive_int("n_draws", n_draws)
        n_rows, moves = self.n_chains * self.n_replicas, self.moves
        check_chains(state, n_rows, moves.space, psi.hilbert, moves.total_sz)
        n_discard = moves.n_discard_per_chain if n_discard is None else n_discard
        n_discard = positive_int("n_discard", n_discard, minimum=0)
        spins, rng = state.spins.copy(), state.rng.copy()
        exponents = np.tile(self.betas, self.n_chains)
        drawn = room_for_draws(self.n_chains, n_draws, moves.n_sites)
        swept = np.empty((n_rows, 1, moves.n_sites), dtype=np.int8)
        accepted, swaps = 0, np.zeros((2, self.n_replicas - 1))
        for draw in range(-n_discard, n_draws):
            moved = moves.advance(psi, spins, rng, exponents, 0, swept)
            accepted += int(moved[:: self.n_replicas].sum())
            swaps += self._swap(psi, spins, rng)
            if draw >= 0:
                drawn[:, draw] = spins[:: self.n_replicas]
        n_proposals = self.n_chains * (n_draws + n_discard) * int(moves.sweep_size or 0)
        rates = tuple((swaps[1] / np.maximum(swaps[0], 1)).tolist())
        return Samples(drawn, accepted / n_proposals, rates), ChainState(spins, rng)

    def _swap(self, psi: VariationalState, spins: np.ndarray, rng: np.ndarray) -> np.ndarray:
        """Swap neighbours in place: all even or all odd pairs of a ladder, by the toss of a coin.

        Returns
        -------
        int (2, n_replicas - 1)
            Swaps tried and accepted, by pair.
        """
        shape = (self.n_chains, self.n_replicas)
        u = np.empty((len(rng), 1))
        fill_uniform(rng, u)
        u = u.reshape(shape)
        log_weights = 2 * psi.log_psi(spins).real.reshape(shape)
        tried = np.arange(shape[1] - 1) % 2 == (u[:, -1:] < 0.5)  # the last replica's is the coin
        with np.errstate(invalid="ignore"):  # two zeros of psi: nan, not swapped
            gain = -np.diff(self.betas) * np.diff(log_weights, axis=1)
        accepted = tried & (u[:, :-1] < np.exp(np.minimum(gain, 0.0)))
        ladders = spins.reshape(*shape, -1)
        ladder, k = np.nonzero(accepted)
        here, there = ladders[ladder, k], ladders[ladder, k + 1]
        ladders[ladder, k], ladders[ladder, k + 1] = there, here
        return np.stack([tried.sum(axis=0), accepted.sum(axis=0)])

    def describe(self) -> dict:
        """Settings, for logs and checkpoints."""
        return {
            **self.moves.describe(),
            "sampler": "replica exchange",
            "n_replicas": self.n_replicas,
            "beta_min": self.beta_min,
        }
