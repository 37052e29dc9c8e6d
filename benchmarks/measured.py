"""The table of the README from the records of benchmarks, never by hand.

    python benchmarks/measured.py            # writes README.md and docs/tables/measured.md
    python benchmarks/measured.py --check    # says whether they are up to date

A record is what a benchmark writes by `--json docs/tables/records/NAME.json`; one number goes to a
row.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from energy_curves import summary

ROOT = Path(__file__).parents[1]
RECORDS = ROOT / "docs" / "tables" / "records"
BEGIN, END = "<!-- measured -->\n", "<!-- end of measured -->"


class Row(NamedTuple):
    """What was measured, the record, the number in it, and the options of the command."""

    what: str
    record: str
    number: Callable[[dict[str, Any]], str]
    options: str = ""


def _run(name: str, key: str) -> Callable[[dict[str, Any]], str]:
    return lambda record: f"{summary(record['rows'][0])[name][key]:.2g}"


def _coverage(record: dict[str, Any]) -> np.ndarray:
    return 100 * np.array([cell["coverage"]["rbmqs"][1] for cell in record["cells"]])


def _agreeing(record: dict[str, Any]) -> str:
    known = [row for row in record["rows"].values() if "published" in row]
    good = [abs(row["per_site"] - row["published"]) <= row["last_digit"] for row in known]
    return f"{sum(good)} of {len(good)}"


def _short(record: dict[str, Any]) -> str:
    # The optimum of 3x3 is -2.599302 nats, known from its 14 patterns.
    return f"{100 * (np.mean(record['small']['bars and stripes 3x3']) / -2.599302 - 1):.2g}"


CHAIN = "Heisenberg chain 20, alpha = 2"
ENERGY, BESIDE = "frontier", "--suite netket"
ROWS = [
    Row(f"{CHAIN}: processor seconds to 1 %", ENERGY, _run("rbmqs", "to 0.01"), BESIDE),
    Row("the same, NetKet", ENERGY, _run("NetKet", "to 0.01"), BESIDE),
    Row("relative error after 50 s, mean of 20 iterations", ENERGY, _run("rbmqs", "error"), BESIDE),
    Row("the same, NetKet (SPRING)", ENERGY, _run("NetKet, momentum 0.9", "error"), BESIDE),
    Row(
        "two error bars cover the mean, 32 kinds of chains, %",
        "error_bars",
        lambda record: f"{_coverage(record).mean():.1f}",
        "--quick",
    ),
    Row(
        "the same, the worst kind, %",
        "error_bars",
        lambda record: f"{_coverage(record).min():.1f}",
        "--quick",
    ),
    Row("published energies of clusters, to all digits", "published", _agreeing, "--quick"),
    Row(
        "velocity of an Ising ring of 6 against the exact one",
        "dynamics",
        lambda record: f"{record['velocity']['ising_6']:.0e}",
        "velocity --quick",
    ),
    Row(
        "the same, Heisenberg ring",
        "dynamics",
        lambda record: f"{record['velocity']['heisenberg_6']:.0e}",
        "velocity --quick",
    ),
    Row("bars and stripes 3x3: % short of the optimum", "classical", _short, "small --quick"),
]


def table() -> str:
    """The rows in Markdown, with the hosts of their records."""
    records = {row.record: json.loads((RECORDS / f"{row.record}.json").read_text()) for row in ROWS}
    lines = ["| measured | number | `python benchmarks/` |", "|---|---|---|"]
    for row in ROWS:
        command = f"{row.record}.py {row.options}".strip()
        lines.append(f"| {row.what} | {row.number(records[row.record])} | `{command}` |")
    dates = sorted({record["date"] for record in records.values()})
    host = records[ENERGY]["machine"].removeprefix("host: ")
    return "\n".join(lines) + f"\n\nMeasured {', '.join(dates)} on a shared host ({host}).\n"


def documents() -> dict[Path, str]:
    """Files that hold the table, with the text that they should have."""
    readme = ROOT / "README.md"
    before, rest = readme.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END)[1]
    page = "# Measured\n\nThe rows of the README, from the records beside this page.\n\n"
    return {
        readme: f"{before}{BEGIN}\n{table()}\n{END}{after}",
        ROOT / "docs" / "tables" / "measured.md": page + table(),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    stale = 0
    for path, text in documents().items():
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale += 1
        if options.check:
            print(f"{path.name} is not what the records say")
        else:
            path.write_text(text, encoding="utf-8")
    return stale if options.check else 0


if __name__ == "__main__":
    raise SystemExit(main())
