"""What a figure of the campaign is: a function that returns one row of docs/reliability.md."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any


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

    def to_dict(self) -> dict[str, Any]:
        """JSON-able form."""
        return asdict(self)


FIGURES: dict[str, Callable[[bool], Row]] = {}


def figure(name: str) -> Callable[[Callable[[bool], Row]], Callable[[bool], Row]]:
    """A decorator for a function from `quick` to a `Row`, under a name for the command line."""

    def add(function: Callable[[bool], Row]) -> Callable[[bool], Row]:
        FIGURES[name] = function
        return function

    return add
