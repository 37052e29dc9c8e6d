"""What the figures of a study share: axes, colours, points with error bars."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from rbmqs.studies.table import Table
from rbmqs.utils import figures

if TYPE_CHECKING:
    from matplotlib.axes import Axes

EXACT: dict[str, Any] = {"color": "#444444", "lw": 1.0}
MAX_CURVES = 8
SYMBOLS = {"h": "transverse field h", "length": "length L", "J2": "J2", "alpha": r"$\alpha$"}


class NothingToDrawError(ValueError):
    """The table lacks what a figure needs; the text says what."""


def panels(n_rows: int = 1, height: float = 3.6, ax: Any = None) -> tuple[Any, list[Axes]]:
    """A figure with panels of this height above each other over one x axis."""
    return figures.panels(n_rows, 6.4, 0.8 + height * n_rows, ax=ax)


def colour(number: int) -> str:
    """Colours of matplotlib's cycle."""
    return f"C{number % 10}"


def draw(axis: Axes, x: Any, y: Any, error: Any, label: str, number: int, **style: Any) -> None:
    """Points with one-sigma error bars."""
    known = np.isfinite(y)
    bars = np.where(np.isfinite(error), error, np.nan)[known]  # nan is drawn as no bar
    axis.errorbar(
        np.asarray(x)[known],
        np.asarray(y)[known],
        bars,
        fmt="o",
        ms=4,
        color=colour(number),
        label=label or None,
        **style,
    )


def finish(axis: Axes, x: str, y: str) -> None:
    """Names of the axes, and a legend where there are labels."""
    key = x.rsplit(".", 1)[-1]
    axis.set_xlabel(SYMBOLS.get(key, key))
    axis.set_ylabel(y)
    n_labels = len(axis.get_legend_handles_labels()[1])
    if n_labels:
        beside: dict[str, Any] = {}
        if n_labels > 6:
            beside = {"loc": "center left", "bbox_to_anchor": (1.0, 0.5)}
        axis.legend(frameon=False, fontsize=8, **beside)


def coupling_axis(table: Table, x: str | None) -> str:
    """The axis to draw against: the one named, or the coupling that takes most values.

    Raises
    ------
    NothingToDrawError
        No numerical setting of the model takes three values or more.
    """
    if x is not None:
        return table.resolve(x)
    candidates = [a for a in table.axes if a.startswith("model.") and table[a].dtype != object]
    best = max(candidates, key=lambda axis: len(np.unique(table[axis])), default=None)
    if best is None or len(np.unique(table[best])) < 3:
        raise NothingToDrawError("no coupling takes three values or more")
    return best


def numbered_series(table: Table, x: str) -> Iterator[tuple[int, str, Table]]:
    """`Table.series` with a number for the colour."""
    for number, (label, rows) in enumerate(table.series(x)):
        yield number, label, rows


def spread_points(table: Table) -> Iterator[tuple[int, str]]:
    """Row and `id` of at most eight points, spread over the table."""
    for row in np.unique(np.linspace(0, len(table) - 1, MAX_CURVES).round().astype(int)).tolist():
        yield row, str(table["id"][row])


def require(table: Table, *names: str) -> None:
    """Refuse a table in which a column is absent or empty."""
    for name in names:
        if name not in table.columns or not np.isfinite(table[name].astype(float)).any():
            raise NothingToDrawError(f"the table has no values of {name}")
