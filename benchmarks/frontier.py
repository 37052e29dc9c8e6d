"""Energy against seconds: every problem of `accuracy.py`, and NetKet beside rbmqs for four of them.

    python benchmarks/frontier.py --suite frustrated --output runs/frontier --json frontier.json
    python benchmarks/frontier.py --suite netket --seconds 50 --json frontier.json
    python benchmarks/frontier.py --from frontier.json --chart frontier.png
    python benchmarks/frontier.py --quick                              # a minute

Runs that were cut go on when the command is repeated with the same --output, and a record with new
problems keeps its old ones. Seconds are those of all processors. The suite "netket" needs the extra
of this name, see `side_by_side.py`. Errors while training are of means over 20 iterations; the last
column is the final estimate's, with its goal.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from accuracy import course, file_name, measured, problems
from accuracy_cases import SUITES
from choice import chosen
from energy_curves import LEVELS, draw, summary
from host import host_line
from timing import write_record

NETKET = "netket"
QUICK = "Heisenberg 4x4"
MOST_POINTS = 2000  # of a curve in a record


def main() -> int:
    """Measure what is asked for, and print the table."""
    options = _options()
    print(host_line())
    kept = json.loads(options.source.read_text())["rows"] if options.source else []
    rows = {row["problem"]: row for row in kept}
    _print_header()
    for row in kept:
        _print(row)
    with tempfile.TemporaryDirectory() as scratch:
        for row in [] if options.source else _measured(options, Path(options.output or scratch)):
            rows[row["problem"]] = row
            _print(row)
            write_record(options.json, {"rows": list(rows.values())})
    if options.chart:
        draw(
            [row for row in rows.values() if row["exact"] is not None and summary(row)],
            options.chart,
        )
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    suites = (*SUITES, NETKET)
    parser.add_argument("--suite", choices=suites, action="append", help="default: all")
    parser.add_argument("--case", action="append", help="part of a name (repeatable)")
    parser.add_argument("--minutes", type=float, help="budget of each run instead of its own")
    parser.add_argument("--seconds", type=float, default=50.0, help="of each run beside NetKet")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="two small problems, some seconds")
    parser.add_argument("--output", metavar="DIR", help="keep the runs here, and go on with them")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--from", dest="source", type=Path, metavar="FILE", help="a record")
    parser.add_argument("--chart", type=Path, metavar="FILE.png")
    options = parser.parse_args()
    if options.quick and options.case is None:
        options.case, options.suite = [QUICK], options.suite or ["frustrated", NETKET]
    return options


def _measured(options: argparse.Namespace, root: Path) -> Any:
    """One row after the other."""
    suites = options.suite or ([*SUITES] if options.case else [*SUITES, NETKET])
    options.suite = [suite for suite in suites if suite != NETKET]
    if options.suite:
        for case in problems(options):
            directory = root / file_name(case)
            row = measured(case, directory, options)
            every = course(directory)
            row |= {"goal": case.goal, "curves": {"rbmqs": every[:: len(every) // MOST_POINTS + 1]}}
            yield row
    if NETKET in suites:
        from side_by_side import CASES, measure  # late: NetKet is an extra
        from side_by_side import QUICK as SMALL

        cases = (
            [SMALL]
            if options.quick
            else chosen(CASES, None if options.suite else options.case, lambda case: case.name)
        )
        for case in cases:
            found = measure(case, 10.0 if options.quick else options.seconds)
            yield {"suite": NETKET, **found}


def _print_header() -> None:
    levels = " ".join(f"{'to ' + format(level, 'g'):>9}" for level in LEVELS)
    print(f"{'problem':<34} {'run':<22} {'iter.':>6} {'seconds':>8} {levels} {'error':>8} "
          f"{'final':>8} {'goal':>8}")  # fmt: skip


def _print(row: dict[str, Any]) -> None:
    """A line for each run of a problem."""
    if row["exact"] is None:
        print(f"{row['problem']:<34} energy {row['energy']:.6f}: no exact value is known")
        return
    for name, found in summary(row).items():
        levels = " ".join(f"{found[f'to {level:g}']:>9.3g}" for level in LEVELS)
        ends = [row.get(key) if name == "rbmqs" else None for key in ("relative_error", "goal")]
        last = " ".join(f"{'' if end is None else format(end, '.1e'):>8}" for end in ends)
        print(f"{row['problem']:<34} {name:<22} {found['iterations']:>6} {found['seconds']:>8.1f} "
              f"{levels} {found['error']:>8.1e} {last}", flush=True)  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main())
