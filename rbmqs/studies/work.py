"""The work of one point, done in whatever process it lands in.

`run_point` takes and returns plain values, so that any executor can carry it. It runs or resumes
the point in work/ID, writes what is measured, and publishes the directory in one step.
"""

from __future__ import annotations

import shutil
import time
import traceback
from contextlib import nullcontext, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hamiltonians.utils.locks import locked
from hamiltonians.utils.ranks import decided_by_first
from rbmqs.studies.processes import limit_threads
from rbmqs.studies.quenches import evolve_point, quench_of, quench_row
from rbmqs.studies.storage import RECORD, StudyDirectory
from rbmqs.studies.study import Point, ReferenceRule
from rbmqs.utils.json_files import write_json

if TYPE_CHECKING:
    from rbmqs.runs.result import RunResult

DONE, FAILED, INTERRUPTED = "done", "failed", "interrupted"
CORRELATIONS = "correlations.npz"


def run_point(
    root: str,
    point: dict[str, Any],
    observables: tuple[str, ...],
    reference: dict[str, Any],
    threads: int | None,
    ranks: int = 1,
) -> dict[str, str]:
    """Finish one point.

    Parameters
    ----------
    root : str
        Directory of the study, the same for every process.
    point, reference : dict
        Fields of `Point` and `ReferenceRule`.
    observables : tuple of str
    threads : int or None
        Threads to use, None for all there are.
    ranks : int
        MPI ranks that optimise the point together, see `rbmqs.studies.rank_job`.

    Returns
    -------
    dict
        `id`, `outcome` ("done", "failed" or "interrupted"), and `error` with its `traceback`.
    """
    directory, task = StudyDirectory(root), Point(**point)
    answer = {"id": task.id, "outcome": DONE}
    try:
        with directory.lock(task.id):  # an orphan may still hold it for a moment
            if not directory.is_published(task.id):
                answer["outcome"] = _run(
                    directory, task, observables, ReferenceRule(**reference), threads, ranks
                )
    except Exception as error:  # whatever it is, the other points go on
        message = " ".join(f"{type(error).__name__}: {error}".split())
        trace = traceback.format_exc()
        directory.record_failure(task.id, {"id": task.id, "error": message, "traceback": trace})
        answer |= {"outcome": FAILED, "error": message}
    return answer


def _run(
    directory: StudyDirectory,
    point: Point,
    observables: tuple[str, ...],
    rule: ReferenceRule,
    threads: int | None,
    ranks: int,
) -> str:
    from rbmqs.runs.references import sector_of
    from rbmqs.runs.status import judged_again
    from rbmqs.studies.references import reference_of

    if threads is not None:
        limit_threads(threads)
    started = time.perf_counter()
    if ranks > 1:
        from rbmqs.studies.rank_job import iterated_on_ranks

        if iterated_on_ranks(directory, point, ranks, threads) is not None:
            return INTERRUPTED
    result, n_resumed = begun_or_continued(directory, point)
    if result.interrupted is not None:
        return INTERRUPTED
    solved = result.solved or result.hamiltonian
    sector = sector_of(result.psi, solved)
    reference = reference_of(point, solved, rule, result.reference, sector)
    result = replace(result, reference=reference, verdict=judged_again(result, reference))
    work = directory.work(point.id)
    result.save(work)
    quench, evolved = quench_of(point.table), {}
    if quench is not None:
        evolution = evolve_point(point.config(), quench, result, work)
        if evolution.interrupted is not None:
            return INTERRUPTED
        evolved = quench_row(evolution)
    _write_record(work, point, result, observables, n_resumed, started, evolved)
    directory.publish(point.id)
    return DONE


def begun_or_continued(
    directory: StudyDirectory, point: Point, comm: Any = None
) -> tuple[RunResult, int]:
    """The finished run, and how many of its iterations were done by an earlier process."""
    from rbmqs.runs.prepare import prepare
    from rbmqs.runs.resume import wavefunction_of
    from rbmqs.runs.run import resume, run

    work, config = directory.work(point.id), point.config()
    hamiltonian = config.hamiltonian()
    is_first = comm is None or comm.rank == 0
    n_done = decided_by_first(_iterations_saved(work) if is_first else 0, comm)
    if n_done:
        return resume(work, hamiltonian, progress=False, comm=comm), n_done
    if is_first:
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
    parent = None if point.parent is None else wavefunction_of(directory.point(point.parent))
    options, signs = config.ansatz.options(), config.model.run_signs
    prepared = prepare(hamiltonian, options, config.settings(), parent, signs)
    with locked(work) if is_first else nullcontext():
        place = work if is_first else None
        return run(*prepared, directory=place, progress=False, comm=comm), 0


def _iterations_saved(work: Path) -> int:
    """Iterations that a killed process left behind and that can be gone on from."""
    from rbmqs.runs.checkpoint import load_checkpoint
    from rbmqs.runs.log import LOG, missing_iterations, read_log
    from rbmqs.runs.resume import CHECKPOINT

    with suppress(ValueError, OSError):
        n_done = load_checkpoint(work / CHECKPOINT).state.iteration
        if not missing_iterations(read_log(work / LOG)[1], n_done):
            return n_done
    return 0


def _write_record(
    work: Path,
    point: Point,
    result: RunResult,
    observables: tuple[str, ...],
    n_resumed: int,
    started: float,
    evolved: dict[str, Any],
) -> None:
    """point.json and correlations.npz; `evolved` has the columns of a quench."""
    from rbmqs.studies.measurements import correlation_arrays, scalar_observables
    from rbmqs.studies.provenance import provenance
    from rbmqs.studies.rows import row_of

    row = row_of(result.to_dict(), result.history)
    if "magnetisations" in observables:
        row |= scalar_observables(result)
    if "correlations" in observables:
        _write_arrays(work / CORRELATIONS, correlation_arrays(result))
    row |= evolved
    n_here = max(1, len(result.history) - n_resumed)
    row["seconds_per_iteration"] = result.seconds["optimisation"] / n_here
    row["seconds"] = time.perf_counter() - started
    record = {"format": "rbmqs-point", "version": 1, **asdict(point), "row": row}
    write_json(work / RECORD, {**record, "provenance": provenance()})


def _write_arrays(path: Path, arrays: dict[str, Any]) -> None:
    import numpy as np

    from hamiltonians.utils.files import write_atomically

    write_atomically(path, lambda file: np.savez(file, **arrays))
