"""The variational loop: sample, estimate, solve, step.

`iterate` is a generator of one record per iteration; `rbmqs.runs.run.run` is a loop over it that
writes files. State goes in and comes out, so a run can be cut anywhere and continued bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from rbmqs.estimators.error_bars import quick_statistics
from rbmqs.estimators.local import evaluator
from rbmqs.estimators.outlier_chains import reset_chains, stuck_chains
from rbmqs.estimators.stats import Stats
from rbmqs.sampling.chains import ChainState, ExactSampler, MetropolisSampler, Sampler
from rbmqs.sampling.replica_exchange import ReplicaExchangeSampler
from rbmqs.states.state import VariationalState
from rbmqs.utils.threads import single_threaded_blas
from rbmqs.vmc.batch import Batch
from rbmqs.vmc.extensions.growth import grow_state
from rbmqs.vmc.extensions.local_shift import DistanceShift
from rbmqs.vmc.extensions.multistart import MultiStart, first_restart, next_restart, target_of
from rbmqs.vmc.extensions.probe_chains import ProbeChains
from rbmqs.vmc.full_summation import Summation
from rbmqs.vmc.records import StepRecord
from rbmqs.vmc.settings import RunSettings, SamplingSettings
from rbmqs.vmc.step import OptimiserState, has_diverged, has_low_noise, is_better, take_step

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian

THERMALISATION_SWEEPS = 100  # before the first iteration, from random configurations
MAX_ROLLBACKS = 12  # in a row, before the run gives up


class DivergedError(RuntimeError):
    """The optimisation could not go on; the last good state is in `state`."""

    def __init__(self, message: str, state: RunState) -> None:
        super().__init__(message)
        self.state = state


@dataclass(frozen=True, eq=False)
class GoodPoint:
    """Where a bad step returns to.

    Parameters
    ----------
    psi : Wavefunction
    spins : int8 (n_chains, N)
    energy : Stats
    """

    psi: VariationalState
    spins: np.ndarray
    energy: Stats


@dataclass(frozen=True, eq=False)
class RunState:
    """All that a run needs to go on.

    Parameters
    ----------
    iteration : int
        The next one to be done.
    psi : Wavefunction
    chains : ChainState
    optimiser : OptimiserState
    last_good : GoodPoint or None
        Before the last step, None at first.
    n_rollbacks : int
        In a row.
    probe chains : ChainState or None
        Of `rbmqs.vmc.extensions.probe_chains`, None before their first start or where there are none.
    restarts : Restarts
        How several random starts stand, if there are several.
    """

    iteration: int
    psi: VariationalState
    chains: ChainState
    optimiser: OptimiserState
    last_good: GoodPoint | None = None
    n_rollbacks: int = 0
    probes: ChainState | None = None
    restarts: MultiStart = field(default_factory=MultiStart)


def make_sampler(
    hamiltonian: SpinHamiltonian, settings: SamplingSettings, comm: Any = None
) -> Sampler:
    """The sampler that the settings ask for, in the Hamiltonian's sector; `comm` divides it."""
    sampler = _sampler_here(hamiltonian, settings)
    if comm is None:
        return sampler
    from rbmqs.sampling.distributed import DistributedSampler

    return DistributedSampler(sampler, comm)  # type: ignore[arg-type]


def _sampler_here(hamiltonian: SpinHamiltonian, settings: SamplingSettings) -> Sampler:
    if settings.exact:
        from hamiltonians import Sector

        return ExactSampler(
            Sector(hamiltonian.n_sites, hamiltonian.total_sz), n_chains=settings.n_chains
        )
    chains = MetropolisSampler.for_hamiltonian(
        hamiltonian,
        settings.move,
        n_chains=settings.n_chains,
        sweep_size=settings.sweep_size,
        n_discard_per_chain=settings.n_discard_per_chain,
    )
    if settings.n_replicas == 1:
        return chains
    return ReplicaExchangeSampler(chains, settings.n_replicas, settings.beta_min)


def start_state(psi: VariationalState, seed: np.random.SeedSequence, sampler: Sampler) -> RunState:
    """Fresh chains, thermalised, before the first iteration."""
    return RunState(0, psi, fresh_chains(psi, sampler, seed), OptimiserState.fresh(psi))


def fresh_chains(
    psi: VariationalState, sampler: Sampler, seed: np.random.SeedSequence
) -> ChainState:
    """Chains from random configurations, thermalised."""
    chains = sampler.start(seed)
    return sampler.sample(psi, chains, 1, n_discard=THERMALISATION_SWEEPS)[1]


def check_sizes(hamiltonian: SpinHamiltonian, psi: VariationalState) -> None:
    """Refuse a wavefunction on another number of sites than the Hamiltonian."""
    if psi.n_sites != hamiltonian.n_sites:
        raise ValueError(
            f"psi has {psi.n_sites} sites, the Hamiltonian {hamiltonian.n_sites}: they must agree"
        )


def iterate(
    hamiltonian: SpinHamiltonian,
    psi: VariationalState,
    settings: RunSettings | None = None,
    *,
    sampler: Sampler | None = None,
    state: RunState | None = None,
) -> Iterator[tuple[StepRecord, RunState]]:
    """Optimise without end: one record and the state after it per iteration.

    Parameters
    ----------
    hamiltonian : SpinHamiltonian
    psi : Wavefunction
        Initial wavefunction; ignored when `state` is given.
    settings : RunSettings, optional
    sampler : Sampler, optional
        In place of the one that the settings describe.
    state : RunState, optional
        Where to go on.

    Yields
    ------
    record : StepRecord
    state : RunState
        After the iteration.

    Raises
    ------
    ValueError
        Wavefunction and Hamiltonian of different size.
    DivergedError
        More than `MAX_ROLLBACKS` bad steps in a row.
    """
    settings = settings or RunSettings()
    check_sizes(hamiltonian, psi)
    sampler = sampler or make_sampler(hamiltonian, settings.sampling)
    distance_shift = DistanceShift.of(hamiltonian, settings)
    probes = ProbeChains.beside(sampler, hamiltonian, settings.sampling.probe_share, settings.seed)
    target = psi if state is None else target_of(state)
    summation = Summation.wanted(hamiltonian, target, settings.sampling)
    fresh = partial(start_state, sampler=sampler)
    with single_threaded_blas():
        seed = np.random.SeedSequence(settings.seed, spawn_key=(1,))
        if state is None and summation is None:
            state = first_restart(psi, settings, fresh, seed)
        state = state or fresh(psi, seed)
    while True:
        with single_threaded_blas():
            state = next_restart(state, settings, fresh, distance_shift)
            state = grow_state(state, settings, distance_shift)
            if summation is not None:
                batch = summation.batch(state.psi)
            else:
                batch, state = sampled(hamiltonian, sampler, probes, state, settings)
            record, state = step(batch, state, settings, distance_shift)
            record = replace(record, restart=settings.n_restarts_before(record.iteration))
            state = replace(state, restarts=state.restarts.judged(record, settings))
        yield record, state


def sampled(
    hamiltonian: SpinHamiltonian,
    sampler: Sampler,
    probes: ProbeChains | None,
    state: RunState,
    settings: RunSettings,
) -> tuple[Batch, RunState]:
    """Local energies of samples and of probe chains that are outliers; all of them have moved on.

    Stuck chains, see `rbmqs.estimators.outlier_chains`, have no part in it, unless there are no probe chains at all.
    """
    psi, iteration = state.psi, settings.iteration_in_stage(state.iteration)
    n_draws = settings.sampling.n_draws_at(iteration, psi)
    samples, chains = sampler.sample(psi, state.chains, n_draws)
    pairs = psi.prepare(samples.flat)
    energies = evaluator(sampler)(psi, hamiltonian, samples, pairs)
    batch = Batch(
        samples.flat, pairs, energies.ravel(), quick_statistics(energies), samples.acceptance
    )
    stuck = stuck_chains(energies) if settings.sampling.probe_share > 0 else np.zeros(0, dtype=bool)
    if stuck.any():
        batch = batch.without(stuck)
        chains = reset_chains(chains, stuck)
    state = replace(state, chains=chains)
    if probes is None or not np.isfinite(batch.energy.mean):
        return batch, state
    found, moved = probes.advance(psi, state.probes or probes.start(), state.iteration)
    outlying = probes.outlying(psi, found, batch.energy, len(batch.spins))
    if outlying is not None:
        batch = batch.joined_by(psi, outlying)
    if stuck.any():
        moved = probes.sent_to(samples.spins[stuck, -1], moved, state.iteration)
    return batch, replace(state, probes=moved)


def step(
    batch: Batch,
    state: RunState,
    settings: RunSettings,
    distance_shift: DistanceShift | None = None,
) -> tuple[StepRecord, RunState]:
    """Change the parameters by what was measured, or undo the step before.

    Parameters
    ----------
    locality : Locality, optional
        Distances that the shift may grow with.
    """
    trouble = has_diverged(batch.energy, state.last_good.energy if state.last_good else None)
    if trouble:
        return _roll_back(state, batch, trouble)
    try:
        return _advance(state, batch, settings, distance_shift)
    except FloatingPointError as error:  # the solve met NaN, or a matrix it cannot factorise
        return _roll_back(state, batch, str(error))


def _advance(
    state: RunState, batch: Batch, settings: RunSettings, distance_shift: DistanceShift | None
) -> tuple[StepRecord, RunState]:
    psi, energy = state.psi, batch.energy
    iteration = settings.iteration_in_stage(state.iteration)
    if batch.summed and distance_shift is not None:
        distance_shift = distance_shift.of_sums()
    step = take_step(
        psi, batch.jacobian(psi), batch.local_energies, state.optimiser, settings.optimiser,
        iteration, has_low_noise(psi, energy), distance_shift,
    )  # fmt: skip
    record = StepRecord(
        iteration=state.iteration,
        energy=energy,
        acceptance=batch.acceptance,
        solve=step.solve.summary(),
        learning_rate=step.learning_rate,
        step_length=step.length,
        predicted_change=step.solve.predicted_change(step.learning_rate),
        damping=state.optimiser.damping,
        n_outlying=batch.n_outlying,
        n_stuck=batch.n_stuck,
        summed=batch.summed,
    )
    good = state.last_good
    if good is None or is_better(energy, good.energy):
        good = GoodPoint(psi, state.chains.spins, energy)
    return record, replace(
        state, iteration=state.iteration + 1, psi=step.psi, optimiser=step.state, last_good=good,
        n_rollbacks=0,
    )  # fmt: skip


def _roll_back(state: RunState, batch: Batch, trouble: str) -> tuple[StepRecord, RunState]:
    """Return to the last good parameters, with shorter and more damped steps to come."""
    if state.last_good is None or state.n_rollbacks >= MAX_ROLLBACKS:
        raise DivergedError(
            f"stopped at iteration {state.iteration}: {trouble}, and "
            f"{state.n_rollbacks} returns to the last good parameters did not help",
            state,
        )
    optimiser = state.optimiser.after_rollback()
    record = StepRecord(
        iteration=state.iteration,
        energy=batch.energy,
        acceptance=batch.acceptance,
        solve={},
        learning_rate=0.0,
        step_length=0.0,
        predicted_change=0.0,
        damping=optimiser.damping,
        status=f"step undone: {trouble}",
        summed=batch.summed,
        n_stuck=batch.n_stuck,
    )
    good = state.last_good
    # The reference energy is forgotten with the bad step: it may have been a lucky fluctuation.
    return record, replace(
        state,
        iteration=state.iteration + 1,
        psi=good.psi,
        chains=ChainState(good.spins, state.chains.rng),
        optimiser=optimiser,
        last_good=replace(good, energy=_loosened(good.energy)),
        n_rollbacks=state.n_rollbacks + 1,
    )


def _loosened(energy: Stats) -> Stats:
    """The same energy with a doubled error, so that a lucky low value cannot block the run."""
    return replace(energy, error_of_mean=2.0 * energy.error_of_mean)
