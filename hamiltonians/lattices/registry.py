"""Lattices by name, and the ways to write their sizes.

A new lattice is one function: ``@LATTICES.register("name")`` above ``@takes("length", "shape")``
make it known to configurations and the command line.
"""

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hamiltonians.utils.registry import Registry

if TYPE_CHECKING:
    from hamiltonians.lattices.lattice import Lattice

Build = Callable[..., "Lattice"]

LATTICES: Registry[Build] = Registry("lattice kind")
SIZES = ("length", "shape", "edges", "vectors")
_WORDS = {1: "one length", 2: "two lengths"}


def takes(*sizes: str, apart: bool = False) -> Callable[[Build], Build]:
    """Let a function take its sizes as (4, 6), ((4, 6)) and ([4, 6]) alike, NumPy's included.

    Parameters
    ----------
    sizes : str
        Which of `SIZES` a configuration may give.
    apart : bool
        Whether each length goes to a parameter of its own, rather than all to the first.
    """

    def decorate(build: Build) -> Build:
        names = list(inspect.signature(build).parameters.values())

        @functools.wraps(build)
        def called(*arguments: Any, **keywords: Any) -> "Lattice":
            lengths, rest = _leading_lengths(arguments)
            if not apart:
                if lengths:
                    rest = [lengths[0] if len(lengths) == 1 else tuple(lengths), *rest]
                return build(*rest, **keywords)
            if arguments:
                _check_number(build.__name__, lengths, names)
            return build(*lengths, *rest, **keywords)

        vars(called)["sizes"] = sizes
        return called

    return decorate


def sizes_of(build: Build) -> tuple[str, ...]:
    """Which of `SIZES` a lattice takes; of a function from outside those that it names."""
    known: tuple[str, ...] | None = getattr(build, "sizes", None)
    parameters = inspect.signature(build).parameters
    return known or tuple(size for size in SIZES if size in parameters) or ("shape",)


def _leading_lengths(arguments: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """Sizes at the front, and the other arguments."""
    rest = list(arguments)
    if rest and isinstance(rest[0], list | tuple | np.ndarray) and np.ndim(rest[0]) == 1:
        return list(rest[0]), rest[1:]
    lengths = []
    while rest and isinstance(rest[0], int | np.integer) and not isinstance(rest[0], bool):
        lengths.append(rest.pop(0))
    return lengths, rest


def _check_number(name: str, lengths: list[Any], parameters: list[inspect.Parameter]) -> None:
    """Refuse too few or too many lengths of those lattices that name each."""
    places = [p for p in parameters if p.name != "periodic"]
    least = sum(p.default is p.empty for p in places)
    if lengths and not least <= len(lengths) <= len(places):
        what = _WORDS[len(places)]
        raise ValueError(f"shape of a {name} must be {what}, got {lengths}")
