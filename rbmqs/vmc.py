"""The variational loop: sample, estimate, solve, step.

`iterate` is a generator of one record per iteration; `rbmqs.run.run` is a loop over it that
writes files. State goes in and comes out, so a run can be cut anywhere and continued bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from rbmqs.ansatz import Wavefunction
from rbmqs.estimators import local_energies
from rbmqs.optimiser import OptimiserState, has_diverged, take_step
from rbmqs.records import StepRecord
from rbmqs.sampler import ChainState, ExactSampler, MetropolisSampler, Sampler, Samples
from rbmqs.settings import RunSettings, SamplingSettings
from rbmqs.statistics import Stats, quick_statistics
from rbmqs.threads import single_threaded_blas

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

    psi: Wavefunction
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
    """

    iteration: int
    psi: Wavefunction
    chains: ChainState
    optimiser: OptimiserState
    last_good: GoodPoint | None = None
    n_rollbacks: int = 0


def make_sampler(
    hamiltonian: SpinHamiltonian, settings: SamplingSettings, comm: Any = None
) -> Sampler:
    """The sampler that the settings ask for, in the Hamiltonian's sector; `comm` divides it."""
    sampler = _sampler_here(hamiltonian, settings)
    if comm is None:
        return sampler
    from rbmqs.distributed import DistributedSampler

    return DistributedSampler(sampler, comm)  # type: ignore[arg-type]


def _sampler_here(hamiltonian: SpinHamiltonian, settings: SamplingSettings) -> Sampler:
    if settings.exact:
        from hamiltonians import Sector

        return ExactSampler(
            Sector(hamiltonian.n_sites, hamiltonian.total_sz), n_chains=settings.n_chains
        )
    return MetropolisSampler.for_hamiltonian(
        hamiltonian,
        settings.move,
        n_chains=settings.n_chains,
        sweep_size=settings.sweep_size,
        n_discard_per_chain=settings.n_discard_per_chain,
    )


def start_state(psi: Wavefunction, sampler: Sampler, seed: int) -> RunState:
    """Fresh chains, thermalised, before the first iteration."""
    chains = sampler.start(np.random.SeedSequence(seed, spawn_key=(1,)))
    _, chains = sampler.sample(psi, chains, 1, n_discard=THERMALISATION_SWEEPS)
    return RunState(0, psi, chains, OptimiserState.fresh(psi))


def check_sizes(hamiltonian: SpinHamiltonian, psi: Wavefunction) -> None:
    """Refuse a wavefunction on another number of sites than the Hamiltonian."""
    if psi.n_sites != hamiltonian.n_sites:
        raise ValueError(
            f"psi has {psi.n_sites} sites, the Hamiltonian {hamiltonian.n_sites}: they must agree"
        )


def iterate(
    hamiltonian: SpinHamiltonian,
    psi: Wavefunction,
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
    with single_threaded_blas():
        state = state or start_state(psi, sampler, settings.seed)
    while True:
        with single_threaded_blas():
            record, state = _iteration(hamiltonian, sampler, state, settings)
        yield record, state


def _iteration(
    hamiltonian: SpinHamiltonian, sampler: Sampler, state: RunState, settings: RunSettings
) -> tuple[StepRecord, RunState]:
    samples, chains = sampler.sample(state.psi, state.chains, settings.sampling.n_draws)
    pairs = state.psi.unit_pairs(samples.flat)
    evaluate = getattr(sampler, "local_energies", local_energies)  # divided between ranks, or here
    energies = evaluate(state.psi, hamiltonian, samples, pairs)
    energy = quick_statistics(energies)
    trouble = has_diverged(energy, state.last_good.energy if state.last_good else None)
    if trouble:
        return _roll_back(state, chains, energy, samples.acceptance, trouble)
    try:
        return _advance(state, chains, samples, pairs, energies, energy, settings)
    except FloatingPointError as error:  # the solve met NaN, or a matrix it cannot factorise
        return _roll_back(state, chains, energy, samples.acceptance, str(error))


def _advance(
    state: RunState,
    chains: ChainState,
    samples: Samples,
    pairs: np.ndarray,
    energies: np.ndarray,
    energy: Stats,
    settings: RunSettings,
) -> tuple[StepRecord, RunState]:
    jacobian = state.psi.jacobian(samples.flat, pairs)
    step = take_step(
        state.psi, jacobian, energies.ravel(), state.optimiser, settings.optimiser, state.iteration
    )
    record = StepRecord(
        iteration=state.iteration,
        energy=energy,
        acceptance=samples.acceptance,
        solve=step.solve.summary(),
        learning_rate=step.learning_rate,
        step_length=step.length,
        predicted_change=step.solve.predicted_change(step.learning_rate),
        damping=state.optimiser.damping,
    )
    good = GoodPoint(state.psi, chains.spins, energy)
    return record, RunState(state.iteration + 1, step.psi, chains, step.state, good)


def _roll_back(
    state: RunState, chains: ChainState, energy: Stats, acceptance: float, trouble: str
) -> tuple[StepRecord, RunState]:
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
        energy=energy,
        acceptance=acceptance,
        solve={},
        learning_rate=0.0,
        step_length=0.0,
        predicted_change=0.0,
        damping=optimiser.damping,
        status=f"step undone: {trouble}",
    )
    good = state.last_good
    # The reference energy is forgotten with the bad step: it may have been a lucky fluctuation.
    return record, replace(
        state,
        iteration=state.iteration + 1,
        psi=good.psi,
        chains=ChainState(good.spins, chains.rng),
        optimiser=optimiser,
        last_good=replace(good, energy=_loosened(good.energy)),
        n_rollbacks=state.n_rollbacks + 1,
    )


def _loosened(energy: Stats) -> Stats:
    """The same energy with a doubled error, so that a lucky low value cannot block the run."""
    return replace(energy, error_of_mean=2.0 * energy.error_of_mean)
