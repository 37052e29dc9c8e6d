"""A progress bar in a terminal, now and then a line in a log file, nothing when asked."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from tqdm import tqdm

from rbmqs.records import StepRecord

LINE_EVERY = 30.0  # seconds between lines where there is no terminal
SILENT_BELOW = 2.0  # seconds


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
    """

    def __init__(self, total: int, start: int = 0, show: bool = True) -> None:
        terminal = sys.stderr.isatty()
        self._lines = show and not terminal
        self._total = total
        self._last_line = time.monotonic()
        self._bar = tqdm(
            total=total,
            initial=start,
            disable=not (show and terminal),
            delay=SILENT_BELOW,
            dynamic_ncols=True,
            unit="it",
        )

    def update(self, record: StepRecord) -> None:
        """Show one more iteration."""
        self._bar.set_postfix_str(str(record.energy), refresh=False)
        self._bar.update()
        now = time.monotonic()
        if self._lines and now - self._last_line > LINE_EVERY:
            self._last_line = now
            print(
                f"iteration {record.iteration + 1}/{self._total}: energy {record.energy}",
                file=sys.stderr,
                flush=True,
            )

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.close()
