"""Refinement: iterations at the end of a run for what the chains of its final estimate found.

Probe chains (`rbmqs.vmc.extensions.probe_chains`) see 80 sweeps of a start, the chains of a final
estimate thousands. Those of them that ended where local energies are far above the rest become
probe chains themselves until none is an outlier, and the energy is estimated again with other
seeds. Chains that are outliers no longer are reset to where outliers are, so that |psi| falls over
the whole region: on J1-J2, 10x10, at J2 = 0.5 from e^200 times its value in the bulk to e^-67, in
34 iterations. As it can grow by e^16 an iteration where nothing holds it, a round ends with its
last outlier.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from hamiltonians.operators.local_space import LocalSpace
from rbmqs.estimators.chain_diagnostics import reset_chains
from rbmqs.estimators.error_bars import MAX_R_HAT
from rbmqs.estimators.estimate import Estimate
from rbmqs.sampling.chains import ChainState, Sampler, random_chains
from rbmqs.sampling.distributed import DistributedSampler
from rbmqs.utils.progress import Progress
from rbmqs.utils.schedules import Schedule
from rbmqs.utils.threads import single_threaded_blas
from rbmqs.vmc.extension import Ending, Extension, Line, RunContext, register_extension
from rbmqs.vmc.extensions.probe_chains import ProbeChains, without_stuck_chains
from rbmqs.vmc.run_state import DivergedError, RunState
from rbmqs.vmc.settings import RunSettings
from rbmqs.vmc.sources import MonteCarlo
from rbmqs.vmc.step import step

MAX_ITERATIONS = 100  # of a round
SWEEPS = 32  # of a probe chain in an iteration
MIN_LEARNING_RATE = 0.01  # at that of iteration 5000 a round would take five times as long


@register_extension("refinement")
class Refinement(Extension):
    """Iterations with the stuck chains of a final estimate as probe chains."""

    def finish(self, ending: Ending, state: RunState) -> RunState:
        """The state after a round; the same one where chains agree."""
        settings, sampler = self.run.settings, self.run.sampler
        share = settings.sampling.probe_share
        probes = ProbeChains.beside(sampler, self.run.hamiltonian, share, settings.seed)
        if probes is None or _agrees(ending.estimate) or ending.stopped():
            return state
        run = replace(self.run, settings=_with_steady_rate(settings, ending.state))
        stuck = _chains_of(ending.estimate, settings.seed, ending.number)
        with Progress(MAX_ITERATIONS, show=ending.progress, unit="refinement") as bar:
            return _round(run, state, probes, stuck, ending.stopped, bar)

    @classmethod
    def report_ending(cls, n_iterations: int) -> list[Line]:
        """How many iterations there were."""
        text = f"{n_iterations} iterations with stuck chains of the final estimate"
        return [("refinement", text)] if n_iterations else []


def _agrees(estimate: Estimate) -> bool:
    """Whether fresh chains tell the same energy, by their starts and by R-hat."""
    comparison = estimate.comparison
    return (comparison is None or comparison.agrees) and not estimate.energy.r_hat > MAX_R_HAT


def _chains_of(estimate: Estimate, seed: int, number: int) -> ChainState:
    """Where the chains of an estimate ended, with random streams of their own."""
    spins, division = estimate.samples.spins[:, -1].copy(), estimate.samples.division
    key = np.random.SeedSequence(seed, spawn_key=(6, number))
    n_chains = len(estimate.local_energies)
    fresh = random_chains(LocalSpace(spins.shape[1]), None, n_chains, key)
    return replace(fresh if division is None else division.own(fresh), spins=spins)


def _with_steady_rate(settings: RunSettings, state: RunState) -> RunSettings:
    """Learning rate and shift as they are now, the rate not below a minimum."""
    optimiser, iteration = settings.optimiser, settings.iteration_in_stage(state.iteration)
    rate = max(optimiser.learning_rate_at(iteration, state.psi), MIN_LEARNING_RATE)
    shift = Schedule(optimiser.diag_shift_at(iteration, state.psi))
    steady = replace(optimiser, learning_rate=Schedule(rate), diag_shift=shift)
    return replace(settings, optimiser=steady)


def _round(
    run: RunContext,
    state: RunState,
    probes: ProbeChains,
    stuck: ChainState,
    stopped: Callable[[], object],
    bar: Progress,
) -> RunState:
    """Iterate with the chains of an estimate as probe chains until none is an outlier."""
    moves: Sampler = replace(probes.moves, n_chains=len(stuck.spins))
    if stuck.division is not None:
        n_chains = sum(stuck.division.lengths)
        every = replace(probes.moves, n_chains=n_chains)
        moves = DistributedSampler(every, stuck.division.ranks)
    source = MonteCarlo(run)
    for n_done in range(MAX_ITERATIONS):
        with single_threaded_blas():
            batch, drawn, _ = without_stuck_chains(*source.draw(state))
            samples, stuck = moves.sample(state.psi, stuck, SWEEPS)
            outlying = probes.outlying(state.psi, samples, batch.energy, batch.n_samples)
            if outlying is None:
                return state
            batch = outlying.joined_to(batch, state.psi)
            stuck = reset_chains(stuck, ~outlying.probes)
            try:
                record, state = step(batch, drawn, run.settings)
            except DivergedError:
                return state
        bar.advance(n_done + 1, f"{outlying.probes.sum()} chains outlying, energy {record.energy}")
        if stopped():
            break
    return state
