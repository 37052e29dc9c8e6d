"""All figures of docs/reliability.md: `python -m tests.campaign --write`.

Results are kept part by part in tests/campaign/results.json: the same command goes on where it was
stopped, and measures nothing twice unless `--again` asks for it.
"""

import argparse
import os
import sys
import time
from pathlib import Path

from tests.campaign.rows import ROOT, OutOfTimeError, Parts, Row

sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "rbmqs"), str(ROOT / "tests" / "studies")]
sys.path.append(str(ROOT / "benchmarks"))
os.environ["PYTHONPATH"] = str(ROOT)
os.environ.setdefault("MPLBACKEND", "Agg")

from tests.campaign.figures import FIGURES  # noqa: E402

DOCUMENT = ROOT / "docs" / "reliability.md"
RESULTS = Path(__file__).with_name("results.json")
HEAD, TAIL = "<!-- figures -->\n", "<!-- end of figures -->\n"
TITLES = "| name | property | how tested | figure | goal | measured |\n|---|---|---|---|---|---|\n"


def main() -> int:
    """Measure, print, and write what is asked for; 1 if a goal is missed or time is over."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaign", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(FIGURES)}")
    parser.add_argument("--quick", action="store_true", help="few trials, nothing is kept")
    parser.add_argument("--write", action="store_true", help="the rows of docs/reliability.md")
    parser.add_argument("--again", action="store_true", help="measure what is known already too")
    parser.add_argument("--seconds", type=float, default=float("inf"), metavar="S",
                        help="begin no part after so many seconds")  # fmt: skip
    options = parser.parse_args()
    if unknown := set(options.names) - set(FIGURES):
        parser.error(f"NAME must be one of {', '.join(FIGURES)}, got {', '.join(unknown)}")
    if options.quick and options.write:
        parser.error("--write must be without --quick: the document holds long versions")
    until, lines, good = time.monotonic() + options.seconds, {}, True
    for name in options.names or FIGURES:
        parts = Parts(name, None if options.quick else RESULTS, until)
        if options.again:
            parts.forget()
        try:
            row = FIGURES[name](options.quick, parts)
        except OutOfTimeError as error:
            print(error, flush=True)
            good = False
            continue
        mark, good = ("met", good) if row.met else ("MISSED", False)
        print(f"{name}: {row.figure} (goal {row.goal}: {mark}; {parts.when()})")
        print("".join(f"    {line}\n" for line in row.details), end="", flush=True)
        lines[name] = line_of(name, row, parts)
    if options.write:
        write(lines)
    return 0 if good else 1


def line_of(name: str, row: Row, parts: Parts) -> str:
    """A row of the table."""
    goal = row.goal if row.met else f"{row.goal} (missed)"
    return f"| `{name}` | {row.name} | {row.how} | {row.figure} | {goal} | {parts.when()} |"


def write(lines: dict[str, str]) -> None:
    """Put rows into the table of the document, each in the place of an older one of its name."""
    text = DOCUMENT.read_text()
    before, _, rest = text.partition(HEAD)
    table, _, after = rest.partition(TAIL)
    old = {line.split("`")[1]: line for line in table.splitlines() if line.startswith("| `")}
    lines = old | lines
    known = "".join(f"{lines[name]}\n" for name in FIGURES if name in lines)
    DOCUMENT.write_text(before + HEAD + TITLES + known + TAIL + after)


if __name__ == "__main__":
    sys.exit(main())
