"""Time to forget for chains that start in different states: by sweeps, then by replica exchange.

Chains move until those of different starts tell the same energy in short probes. An order melts at
its own pace: in a chain of 80 sites, two ferromagnetic domains must diffuse away under local
exchanges, which takes thousands of sweeps. And it may not melt at all where |psi| has a maximum in
its own neighbourhood, however small: in J1-J2 at J2 = 0.5 on 10x10, domains with Neel walls between
them stayed for good at e^-28 times the |psi| of other chains, at energies of 100. So chains that
still disagree become ladders of replicas for a while. That leaves |psi|^2 what it is, and a maximum
that outweighs the rest is found all the more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from rbmqs.agreement import compare_starts
from rbmqs.estimators import local_energies
from rbmqs.progress import Progress
from rbmqs.replica import ReplicaExchangeSampler
from rbmqs.sampler import ChainState, Sampler, metropolis_moves, random_chains

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian
    from rbmqs.ansatz import Wavefunction

FINAL_SWEEPS = 300  # discarded by the fresh chains of a final estimate, at least
MAX_DOUBLINGS = 3  # of the sweeps for chains whose starts disagree: at most 2250 go by
TEMPERED_SWEEPS = 300  # of every replica
PROBE_DRAWS, PROBE_FALSE_ALARM = 64, 0.05  # a false alarm here costs sweeps, nothing else


def thermalised(
    hamiltonian: SpinHamiltonian,
    psi: Wavefunction,
    sampler: Sampler,
    chains: ChainState,
    kinds: Sequence[str],
    bar: Progress,
) -> tuple[ChainState, int]:
    """Chains after as many sweeps as their starts need to agree, and how many to discard again.

    Parameters
    ----------
    kinds : sequence of str
        The kind of start of each chain.
    bar : Progress
        Told what goes on.
    """
    n_sweeps = done = FINAL_SWEEPS // 2
    for _ in range(MAX_DOUBLINGS + 1):
        probe, chains = sampler.sample(psi, chains, PROBE_DRAWS, n_discard=n_sweeps)
        values = local_energies(psi, hamiltonian, probe).real
        found = compare_starts(values, kinds, PROBE_FALSE_ALARM)
        if found is None or found.agrees:
            return chains, done
        n_sweeps *= 2
        done += n_sweeps
        bar.advance(0, f"chains move until their starts agree, {done} sweeps")
    bar.advance(0, "starts disagree: replica exchange")
    return tempered(psi, sampler, chains), FINAL_SWEEPS // 2


def tempered(psi: Wavefunction, sampler: Sampler, chains: ChainState) -> ChainState:
    """The chains after replica exchange, all replicas of a ladder starting where its chain is.

    Chains of a sampler that is no Metropolis sampler, or that exchanges replicas itself, stay.
    """
    moves = metropolis_moves(sampler)
    n_chains = len(chains.spins)
    if moves is None or moves.n_chains != n_chains:
        return chains
    ladders = ReplicaExchangeSampler(moves)
    n_replicas = ladders.n_replicas
    seed = np.random.SeedSequence(chains.rng.ravel().tolist())
    rng = random_chains(moves.n_sites, moves.total_sz, n_chains * n_replicas, seed).rng
    start = ChainState(np.repeat(chains.spins, n_replicas, axis=0), rng)
    _, after = ladders.sample(psi, start, 1, n_discard=TEMPERED_SWEEPS)
    return ChainState(after.spins[::n_replicas].copy(), chains.rng)
