"""The picture of an evolution. matplotlib is imported here and nowhere on the way to a state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

_VALUE, _EXACT, _PROBE = "#1f5fa8", "#c23b22", "#444444"
_MAX_PANELS = 6


class Curves(Protocol):
    """What is drawn of an `rbmqs.dynamics.records.Evolution`."""

    @property
    def name(self) -> str:
        """Of the Hamiltonian."""

    @property
    def times(self) -> np.ndarray:
        """Of the observables."""

    @property
    def observables(self) -> Mapping[str, Any]:
        """By name."""

    @property
    def records(self) -> Sequence[Any]:
        """With `time`, `r2` and `r2_probe`."""

    @property
    def exact(self) -> Mapping[str, np.ndarray] | None:
        """Exact values of observables by name."""

    def values(self, name: str) -> np.ndarray:
        """Of an observable."""

    def errors(self, name: str) -> np.ndarray:
        """Of an observable."""


def plot_evolution(result: Curves, path: str | Path | None = None) -> Any:
    """Observables with bands of two error bars and exact curves, and r^2 below.

    Parameters
    ----------
    result : Evolution
    path : str or Path, optional
        File to write, its format by its ending.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    names = list(result.observables)[:_MAX_PANELS]
    figure = Figure(figsize=(7.5, 2.1 * (len(names) + 1)), layout="constrained")
    axes = figure.subplots(len(names) + 1, 1, sharex=True)
    for axis, name in zip(axes, names, strict=False):
        values, errors = result.values(name), result.errors(name)
        axis.plot(result.times, values, "o-", color=_VALUE, ms=3, lw=1, label="variational")
        band = (values - 2 * errors, values + 2 * errors)
        axis.fill_between(result.times, *band, color=_VALUE, alpha=0.3, lw=0)
        if result.exact and name in result.exact:
            axis.plot(result.times, result.exact[name], "--", color=_EXACT, lw=1, label="exact")
        axis.set_ylabel(name)
    times = np.array([record.time for record in result.records])
    for key, color in (("r2", _VALUE), ("r2_probe", _PROBE)):
        found = np.array([getattr(record, key) for record in result.records], dtype=float)
        shown = np.isfinite(found) & (found > 0)
        if shown.any():
            axes[-1].semilogy(times[shown], found[shown], color=color, lw=1, label=key)
            axes[-1].legend(frameon=False)
    axes[-1].set_ylabel("$r^2$")
    axes[-1].set_xlabel("time")
    axes[0].set_title(result.name)
    axes[0].legend(frameon=False)
    if path is not None:
        figure.savefig(path, dpi=150)
    return figure
