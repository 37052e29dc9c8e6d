"""Evolutions of the points of a study."""

from __future__ import annotations

from typing import Any

from rbmqs.studies.figures.common import (
    EXACT,
    NothingToDrawError,
    draw,
    finish,
    panels,
    spread_points,
)
from rbmqs.studies.points import load_quench
from rbmqs.studies.table import as_table


def plot_quenches(table: Any, observable: str = "mx", *, ax: Any = None) -> Any:
    """An observable against the time, for at most eight points spread over the table.

    Parameters
    ----------
    table : Table
        With its directory, which holds the curves.
    observable : str
        As `rbmqs.evolve` names it; the first one measured where there is no such.
    ax : Axes, optional
        To draw into, in place of a new figure.
    """
    table = as_table(table)
    if table.directory is None or not len(table):
        raise NothingToDrawError("evolutions are read from the directory of a study")
    found = [(row, load_quench(table.directory, point)) for row, point in spread_points(table)]
    found = [(row, curves) for row, curves in found if curves]
    if not found:
        raise NothingToDrawError("no point has a [quench]")
    if observable not in found[0][1]:
        observable = next(name for name in found[0][1] if name not in ("times", "energy"))
    figure, (axis,) = panels(ax=ax)
    for number, (row, curves) in enumerate(found):
        value, error = curves[observable], curves[f"{observable}_error"]
        draw(axis, curves["times"], value, error, table.label(row), number, ls="-", lw=0.6)
        if f"{observable}_exact" in curves:
            axis.plot(curves["times"], curves[f"{observable}_exact"], **EXACT)
    finish(axis, "time", observable)
    return figure
