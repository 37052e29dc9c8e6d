"""Quantities that change along a run, as functions of the iteration alone.

No schedule knows how long the run will be, so a run of 100 iterations resumed to 300 is the same
as a run of 300.
"""

from __future__ import annotations

from dataclasses import dataclass

from hamiltonians.utils.checks import choice, number, plain_fields, short

DECAYS = ("constant", "inverse", "exponential")


@dataclass(frozen=True)
class Schedule:
    """A positive number that falls from `initial` towards `final`.

    Parameters
    ----------
    initial : float
        Value at iteration 0.
    decay : {"constant", "inverse", "exponential"}
        initial, initial / (1 + t / timescale), or initial * exp(-t / timescale).
    timescale : float
        In iterations.
    final : float
        The value never falls below this.

    Raises
    ------
    TypeError, ValueError
        Values that are not positive numbers, an unknown `decay`, `final` above `initial`.
    """

    initial: float
    decay: str = "constant"
    timescale: float = 100.0
    final: float = 0.0

    def __post_init__(self) -> None:
        plain_fields(self)
        number("initial", self.initial, above=0)
        choice("decay", self.decay, DECAYS)
        number("timescale", self.timescale, above=0)
        number("final", self.final, at_least=0)
        if self.final > self.initial:
            raise ValueError(f"final must not exceed initial {self.initial:g}, got {self.final:g}")

    def __call__(self, iteration: int) -> float:
        """Value at an iteration."""
        if self.decay == "inverse":
            value = self.initial / (1.0 + iteration / self.timescale)
        elif self.decay == "exponential":
            value = self.initial * 2.718281828459045 ** (-iteration / self.timescale)
        else:
            value = self.initial
        return max(value, self.final)


def as_schedule(name: str, value: object) -> Schedule:
    """A schedule from a number (constant) or a schedule; other types are refused."""
    if isinstance(value, Schedule):
        return value
    try:
        return Schedule(number(name, value, above=0))
    except TypeError:
        raise TypeError(f"{name} must be a number or a Schedule, got {short(value)}") from None
