"""The time of a run of limited time: what is left, and what the phases to come will take.

Iterations are planned from measured ones: the median of the last few, of those that optimise the
same kind of wavefunction, without the first one, which may compile kernels. The final estimate is
kept the time of its draws and half of that again, at most `ENDING` of all.
"""

from __future__ import annotations

import math
import statistics
import time
from collections import deque
from collections.abc import Callable

ENDING = 0.2  # of a limited time, kept for the final estimate at most
MARGIN = 1.5  # of the time of its draws, for starts that disagree
LATEST = 9  # iterations whose median is what the next one will take


class Clock:
    """Time since the start of a run, and how long its parts take; without a limit all is free.

    Parameters
    ----------
    max_seconds : float or None
    started : float, optional
        By `time.perf_counter`; now when not given.
    n_final_draws : int
        Draws per chain of the final estimate with all that go before them.
    agree : callable
        Makes a number that of the first of several MPI ranks, which ask together.
    """

    def __init__(
        self,
        max_seconds: float | None = None,
        started: float | None = None,
        n_final_draws: int = 0,
        agree: Callable[[float], float] = lambda seconds: seconds,
    ) -> None:
        self.max_seconds, self._n_final_draws, self._agree = max_seconds, n_final_draws, agree
        self._started = time.perf_counter() if started is None else started
        self._kind: object = None
        self._forget()

    def _forget(self) -> None:
        self._began: float | None = None
        self._durations: deque[float] = deque(maxlen=LATEST)
        self._of_draws: deque[float] = deque(maxlen=LATEST)
        self._is_first = True

    @property
    def is_limited(self) -> bool:
        """Whether the run has a limited time."""
        return self.max_seconds is not None

    def spent(self) -> float:
        """Seconds since the run began; 0 where nothing limits them."""
        return self._agree(time.perf_counter() - self._started) if self.is_limited else 0.0

    def left(self) -> float:
        """Seconds that are left, inf without a limit."""
        return math.inf if self.max_seconds is None else self.max_seconds - self.spent()

    def begin(self, kind: object) -> None:
        """Say that an iteration begins; what differs in `kind` takes another time."""
        if not self.is_limited:
            return
        now = self.spent()
        if kind != self._kind:
            self._forget()
            self._kind = kind
        elif self._began is not None:
            if self._is_first and self._durations:
                self._durations.clear()
                if self._of_draws:  # sums draw nothing
                    self._of_draws.popleft()
                self._is_first = False
            self._durations.append(now - self._began)
        self._began = now

    def drew(self, n_draws: int) -> None:
        """Say that the iteration has drawn so often from each chain, with local energies."""
        if self._began is not None:
            self._of_draws.append((self.spent() - self._began) / n_draws)

    @property
    def per_iteration(self) -> float:
        """Seconds of an iteration as measured, 0 before the first."""
        return statistics.median(self._durations) if self._durations else 0.0

    @property
    def ending(self) -> float:
        """Seconds that are kept for the final estimate."""
        if self.max_seconds is None:
            return 0.0
        most = ENDING * self.max_seconds
        if not self._of_draws:
            return most
        return min(MARGIN * self._n_final_draws * statistics.median(self._of_draws), most)

    def n_iterations_left(self) -> float:
        """Iterations before the final estimate, as many as there is time for; inf for no limit."""
        if not self.per_iteration:
            return math.inf
        return max((self.left() - self.ending) / self.per_iteration, 0.0)

    def is_over(self) -> bool:
        """Whether another iteration would end further beyond the time for it than before."""
        if not self.is_limited:
            return False
        began, now = self._began, self.spent()
        latest = self.per_iteration or (0.0 if began is None else now - began)
        return self.left() - self.ending < latest / 2

    def n_draws_left(self) -> float:
        """Draws per chain, with local energies, that there is time for; inf where unknown."""
        per_draw = statistics.median(self._of_draws) if self._of_draws else 0.0
        return self.left() / per_draw if per_draw > 0 else math.inf

    def text(self) -> str:
        """How much is left, for a line of progress; empty without a limit."""
        return f", {max(self.left(), 0):.0f} s left" if self.is_limited else ""
