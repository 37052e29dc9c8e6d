"""The tables of README.md and docs/ from the records of benchmarks, never by hand.

    python benchmarks/measured.py            # writes every table between two marks
    python benchmarks/measured.py --check    # says which are not what the records say

A record is what a benchmark writes by `--json docs/tables/records/NAME.json`. A table stands
between `<!-- table NAME -->` and `<!-- end of table -->`; one number goes to a cell, and the date
and the host of each record stand below.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from energy_curves import summary

ROOT = Path(__file__).parents[1]
RECORDS = ROOT / "docs" / "tables" / "records"
PAGES = [
    ROOT / "README.md",
    *(ROOT / "docs" / name for name in ("performance.md", "cluster.md", "tables/measured.md")),
]
BLOCK = re.compile(r"<!-- table ([a-z ]+) -->\n.*?<!-- end of table -->\n", re.DOTALL)

Record = dict[str, Any]


class Row(NamedTuple):
    """What was measured, the record, the number in it, and the options of the command."""

    what: str
    record: str
    number: Callable[[Record], str]
    options: str = ""


def _run(name: str, key: str) -> Callable[[Record], str]:
    return lambda record: f"{summary(record['rows'][0])[name][key]:.2g}"


def _coverage(record: Record) -> np.ndarray:
    return 100 * np.array([cell["coverage"]["rbmqs"][1] for cell in record["cells"]])


def _square(record: Record) -> str:
    kind = {"length": 10, "alpha": 4, "n_samples": 1024}
    return next(f"{row['seconds']:.2g}" for row in record["rows"] if row.items() >= kind.items())


def _quspin(record: Record) -> str:
    methods = record["results"]["heisenberg 24"]
    return f"{methods['QuSpin']['seconds'] / methods['rbmqs']['seconds']:.0f}"


def _shots(record: Record) -> str:
    return f"{record['t1']['fidelity']:.4f}"


def _short(record: Record) -> str:
    # The optimum of 3x3 is -2.599302 nats, known from its 14 patterns.
    return f"{100 * (np.mean(record['small']['bars and stripes 3x3']) / -2.599302 - 1):.2g}"


CHAIN = "Heisenberg chain 20, alpha = 2"
ENERGY, BESIDE = "frontier", "--suite netket"
TABLE, ONE, SHOTS = "cluster_table", "--threads 1", "t1 --data DIR"
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
    Row("10x10 Heisenberg, alpha = 4, 1,024 samples: seconds an iteration", TABLE, _square, ONE),
    Row("Heisenberg chain 24: start to exact energy, times as fast as QuSpin", "exact", _quspin),
    Row(
        "fidelity of 10 qubits from 10,000 shots (QuCumber: 0.9898)",
        "tomography",
        _shots,
        SHOTS,
    ),
    Row("bars and stripes 3x3: % short of the optimum", "classical", _short, "small --quick"),
]


@cache
def read(name: str) -> Record:
    """A record by its name."""
    return json.loads((RECORDS / f"{name}.json").read_text(encoding="utf-8"))


def lines_of(head: list[str], rows: Iterable[list[str]]) -> str:
    """A table in Markdown."""
    ruled = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in ruled)


def below(name: str) -> str:
    """When and where a record was taken."""
    record = read(name)
    host = record["machine"].removeprefix("host: ")
    return f"\nMeasured {record['date']} on a shared host ({host}).\n"


def measured() -> str:
    """The rows of the README."""
    rows = [
        [row.what, row.number(read(row.record)), f"`{f'{row.record}.py {row.options}'.strip()}`"]
        for row in ROWS
    ]
    return lines_of(["measured", "number", "`python benchmarks/`"], rows) + below(ENERGY)


def quspin() -> str:
    """Time and memory of QuSpin over those of rbmqs, from start to energy."""
    rows = []
    for name, methods in read("exact")["results"].items():
        if name == "products":
            continue
        model, n_sites = name.rsplit(" ", 1)
        symmetric = model == "sector"
        ours = methods["rbmqs auto" if symmetric else "rbmqs"]
        theirs = methods["QuSpin sector" if symmetric else "QuSpin"]
        system = f"{'Heisenberg' if symmetric else model.capitalize()} chain {n_sites}"
        system += ", all symmetries" if symmetric else ""
        ratios = [theirs[key] / ours[key] for key in ("seconds", "peak")]
        rows.append([system, f"{ours['seconds']:.3g}", *(f"{ratio:.2g}" for ratio in ratios)])
    head = ["system", "rbmqs, seconds", "QuSpin over rbmqs, time", "memory"]
    return lines_of(head, rows) + below("exact")


def startup() -> str:
    """Seconds from typing a command to the end of its first iteration."""
    rows = [
        [f"`{name}`", f"{taken['empty']:.1f}", f"{taken['warm']:.2f}"]
        for name, taken in read("startup")["seconds"].items()
    ]
    return lines_of(["command", "empty cache of kernels, s", "warm, s"], rows) + below("startup")


def cluster() -> str:
    """Seconds of an iteration of the square Heisenberg model, one thread."""
    found: dict[tuple[int, float], dict[int, float]] = {}
    for row in read("cluster_table")["rows"]:
        found.setdefault((row["length"], row["alpha"]), {})[row["n_samples"]] = row["seconds"]
    counts = sorted({n for taken in found.values() for n in taken})
    rows = [
        [f"{length}x{length}", f"{alpha:g}", *(f"{taken[n]:.2g}" for n in counts)]
        for (length, alpha), taken in found.items()
    ]
    head = ["lattice", "alpha", *(f"{n:,} samples" for n in counts)]
    return lines_of(head, rows) + below("cluster_table")


TABLES = {
    "measured": measured,
    "quspin": quspin,
    "startup": startup,
    "cluster": cluster,
}


def rewritten(text: str) -> str:
    """A page with each of its tables as the records have it."""

    def table(found: re.Match[str]) -> str:
        name = found[1]
        return f"<!-- table {name} -->\n\n{TABLES[name]()}\n<!-- end of table -->\n"

    return BLOCK.sub(table, text)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    stale = 0
    for path in PAGES:
        before = path.read_text(encoding="utf-8")
        after = rewritten(before)
        if before != after:
            stale += 1
            if options.check:
                print(f"{path.relative_to(ROOT)} is not what the records say")
            else:
                path.write_text(after, encoding="utf-8")
    return stale if options.check else 0


if __name__ == "__main__":
    raise SystemExit(main())
