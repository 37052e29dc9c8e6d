"""Probe chains: a few chains that keep starting afresh, and keep |psi| from growing where no chain goes.

Outside the region that its chains visit a wavefunction extrapolates, and nothing in the equations holds
it back. Within 180 iterations on the Heisenberg chain of 80 sites (tied, alpha = 2) two
ferromagnetic domains came to outweigh the Neel state by exp(150) in |psi|^2; later, 6 of 8 chains
that started at random ended there, at a positive energy.

Probe chains start in random, ordered and domain states of the lattice (`rbmqs.sampling.initial_configurations`), move a few
sweeps an iteration and start again after `LIFE` of them. A probe chain is an outlier while most of the
configurations that it passes have local energies far above those of the chains; these join the
equations of the reconfiguration, which lower |psi| where local energies are high. Their weight is
small: the change that the equations ask for does not depend on it, and directions that the samples
leave open suffice. Energies are estimated without probe chains.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from rbmqs.estimators.local import local_energies
from rbmqs.sampling.chains import ChainState, MetropolisSampler, Samples, metropolis_moves
from rbmqs.sampling.initial_configurations import RANDOM, ordered_states, state_in_sector

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian
    from rbmqs.estimators.stats import Stats
    from rbmqs.sampling.chains import Sampler
    from rbmqs.states.state import VariationalState

LIFE = 10  # iterations between two starts of a probe chain: with 40, |psi| grew back before the next one
SWEEPS = 8  # an iteration, where chains do 69: 3 % of the sampling for four probe chains
FAR = 6.0  # standard deviations of local energies above their mean that make a probe chain outlying
HALF = 0.5  # of its configurations in an iteration must lie there: rare ones do so on any chain


@dataclass(frozen=True, eq=False)
class OutlyingSamples:
    """Configurations of probe chains whose local energies are far too high.

    Parameters
    ----------
    spins : int8 (n, N)
    local_energies : float64 (n,)
        Not above what the spectrum allows: near a node of psi they have no bound.
    weight : float
        Of each of them, one being that of a sample.
    probe chains : bool (n_probes,)
        Which of them these are.
    """

    spins: np.ndarray
    local_energies: np.ndarray
    weight: float
    probes: np.ndarray

    def __len__(self) -> int:
        return len(self.spins)

    def weights(self, n_samples: int) -> np.ndarray:
        """Of samples and these together, with mean one."""
        weights = np.append(np.ones(n_samples), np.full(len(self), self.weight))
        return weights * (len(weights) / weights.sum())


@dataclass(frozen=True, eq=False)
class ProbeChains:
    """One probe chain for every kind of start.

    Parameters
    ----------
    hamiltonian : SpinHamiltonian
    moves : MetropolisSampler
        With as many chains as there are probe chains.
    patterns : dict
        Of `ordered_states`; the first probe chain starts at random.
    share : float
        Weight of all probe chains together if all are outliers, relative to all samples.
    seed : int
    """

    hamiltonian: SpinHamiltonian
    moves: MetropolisSampler
    patterns: dict[str, np.ndarray]
    share: float
    seed: int

    @classmethod
    def beside(
        cls, sampler: Sampler, hamiltonian: SpinHamiltonian, share: float, seed: int
    ) -> ProbeChains | None:
        """Probe chains with the moves of a run's sampler; None where `share` is 0 or nothing moves."""
        moves = metropolis_moves(sampler)
        if share == 0 or moves is None:
            return None
        patterns = ordered_states(hamiltonian)
        moves = replace(moves, n_chains=1 + len(patterns), n_discard_per_chain=0)
        return cls(hamiltonian, moves, patterns, share, seed)

    def start(self) -> ChainState:
        """Probe chains with random streams of their own, before their first start."""
        return self.moves.start(np.random.SeedSequence(self.seed, spawn_key=(5,)))

    def advance(
        self, psi: VariationalState, probes: ChainState, iteration: int
    ) -> tuple[Samples, ChainState]:
        """Start again those whose time has come, and move all: a configuration of each sweep."""
        spins = probes.spins.copy()
        for number, (name, age) in enumerate(zip(self.kinds, self.ages(iteration), strict=True)):
            if iteration == 0 or age == 0:
                spins[number] = self._fresh(name, number, iteration)
        return self.moves.sample(psi, ChainState(spins, probes.rng), SWEEPS)

    @property
    def kinds(self) -> tuple[str, ...]:
        """How each probe chain starts."""
        return (RANDOM, *self.patterns)

    def ages(self, iteration: int) -> np.ndarray:
        """Iterations since each probe chain started; they take turns."""
        n_probes = len(self.kinds)
        return (iteration + np.arange(n_probes) * LIFE // n_probes) % LIFE

    def sent_to(self, spins: np.ndarray, probes: ChainState, iteration: int) -> ChainState:
        """The probe chains, those that started last now at other configurations, as many as there are.

        Parameters
        ----------
        spins : int8 (n, N)
        probe chains : ChainState
            Of `advance`.
        iteration : int
            That they advanced in.
        """
        youngest = np.argsort(self.ages(iteration), kind="stable")[: len(spins)]
        moved = probes.spins.copy()
        moved[youngest] = spins[: len(youngest)]
        return ChainState(moved, probes.rng)

    def _fresh(self, name: str, number: int, iteration: int) -> np.ndarray:
        key = np.random.SeedSequence(self.seed, spawn_key=(5, iteration, number))
        pattern = self.patterns.get(name, np.zeros(self.hamiltonian.n_sites, dtype=np.int8))
        return state_in_sector(pattern, self.hamiltonian.total_sz, np.random.default_rng(key))

    def outlying(
        self, psi: VariationalState, samples: Samples, energy: Stats, n_samples: int
    ) -> OutlyingSamples | None:
        """Those of the probe chains that are outliers, None if none is.

        Parameters
        ----------
        samples : Samples
            Of `advance`.
        energy : Stats
            Of the chains.
        n_samples : int
            Of the chains.
        """
        values = local_energies(psi, self.hamiltonian, samples).real
        far = values > energy.mean.real + FAR * math.sqrt(energy.variance)
        outlying = far.mean(axis=1) > HALF
        far &= np.isfinite(values) & outlying[:, None]
        if not far.any():
            return None
        largest = sum(abs(c) for c in self.hamiltonian.terms.terms.values())
        weight = self.share * n_samples / values.size
        return OutlyingSamples(
            samples.flat[far.ravel()], np.minimum(values[far], largest), weight, outlying
        )
