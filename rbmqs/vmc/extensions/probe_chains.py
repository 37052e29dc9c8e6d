"""Probe chains: a few chains that keep starting afresh, and keep |psi| from growing unseen.

Outside the region that its chains visit a wavefunction extrapolates, and nothing in the equations
holds it back. Within 180 iterations on the Heisenberg chain of 80 sites (tied, alpha = 2) two
ferromagnetic domains came to outweigh the Neel state by exp(150) in |psi|^2; later, 6 of 8 chains
that started at random ended there, at a positive energy.

Probe chains start in random, ordered and domain states of the lattice
(`rbmqs.sampling.initial_configurations`), move a few sweeps an iteration and start again after
`LIFE` of them. A probe chain is an outlier while most of the configurations that it passes have
local energies far above those of the chains; these join the equations of the reconfiguration, which
lower |psi| where local energies are high. Their weight is small: the change that the equations ask
for does not depend on it, and directions that the samples leave open suffice. Energies are
estimated without probe chains.

Samples of stuck chains (`rbmqs.estimators.chain_diagnostics`) are left out of an iteration. A probe
chain continues from where such a chain is, with the small weight of a probe chain, and the chain
itself from where another one is: counted as one of 16, a maximum took 200 to 400 iterations to
lower on the Heisenberg chain of 80. Whether psi is a good state is for the final estimate to say,
whose chains start afresh and are all counted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from rbmqs.estimators.chain_diagnostics import FAR, reset_chains, stuck_chains
from rbmqs.estimators.local import local_energies
from rbmqs.sampling.chains import ChainState, Division, Samples
from rbmqs.sampling.initial_configurations import RANDOM, ordered_states, state_in_sector
from rbmqs.sampling.metropolis import MetropolisSampler, metropolis_moves
from rbmqs.vmc.batch import Batch
from rbmqs.vmc.extension import Extension, Line, RunContext, register_extension
from rbmqs.vmc.records import StepRecord
from rbmqs.vmc.run_state import RunState
from rbmqs.vmc.settings import RunSettings

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian
    from rbmqs.estimators.stats import Stats
    from rbmqs.sampling.chains import Sampler
    from rbmqs.states.state import VariationalState
    from rbmqs.utils.ranks import Ranks

LIFE = 10  # iterations between two starts of a probe chain: with 40, |psi| grew back in between
SWEEPS = 8  # an iteration, where chains do 69: 3 % of the sampling for four probe chains
HALF = 0.5  # of its configurations in an iteration must lie there: rare ones do so on any chain


@dataclass(frozen=True, eq=False)
class OutlyingSamples:
    """Configurations of probe chains whose local energies are far too high.

    Parameters
    ----------
    spins : int8 (n, N)
        Of probe chains that ranks divide, those of this rank.
    local_energies : float64 (n,)
        Not above what the spectrum allows: near a node of psi they have no bound.
    weight : float
        Of each of them, one being that of a sample.
    probes : bool (n_probes,)
        Which of them these are.
    n_all : int, optional
        Configurations on all ranks, where these are not all.
    """

    spins: np.ndarray
    local_energies: np.ndarray
    weight: float
    probes: np.ndarray
    n_all: int | None = None

    def __len__(self) -> int:
        return len(self.spins) if self.n_all is None else self.n_all

    def weights(self, n_samples: int) -> np.ndarray:
        """Of samples and these together, with mean one."""
        weights = np.append(np.ones(n_samples), np.full(len(self), self.weight))
        return weights * (len(weights) / weights.sum())

    def joined_to(self, batch: Batch, psi: VariationalState) -> Batch:
        """A batch with these configurations in its equations."""
        n_samples = batch.n_samples
        if batch.division is None:
            return batch.joined_by(psi, self.spins, self.local_energies, self.weights(n_samples))
        scale = (n_samples + len(self)) / (n_samples + len(self) * self.weight)
        weights = np.append(np.ones(len(batch.spins)), np.full(len(self.spins), self.weight))
        return batch.joined_by(psi, self.spins, self.local_energies, scale * weights)


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
    ranks : Ranks or None
        That divide the probe chains; all know where each of them is.
    """

    hamiltonian: SpinHamiltonian
    moves: MetropolisSampler
    patterns: dict[str, np.ndarray]
    share: float
    seed: int
    ranks: Ranks | None = None

    @classmethod
    def beside(
        cls, sampler: Sampler, hamiltonian: SpinHamiltonian, share: float, seed: int
    ) -> ProbeChains | None:
        """Probe chains with a sampler's moves; None where `share` is 0 or nothing moves."""
        moves = metropolis_moves(sampler)
        if share == 0 or moves is None:
            return None
        patterns = ordered_states(hamiltonian)
        moves = replace(moves, n_chains=1 + len(patterns), n_discard_per_chain=0)
        return cls(hamiltonian, moves, patterns, share, seed, getattr(sampler, "ranks", None))

    def start(self) -> ChainState:
        """Probe chains with random streams of their own, before their first start."""
        return self.moves.start(np.random.SeedSequence(self.seed, spawn_key=(5,)))

    def advance(
        self, psi: VariationalState, probes: ChainState, iteration: int
    ) -> tuple[Samples, ChainState]:
        """Start again those whose time has come, and move all: a configuration of each sweep.

        Samples are those of this rank's probe chains, the state is that of all.
        """
        spins = probes.spins.copy()
        for number, (name, age) in enumerate(zip(self.kinds, self.ages(iteration), strict=True)):
            if iteration == 0 or age == 0:
                spins[number] = self._fresh(name, number, iteration)
        if self.ranks is None:
            return self.moves.sample(psi, ChainState(spins, probes.rng), SWEEPS)
        division = Division.of(len(spins), self.ranks)
        own = division.own(ChainState(spins, probes.rng))
        drawn = np.empty((len(own.spins), SWEEPS, spins.shape[1]), np.int8)
        if len(own.spins):
            moves = replace(self.moves, n_chains=len(own.spins))
            samples, own = moves.sample(psi, own, SWEEPS)
            drawn = samples.spins
        moved = ChainState(division.of_all(own.spins), division.of_all(own.rng))
        return Samples(drawn, 1.0, division=division), moved

    @property
    def kinds(self) -> tuple[str, ...]:
        """How each probe chain starts."""
        return (RANDOM, *self.patterns)

    def ages(self, iteration: int) -> np.ndarray:
        """Iterations since each probe chain started; they take turns."""
        n_probes = len(self.kinds)
        return (iteration + np.arange(n_probes) * LIFE // n_probes) % LIFE

    def sent_to(self, spins: np.ndarray, probes: ChainState, iteration: int) -> ChainState:
        """The probe chains, the youngest of them at given configurations.

        Parameters
        ----------
        spins : int8 (n, N)
        probes : ChainState
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
        return state_in_sector(pattern, self.hamiltonian, np.random.default_rng(key))

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
        values = np.empty(samples.shape)
        if len(samples.spins):
            values = local_energies(psi, self.hamiltonian, samples).real
        far = values > energy.mean.real + FAR * math.sqrt(energy.variance)
        outlying = far.mean(axis=1) > HALF
        far &= np.isfinite(values) & outlying[:, None]
        outlying, n_far = samples.of_all(outlying), int(samples.of_all(far).sum())
        if n_far == 0:
            return None
        largest = self.hamiltonian.energy_scale + abs(self.hamiltonian.trace)
        weight = self.share * n_samples / (len(outlying) * samples.shape[1])
        spins, energies = samples.flat[far.ravel()], np.minimum(values[far], largest)
        return OutlyingSamples(spins, energies, weight, outlying, n_far)


def without_stuck_chains(batch: Batch, state: RunState) -> tuple[Batch, RunState, np.ndarray]:
    """Samples of the chains that are not stuck, with the others reset.

    Returns
    -------
    batch : Batch
    state : RunState
    spins : int8 (n_stuck, N)
        Where the chains that are stuck had ended.
    """
    n_draws, n_sites = batch.energy.n_draws, batch.spins.shape[1]
    stuck = stuck_chains(batch.by_chain)
    last = np.empty((0, n_sites), np.int8)
    if stuck.any():
        ends = batch.spins.reshape(-1, n_draws, n_sites)[:, -1]
        last = (ends if batch.division is None else batch.division.of_all(ends))[stuck]
        batch = batch.without(stuck)
        state = replace(state, chains=reset_chains(state.chains, stuck))
    return batch, state, last


@register_extension("probe_chains")
class CorrectionByProbes(Extension):
    """Lets outlying probe chains join the equations, and leaves stuck chains out of them."""

    def __init__(self, run: RunContext) -> None:
        super().__init__(run)
        settings = run.settings
        share = settings.sampling.probe_share
        self.probes = ProbeChains.beside(run.sampler, run.hamiltonian, share, settings.seed)

    def adjust(self, batch: Batch, state: RunState) -> tuple[Batch, RunState, Mapping[str, Any]]:
        """See `Extension.adjust`."""
        if batch.summed or self.run.settings.sampling.probe_share == 0:
            return batch, state, {}
        batch, state, stuck = without_stuck_chains(batch, state)
        extras = {"n_stuck": len(stuck)} if len(stuck) else {}
        if self.probes is None or not np.isfinite(batch.energy.mean):
            return batch, state, extras
        psi, chains = state.psi, state.of(self.name).get("chains") or self.probes.start()
        found, moved = self.probes.advance(psi, chains, state.iteration)
        outlying = self.probes.outlying(psi, found, batch.energy, batch.n_samples)
        if outlying is not None:
            batch = outlying.joined_to(batch, psi)
            extras["n_outlying"] = len(outlying)
        if len(stuck):
            moved = self.probes.sent_to(stuck, moved, state.iteration)
        return batch, state.with_extension(self.name, {"chains": moved}), extras

    @classmethod
    def report(cls, history: Sequence[StepRecord], settings: RunSettings) -> list[Line]:
        """How many iterations were corrected."""
        texts = {
            "n_outlying": (
                "probe chains",
                "had outliers in {} iterations, which lowered |psi| there",
            ),
            "n_stuck": ("stuck chains", "were left out of {} iterations"),
        }
        counts = {key: sum(r.extra(cls.name, key) > 0 for r in history) for key in texts}
        return [(texts[key][0], texts[key][1].format(n)) for key, n in counts.items() if n]
