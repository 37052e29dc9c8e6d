"""Energies against published ones, with default settings and fixed budgets of time.

    python benchmarks/accuracy.py --suite carleo-troyer --output runs/accuracy
    python benchmarks/accuracy.py --case "J1-J2 4x4" --minutes 5
    python benchmarks/accuracy.py --quick      # seconds for each of the small problems

A run that was cut goes on where it was when the command is repeated with the same --output, and
finished ones are not done again. A row is below the published value where its energy, and the
relative error where that was published, lies under it by more than two error bars.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from accuracy_cases import SUITES, Case
from choice import chosen
from host import host_line
from timing import write_json, write_record

import rbmqs
from hamiltonians import best_reference
from rbmqs.estimators.stats import Stats
from rbmqs.runs.lanczos_analysis import Analysis, analyse_run
from rbmqs.runs.run import CHECKPOINT
from rbmqs.vmc.records import StepRecord
from rbmqs.vmc.settings import RunSettings, SamplingSettings

ROW, SPENT, COURSE = "row.json", "spent.json", "course.jsonl"


def main() -> int:
    """Run the chosen problems and print the table."""
    options = _options()
    print(host_line())
    print(
        f"{'problem':<32} {'energy':>14} {'bar':>8} {'rel.err.':>9} {'published':>9} {'V':>8} "
        f"{'params':>7} {'seconds':>8}  below  status"
    )
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(options.output or scratch)
        for case in problems(options):
            rows.append(measured(case, root / file_name(case), options))
            _print(rows[-1])
    write_record(options.json, {"rows": rows})
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--suite", choices=tuple(SUITES), action="append", help="default: all")
    parser.add_argument("--case", action="append", help="part of a name (repeatable)")
    parser.add_argument("--minutes", type=float, help="budget of each run instead of its own")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="a few seconds each, small problems")
    parser.add_argument("--output", metavar="DIR", help="keep the runs here, and go on with them")
    parser.add_argument("--json", type=Path, metavar="FILE")
    return parser.parse_args()


def problems(options: argparse.Namespace) -> list[Case]:
    cases = [case for suite in options.suite or SUITES for case in SUITES[suite]()]
    cases = chosen(cases, options.case, lambda case: case.name)
    if options.quick:
        cases = [replace(case, minutes=0.1) for case in cases if case.build().n_sites <= 20]
    if options.minutes:
        cases = [replace(case, minutes=options.minutes) for case in cases]
    return cases


def file_name(case: Case) -> str:
    return re.sub(r"[^A-Za-z0-9.]+", "-", f"{case.suite} {case.name}")


def measured(case: Case, directory: Path, options: argparse.Namespace) -> dict[str, Any]:
    """The row of a finished run, or of one that is done or continued now."""
    if (directory / ROW).exists():
        return json.loads((directory / ROW).read_text())
    final = 2**10 if options.quick else case.n_final
    directory.mkdir(parents=True, exist_ok=True)
    spent = _seconds_spent(directory)
    budget = max(60 * case.minutes - spent, 1.0)
    write_json(directory / SPENT, {"spent": spent, "started": time.time()})
    if (directory / CHECKPOINT).exists():
        result = rbmqs.resume(directory, max_seconds=budget, callback=_course(directory))
    else:
        settings = RunSettings(
            n_iterations=10**6, seed=options.seed, max_seconds=budget,
            sampling=SamplingSettings(n_final_samples=final),
        )  # fmt: skip
        result = rbmqs.ground_state(case.build(), **case.ansatz, settings=settings,
                                    output=directory, callback=_course(directory))  # fmt: skip
    if result.interrupted is not None:
        raise SystemExit(128 + result.interrupted)
    row = _row(case, result, spent + sum(result.seconds.values()))
    if case.lanczos_samples:
        samples = 2**8 if options.quick else case.lanczos_samples
        row = _improved(case, row, analyse_run(directory, max_samples=samples))
    write_json(directory / ROW, row)
    return row


def _course(directory: Path) -> Callable[[StepRecord, Any], None]:
    """Writes processor seconds, energy, variance and wall seconds of each iteration."""
    path = directory / COURSE
    before = (course(directory) or [(0.0,) * 4])[-1]
    started = time.process_time(), time.perf_counter()

    def write(record: StepRecord, state: Any) -> None:
        seconds = before[0] + time.process_time() - started[0]
        wall = before[3] + time.perf_counter() - started[1]
        energy = record.energy
        row = [seconds, energy.mean.real, energy.variance, wall]
        with path.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps([float(f"{value:.9g}") for value in row]) + "\n")

    return write


def course(directory: Path) -> list[tuple[float, ...]]:
    """What `_course` wrote."""
    path = directory / COURSE
    lines = path.read_text().splitlines() if path.exists() else []
    return [tuple(json.loads(line)) for line in lines]


def _seconds_spent(directory: Path) -> float:
    """Time that earlier parts of the run took, up to their last checkpoint."""
    if not (directory / SPENT).exists() or not (directory / CHECKPOINT).exists():
        return 0.0
    before = json.loads((directory / SPENT).read_text())
    return before["spent"] + (directory / CHECKPOINT).stat().st_mtime - before["started"]


def _row(case: Case, result: rbmqs.RunResult, seconds: float) -> dict[str, Any]:
    reference = best_reference(result.hamiltonian)
    exact = case.exact if reference is None else reference.energy
    published = case.published_error
    if published is None and case.published is not None and exact is not None:
        published = (case.published - exact) / abs(exact)
    return {
        "suite": case.suite, "problem": case.name, "source": case.source,
        **_energies(case, result.energy, exact),
        "published_energy": case.published, "published_relative_error": published,
        "v_score": result.v_score, "n_parameters": result.psi.n_parameters,
        "n_iterations": len(result.history), "seconds": seconds,
        "status": list(result.status), "ansatz": result.psi.describe(),
    }  # fmt: skip


def _energies(case: Case, energy: Stats, exact: float | None) -> dict[str, Any]:
    """An energy with its error bar, how far it is from the exact one, and whether below others."""
    value, bar = energy.mean.real, float(energy.error_of_mean)
    error = None if exact is None else (value - exact) / abs(exact)
    if case.published is not None:
        below = value + 2 * bar < case.published
    elif case.published_error is not None and error is not None:
        below = error + 2 * bar / abs(exact) < case.published_error
    else:
        below = None
    return {
        "energy": value, "error_bar": bar, "exact": exact, "relative_error": error,
        "below_published": below, "R_hat": energy.r_hat,
    }  # fmt: skip


def _improved(case: Case, row: dict[str, Any], analysis: Analysis) -> dict[str, Any]:
    """The row after a Lanczos step; that of the machine alone is kept in it."""
    if analysis.step is None:  # an eigenstate
        return row
    after = analysis.step.after
    energy, variance = after.energy.mean.real, after.variance.mean.real
    before = {k: row[k] for k in ("energy", "error_bar", "relative_error", "v_score")}
    return {
        **row, **_energies(case, after.energy, row["exact"]),
        "v_score": rbmqs.v_score(energy, variance, analysis.hamiltonian.n_sites),
        "status": [*row["status"], *analysis.status],
        "ansatz": {**row["ansatz"], "lanczos_steps": 1}, "before_lanczos": before,
    }  # fmt: skip


def _print(row: dict[str, Any]) -> None:
    """A line, or two where a Lanczos step was taken."""
    if "before_lanczos" in row:
        _print_line({**row, **row["before_lanczos"], "below_published": None})
        row = {**row, "problem": f"{row['problem']}, Lanczos step"}
    _print_line(row)


def _print_line(row: dict[str, Any]) -> None:
    def number(value: float | None) -> str:
        return "" if value is None else f"{value:.1e}"

    verdict = {None: "", True: "yes", False: "no"}[row["below_published"]]
    status = "converged" if not row["status"] else row["status"][0]
    print(
        f"{row['problem']:<32} {row['energy']:>14.6f} {row['error_bar']:>8.1e} "
        f"{number(row['relative_error']):>9} {number(row['published_relative_error']):>9} "
        f"{row['v_score']:>8.1e} {row['n_parameters']:>7} {row['seconds']:>8.0f}  {verdict:<5}  "
        f"{status}",
        flush=True,
    )


if __name__ == "__main__":
    raise SystemExit(main())
