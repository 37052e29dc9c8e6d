"""The commands `rbmqs study run`, `study check`, `study status` and `rbmqs report`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rbmqs.cli import exit_codes
from rbmqs.cli.options import changes_from_options
from rbmqs.utils.interrupts import signals_reported
from rbmqs.utils.progress import say

if TYPE_CHECKING:
    from rbmqs.studies.fidelity import FidelityStudy
    from rbmqs.studies.running import StudyOutcome
    from rbmqs.studies.study import Study

_STUDY_EXAMPLES = """examples:
  rbmqs study check study.toml
  rbmqs study run study.toml --output runs/transition
  rbmqs study run study.toml --processes 4 --threads 2
  rbmqs study run study.toml --retry-failed
  rbmqs study run study.toml --executor dask --address tcp://127.0.0.1:8786
  mpirun -n 8 python -m mpi4py.futures -m rbmqs study run study.toml --executor mpi
  rbmqs study run study.toml --executor slurm --option slurm_partition=short
  rbmqs study status study.toml
"""


def add_study_commands(commands: Any, command: Callable[..., argparse.ArgumentParser]) -> None:
    """Add `study` and `report` to the command line.

    Parameters
    ----------
    commands : argparse's sub-parsers
    command : callable
        Makes one command with its help and example.
    """
    study = commands.add_parser(
        "study",
        help="many runs from one file: run, check, status",
        description="Many runs described by one file, resumable at any moment.",
        epilog=_STUDY_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = study.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, text, function in (
        ("run", "run what is not done yet, and write the table", _run),
        ("check", "validate the file and list its points", _check),
        ("status", "what is done, failed and left", _status),
    ):
        parser = command(actions, name, text, f"rbmqs study {name} study.toml")
        parser.add_argument("file", metavar="FILE", help="study file (TOML)")
        parser.set_defaults(run=function)
        if name != "check":
            parser.add_argument("--output", metavar="DIR", help="default: as the file says")
        if name == "run":
            _add_run_options(parser)
    report = command(
        commands,
        "report",
        "page in HTML and Markdown of a run, an evolution, a study",
        "rbmqs report runs/first",
    )
    report.add_argument("directory", metavar="DIR")
    report.add_argument("--output", metavar="DIR", help="directory of the report; default: DIR")
    report.set_defaults(run=_report)


def _add_run_options(parser: argparse.ArgumentParser) -> None:
    from rbmqs.studies.executors import EXECUTORS

    parser.add_argument("--executor", choices=EXECUTORS, default="local", help="default: local")
    parser.add_argument("--processes", type=int, metavar="N", help="default: one for each core")
    parser.add_argument("--threads", type=int, metavar="N", help="of each process")
    parser.add_argument("--address", metavar="URL", help="scheduler of --executor dask")
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="of the jobs of --executor slurm (repeatable)",
    )
    parser.add_argument("--retry-failed", action="store_true", help="run failed points again")
    parser.add_argument("--quiet", action="store_true", help="no progress")


def _read(path: str) -> Study | FidelityStudy | None:
    """The study, or None after all that is wrong with it has been printed."""
    from rbmqs.studies.reading import read_study
    from rbmqs.studies.study import StudyError
    from rbmqs.utils.parsing import read_toml

    table = read_toml(path)
    try:
        if "tomography" in table:
            from rbmqs.studies.fidelity import fidelity_study_from_table

            return fidelity_study_from_table(table, Path(path).stem)
        return read_study(path)
    except StudyError as error:
        for problem in error.problems:
            say(f"rbmqs: error: {problem}")
        return None


def _check(options: argparse.Namespace) -> int:
    from rbmqs.studies.study import Study

    study = _read(options.file)
    if study is None:
        return exit_codes.BAD_INPUT
    if not isinstance(study, Study):
        print(f"{study.name}: fidelity against shots, {study.left()} sets to do")
        return 0
    for point in study:
        print(point.id, f"  from {point.parent}" if point.parent else "", sep="")
    print(f"{study.name}: {len(study)} points, axes {', '.join(study.axes) or 'none'}")
    return 0


def _run(options: argparse.Namespace) -> int:
    from rbmqs.studies.executors import make_executor
    from rbmqs.studies.running import run_study
    from rbmqs.studies.study import Study

    study = _read(options.file)
    if study is None:
        return exit_codes.BAD_INPUT
    if not isinstance(study, Study):
        print(study.run(options.output, progress=not options.quiet))
        return 0
    executor = make_executor(
        options.executor,
        n_processes=options.processes,
        n_threads=options.threads,
        address=options.address,
        options=changes_from_options(options.option, "--option"),
    )
    try:
        with signals_reported():
            outcome = run_study(
                study,
                options.output,
                executor=executor,
                n_threads=options.threads,
                retry_failed=options.retry_failed,
                progress=not options.quiet,
            )
    finally:
        executor.shutdown(wait=True)
    return _tell(outcome, options.file)


def _status(options: argparse.Namespace) -> int:
    from rbmqs.studies.running import survey
    from rbmqs.studies.storage import StudyDirectory
    from rbmqs.studies.study import Study

    study = _read(options.file)
    if study is None:
        return exit_codes.BAD_INPUT
    if not isinstance(study, Study):
        print(f"{study.left(options.output)} of {len(study.shots) * study.n_sets} sets left")
        return 0
    directory = StudyDirectory(options.output or study.output)
    return _tell(survey(directory, study), options.file)


def _report(options: argparse.Namespace) -> int:
    from rbmqs.studies.reports import write_report

    for path in write_report(options.directory, options.output):
        print(path)
    return 0


def _tell(outcome: StudyOutcome, file: str) -> int:
    """Print what became of the points; 0 only if all are done."""
    for sentence in outcome.damaged:
        print(f"damaged: {sentence}")
    for point_id in outcome.failed:
        print(f"failed: {point_id}: {_why(outcome.directory, point_id)}")
    counts = [
        f"{len(outcome.done)} done",
        *(f"{len(ids)} {word}" for word, ids in (
            ("failed", outcome.failed), ("blocked by them", outcome.blocked), ("left", outcome.left)
        ) if ids),
    ]  # fmt: skip
    print(f"{', '.join(counts)}; results in {outcome.directory}")
    if outcome.failed:
        say(f"again with: rbmqs study run {file} --retry-failed")
    if outcome.interrupted is not None:
        say(f"saved; go on with: rbmqs study run {file}")
        return exit_codes.INTERRUPTED + outcome.interrupted
    return exit_codes.NOT_CONVERGED if outcome.failed or outcome.left else 0


def _why(root: Path, point_id: str) -> str:
    from rbmqs.studies.storage import StudyDirectory
    from rbmqs.utils.json_files import read_json

    return str(read_json(StudyDirectory(root).failure(point_id)).get("error"))
