"""Running a study: what is left to do, in which order, and what becomes of it."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path

from hamiltonians.utils.checks import instance
from hamiltonians.utils.files import write_atomically
from hamiltonians.utils.locks import locked
from rbmqs.studies.collecting import collect
from rbmqs.studies.processes import LocalProcesses
from rbmqs.studies.provenance import provenance
from rbmqs.studies.storage import SOURCE, STUDY, StudyDirectory
from rbmqs.studies.study import Point, Study
from rbmqs.studies.table_files import CSV, HDF5, read_csv, read_hdf5, write_tables
from rbmqs.studies.view import StudyView
from rbmqs.studies.work import DONE, FAILED, INTERRUPTED, run_point
from rbmqs.utils.interrupts import Interrupts, pass_on
from rbmqs.utils.json_files import DamagedError, read_json, write_json

_REFRESH_SECONDS = 1.0
_MAX_DEATHS = 2  # of the worker under a point, before the point counts as failed


@dataclass
class StudyOutcome:
    """What became of a study.

    Parameters
    ----------
    directory : Path
    done, failed, blocked, left : list of str
        Points finished (now or before), failed, waiting for a failed neighbour, and not done.
    damaged : list of str
        What was wrong with files that were set aside or written anew, a sentence each.
    interrupted : int or None
        Signal that ended the run.
    """

    directory: Path
    done: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    blocked: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    interrupted: int | None = None


def run_study(
    study: Study,
    output: str | Path | None = None,
    *,
    executor: Executor | None = None,
    n_threads: int | None = None,
    retry_failed: bool = False,
    progress: bool = True,
) -> StudyOutcome:
    """Run every point of a study that is not done yet, then write the table.

    Parameters
    ----------
    study : Study
    output : path, optional
        Directory, by default the study's own; what it holds already is verified and kept.
    executor : concurrent.futures.Executor, optional
        Local processes, one for each core, by default. Its workers must see `output`.
    n_threads : int, optional
        Threads of each worker of an executor that was given.
    retry_failed : bool
        Run failed points again.
    progress : bool
        Show the progress on standard error.

    Returns
    -------
    StudyOutcome

    Raises
    ------
    LockedError
        Another process is running a study in this directory.
    """
    instance("study", study, Study)
    directory = StudyDirectory(Path(output or study.output).absolute())
    directory.root.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        stack.enter_context(locked(directory.root))
        unreadable = _unreadable(directory.root)
        _write_study(directory, study)
        if retry_failed:
            for point in study:
                directory.forget_failure(point.id)
        outcome = survey(directory, study, set_aside=True)
        outcome.damaged[:0] = unreadable
        if outcome.left:
            if executor is None:
                executor = LocalProcesses()
                stack.callback(executor.shutdown, wait=True, cancel_futures=True)
            _Run(study, directory, outcome, executor, n_threads).loop(progress)
        write_tables(collect(directory.root), directory.root)
    pass_on(outcome.interrupted, outcome)
    return outcome


def _unreadable(root: Path) -> list[str]:
    """Sentences on files that follow from the study and its points, and cannot be read."""
    found = []
    for name, read in ((STUDY, read_json), (CSV, read_csv), (HDF5, read_hdf5)):
        try:
            if (root / name).exists():
                read(root / name)
        except (ValueError, OSError, LookupError):
            found.append(f"{root / name} cannot be read: it is written anew")
    return found


def survey(directory: StudyDirectory, study: Study, *, set_aside: bool = False) -> StudyOutcome:
    """What is done and what is not.

    Parameters
    ----------
    set_aside : bool
        Move points whose files are damaged out of the way, so that they are run again.
    """
    outcome, hopeless = StudyOutcome(directory.root), set[str]()
    for point in study:
        if directory.is_published(point.id):
            try:
                directory.verify(point.id, point.fingerprint)
                outcome.done.append(point.id)
                continue
            except DamagedError as error:
                moved = f", moved to {directory.set_aside(point.id)}" if set_aside else ""
                outcome.damaged.append(f"{error}{moved}: the point is to be run again")
        failed = directory.failure(point.id).exists()
        blocked = point.parent in hopeless
        hopeless |= {point.id} if failed or blocked else set()
        group = outcome.failed if failed else outcome.blocked if blocked else outcome.left
        group.append(point.id)
    return outcome


class _Run:
    """Hands points to an executor as they become ready."""

    def __init__(
        self,
        study: Study,
        directory: StudyDirectory,
        outcome: StudyOutcome,
        executor: Executor,
        n_threads: int | None,
    ) -> None:
        self._study, self._directory, self._outcome = study, directory, outcome
        self._executor, self._n_threads = executor, n_threads
        left, self._done = set(outcome.left), set(outcome.done)
        self._waiting = {point.id: point for point in study if point.id in left}
        self._running: dict[Future, Point] = {}
        self._deaths: Counter[str] = Counter()

    def loop(self, progress: bool) -> None:
        """Until everything is done or failed, or a signal comes."""
        outcome = self._outcome
        view = StudyView(self._directory, self._study, set(outcome.done), progress)
        with Interrupts() as interrupts, view:
            while True:
                if interrupts.received is None:
                    self._submit_ready()
                elif outcome.interrupted is None:
                    outcome.interrupted = interrupts.received
                    self._stop()
                if not self._running:
                    break
                view.refresh(point.id for point in self._running.values())
                finished, _ = wait(self._running, _REFRESH_SECONDS, FIRST_COMPLETED)
                for future in finished:
                    self._finish(self._running.pop(future), future, view)
            view.refresh(())
        outcome.left = list(self._waiting)

    def _submit_ready(self) -> None:
        """Submit points whose parents are done: as many as there are processes, or all."""
        room = getattr(self._executor, "n_processes", len(self._waiting) + len(self._running))
        for point in list(self._waiting.values()):
            if len(self._running) >= room:
                return
            if point.parent is None or point.parent in self._done:
                future = self._executor.submit(
                    run_point,
                    str(self._directory.root),
                    asdict(point),
                    self._study.observables,
                    asdict(self._study.reference),
                    self._n_threads,
                    self._study.ranks,
                )
                self._running[future] = self._waiting.pop(point.id)

    def _stop(self) -> None:
        """Cancel what has not begun; ask local processes to save what they are at."""
        for future in self._running:
            future.cancel()
        if isinstance(self._executor, LocalProcesses):
            self._executor.interrupt()

    def _finish(self, point: Point, future: Future, view: StudyView) -> None:
        """Take note of what became of a point."""
        answer = self._answer(point, future)
        if answer == DONE:
            self._outcome.done.append(point.id)
            self._done.add(point.id)
            view.finish(point.id)
        elif answer == FAILED:
            self._outcome.failed.append(point.id)
            view.finish(point.id, failed=True)
            self._block_children(point.id)
        else:
            self._waiting[point.id] = point

    def _answer(self, point: Point, future: Future) -> str:
        if future.cancelled():
            return INTERRUPTED
        try:
            return future.result()["outcome"]
        except Exception as error:  # of the executor: a worker that died, a connection lost
            self._deaths[point.id] += 1
            if isinstance(error, BrokenExecutor) and self._deaths[point.id] < _MAX_DEATHS:
                return INTERRUPTED
            message = f"the worker was lost: {type(error).__name__}: {error}"
            self._directory.record_failure(point.id, {"id": point.id, "error": message})
            return FAILED

    def _block_children(self, point_id: str) -> None:
        """Points that would start from a failed one wait for it to be retried."""
        blocked = {point_id}
        for child in list(self._waiting.values()):  # a parent comes before its children
            if child.parent in blocked:
                del self._waiting[child.id]
                blocked.add(child.id)
                self._outcome.blocked.append(child.id)


def _write_study(directory: StudyDirectory, study: Study) -> None:
    record = {"format": "rbmqs-study", "version": 1, **asdict(study), "provenance": provenance()}
    write_json(directory.root / STUDY, record)
    if study.source:
        text = study.source.encode()
        write_atomically(directory.root / SOURCE, lambda file: file.write(text))
