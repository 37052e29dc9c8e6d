"""Whole runs: from a Hamiltonian to a result on disk, resumable at any iteration."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hamiltonians.utils.failures import guard
from hamiltonians.utils.files import goes_on_without
from hamiltonians.utils.locks import locked
from hamiltonians.utils.memory import size_text
from hamiltonians.utils.ranks import node_values, on_all_ranks
from rbmqs.estimators.equilibration import FINAL_SWEEPS, PROBE_DRAWS
from rbmqs.runs.checkpoint import Checkpoint
from rbmqs.runs.log import LOG
from rbmqs.runs.prepare import prepare, split_keywords, with_every_keyword, with_keywords
from rbmqs.runs.references import reference_of
from rbmqs.runs.restarts import RestartsOnGroups
from rbmqs.runs.result import RESULT, RunResult
from rbmqs.runs.resume import CHECKPOINT, changed_settings, check_holds_run, read_run, state_for
from rbmqs.runs.signs import KNOWN, in_given_basis
from rbmqs.runs.status import incomplete, unfinished, verdict_of
from rbmqs.runs.writer import RunWriter
from rbmqs.sampling.chains import Sampler
from rbmqs.sampling.distributed import DistributedSampler
from rbmqs.states.state import VariationalState
from rbmqs.utils.compilation import compile_timer
from rbmqs.utils.interrupts import Interrupts, pass_on
from rbmqs.utils.progress import Progress, say
from rbmqs.vmc import loop as vmc
from rbmqs.vmc.clock import Clock
from rbmqs.vmc.convergence import has_settled
from rbmqs.vmc.ending import end_run
from rbmqs.vmc.extension import RunContext
from rbmqs.vmc.extensions.multistart import best_so_far, with_fewer_restarts
from rbmqs.vmc.extensions.states_below import n_lower
from rbmqs.vmc.records import StepRecord
from rbmqs.vmc.run_state import DivergedError, RunState, target_of
from rbmqs.vmc.settings import RunSettings
from rbmqs.vmc.sources import make_sampler

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian

Callback = Callable[[StepRecord, RunState], Any]


def ground_state(
    hamiltonian: SpinHamiltonian,
    alpha: float | None = None,
    *,
    psi: VariationalState | None = None,
    signs: Any = KNOWN,
    settings: RunSettings | None = None,
    output: str | Path | None = None,
    progress: bool = True,
    callback: Callback | None = None,
    comm: Any = None,
    **keywords: Any,
) -> RunResult:
    """Variational ground state of a Hamiltonian.

    >>> ground_state(H, alpha=2, n_samples=4096, learning_rate=0.02, max_seconds=600)

    Parameters
    ----------
    hamiltonian : SpinHamiltonian
    alpha : float, optional
        Hidden units per site, 2 when nothing is said about the ansatz; see
        `rbmqs.states.factory.AnsatzSpec`.
    psi : VariationalState, optional
        Start here instead of at random parameters: `rbmqs.wavefunction_of` has that of a run.
    signs : str, list of int, or None
        By default the run works in a basis in which the ground state is positive, wherever it is
        known that turning spins about z makes it so; a sign rule or the sites to turn by pi choose
        another basis, None the given one. What comes back is in the given basis in any case.
    settings : RunSettings, optional
    output : path, optional
        Directory for log, checkpoint and result; it must not hold a run yet.
    progress : bool
        Show a progress bar on standard error.
    callback : callable, optional
        Called as `callback(record, state)` after each iteration with its `StepRecord` and the
        `RunState`, in the basis of the signs; the run ends there when it returns something true.
    comm : mpi4py communicator, optional
        Ranks that share the chains; all call this function alike, and rank 0 writes and shows.
    **keywords
        The ansatz (`n_hidden`, `n_features`, `dtype`, `visible_bias`, `hidden_bias`, `tied`,
        `project`, see `rbmqs.states.factory`) and any setting by its own name, which replaces that
        in `settings`: `n_iterations`, `seed`, `max_seconds`, `growth`, ... of `RunSettings`,
        `n_samples`, `n_chains`, `n_final_samples`, ... of `SamplingSettings`, `learning_rate`,
        `diag_shift`, `solver`, ... of `OptimiserSettings`. With `n_iterations=0` the initial
        wavefunction is measured.

    Returns
    -------
    RunResult

    Raises
    ------
    TypeError
        A keyword that is neither of the ansatz nor a setting.
    ValueError
        Arguments that do not fit, with what was got and what is allowed.
    FileExistsError
        `output` holds a run already.
    LockedError
        Another process is writing there.
    KeyboardInterrupt
        Ctrl-C, once the run is saved; its `result` is what the run came to. SIGTERM or
        SIGUSR1 ends the process then. A second signal ends it at once.
    """
    started = time.perf_counter()
    guard(comm)
    ansatz, options = split_keywords({"alpha": alpha, **keywords})
    settings = with_keywords(settings or RunSettings(), options)
    prepared = prepare(hamiltonian, ansatz, settings, psi, signs)
    is_first = comm is None or comm.rank == 0
    show = progress and is_first
    with on_all_ranks(new_directory(output if is_first else None), comm) as directory:
        result = run(
            *prepared, directory=directory, progress=show, callback=callback, comm=comm,
            started=started,
        )  # fmt: skip
    if comm is not None:
        comm.Barrier()  # until the first rank has saved
    pass_on(result.interrupted, result)
    return result


ground_state.__signature__ = with_every_keyword(ground_state)  # type: ignore[attr-defined]


def resume(
    directory: str | Path,
    hamiltonian: SpinHamiltonian | None = None,
    *,
    n_iterations: int | None = None,
    max_seconds: float | None = None,
    changes: Mapping[str, Any] | None = None,
    progress: bool = True,
    callback: Callback | None = None,
    comm: Any = None,
) -> RunResult:
    """Continue a run from its directory.

    Parameters
    ----------
    directory : path
    hamiltonian : SpinHamiltonian, optional
        Must be the one of the run; needed only for Hamiltonians built from your own terms.
    n_iterations : int, optional
        New total, counted from the start of the run.
    max_seconds : float, optional
        New limit of this part of the run.
    changes : mapping, optional
        Settings that differ from here on, such as {"optimiser.momentum": 0.5}; log and checkpoint
        keep a list of them. A run without changes goes on bit for bit, on as many ranks as before.
    comm : mpi4py communicator, optional
        Ranks that share the chains, as many as you like; see `ground_state`.
    progress : bool
        Show a progress bar on standard error.
    callback : callable, optional
        As in `ground_state`.

    Returns
    -------
    RunResult

    Raises
    ------
    FileNotFoundError
        No checkpoint in the directory.
    CheckpointError
        The checkpoint cannot be read, or belongs to another Hamiltonian.
    LockedError
        Another process is writing there.
    KeyboardInterrupt
        As in `ground_state`.
    """
    guard(comm)
    directory = Path(directory)
    check_holds_run(directory)
    is_first = comm is None or comm.rank == 0
    with on_all_ranks(locked(directory) if is_first else nullcontext(), comm):
        arguments = (n_iterations, max_seconds, changes, progress and is_first, callback, comm)
        result = go_on(directory, hamiltonian, *arguments)
        if comm is not None:
            comm.Barrier()  # until the first rank has saved, and all have read
    pass_on(result.interrupted, result)
    return result


def go_on(
    directory: Path,
    hamiltonian: SpinHamiltonian | None,
    n_iterations: int | None,
    max_seconds: float | None,
    changes: Mapping[str, Any] | None,
    progress: bool,
    callback: Callback | None,
    comm: Any,
) -> RunResult:
    """As `resume`, in a directory that is locked already; returns after a signal, too."""
    checkpoint, hamiltonian, settings = read_run(directory, hamiltonian)
    settings = changed_settings(
        with_keywords(settings, {"n_iterations": n_iterations}), changes or {}
    )
    done = checkpoint.state.iteration
    if settings.n_iterations < done:
        raise ValueError(
            f"n_iterations must be at least the {done} done already, got {settings.n_iterations}"
        )
    settings = with_keywords(settings, {"max_seconds": max_seconds})
    if comm is not None:
        comm.Barrier()  # until all have read what the first one writes anew
    return run(
        hamiltonian,
        target_of(checkpoint.state),
        settings,
        directory=directory if comm is None or comm.rank == 0 else None,
        state=state_for(checkpoint.state, hamiltonian, settings),
        run_id=str(checkpoint.meta.get("run_id", "")),
        progress=progress,
        callback=callback,
        comm=comm,
        changes=_all_changes(checkpoint, changes),
    )


def _all_changes(checkpoint: Checkpoint, changes: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """What was changed at earlier resumptions and now, each with its iteration."""
    earlier = list(checkpoint.meta.get("changes", []))
    now = {"iteration": checkpoint.state.iteration, **(changes or {})}
    return [*earlier, now] if changes else earlier


def run(
    hamiltonian: SpinHamiltonian,
    psi: VariationalState,
    settings: RunSettings,
    *,
    directory: Path | None = None,
    state: RunState | None = None,
    progress: bool = True,
    callback: Callback | None = None,
    comm: Any = None,
    changes: Sequence[Mapping[str, Any]] = (),
    run_id: str = "",
    remembered: Mapping[str, Mapping[str, Any]] | None = None,
    started: float | None = None,
) -> RunResult:
    """Optimise to `settings.n_iterations` and estimate the energy with fresh samples.

    Returns when a signal has ended the run, too; the caller has locked the directory.

    Parameters
    ----------
    directory : Path, optional
        Where log and checkpoint go.
    state : RunState, optional
        Where to go on.
    callback : callable, optional
        Called after each iteration with its record and the state; something true ends the run.
    comm : mpi4py communicator, optional
        Ranks that share the chains.
    changes : sequence of mappings
        Settings changed at resumptions, for log and checkpoint.
    run_id : str
        Of a run that goes on.
    remembered : mapping, optional
        State of extensions to begin with, see `rbmqs.vmc.loop.iterate`.
    started : float, optional
        From when `max_seconds` counts, by `time.perf_counter`; now when not given.
    """
    started = time.perf_counter() if started is None else started
    vmc.check_sizes(hamiltonian, psi)
    n_ranks = 1 if comm is None else comm.size
    on_node = 1 if comm is None else len(node_values(None, comm))
    settings.sampling.check_memory(psi, on_node / n_ranks)
    sampler = make_sampler(hamiltonian, settings.sampling, comm)
    ranks = getattr(sampler, "ranks", None)
    if isinstance(sampler, DistributedSampler):
        if n_lower(state):
            raise ValueError(
                f"an excited state is optimised in one process, got {sampler.ranks.size} ranks: "
                "start without the launcher"
            )
        state = None if state is None else state.divided(sampler.division)
    writer = RunWriter(directory, hamiltonian, psi, settings, state, changes, run_id, ranks)
    if progress:
        memory = size_text(settings.sampling.memory(psi) / n_ranks)
        where = "the run" if n_ranks == 1 else f"each of {n_ranks} ranks"
        say(f"memory: about {memory} for samples and equations of {where}")
    if settings.n_iterations == 0 and state is None:  # measured, and saved as a run to go on from
        seed = np.random.SeedSequence(settings.seed, spawn_key=(1,))
        state = RunContext(hamiltonian, settings, sampler).start(psi, seed)
        writer.begin(state)
    n_final_draws = settings.sampling.n_final_draws + FINAL_SWEEPS + PROBE_DRAWS
    with Interrupts(comm) as interrupts, compile_timer() as compiled:
        clock = Clock(settings.max_seconds, started, n_final_draws, interrupts.of_first)
        history, state, settings, trouble = _optimise(
            hamiltonian,
            psi,
            settings,
            sampler,
            writer,
            state,
            progress,
            interrupts,
            clock,
            callback,
            remembered,
        )
        optimised = time.perf_counter()
        if state is not None:
            state = best_so_far(state, settings)
            psi = state.psi
        estimate, n_refinement = None, 0
        if interrupts.agree() is None or not history:
            begun = state is not None and state.iteration > 0
            # Refinement knows of no penalty, and would lead an excited state to the ground state.
            healthy = state if begun and not trouble and n_lower(state) == 0 else None
            found = end_run(
                hamiltonian, psi, healthy, sampler, settings, interrupts.agree, progress,
                interrupts.agree, clock,
            )  # fmt: skip
            estimate, n_refinement = found.estimate, found.n_iterations
            if found.state is not None:
                psi = found.state.psi
                writer.keep_refined(found.state)
    reference = reference_of(hamiltonian, psi, n_lower(state))
    seconds = {
        "optimisation": optimised - started,
        "final estimate": time.perf_counter() - optimised,
    }
    if estimate is None or interrupts.received is not None:
        verdict = unfinished("the run was interrupted")
    else:
        judged = history if settings.n_iterations > 0 else None
        verdict = verdict_of(judged, estimate, reference, trouble)
    given, psi, estimate = in_given_basis(hamiltonian, psi, estimate)
    result = RunResult(
        given,
        psi,
        settings,
        tuple(history),
        estimate,
        reference,
        incomplete(verdict, writer.missing),
        seconds,
        interrupts.received,
        directory,
        compiled(),
        n_refinement,
        0 if state is None else state.iteration,
        writer.run_id,
        hamiltonian,
    )
    if directory is not None:
        with goes_on_without(directory / RESULT):
            result.save(directory)
    return result


def _optimise(
    hamiltonian: SpinHamiltonian,
    psi: VariationalState,
    settings: RunSettings,
    sampler: Sampler,
    writer: RunWriter,
    state: RunState | None,
    progress: bool,
    interrupts: Interrupts,
    clock: Clock,
    callback: Callback | None,
    remembered: Mapping[str, Mapping[str, Any]] | None,
) -> tuple[list[StepRecord], RunState | None, RunSettings, list[str]]:
    """Iterate, log and checkpoint until done, settled, diverged or interrupted.

    The settings that come back have fewer restarts where time was too short for all of them.
    """
    history, ranks = writer.history, getattr(sampler, "ranks", None)
    done = 0 if state is None else state.iteration
    trouble: list[str] = []
    try:
        if done >= settings.n_iterations:
            writer.close(state)
            return history, state, settings, trouble
        with Progress(settings.n_iterations, done, progress) as bar:
            iterate = partial(
                vmc.iterate, hamiltonian, psi, sampler=sampler, on_start=writer.begin,
                remembered=remembered, clock=clock,
            )  # fmt: skip
            if isinstance(sampler, DistributedSampler) and not remembered:
                restarts = RestartsOnGroups(
                    hamiltonian, settings, sampler, writer, clock, interrupts.agree,
                    partial(_show, bar, settings=settings, clock=clock), callback,
                )  # fmt: skip
                if restarts.are_wanted(state):
                    state, now, trouble, stopped = restarts.run(state or restarts.first(psi))
                    if stopped:
                        return history, state, now, trouble
                    settings = _changed(writer, state, settings, now)
            steps = with_fewer_restarts(iterate, settings, state, clock)
            for record, state, now in steps:
                settings = _changed(writer, state, settings, now)
                history.append(record)
                writer.write(record, state)
                _show(bar, record, settings, clock)
                if callback is not None and callback(record, state):
                    break
                if record.iteration + 1 >= settings.n_iterations:
                    break
                if clock.is_over() or interrupts.agree() is not None:
                    break
                may_settle = not settings.is_restart(record.iteration)
                wanted = settings.stop_when_converged and may_settle
                settled = wanted and has_settled(history, hamiltonian.trace)
                # A first rank that goes on with a run has read more of its history than the others.
                if wanted and (settled if ranks is None else ranks.agreed(settled)):
                    break
    except DivergedError as error:
        trouble = [str(error)]
        state = error.state
        if state.last_good is not None:
            state = replace(state, psi=state.last_good.psi)
    except BaseException:
        if ranks is None:  # other ranks may not be here to hand over their chains
            writer.close(state)
        raise
    writer.close(state)
    return history, state, settings, trouble


def _changed(
    writer: RunWriter, state: RunState, settings: RunSettings, now: RunSettings
) -> RunSettings:
    """The settings that hold now, written down where they have fewer restarts than before."""
    if now is not settings:
        writer.change(state.iteration, now, {"n_restarts": now.n_restarts})
    return now


def _show(bar: Progress, record: StepRecord, settings: RunSettings, clock: Clock) -> None:
    """An iteration, its phase, and the time left."""
    done, phase = record.iteration + 1, ""
    if settings.is_restart(record.iteration):
        n_over = settings.n_restarts_before(record.iteration)
        phase = f"restart {n_over + 1} of {settings.n_restarts_in_all}, "
    n_left, energy, left = clock.n_iterations_left(), str(record.energy), clock.text()
    unknown = clock.is_limited and n_left == math.inf
    planned = None if unknown else round(min(done + n_left, settings.n_iterations))
    bar.advance(done, f"{phase}energy {energy}{left}", f"{phase}{energy}{left}", planned)


@contextmanager
def new_directory(output: str | Path | None) -> Iterator[Path | None]:
    """The directory of a new run, made, tried for writing and locked."""
    if output is None:
        yield None
        return
    directory = Path(output)
    directory.mkdir(parents=True, exist_ok=True)
    with locked(directory):
        if (directory / CHECKPOINT).exists() or (directory / LOG).exists():
            raise FileExistsError(
                f"output {directory} holds a run already: resume it or choose another directory"
            )
        yield directory
