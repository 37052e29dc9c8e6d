"""Curves of `frontier.py`: what they say and how they are drawn, without NetKet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

LEVELS = (1e-2, 1e-3, 1e-4)  # relative errors
WINDOW = 20  # iterations over which the bold curve is a mean
COLOURS = {"rbmqs": "#1f5fa8", "NetKet": "#c23b22", "NetKet, momentum 0.9": "#e08214"}


def summary(record: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Of each run: iterations, the last error, seconds to some errors, as the bold curves show."""
    rows = {}
    for name, curve in _long_enough(record):
        at, error = smoothed(curve, record["exact"])
        rows[name] = {
            "iterations": len(curve),
            "seconds": curve[-1][0] - curve[0][0],
            "wall": curve[-1][3] - curve[0][3],
            "error": float(error[-1]),
        }
        for level in LEVELS:
            below = np.flatnonzero(error < level)
            rows[name][f"to {level:g}"] = float(at[below[0]]) if len(below) else float("nan")
    return rows


def _long_enough(record: dict[str, Any]) -> list[tuple[str, list[tuple[float, ...]]]]:
    return [(name, curve) for name, curve in record["curves"].items() if len(curve) > 2]


def smoothed(curve: list[tuple[float, ...]], exact: float) -> tuple[Any, Any]:
    """Seconds after the first iteration, and the error of means over `WINDOW` iterations."""
    at, energy, *_ = np.array(curve).T
    width = min(WINDOW, len(at) - 1)
    mean = np.convolve(energy[1:], np.ones(width) / width, "valid")
    return at[width:] - at[0], abs(mean - exact) / abs(exact)


def draw(records: list[dict[str, Any]], path: Path, title: str = "") -> None:
    """Relative error against seconds, both logarithmic, one panel for each record."""
    from matplotlib.figure import Figure

    columns = 2 if len(records) == 4 else min(len(records), 3)
    rows = -(-len(records) // columns)
    size = (8, 4.6) if len(records) == 1 else (4.2 * columns, 3.4 * rows)
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, record in zip(panels, records, strict=False):
        for name, curve in _long_enough(record):
            at, energy, *_ = np.array(curve).T
            error = abs(energy - record["exact"]) / abs(record["exact"])
            axes.loglog(at[1:] - at[0], error[1:], color=COLOURS[name], alpha=0.25, lw=0.7)
            axes.loglog(*smoothed(curve, record["exact"]), color=COLOURS[name], lw=2, label=name)
        axes.set(title=record["problem"], xlabel="processor seconds after the first iteration")
        axes.set_ylabel("relative error of the energy")
        axes.grid(alpha=0.3, which="major")
        axes.legend(frameon=False)
    for axes in panels[len(records) :]:
        axes.set_axis_off()
    figure.suptitle(title)
    figure.savefig(path, dpi=150)
