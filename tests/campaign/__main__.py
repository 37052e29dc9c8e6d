"""python -m tests.campaign [names ...] [--quick] [--json FILE] [--write]."""

import argparse
import json
import os
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "rbmqs"), str(ROOT / "tests" / "studies")]
os.environ["PYTHONPATH"] = str(ROOT)
os.environ.setdefault("MPLBACKEND", "Agg")

from tests.campaign.figures import FIGURES  # noqa: E402
from tests.campaign.rows import Row  # noqa: E402

DOCUMENT = ROOT / "docs" / "reliability.md"
HEAD, TAIL = "<!-- figures -->\n", "<!-- end of figures -->\n"


def main() -> int:
    """Measure, print, and write what is asked for; 1 if a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaign", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(FIGURES)}")
    parser.add_argument("--quick", action="store_true", help="few trials, some minutes in all")
    parser.add_argument("--json", type=Path, metavar="FILE", help="rows, merged into the file")
    parser.add_argument("--write", action="store_true", help="the rows of docs/reliability.md")
    options = parser.parse_args()
    if unknown := set(options.names) - set(FIGURES):
        parser.error(f"NAME must be one of {', '.join(FIGURES)}, got {', '.join(unknown)}")
    rows: dict[str, Row] = {}
    for name in options.names or FIGURES:
        begun = time.perf_counter()
        rows[name] = row = FIGURES[name](options.quick)
        mark = "met" if row.met else "MISSED"
        print(
            f"{name}: {row.figure} (goal {row.goal}: {mark}; {time.perf_counter() - begun:.0f} s)"
        )
        print("\n".join(f"    {line}" for line in row.details), flush=True)
        if options.json:
            known = json.loads(options.json.read_text()) if options.json.exists() else {}
            known[name] = row.to_dict()
            options.json.write_text(json.dumps(known, indent=1))
    if options.write:
        write(rows)
    return 0 if all(row.met for row in rows.values()) else 1


def write(rows: dict[str, Row]) -> None:
    """Put rows into the table of the document, each in the place of an older one of its name."""
    text = DOCUMENT.read_text()
    before, _, rest = text.partition(HEAD)
    table, _, after = rest.partition(TAIL)
    lines = {line.split("`")[1]: line for line in table.splitlines() if line.startswith("| `")}
    for name, row in rows.items():
        goal = row.goal if row.met else f"{row.goal} (missed)"
        lines[name] = f"| `{name}` | {row.name} | {row.how} | {row.figure} | {goal} |"
    known = [lines[name] for name in FIGURES if name in lines]
    titles = ["| name | property | how tested | figure | goal |", "|---|---|---|---|---|"]
    DOCUMENT.write_text(before + HEAD + "\n".join([*titles, *known]) + "\n" + TAIL + after)


if __name__ == "__main__":
    sys.exit(main())
