"""A progress bar where one can be shown, now and then a line in a log file, nothing when asked."""

from __future__ import annotations

import sys
import time
from types import TracebackType

LINE_EVERY = 30.0  # seconds between lines where there is no terminal
SILENT_BELOW = 2.0  # seconds


def is_terminal() -> bool:
    """Whether standard error is a terminal; services and pythonw have none, or a closed one."""
    return sys.stderr is not None and not sys.stderr.closed and sys.stderr.isatty()


def shows_bars() -> bool:
    """Whether standard error is a terminal, or a cell of a Jupyter notebook."""
    return is_terminal() or type(sys.stderr).__module__.startswith("ipykernel")


def say(text: str, end: str = "\n") -> None:
    """Print to standard error where there is one (`print` would use standard output instead)."""
    if sys.stderr is not None and not sys.stderr.closed:
        print(text, end=end, file=sys.stderr, flush=True)


class Progress:
    """Shows a run on standard error.

    Parameters
    ----------
    total : int
        Iterations in all.
    start : int
        Iterations done before.
    show : bool
        False for silence.
    unit : str
        What is counted.
    """

    def __init__(
        self, total: int, start: int = 0, show: bool = True, unit: str = "iteration"
    ) -> None:
        bar = show and shows_bars()
        self._lines = show and not bar
        self._total, self._unit = total, unit
        self._last_line = time.monotonic()
        from tqdm import tqdm  # late: 10 ms of each start that shows no progress

        self._bar = tqdm(
            total=total,
            initial=start,
            disable=not bar,
            delay=SILENT_BELOW,
            dynamic_ncols=True,
            unit="it" if unit == "iteration" else unit,
        )

    def advance(
        self, done: int, text: str, short: str | None = None, total: int | None = None
    ) -> None:
        """Show that `done` of the total are over, with a text (a shorter one in the bar).

        `total` is the number that is expected now.
        """
        if total is not None:
            self._total = self._bar.total = total
        self._bar.set_postfix_str(text if short is None else short, refresh=False)
        self._bar.update(done - self._bar.n)
        now = time.monotonic()
        if self._lines and now - self._last_line > LINE_EVERY:
            self._last_line = now
            say(f"{self._unit} {done}/{self._total}: {text}")

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.close()


def announce(label: str) -> None:
    """The part of the work that begins, on standard error; rewritten in a terminal."""
    terminal = is_terminal()
    line, end = (f"\r{label:<60}", "") if terminal else (label, "\n")
    say(line, end)
