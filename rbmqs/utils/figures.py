"""The style of all figures: colours, panels above each other, files; no display is needed.

matplotlib is imported when a figure is made, not before: it takes a quarter of a second.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hamiltonians.utils.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, RED, GREY = "#1f5fa8", "#c23b22", "#444444"


def panels(
    n_rows: int, width: float, height: float, *, ax: Any = None, **options: Any
) -> tuple[Any, list[Axes]]:
    """A figure of this size in inches with panels above each other over one x axis.

    Parameters
    ----------
    n_rows : int
    width, height : float
        Of the whole; an inch at least.
    ax : Axes or sequence of Axes, optional
        To draw into instead, one a panel; then the size is theirs.
    **options
        Of `matplotlib.figure.Figure.subplots`.

    Raises
    ------
    ValueError
        Another number of axes than of panels.
    """
    if ax is not None:
        given = list(np.ravel(ax))
        if len(given) != n_rows:
            raise ValueError(f"ax must be {n_rows} axes, one a panel, got {len(given)}")
        return given[0].figure, given
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
