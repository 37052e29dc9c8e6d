"""Refinement: iterations at the end of a run for what the chains of its final estimate found.

Probe chains (`rbmqs.vmc.extensions.probe_chains`) see 80 sweeps of a start, the chains of a final
estimate thousands. Those of them that ended where local energies are far above the rest become
probe chains themselves until none is an outlier, and the energy is estimated again with other
seeds. Chains that are outliers no longer are reset to where outliers are, so that |psi| falls over
the whole region: on J1-J2, 10x10, at J2 = 0.5 from e^200 times its value in the bulk to e^-67, in
34 iterations. As it can grow by e^16 an iteration where nothing holds it, a round ends with its
last outlier.

The run's own checkpoint stays as it was, so that a resumed run continues as if it had not stopped;
the refined state is kept beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from rbmqs.estimators.chain_diagnostics import reset_chains
from rbmqs.estimators.error_bars import MAX_R_HAT
from rbmqs.estimators.final import Estimate, final_estimate
from rbmqs.sampling.chains import ChainState, random_chains
from rbmqs.utils.progress import Progress
from rbmqs.utils.schedules import Schedule
from rbmqs.utils.threads import single_threaded_blas
from rbmqs.vmc.extension import RunContext
from rbmqs.vmc.extensions.probe_chains import ProbeChains, without_stuck_chains
from rbmqs.vmc.run_state import DivergedError, RunState
from rbmqs.vmc.sources import MonteCarlo
from rbmqs.vmc.step import step

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian
    from rbmqs.sampling.chains import Sampler
    from rbmqs.states.state import VariationalState
    from rbmqs.vmc.settings import RunSettings

MAX_ROUNDS = 4
MAX_ITERATIONS = 100  # of a round
SWEEPS = 32  # of a probe chain in an iteration
MIN_LEARNING_RATE = 0.01  # at that of iteration 5000 a round would take five times as long


@dataclass(frozen=True, eq=False)
class Refined:
    """How a run ended.

    Parameters
    ----------
    state : RunState or None
        After refinement; None where there was nothing to refine.
    estimate : Estimate
        The last one.
    n_iterations, n_rounds : int
    """

    state: RunState | None
    estimate: Estimate
    n_iterations: int = 0
    n_rounds: int = 0


def refined_estimate(
    hamiltonian: SpinHamiltonian,
    psi: VariationalState,
    state: RunState | None,
    sampler: Sampler,
    settings: RunSettings,
    stopped: Callable[[], object] = lambda: None,
    progress: bool = False,
    interrupted: Callable[[], object] = lambda: None,
) -> Refined:
    """Estimate the energy, and refine while fresh chains are stuck at higher ones.

    Parameters
    ----------
    psi : Wavefunction
    state : RunState or None
        Of the run that led to it; None for an estimate alone.
    stopped : callable
        Asked before each iteration whether to stop.
    progress : bool
        Show a progress bar of each estimate and round on standard error.
    interrupted : callable
        Asked now and then whether an estimate must do with the draws that it has.
    """

    def estimate(psi: VariationalState, *number: int) -> Estimate:
        seed = np.random.SeedSequence(settings.seed, spawn_key=(2, *number))
        n_draws = settings.sampling.n_final_draws
        return final_estimate(hamiltonian, psi, sampler, n_draws, seed, progress, interrupted)

    found = Refined(None, estimate(psi))
    if state is None:
        return found
    run = RunContext.of(hamiltonian, _with_steady_rate(settings, state), sampler)
    share = settings.sampling.probe_share
    probes = ProbeChains.beside(sampler, run.hamiltonian, share, settings.seed)
    if probes is None:
        return found
    for number in range(1, MAX_ROUNDS + 1):
        if _agrees(found.estimate) or stopped():
            break
        stuck = _chains_of(found.estimate, settings.seed, number)
        with Progress(MAX_ITERATIONS, show=progress, unit="refinement") as bar:
            after, n_iterations = _round(run, state, probes, stuck, stopped, bar)
        if n_iterations == 0:
            break
        state = after
        n_iterations += found.n_iterations
        found = Refined(state, estimate(state.psi, number), n_iterations, number)
    return found


def _agrees(estimate: Estimate) -> bool:
    """Whether fresh chains tell the same energy, by their starts and by R-hat."""
    comparison = estimate.comparison
    return (comparison is None or comparison.agrees) and not estimate.energy.r_hat > MAX_R_HAT


def _chains_of(estimate: Estimate, seed: int, number: int) -> ChainState:
    """Where the chains of an estimate ended, with random streams of their own."""
    spins = estimate.samples.spins[:, -1].copy()
    key = np.random.SeedSequence(seed, spawn_key=(6, number))
    return ChainState(spins, random_chains(spins.shape[1], None, len(spins), key).rng)


def _with_steady_rate(settings: RunSettings, state: RunState) -> RunSettings:
    """Learning rate and shift as they are now, the rate not below a minimum."""
    optimiser, iteration = settings.optimiser, settings.iteration_in_stage(state.iteration)
    rate = max(optimiser.learning_rate_at(iteration, state.psi), MIN_LEARNING_RATE)
    shift = Schedule(optimiser.diag_shift_at(iteration))
    steady = replace(optimiser, learning_rate=Schedule(rate), diag_shift=shift)
    return replace(settings, optimiser=steady)


def _round(
    run: RunContext,
    state: RunState,
    probes: ProbeChains,
    stuck: ChainState,
    stopped: Callable[[], object],
    bar: Progress,
) -> tuple[RunState, int]:
    """Iterate with the chains of an estimate as probe chains until none is an outlier."""
    moves = replace(probes.moves, n_chains=len(stuck.spins))
    source = MonteCarlo(run)
    for n_done in range(MAX_ITERATIONS):
        with single_threaded_blas():
            batch, drawn, _ = without_stuck_chains(*source.draw(state))
            samples, stuck = moves.sample(state.psi, stuck, SWEEPS)
            outlying = probes.outlying(state.psi, samples, batch.energy, len(batch.spins))
            if outlying is None:
                return state, n_done
            batch = outlying.joined_to(batch, state.psi)
            stuck = reset_chains(stuck, ~outlying.probes)
            try:
                record, state = step(batch, drawn, run.settings)
            except DivergedError:
                return state, n_done
        bar.advance(n_done + 1, f"{outlying.probes.sum()} chains outlying, energy {record.energy}")
        if stopped():
            return state, n_done + 1
    return state, MAX_ITERATIONS
