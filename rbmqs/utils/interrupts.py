"""Ctrl-C, SIGTERM and SIGUSR1 as a flag that the loop reads between iterations.

SIGUSR1 is what SLURM sends before the time of a job is up, where the job asks for it.

A run that a signal has ended saves what it has, and then sends the signal on to whoever handled it
before (`pass_on`): a library does not swallow signals. Callers that report an interrupted run
themselves, as the command line does, call it inside `signals_reported`.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType, TracebackType
from typing import Any

from hamiltonians.utils.ranks import all_of, decided_by_first

_SIGNALS: tuple[signal.Signals, ...] = (signal.SIGINT, signal.SIGTERM)
if hasattr(signal, "SIGUSR1"):  # not on Windows
    _SIGNALS += (signal.SIGUSR1,)
_reported: ContextVar[bool] = ContextVar("_reported", default=False)


@contextmanager
def signals_reported() -> Iterator[None]:
    """Inside, a run that a signal ended returns, and its `interrupted` says so."""
    token = _reported.set(True)
    try:
        yield
    finally:
        _reported.reset(token)


def pass_on(number: int | None, result: Any = None) -> None:
    """Send the signal that ended a run on, once everything is saved; nothing for None.

    Raises
    ------
    KeyboardInterrupt
        After Ctrl-C, with what the run came to as its `result`. SIGTERM and SIGUSR1 end the
        process, unless the program handles them.
    """
    if number is None or _reported.get():
        return
    try:
        signal.raise_signal(number)
    except KeyboardInterrupt as interrupt:
        interrupt.result = result  # type: ignore[attr-defined]
        raise


class Interrupts:
    """Context in which a first signal asks the loop to stop and a second one stops it at once.

    Outside the main thread signals are left alone, and `received` stays None.

    Parameters
    ----------
    comm : mpi4py communicator, optional
        Of ranks that must stop at the same iteration.
    """

    def __init__(self, comm: Any = None) -> None:
        self.received: int | None = None
        self._own: int | None = None
        self._comm = comm
        self._previous: dict[int, object] = {}

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                self._previous[number] = signal.signal(number, self._handle)
        return self

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._own is not None:
            self.__exit__(None, None, None)
            if number != signal.SIGINT:
                signal.raise_signal(number)
            raise KeyboardInterrupt
        self._own = number
        if self._comm is None:
            self.received = number

    def agree(self) -> int | None:
        """The signal that any rank has received; called by all ranks together."""
        if self.received is None:
            self.received = max(all_of(self._own or 0, self._comm)) or None
        return self.received

    def must_stop(self, started: float, max_seconds: float | None) -> bool:
        """Whether a signal was received or time is up; called by all ranks together."""
        signalled = self.agree() is not None
        return self.out_of_time(started, max_seconds) or signalled

    def out_of_time(self, started: float, max_seconds: float | None) -> bool:
        """Whether the first rank's clock has run for too long; called by all ranks together."""
        if max_seconds is None:
            return False
        return self.of_first(time.perf_counter() - started) > max_seconds

    def of_first(self, value: float) -> float:
        """The number that the first rank has; called by all ranks together."""
        return float(decided_by_first(value, self._comm))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
