"""Additions to the ground-state loop, one a file; the protocol is `rbmqs.vmc.extension`.

Importing this package registers them. Random restarts and growth act before the samples of an
iteration are drawn, probe chains on its batch, the distance-dependent shift on its equations,
refinement at the end of a run. Begin with `probe_chains.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from rbmqs.vmc.extension import EXTENSIONS, Extension, Line
from rbmqs.vmc.extensions import (  # noqa: F401  (importing registers them)
    distance_shift,
    growth,
    multistart,
    probe_chains,
    refinement,
    states_below,
    time_limit,
)
from rbmqs.vmc.records import StepRecord
from rbmqs.vmc.settings import RunSettings


def extension_kinds(
    settings: RunSettings, more: Sequence[str | type[Extension]] = ()
) -> list[type[Extension]]:
    """Classes of the registered extensions, of those in the settings, and of some more.

    Raises
    ------
    TypeError
        A class that is no `Extension`.
    ValueError
        An import path that leads nowhere, an extension without a name, or two of one name.
    """
    kinds: list[type[Extension]] = []
    for asked in (*EXTENSIONS, *settings.extensions, *more):
        kind = EXTENSIONS[asked] if isinstance(asked, str) else asked
        if not (isinstance(kind, type) and issubclass(kind, Extension)):
            raise TypeError(f"an extension must be a subclass of Extension, got {kind!r}")
        if kind in kinds:
            continue
        if not kind.name or kind.name in {other.name for other in kinds}:
            raise ValueError(f"{kind.__name__} needs a name of its own, got {kind.name!r}")
        kinds.append(kind)
    return kinds


def extension_lines(
    history: Sequence[StepRecord], settings: RunSettings, n_final: int = 0
) -> list[Line]:
    """What all extensions of a run report; `n_final` iterations were made at its end."""
    kinds = extension_kinds(settings)
    during = [line for kind in kinds for line in kind.report(history, settings)]
    return during + [line for kind in kinds for line in kind.report_ending(n_final)]
