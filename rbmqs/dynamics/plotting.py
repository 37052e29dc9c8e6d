"""The picture of an evolution."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from rbmqs.utils.figures import BLUE, GREY, RED, panels, saved

_MAX_PANELS = 6


def plot_evolution(result: Any, path: str | Path | None = None, *, ax: Any = None) -> Any:
    """Observables with bands of two error bars and exact curves, and r^2 below.

    Parameters
    ----------
    result : rbmqs.dynamics.records.Evolution
    path : str or Path, optional
        File to write, its format by its ending.
    ax : Axes or sequence of Axes, optional
        To draw into, one a panel, in place of a new figure.

    Returns
    -------
    matplotlib.figure.Figure
    """
    names = list(result.observables)[:_MAX_PANELS]
    figure, axes = panels(len(names) + 1, 7.5, 2.1 * (len(names) + 1), ax=ax)
    for axis, name in zip(axes, names, strict=False):
        values, errors = result.values(name), result.errors(name)
        axis.plot(result.times, values, "o-", color=BLUE, ms=3, lw=1, label="variational")
        band = (values - 2 * errors, values + 2 * errors)
        axis.fill_between(result.times, *band, color=BLUE, alpha=0.3, lw=0)
        if result.exact and name in result.exact:
            axis.plot(result.times, result.exact[name], "--", color=RED, lw=1, label="exact")
        axis.set_ylabel(name)
    times = np.array([record.time for record in result.records])
    for key, color in (("r2", BLUE), ("r2_probe", GREY)):
        found = np.array([getattr(record, key) for record in result.records], dtype=float)
        shown = np.isfinite(found) & (found > 0)
        if shown.any():
            axes[-1].semilogy(times[shown], found[shown], color=color, lw=1, label=key)
            axes[-1].legend(frameon=False)
    axes[-1].set_ylabel("$r^2$")
    axes[-1].set_xlabel("time")
    axes[0].set_title(result.name)
    axes[0].legend(frameon=False)
    return saved(figure, path)
