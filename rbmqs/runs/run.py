"""Whole runs: from a Hamiltonian to a result on disk, resumable at any iteration."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rbmqs.vmc import loop as vmc
from rbmqs.states.state import VariationalState
from rbmqs.runs.checkpoint import Checkpoint
from rbmqs.utils.compilation import compile_timer
from rbmqs.runs.resume import CHECKPOINT, changed_settings, read_run, state_for
from rbmqs.vmc.convergence import has_settled
from rbmqs.states.factory import initial_wavefunction
from rbmqs.utils.interrupts import Interrupts
from rbmqs.utils.progress import Progress
from rbmqs.vmc.records import StepRecord
from rbmqs.runs.result import RunResult
from rbmqs.runs.writer import LOG, RunWriter
from rbmqs.vmc.settings import RunSettings
from rbmqs.vmc.extensions.refinement import refined_estimate
from rbmqs.runs.status import status_of
from rbmqs.vmc.extensions.multistart import target_of, best_so_far, with_fewer_restarts, with_restarts

if TYPE_CHECKING:
    from hamiltonians import Reference, SpinHamiltonian
    from hamiltonians.symmetry.groups import SymmetryGroup, SymmetrySector

REFINEMENT = 0.25  # of a limited time, which it may take beyond that


def ground_state(
    hamiltonian: SpinHamiltonian,
    alpha: float | None = None,
    *,
    n_hidden: int | None = None,
    n_features: int | None = None,
    dtype: type = complex,
    visible_bias: bool | None = None,
    hidden_bias: bool | None = None,
    tied: str | SymmetryGroup | None = None,
    project: str | SymmetrySector | None = None,
    seed: int | None = None,
    n_iterations: int | None = None,
    growth: Sequence[float] | None = None,
    settings: RunSettings | None = None,
    psi: VariationalState | None = None,
    output: str | Path | None = None,
    progress: bool = True,
    comm: Any = None,
) -> RunResult:
    """Variational ground state of a Hamiltonian with an RBM.

    Parameters
    ----------
    hamiltonian : SpinHamiltonian
    alpha, n_hidden, n_features, dtype, visible_bias, hidden_bias, tied, project
        The wavefunction, see `rbmqs.states.factory.initial_wavefunction`; a plain one with alpha = 2 when
        nothing is said.
    seed, n_iterations, growth : optional
        In place of those in `settings`; a run with `growth` starts with its first density.
    settings : RunSettings, optional
    psi : Wavefunction, optional
        Start here instead of at random parameters: `rbmqs.wavefunction_of` has that of a run.
    output : path, optional
        Directory for log, checkpoint and result; it must not hold a run yet.
    progress : bool
        Show a progress bar on standard error.
    comm : mpi4py communicator, optional
        Ranks that share the chains; all call this function alike, and rank 0 writes and shows.

    Returns
    -------
    RunResult

    Raises
    ------
    ValueError
        Arguments that do not fit, with what was got and what is allowed.
    FileExistsError
        `output` holds a run already.
    """
    settings = _with(settings or RunSettings(), seed=seed, n_iterations=n_iterations, growth=growth)
    if psi is None:
        if settings.growth:
            alpha = _first_density(settings, alpha, n_hidden, n_features)
        psi = initial_wavefunction(
            hamiltonian,
            settings.seed,
            alpha=alpha,
            n_hidden=n_hidden,
            n_features=n_features,
            dtype=dtype,
            visible_bias=visible_bias,
            hidden_bias=hidden_bias,
            tied=tied,
            project=project,
            settings=settings,
        )
        settings = with_restarts(settings, psi)
    is_first = comm is None or comm.rank == 0
    directory = None if output is None or not is_first else _new_directory(Path(output))
    progress = progress and is_first
    return run(hamiltonian, psi, settings, directory=directory, progress=progress, comm=comm)


def _first_density(
    settings: RunSettings, alpha: float | None, n_hidden: int | None, n_features: int | None
) -> float:
    """The density that `growth` starts with, which is not asked for twice."""
    first = settings.growth[0]
    given = {"alpha": alpha, "n_hidden": n_hidden, "n_features": n_features}
    for name, value in given.items():
        if value is not None and (name, value) != ("alpha", first):
            raise ValueError(
                f"growth starts with alpha = {first:g}: give no other alpha, n_hidden or "
                f"n_features, got {name} = {value!r}"
            )
    return first


def resume(
    directory: str | Path,
    hamiltonian: SpinHamiltonian | None = None,
    *,
    n_iterations: int | None = None,
    max_seconds: float | None = None,
    changes: Mapping[str, Any] | None = None,
    progress: bool = True,
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
        keep a list of them. A run without changes goes on bit for bit.

    Raises
    ------
    FileNotFoundError
        No checkpoint in the directory.
    CheckpointError
        The checkpoint cannot be read, or belongs to another Hamiltonian.
    """
    directory = Path(directory)
    checkpoint, hamiltonian, settings = read_run(directory, hamiltonian)
    settings = changed_settings(_with(settings, n_iterations=n_iterations), changes or {})
    done = checkpoint.state.iteration
    if settings.n_iterations < done:
        raise ValueError(
            f"n_iterations must be at least the {done} done already, got {settings.n_iterations}"
        )
    settings = _with(settings, max_seconds=max_seconds)
    return run(
        hamiltonian,
        target_of(checkpoint.state),
        settings,
        directory=directory,
        state=state_for(checkpoint.state, hamiltonian, settings),
        progress=progress,
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
    state: vmc.RunState | None = None,
    progress: bool = True,
    comm: Any = None,
    changes: Sequence[Mapping[str, Any]] = (),
) -> RunResult:
    """Optimise to `settings.n_iterations` and estimate the energy with fresh samples.

    Parameters
    ----------
    directory : Path, optional
        Where log and checkpoint go.
    state : RunState, optional
        Where to go on.
    comm : mpi4py communicator, optional
        Ranks that share the chains.
    changes : sequence of mappings
        Settings changed at resumptions, for log and checkpoint.
    """
    started = time.perf_counter()
    vmc.check_sizes(hamiltonian, psi)
    sampler = vmc.make_sampler(hamiltonian, settings.sampling, comm)
    writer = RunWriter(directory, hamiltonian, psi, settings, state, changes)
    with Interrupts(comm) as interrupts, compile_timer() as compiled:
        history, state, settings, trouble = _optimise(
            hamiltonian, psi, settings, sampler, writer, state, progress, interrupts, started
        )
        optimised = time.perf_counter()
        if state is not None:
            state = best_so_far(state, settings)
            psi = state.psi
        estimate, n_refinement = None, 0
        if interrupts.agree() is None or not history:
            healthy = None if trouble else state
            limit = None if settings.max_seconds is None else REFINEMENT * settings.max_seconds
            stopped = partial(interrupts.must_stop, optimised, limit)
            found = refined_estimate(
                hamiltonian, psi, healthy, sampler, settings, stopped, progress, interrupts.agree
            )  # fmt: skip
            estimate, n_refinement = found.estimate, found.n_iterations
            if found.state is not None:
                psi = found.state.psi
                writer.keep_refined(found.state)
    reference = _reference(hamiltonian)
    seconds = {
        "optimisation": optimised - started,
        "final estimate": time.perf_counter() - optimised,
    }
    status = (*trouble, *status_of(history, estimate, reference, interrupts.received))
    result = RunResult(
        hamiltonian,
        psi,
        settings,
        tuple(history),
        estimate,
        reference,
        status,
        seconds,
        interrupts.received,
        directory,
        compiled(),
        n_refinement,
    )
    if directory is not None:
        result.save(directory)
    return result


def _optimise(
    hamiltonian: SpinHamiltonian,
    psi: VariationalState,
    settings: RunSettings,
    sampler: vmc.Sampler,
    writer: RunWriter,
    state: vmc.RunState | None,
    progress: bool,
    interrupts: Interrupts,
    started: float,
) -> tuple[list[StepRecord], vmc.RunState | None, RunSettings, list[str]]:
    """Iterate, log and checkpoint until done, settled, diverged or interrupted.

    The settings that come back have fewer restarts where time was too short for all of them.
    """
    history = writer.history
    done = 0 if state is None else state.iteration
    trouble: list[str] = []
    try:
        if done >= settings.n_iterations:
            return history, state, settings, trouble
        with Progress(settings.n_iterations, done, progress) as bar:
            iterate = partial(vmc.iterate, hamiltonian, psi, sampler=sampler)
            late = partial(interrupts.out_of_time, started)
            steps = with_fewer_restarts(iterate, settings, state, late)
            for record, state, now in steps:
                if now is not settings:
                    settings = now
                    writer.change(state.iteration, settings, {"n_restarts": settings.n_restarts})
                history.append(record)
                writer.write(record, state)
                bar.update(record)
                if record.iteration + 1 >= settings.n_iterations:
                    break
                if interrupts.must_stop(started, settings.max_seconds):
                    break
                may_settle = not settings.is_restart(record.iteration)
                if settings.stop_when_converged and may_settle and has_settled(history):
                    break
    except vmc.DivergedError as error:
        trouble = [str(error)]
        state = error.state
        if state.last_good is not None:
            state = replace(state, psi=state.last_good.psi)
    finally:
        writer.close(state)
    return history, state, settings, trouble


def _with(settings: RunSettings, **changes: Any) -> RunSettings:
    return replace(settings, **{k: v for k, v in changes.items() if v is not None})


def _new_directory(directory: Path) -> Path:
    if (directory / CHECKPOINT).exists() or (directory / LOG).exists():
        raise FileExistsError(
            f"output {directory} holds a run already: resume it or choose another directory"
        )
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _reference(hamiltonian: SpinHamiltonian) -> Reference | None:
    from hamiltonians import best_reference

    return best_reference(hamiltonian)
