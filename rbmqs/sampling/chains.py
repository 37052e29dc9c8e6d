"""Samplers of |psi|^2: chain state goes in, samples and chain state come out.

The samplers that share this interface are in `metropolis.py` (any size), `exact.py` (enumeration of
small sectors), `replica_exchange.py` (|psi|^2 with separate maxima) and `distributed.py` (ranks).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

import numpy as np

from hamiltonians.operators.local_space import LocalSpace
from hamiltonians.utils.brief import Brief
from hamiltonians.utils.checks import root_seed
from hamiltonians.utils.memory import require_memory
from hamiltonians.utils.ranks import bounds

if TYPE_CHECKING:
    from rbmqs.states.state import VariationalState
    from rbmqs.utils.ranks import Ranks


@dataclass(frozen=True, eq=False)
class Division:
    """How the chains of a run are divided between MPI ranks.

    Parameters
    ----------
    ranks : Ranks
    lengths : tuple of int
        Chains that each rank has, those of rank 0 first.
    """

    ranks: Ranks
    lengths: tuple[int, ...]

    @classmethod
    def of(cls, n_chains: int, ranks: Ranks) -> Division:
        """As evenly as it goes."""
        return cls(ranks, tuple(np.diff(bounds(n_chains, ranks.comm)).tolist()))

    @property
    def n_chains(self) -> int:
        """Chains of all ranks."""
        return sum(self.lengths)

    @property
    def mine(self) -> slice:
        """The chains of this rank."""
        first = sum(self.lengths[: self.ranks.rank])
        return slice(first, first + self.lengths[self.ranks.rank])

    def own(self, chains: ChainState) -> ChainState:
        """The chains of this rank among all, or its ladders of replicas."""
        rows = len(chains.spins) // sum(self.lengths)
        part = slice(rows * self.mine.start, rows * self.mine.stop)
        return ChainState(chains.spins[part], chains.rng[part], self)

    def of_all(self, own: np.ndarray) -> np.ndarray:
        """Numbers of all chains from those of this rank's, or of its ladders of replicas."""
        rows = self.rows_of(own)
        with self.ranks.part("chains"):
            return self.ranks.gathered(own, [rows * n for n in self.lengths])

    def rows_of(self, own: np.ndarray) -> int:
        """Rows that this rank has of each chain: one, or as many as there are replicas."""
        n_own = self.lengths[self.ranks.rank]
        return len(own) // n_own if n_own else 1  # without a chain there are no ladders either

    def moved(self, own: np.ndarray, lengths: Sequence[int]) -> np.ndarray:
        """Rows of the chains that this rank has where ranks have other numbers of them."""
        rows = int(self.ranks.largest(self.rows_of(own) if len(own) else 0))
        by_chain = own.reshape(len(own) // rows, rows, *own.shape[1:])
        found = self.some_of_all(by_chain, np.append(0, np.cumsum(lengths)).tolist())
        return found.reshape(len(found) * rows, *own.shape[1:])

    def some_of_all(self, own: np.ndarray, ends: Sequence[int], first: int = 0) -> np.ndarray:
        """Values of chains wherever they are: rank k gets those of ends[k] to ends[k + 1].

        Parameters
        ----------
        own : array (n_own, ...)
            Of the chains of this rank.
        ends : sequence of int (n_ranks + 1,)
        first : int
            Chain that `ends` count from.
        """
        mine, wanted = self.mine, np.array(ends) + first
        cuts = np.clip(wanted, mine.start, mine.stop) - mine.start
        rank = self.ranks.rank
        found = np.empty((ends[rank + 1] - ends[rank], *own.shape[1:]), own.dtype)
        begins = np.append(0, np.cumsum(self.lengths))
        places = np.clip(begins, wanted[rank], wanted[rank + 1]) - wanted[rank]
        self.ranks.exchanged(
            [own[a:b] for a, b in pairwise(cuts)], [found[a:b] for a, b in pairwise(places)]
        )
        return found

    def series_of_all(self, own: np.ndarray) -> np.ndarray:
        """An even part of the last axis (n_own, ..., n) for each rank, with the chains of all."""
        ends = bounds(own.shape[-1], self.ranks.comm)
        rank, begins = self.ranks.rank, np.append(0, np.cumsum(self.lengths))
        found = np.empty((self.n_chains, *own.shape[1:-1], ends[rank + 1] - ends[rank]), own.dtype)
        self.ranks.exchanged(
            [own[..., a:b] for a, b in pairwise(ends)], [found[a:b] for a, b in pairwise(begins)]
        )
        return found


@dataclass(frozen=True, eq=False, repr=False)
class ChainState(Brief):
    """All that a sampler carries from call to call.

    Parameters
    ----------
    spins : int8 (n_chains, N)
        Current configurations.
    rng : uint64 (n_chains, 4)
        One random stream per chain.
    division : Division or None
        Where these are the chains of one of several MPI ranks.
    """

    spins: np.ndarray
    rng: np.ndarray
    division: Division | None = None

    def whole(self) -> ChainState:
        """The chains of all ranks, which ask together."""
        if self.division is None:
            return self
        return ChainState(self.division.of_all(self.spins), self.division.of_all(self.rng))

    @classmethod
    def from_file(cls, spins: np.ndarray, rng: np.ndarray, space: LocalSpace) -> ChainState:
        """Chains that were saved: nothing that was not is handed to a kernel.

        Raises
        ------
        ValueError
            Arrays of another type or shape, spins with other values than those of the space.
        """
        n_sites = space.n_sites
        if spins.dtype != np.int8 or spins.ndim != 2 or spins.shape[1] != n_sites:
            raise ValueError(
                f"spins must be int8 (n_chains, {n_sites}), got {spins.dtype} {spins.shape}"
            )
        if rng.dtype != np.uint64 or rng.shape != (len(spins), 4):
            raise ValueError(f"rng must be uint64 ({len(spins)}, 4), got {rng.dtype} {rng.shape}")
        check_values("spins", spins, space)
        return cls(spins, rng)


@dataclass(frozen=True, eq=False, repr=False)
class Samples(Brief):
    """Configurations drawn from |psi|^2.

    Parameters
    ----------
    spins : int8 (n_chains, n_draws, N)
    acceptance : float
        Accepted share of all proposals, discarded sweeps included; 1 for exact sampling.
    swap_rates : tuple of float
        Accepted share of the swaps between neighbouring replicas, empty without replica exchange.
    division : Division or None
        Where these are the samples of one of several MPI ranks.
    """

    spins: np.ndarray
    acceptance: float
    swap_rates: tuple[float, ...] = ()
    division: Division | None = None
    _flat: np.ndarray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_flat", self.spins.reshape(-1, self.spins.shape[-1]))

    @property
    def flat(self) -> np.ndarray:
        """Spins as (n_chains * n_draws, N)."""
        return self._flat

    @property
    def shape(self) -> tuple[int, int]:
        """(n_chains, n_draws)."""
        return self.spins.shape[0], self.spins.shape[1]

    def of_all(self, values: np.ndarray) -> np.ndarray:
        """Numbers by chain (n_chains, ...), with those of the chains of other ranks."""
        return values if self.division is None else self.division.of_all(values)

    def chosen(self, which: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Those among some samples of all ranks that this one has.

        Parameters
        ----------
        which : int array
            Samples of all chains, one chain after the other.

        Returns
        -------
        own : bool array
            Which of them are here.
        spins : int8 (n_own, N)
        """
        first = 0 if self.division is None else self.division.mine.start * self.shape[1]
        own = (which >= first) & (which < first + len(self.flat))
        return own, self.flat[which[own] - first]

    def mean(self, own: np.ndarray) -> complex | None:
        """Mean of numbers of which each rank has some, and calls this; None where there is none."""
        sums = np.array([own.sum(), len(own)], complex)
        total, n = sums if self.division is None else self.division.ranks.sum(sums)
        return complex(total / n.real) if n else None

    @property
    def n_all(self) -> int:
        """Samples, those of other ranks too."""
        return self.n_chains * self.shape[1]

    @property
    def n_chains(self) -> int:
        """Chains, those of other ranks too."""
        return len(self.spins) if self.division is None else self.division.n_chains


class Sampler(Protocol):
    """What the variational loop asks of a sampler."""

    @property
    def n_chains(self) -> int:
        """Number of chains."""

    def start(self, seed: int | np.random.SeedSequence) -> ChainState:
        """Fresh chains at random configurations of the sector."""

    def sample(
        self,
        psi: VariationalState,
        state: ChainState,
        n_draws: int,
        *,
        n_discard: int | None = None,
    ) -> tuple[Samples, ChainState]:
        """Draw `n_draws` configurations per chain; `state` itself is left untouched."""

    def describe(self) -> dict:
        """Settings, for logs and checkpoints."""


def joined(parts: Sequence[Samples], n_sweeps: Sequence[int]) -> Samples:
    """Samples that were drawn one after another, with as many sweeps each, those discarded too."""
    if len(parts) == 1:
        return parts[0]
    rates = [part.swap_rates for part in parts]
    return Samples(
        np.concatenate([part.spins for part in parts], axis=1),
        float(np.average([part.acceptance for part in parts], weights=n_sweeps)),
        tuple(np.average(rates, axis=0, weights=n_sweeps).tolist()),
        parts[0].division,
    )


def random_chains(
    space: LocalSpace,
    total_sz: float | None,
    n_chains: int,
    seed: int | np.random.SeedSequence,
) -> ChainState:
    """Chains at random configurations, each with its own stream of random numbers."""
    n_sites = space.n_sites
    # A seed of a chain takes 0.6 kB while streams are made.
    require_memory((n_sites + 700) * n_chains, f"{n_chains} chains of {n_sites} sites (n_chains)")
    root = root_seed(seed)
    # Children are derived, not spawned: spawning would change `root`, and a second call with
    # the same object would start elsewhere.
    children = [
        np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, chain))
        for chain in range(n_chains)
    ]
    rng = np.stack([child.generate_state(4, np.uint64) for child in children])
    spins = np.stack(
        [_random_spins(space, total_sz, np.random.default_rng(child)) for child in children]
    )
    return ChainState(spins, rng)


def _random_spins(
    space: LocalSpace, total_sz: float | None, rng: np.random.Generator
) -> np.ndarray:
    n_sites = space.n_sites
    if not space.is_spin_half:
        sigma = space.configurations(rng.integers(space.local_dims))
        return sigma if total_sz is None else with_total_sz(sigma, space, total_sz, rng)
    if total_sz is None:
        return rng.choice(np.array([1, -1], dtype=np.int8), size=n_sites)
    spins = np.full(n_sites, -1, dtype=np.int8)
    spins[: round(n_sites / 2 + total_sz)] = 1
    return rng.permutation(spins)


def with_total_sz(
    sigma: np.ndarray, space: LocalSpace, total_sz: float, rng: np.random.Generator
) -> np.ndarray:
    """A configuration int8 (N,) of any S with random spins raised or lowered to the total S_z."""
    sigma, top = sigma.copy(), space.local_dims - 1
    while excess := int(sigma.sum(dtype=int)) - round(2 * total_sz):
        step = -2 if excess > 0 else 2
        sigma[rng.choice(np.flatnonzero(abs(sigma + step) <= top))] += step
    return sigma


def check_values(name: str, spins: np.ndarray, space: LocalSpace) -> None:
    """Refuse spins with values that sites of the space do not take."""
    if not space.is_spin_half:
        space.check(name, spins)
    elif not np.all(abs(spins) == 1):
        raise ValueError(f"{name} holds spins other than +1 and -1")


def room_for_draws(n_chains: int, n_draws: int, n_sites: int) -> np.ndarray:
    """An array for draws, int8 (n_chains, n_draws, n_sites), refused where it does not fit."""
    what = f"{n_chains * n_draws} samples of {n_sites} sites (n_samples, n_final_samples)"
    require_memory(n_chains * n_draws * n_sites, what)
    return np.empty((n_chains, n_draws, n_sites), dtype=np.int8)


def check_chains(
    state: ChainState,
    n_chains: int,
    space: LocalSpace,
    of_psi: LocalSpace,
    total_sz: float | None,
) -> None:
    """Refuse chains of another number, size, spin or sector, with what was got."""
    n_sites = space.n_sites
    if of_psi.n_sites != n_sites:
        raise ValueError(f"psi has {of_psi.n_sites} sites, the sampler {n_sites}")
    if of_psi.values != space.values:
        raise ValueError(f"psi has spins of 2 S_z = {of_psi.values}, the sampler {space.values}")
    if state.spins.shape != (n_chains, n_sites) or state.rng.shape != (n_chains, 4):
        raise ValueError(
            f"chain state must hold spins of shape ({n_chains}, {n_sites}), got {state.spins.shape}"
        )
    if state.spins.dtype != np.int8 or state.rng.dtype != np.uint64:
        raise ValueError(
            f"chain state must hold int8 spins and uint64 random words, "
            f"got {state.spins.dtype} and {state.rng.dtype}"
        )
    check_values("chain state", state.spins, space)
    if total_sz is not None and np.any(state.spins.sum(axis=1, dtype=int) != 2 * total_sz):
        raise ValueError(f"chain state must lie in the sector total_sz={total_sz:g}")
