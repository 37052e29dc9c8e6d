"""Equilibration of chains that start in different states: by sweeps, then by replica exchange.

Chains move until those of different starts have the same energy in a few draws. How long that takes
depends on the start: in a chain of 80 sites two ferromagnetic domains disappear by local exchanges
within thousands of sweeps. They may not disappear at all where |psi| has a local maximum, however
small: in J1-J2 at J2 = 0.5 on 10x10, domains with Neel order between them remained at e^-28 times
the |psi| of other chains, at energies of 100. Chains that still disagree therefore exchange
replicas for a while, which leaves |psi|^2 as the distribution; a maximum that outweighs the rest is
found all the same. Chains in a region that provably has no weight
(`rbmqs.estimators.chain_diagnostics`) are moved to the configurations of others.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from rbmqs.estimators.chain_diagnostics import (
    compare_starts,
    reset_chains,
    stuck_chains,
    weightless_chains,
)
from rbmqs.estimators.local import local_energies
from rbmqs.sampling.chains import ChainState, Sampler, Samples, random_chains
from rbmqs.sampling.metropolis import metropolis_moves
from rbmqs.sampling.replica_exchange import N_REPLICAS, ReplicaExchangeSampler
from rbmqs.utils.progress import Progress

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian
    from rbmqs.states.state import VariationalState

FINAL_SWEEPS = 300  # discarded by the fresh chains of a final estimate, at least
MAX_DOUBLINGS = 3  # of the sweeps for chains whose starts disagree: at most 2250 go by
TEMPERED_SWEEPS = 300  # of every replica
PROBE_DRAWS, PROBE_FALSE_ALARM = 64, 0.05  # a false alarm here costs sweeps, nothing else


@dataclass(frozen=True, eq=False)
class Thermalised:
    """Chains that an estimate may draw from.

    Parameters
    ----------
    chains : ChainState
    n_discard : int
        Sweeps that they are to discard first.
    n_weightless : int
        How many of them were moved to the configurations of others.
    """

    chains: ChainState
    n_discard: int
    n_weightless: int = 0


def thermalised(
    hamiltonian: SpinHamiltonian,
    psi: VariationalState,
    sampler: Sampler,
    chains: ChainState,
    kinds: Sequence[str],
    bar: Progress,
    n_draws_left: Callable[[], float] = lambda: math.inf,
) -> Thermalised:
    """Chains after as many sweeps as their starts need to agree.

    Parameters
    ----------
    kinds : sequence of str
        The kind of start of each chain.
    bar : Progress
        Told what goes on.
    n_draws_left : callable
        Sweeps of a chain that there is time for; two thirds are left to the draws.
    """

    def allowed(n_sweeps: int) -> bool:
        return n_sweeps + PROBE_DRAWS <= n_draws_left() / 3

    def look(chains: ChainState, n_sweeps: int) -> tuple[ChainState, _Look]:
        """The chains some sweeps on, and what they say there."""
        probe, chains = sampler.sample(psi, chains, PROBE_DRAWS, n_discard=n_sweeps)
        return chains, _Look(hamiltonian, psi, tuple(kinds), probe)

    n_sweeps = done = FINAL_SWEEPS // 2
    for _ in range(MAX_DOUBLINGS + 1):
        chains, found = look(chains, n_sweeps)
        if found.agrees():
            return Thermalised(chains, done)
        n_sweeps *= 2
        if not allowed(n_sweeps):
            break
        done += n_sweeps
        bar.advance(0, f"chains move until their starts agree, {done} sweeps")
    n_tempered = TEMPERED_SWEEPS * N_REPLICAS + FINAL_SWEEPS // 2
    if not found.agrees(~found.weightless) and allowed(n_tempered):
        bar.advance(0, "starts disagree: replica exchange")
        chains, found = look(tempered(psi, sampler, chains), FINAL_SWEEPS // 2)
    n_weightless = int(found.weightless.sum())
    if n_weightless > 0:
        chains = reset_chains(chains, found.weightless)
    return Thermalised(chains, FINAL_SWEEPS // 2, n_weightless)


@dataclass(frozen=True, eq=False)
class _Look:
    """A few draws of all chains, and whether they agree."""

    hamiltonian: SpinHamiltonian
    psi: VariationalState
    kinds: tuple[str, ...]
    probe: Samples

    @cached_property
    def energies(self) -> np.ndarray:
        """Local energies (n_chains, n_draws)."""
        return self.probe.of_all(local_energies(self.psi, self.hamiltonian, self.probe).real)

    @cached_property
    def weightless(self) -> np.ndarray:
        """Which chains are in a region of no weight, bool (n_chains,)."""
        log_psi = self.psi.log_psi(self.probe.flat).real.reshape(self.probe.shape)
        log_psi = self.probe.of_all(log_psi)
        return weightless_chains(log_psi, self.energies, math.log(self.hamiltonian.dimension))

    def agrees(self, kept: np.ndarray | slice = slice(None)) -> bool:
        """Whether chains of all starts have the same energy, and none is stuck.

        Stuck chains are looked for too, since a single one widens the spread within its kind.

        Parameters
        ----------
        kept : bool array (n_chains,), optional
            Chains to compare, all when not given.
        """
        kinds = np.array(self.kinds)[kept].tolist()
        found = compare_starts(self.energies[kept], kinds, PROBE_FALSE_ALARM)
        if found is None:
            return True
        return found.agrees and not stuck_chains(self.energies[kept]).any()


def tempered(psi: VariationalState, sampler: Sampler, chains: ChainState) -> ChainState:
    """The chains after replica exchange, all replicas of a ladder starting where its chain is.

    Chains of a sampler that is no Metropolis sampler, or that exchanges replicas itself, stay.
    """
    moves = metropolis_moves(sampler)
    whole, division = chains.whole(), chains.division
    n_chains = len(whole.spins)
    if moves is None or moves.n_chains != n_chains:
        return chains
    ladders = ReplicaExchangeSampler(replace(moves, n_chains=len(chains.spins)))
    n_replicas = ladders.n_replicas
    seed = np.random.SeedSequence(whole.rng.ravel().tolist())
    rng = random_chains(moves.space, moves.total_sz, n_chains * n_replicas, seed).rng
    start = ChainState(np.repeat(whole.spins, n_replicas, axis=0), rng)
    start = start if division is None else division.own(start)
    _, after = ladders.sample(psi, start, 1, n_discard=TEMPERED_SWEEPS)
    return replace(chains, spins=after.spins[::n_replicas].copy())
