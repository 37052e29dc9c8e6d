"""Cases of a benchmark by parts of their names."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


def chosen(cases: Iterable[T], parts: list[str] | None, name: Callable[[T], str] = str) -> list[T]:
    """Cases whose names hold one of the parts, in either case; all where none is given.

    Raises
    ------
    SystemExit
        Parts that no name holds.
    """
    cases = list(cases)
    for part in parts or []:
        if not any(part.lower() in name(case).lower() for case in cases):
            known = ", ".join(name(case) for case in cases)
            raise SystemExit(f"no case has a name with {part!r} in it; known: {known}")
    if not parts:
        return cases
    return [case for case in cases if any(part.lower() in name(case).lower() for part in parts)]
