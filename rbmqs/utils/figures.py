"""Figures without a display: panels above each other, and files of them.

matplotlib is imported when a figure is made, not before: it takes a quarter of a second.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from hamiltonians.utils.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, RED, GREY = "#1f5fa8", "#c23b22", "#444444"


def panels(n_rows: int, width: float, height: float, **options: Any) -> tuple[Any, list[Axes]]:
    """A figure of this size in inches with panels above each other over one x axis.

    Parameters
    ----------
    n_rows : int
    width, height : float
        Of the whole; an inch at least.
    **options
        Of `matplotlib.figure.Figure.subplots`.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(max(width, 1), max(height, 1)), layout="constrained")
    return figure, list(figure.subplots(n_rows, 1, sharex=True, squeeze=False, **options)[:, 0])


def saved(figure: Any, path: str | Path | None) -> Any:
    """The figure, written to a file of the format of its ending (png) where a path is given."""
    if path is not None:
        path = Path(path) if Path(path).suffix else Path(path).with_suffix(".png")
        kind = path.suffix[1:]
        write_atomically(path, lambda file: figure.savefig(file, dpi=150, format=kind))
    return figure
