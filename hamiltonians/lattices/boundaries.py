"""Boundary conditions: what may be written, and what to write where a direction is too short."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from hamiltonians.utils.checks import short

_TUPLE = {1: "sequence of one", 2: "pair", 3: "triple"}


def boundary(name: str, value: Any) -> bool:
    """``value`` if it is True or False."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {short(value)}")
    return bool(value)


def boundaries(periodic: Any, dimension: int) -> tuple[bool, ...]:
    """One boundary condition for each direction, from one for all or one for each."""
    if isinstance(periodic, bool | np.bool_):
        return (bool(periodic),) * dimension
    if not isinstance(periodic, Sequence | np.ndarray) or len(periodic) != dimension:
        words = f"a {_TUPLE[dimension]} of them"
        raise TypeError(f"periodic must be True, False or {words}, got {short(periodic)}")
    return tuple(boundary("periodic", wrap) for wrap in periodic)


def boundary_name(periodic: tuple[bool, ...]) -> str:
    """For people: "periodic", "open" or "periodic along x"."""
    if all(periodic):
        return "periodic"
    if not any(periodic):
        return "open"
    return "periodic along " + " and ".join("xyz"[d] for d, wrap in enumerate(periodic) if wrap)


def refuse_short_shape(
    name: str, shape: Sequence[int], periodic: tuple[bool, ...], joined: str
) -> None:
    """Say that a periodic direction is too short for its bonds to be distinct.

    Parameters
    ----------
    joined : str
        What is joined twice, e.g. ``"sites 0 and 1 by two bonds"``.
    """
    pairs = list(zip(periodic, shape, strict=True))
    shortest = min(length for wrap, length in pairs if wrap)
    allowed = tuple(wrap and length > shortest for wrap, length in pairs)
    raise ValueError(
        f"shape must be longer than {shortest} along periodic directions, got {tuple(shape)} for "
        f"{name}, which joins {joined}; write periodic={allowed if len(allowed) > 1 else False}"
    )
