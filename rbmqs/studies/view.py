"""One view of the progress of a study: points done, share of the work, time left."""

from __future__ import annotations

import time
from collections.abc import Iterable

from tqdm import tqdm

from rbmqs.runs.log import LOG
from rbmqs.studies.storage import StudyDirectory
from rbmqs.studies.study import Point
from rbmqs.utils.progress import LINE_EVERY, say, shows_bars


class StudyView:
    """Shows a study on standard error: a bar in a terminal, now and then a line elsewhere.

    Work is counted in iterations times sites squared, so that the time left does not mislead
    where small systems come first; points under way count by the lines of their logs.

    Parameters
    ----------
    directory : StudyDirectory
    points : iterable of Point
        All of the study.
    done : set of str
        Points that were finished before.
    show : bool
    """

    def __init__(
        self, directory: StudyDirectory, points: Iterable[Point], done: set[str], show: bool
    ) -> None:
        self._directory = directory
        self._costs = {point.id: _cost(point) for point in points}
        self._iterations = {point.id: point.config().run.n_iterations for point in points}
        self._finished = set(done)
        self._failed = 0
        self._started = self._last_line = time.monotonic()
        self._initial = self._work_done(())
        bar = show and shows_bars()
        self._lines = show and not bar
        self._bar = tqdm(
            total=1.0,
            initial=self._initial,
            disable=not bar,
            dynamic_ncols=True,
            bar_format="{percentage:3.0f}%|{bar}| {elapsed}{postfix}",
        )

    def finish(self, point_id: str, *, failed: bool = False) -> None:
        """Count one more point."""
        self._finished.add(point_id)
        self._failed += failed

    def refresh(self, running: Iterable[str]) -> None:
        """Show the state now."""
        share = self._work_done(running)
        text = self._text(share)
        if not self._bar.disable:
            self._bar.n = share
            self._bar.set_postfix_str(text, refresh=True)
        if self._lines and time.monotonic() - self._last_line > LINE_EVERY:
            self._last_line = time.monotonic()
            say(text)

    def _text(self, share: float) -> str:
        failed = f", {self._failed} failed" if self._failed else ""
        text = f"{len(self._finished)}/{len(self._costs)} points{failed}, {share:.0%} of the work"
        gained = share - self._initial
        if gained <= 0:
            return text
        left = (time.monotonic() - self._started) * (1 - share) / gained
        return f"{text}, {_duration(left)} left"

    def _work_done(self, running: Iterable[str]) -> float:
        total = sum(self._costs.values())
        work = sum(self._costs[name] for name in self._finished)
        for name in running:
            if name not in self._finished:
                share = _n_lines(self._directory.work(name) / LOG) / max(1, self._iterations[name])
                work += self._costs[name] * min(1.0, share)
        return work / total if total else 1.0

    def __enter__(self) -> StudyView:
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.close()


def _cost(point: Point) -> float:
    config = point.config()
    return config.run.n_iterations * float(config.hamiltonian().n_sites) ** 2


def _n_lines(path: object) -> int:
    """Iterations in a log under way."""
    try:
        with open(str(path), "rb") as file:
            return max(0, sum(chunk.count(b"\n") for chunk in file) - 1)
    except OSError:
        return 0


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 2:
        return f"about {max(1, round(seconds)):.0f} s"
    return f"about {minutes} min" if minutes < 120 else f"about {minutes / 60:.1f} h"
