"""What a figure of the campaign is: a function that returns one row of docs/reliability.md.

A figure is measured in parts. What a part gave is kept in a file, with its date, processor and
time, so that the campaign can be run in pieces: a part that is there is not measured again.
"""

import json
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Row:
    """One property of the package, with what was measured.

    Parameters
    ----------
    name : str
        The property.
    how : str
        How it was tested, with the number of trials.
    figure, goal : str
        What came out, and what was wanted.
    met : bool
    details : tuple of str
        One line for each trial that failed.
    """

    name: str
    how: str
    figure: str
    goal: str
    met: bool
    details: tuple[str, ...] = ()


class OutOfTimeError(Exception):
    """The time that the campaign was given is over; what was measured is kept."""


def processor() -> str:
    """Its name and the number of cores."""
    described = Path("/proc/cpuinfo")
    lines = described.read_text().splitlines() if described.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else 'unknown'}, {os.cpu_count()} cores"


class Parts:
    """Results of one figure's parts, by their names.

    Parameters
    ----------
    figure : str
    path : Path or None
        Where results are kept; None keeps nothing.
    until : float
        `time.monotonic()` after which no part is begun.
    """

    def __init__(self, figure: str, path: Path | None = None, until: float = float("inf")):
        self.figure, self.path, self.until = figure, path, until
        self.all = json.loads(path.read_text()) if path and path.exists() else {}
        self.known: dict[str, dict[str, Any]] = self.all.setdefault(figure, {})

    def __call__(self, name: str, measure: Callable[..., Any], *arguments: Any) -> Any:
        """The kept result of a part, or a new one (JSON-able)."""
        if name not in self.known:
            if time.monotonic() > self.until:
                raise OutOfTimeError(f"{self.figure}: not begun: {name}")
            begun = sum(os.times()[:4])
            value = measure(*arguments)
            self.known[name] = {
                "value": value,
                "date": str(date.today()),
                "processor": processor(),
                "commit": subprocess.run(
                    ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True,
                    text=True, check=False,
                ).stdout.strip(),
                "seconds": round(sum(os.times()[:4]) - begun, 1),
            }  # fmt: skip
            self.keep()
        return self.known[name]["value"]

    def forget(self) -> None:
        """Measure all parts again."""
        self.known.clear()

    def keep(self) -> None:
        """Write the file, a line for each part."""
        if self.path is None:
            return
        figures = []
        for figure, parts in self.all.items():
            lines = [f"  {json.dumps(name)}: {json.dumps(part)}" for name, part in parts.items()]
            figures.append(f"{json.dumps(figure)}: {{\n" + ",\n".join(lines) + "\n}")
        self.path.write_text("{\n" + ",\n".join(figures) + "\n}\n")

    def when(self) -> str:
        """Days, commit, processor and processor time of the parts."""

        def every(key: str) -> str:
            found = sorted({str(part[key]) for part in self.known.values()})
            return found[0] if len(found) == 1 else f"{found[0]} to {found[-1]}"

        seconds = sum(part["seconds"] for part in self.known.values())
        return f"{every('date')}, {every('processor')}, {seconds:.0f} s"


Figure = Callable[[bool, Parts], Row]
FIGURES: dict[str, Figure] = {}


def figure(name: str) -> Callable[[Figure], Figure]:
    """A decorator for a function from `quick` and `Parts` to a `Row`, under a name."""

    def add(function: Figure) -> Figure:
        FIGURES[name] = function
        return function

    return add
