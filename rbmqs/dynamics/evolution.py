"""`evolve`: a wavefunction at the times asked for, by the time-dependent variational principle.

A start, times and H(t) go in; the loop of `rbmqs.dynamics.stepping` goes from time to time, and
what it leaves is an `Evolution`.
"""

from __future__ import annotations

import time as clock
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from hamiltonians import DrivenHamiltonian, Rotation
from hamiltonians.utils.checks import as_real, short
from hamiltonians.utils.failures import guard
from hamiltonians.utils.ranks import all_of, decided_by_first, on_all_ranks
from rbmqs.dynamics.batches import tempered_moves
from rbmqs.dynamics.exact_curves import exact_curves
from rbmqs.dynamics.files import EvolutionFiles, Progressed
from rbmqs.dynamics.integrators import StepError
from rbmqs.dynamics.measurements import (
    Measurements,
    Observable,
    StateQuantities,
    checked_observables,
)
from rbmqs.dynamics.records import Evolution
from rbmqs.dynamics.settings import EvolutionSettings
from rbmqs.dynamics.starts import as_complex, check_start
from rbmqs.dynamics.stepping import EvolutionState, Stepper
from rbmqs.estimators.drawing import BLIND_SWEEPS
from rbmqs.estimators.equilibration import thermalised
from rbmqs.sampling.chains import ChainState, Sampler
from rbmqs.sampling.distributed import DistributedSampler, undivided
from rbmqs.sampling.initial_configurations import started_chains
from rbmqs.states.rotated import RotatedState
from rbmqs.states.state import VariationalState
from rbmqs.utils.interrupts import Interrupts, pass_on
from rbmqs.utils.progress import Progress
from rbmqs.utils.threads import single_threaded_blas
from rbmqs.vmc.full_summation import Summation
from rbmqs.vmc.settings import SamplingSettings
from rbmqs.vmc.sources import make_sampler


def evolve(
    H: Any,
    psi: Any,
    times: Sequence[float],
    *,
    observables: Any = None,
    echo: bool = False,
    fidelity: bool = False,
    renyi: Sequence[int] | None = None,
    settings: EvolutionSettings | None = None,
    output: str | Path | None = None,
    resume: bool = False,
    progress: bool = True,
    comm: Any = None,
    **keywords: Any,
) -> Evolution:
    """Evolve a wavefunction in time.

    >>> ground = rbmqs.ground_state(ising(chain(20), h=0.5), tied="translations")
    >>> rbmqs.evolve(ising(chain(20), h=1.0), ground, np.linspace(0, 1, 11))

    Parameters
    ----------
    H : SpinHamiltonian, callable, or sequence of (coefficient, operator)
        In Pauli units, so that psi(t) = exp(-i H t) psi where it is fixed; or H(t), see
        `hamiltonians.DrivenHamiltonian`.
    psi : VariationalState or RunResult
        The start; see also `rbmqs.dynamics.product_state`. Real time needs complex parameters,
        which the wavefunction of a run with real ones is given.
    times : sequence of float
        Rising; psi is the state at the first of them.
    observables : mapping of str to PauliSum or SpinOperator, optional
        Measured at each of the times beside the energy; by default magnetisations and, on a
        lattice, the mean of Z_i Z_j over its bonds.
    echo : bool
        Measure the fidelity with the start too, as "echo".
    fidelity : bool
        Measure that with the state at the time before, as "fidelity".
    renyi : sequence of int, optional
        Sites whose Renyi-2 entropy, in nats, is measured, as "renyi2".
    settings : EvolutionSettings, optional
    output : path, optional
        Directory for log, checkpoint, result and picture; it must not hold an evolution yet.
    resume : bool
        Go on with the evolution in `output`, which has the same H, settings and observables; times
        may be added at the end.
    progress : bool
        Show a progress bar on standard error.
    comm : mpi4py communicator, optional
        Ranks that share the chains, or the rows of a sum; all call this function alike, and rank 0
        writes and shows. A saved evolution goes on on any number of them.
    **keywords
        Any of `EvolutionSettings` or `SamplingSettings` by its own name, in place of that in
        `settings`.

    Returns
    -------
    Evolution

    Raises
    ------
    TypeError, ValueError
        Arguments that are wrong or do not belong together, with the reason.
    """
    guard(comm)
    asked = _checked_times(times)
    settings = with_keywords(settings or EvolutionSettings(), keywords)
    driven = H if isinstance(H, DrivenHamiltonian) else DrivenHamiltonian(H)
    psi, origin = _start(driven, psi, settings.imaginary)
    turn = psi.rotation if isinstance(psi, RotatedState) and not driven.first.rotation else None
    if turn is not None:  # kernels take a wavefunction without the phases of a basis around it
        driven, psi = driven.rotated(turn), psi.base
    check_start(driven, psi, settings.imaginary)
    driven.at(float(asked[0]))
    wanted = checked_observables(observables, driven.first)
    quantities = StateQuantities.checked(echo, fidelity, renyi, driven.first.n_sites)
    if comm is not None and settings.method != "tdvp":
        raise ValueError(f"method must be tdvp on {comm.size} ranks, got {settings.method}")
    is_first = comm is None or comm.rank == 0
    opened = EvolutionFiles.opened(
        output if is_first else None, resume and is_first, driven, psi, wanted, settings, quantities
    )
    with on_all_ranks(opened, comm) as files:
        result = _evolved(
            driven, psi, origin, asked, wanted, quantities, settings, files.shared_by(comm),
            progress and is_first, comm,
        )  # fmt: skip
        all_of(None, comm)  # until the first rank has saved
    pass_on(result.interrupted, result)
    return in_given_basis(result, turn)


def _evolved(
    driven: DrivenHamiltonian,
    psi: VariationalState,
    origin: Any,
    asked: np.ndarray,
    wanted: Mapping[str, Observable],
    quantities: StateQuantities,
    settings: EvolutionSettings,
    files: EvolutionFiles,
    progress: bool,
    comm: Any,
) -> Evolution:
    """The evolution itself, once everything is checked."""
    sampler = make_sampler(driven.first, settings.sampling, comm)
    division = sampler.division if isinstance(sampler, DistributedSampler) else None
    summation = Summation.wanted(driven.first, psi, settings.sampling, division)
    scale = driven.at(float(asked[0])).coupling_scale
    stepper = Stepper(driven, settings, sampler, summation, scale)
    if settings.exponent != 2 and summation is None:
        tempered_moves(stepper.sampler)
    started = clock.perf_counter()
    with single_threaded_blas():
        seeds = [np.random.SeedSequence(settings.seed, spawn_key=(k,)) for k in range(3)]
        first = psi if files.saved is None else files.saved.start
        n_chains = stepper.sampler.n_chains
        n_draws = max(4, -(-settings.n_observable_samples // n_chains))
        chains = [_equilibrated(stepper, first, seed) for seed in seeds]
        measure = Measurements(
            driven, wanted, quantities, first, stepper.sampler,
            summation and replace(summation, division=None), n_draws, chains[2],
            None if settings.exponent == 2 else BLIND_SWEEPS,
        )  # fmt: skip
        state = EvolutionState(psi, float(asked[0]), stepper.step, chains[0], chains[1])
        done = Progressed(first, state, asked)
        if files.saved is not None:
            done = files.saved.until(asked)
            done = replace(done, state=done.state.divided(division))
        done = _run(stepper, measure, done, files, progress, comm)
    result = Evolution(
        done.measured_times,
        tuple(done.states),
        done.series,
        tuple(files.history),
        settings,
        driven.first.name,
        done.stopped,
        done.interrupted,
        clock.perf_counter() - started,
        files.directory,
    )
    is_first = comm is None or comm.rank == 0
    curves = (
        exact_curves(
            driven, first, origin, result.times, wanted, quantities.renyi, settings.imaginary
        )
        if is_first
        else {}
    )
    curves = decided_by_first(curves, comm)
    known = {name: curve for name, curve in curves.items() if name in result.observables}
    result = replace(result, exact=known)
    files.finish(result)
    return result


def _run(
    stepper: Stepper,
    measure: Measurements,
    done: Progressed,
    files: EvolutionFiles,
    show: bool,
    comm: Any,
) -> Progressed:
    """Go on to the last time, or until something stops it."""
    n_times = len(done.times)
    with (
        Interrupts(comm) as interrupts,
        Progress(n_times, len(done.states), show, unit="time") as bar,
    ):
        while len(done.states) < n_times:
            target = float(done.times[len(done.states)])
            while done.state.time < target:
                if interrupts.agree() is not None:
                    return files.save(replace(done, interrupted=interrupts.received))
                try:
                    record, state = stepper.advance(done.state, target)
                except (StepError, FloatingPointError) as error:
                    return files.save(replace(done, stopped=str(error)))
                done = replace(done, state=state)
                files.write(record, done)
                bar.advance(len(done.states), f"t = {state.time:.4g}, r^2 = {record.r2:.1e}")
            psi = done.state.psi
            before = done.states[-1] if done.states else psi
            found, chains = measure.at(psi, target, done.state.chains, before)
            done = done.with_measurement(found, chains)
    return files.save(done)


def with_keywords(settings: EvolutionSettings, keywords: dict[str, Any]) -> EvolutionSettings:
    """Settings with some of their entries, or of their sampling, replaced by name."""
    own = {f.name for f in fields(EvolutionSettings)}
    sampling = {f.name for f in fields(SamplingSettings)}
    for name in keywords:
        if name not in own | sampling:
            raise TypeError(
                f"evolve() takes no argument {name!r}; settings are "
                f"{', '.join(sorted(own | sampling))}"
            )
    settings = replace(settings, **{k: v for k, v in keywords.items() if k in own})
    changed = {k: v for k, v in keywords.items() if k in sampling - own}
    return replace(settings, sampling=replace(settings.sampling, **changed))


def in_given_basis(result: Evolution, turn: Rotation | None) -> Evolution:
    """With states in the basis of H as it was given, where the evolution went on in another."""
    if turn is None:
        return result
    return replace(result, states=tuple(RotatedState(psi, turn) for psi in result.states))


def _checked_times(times: Any) -> np.ndarray:
    found = np.atleast_1d(as_real("times", times))
    if found.ndim != 1 or len(found) == 0 or np.any(np.diff(found) <= 0):
        raise ValueError(f"times must be a rising sequence, got {short(times)}")
    return found


def _start(driven: DrivenHamiltonian, psi: Any, imaginary: bool) -> tuple[VariationalState, Any]:
    """The wavefunction to start with, and the Hamiltonian that it is the ground state of."""
    if isinstance(psi, VariationalState):
        return psi, None
    found, origin = getattr(psi, "psi", None), getattr(psi, "hamiltonian", None)
    if not isinstance(found, VariationalState) or origin is None:
        raise TypeError(
            f"psi must be a VariationalState or the result of a run, got {type(psi).__name__}"
        )
    mine, its = driven.first, origin
    if mine.total_sz != its.total_sz:
        raise ValueError(
            f"H must have the total_sz of the run it starts from, {its.total_sz}, "
            f"got {mine.total_sz}"
        )
    turned = None if its.rotation is None or its.rotation.automatic else its.rotation
    if mine.rotation != turned:
        raise ValueError(
            f"H must have the rotation of the run it starts from, {turned}, got {mine.rotation}"
        )
    return found if imaginary or found.is_complex else as_complex(found), origin


def _equilibrated(stepper: Stepper, psi: VariationalState, seed: np.random.SeedSequence) -> Any:
    """Chains of the start, from different configurations that have come to agree."""
    sampler: Sampler = stepper.sampler
    if stepper.summation is not None:
        return sampler.start(seed)
    H = stepper.driven.first
    chains, kinds = started_chains(H, psi, undivided(sampler), seed)
    if isinstance(sampler, DistributedSampler):
        chains = sampler.division.own(chains)
    with Progress(1, show=False) as bar:
        ready = thermalised(H, psi, sampler, chains, kinds, bar)
    found: ChainState = sampler.sample(psi, ready.chains, 1, n_discard=ready.n_discard)[1]
    return found
