"""Curves of `energy_and_seconds.py`: what they say and how they are drawn, without NetKet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

WINDOW = 20  # iterations over which the bold curve is a mean
COLOURS = {"rbmqs": "#1f5fa8", "NetKet": "#c23b22", "NetKet, momentum 0.9": "#e08214"}


def summary(record: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Of each run: iterations, the last error, seconds to 1 %, as the bold curves show them."""
    rows = {}
    for name, curve in record["curves"].items():
        at, error = smoothed(curve, record["exact"])
        below = np.flatnonzero(error < 1e-2)
        rows[name] = {
            "iterations": len(curve),
            "seconds": curve[-1][0] - curve[0][0],
            "wall": curve[-1][3] - curve[0][3],
            "error": float(error[-1]),
            "seconds to 1 %": float(at[below[0]]) if len(below) else float("nan"),
        }
    return rows


def smoothed(curve: list[tuple[float, ...]], exact: float) -> tuple[Any, Any]:
    """Seconds after the first iteration, and the error of means over `WINDOW` iterations."""
    at, energy, *_ = np.array(curve).T
    width = min(WINDOW, len(at) - 1)
    mean = np.convolve(energy[1:], np.ones(width) / width, "valid")
    return at[width:] - at[0], abs(mean - exact) / abs(exact)


def draw(record: dict[str, Any], path: Path) -> None:
    """Relative error against seconds, both logarithmic."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.6), layout="constrained")
    axes = figure.subplots()
    for name, curve in record["curves"].items():
        at, energy, *_ = np.array(curve).T
        error = abs(energy - record["exact"]) / abs(record["exact"])
        axes.loglog(at[1:] - at[0], error[1:], color=COLOURS[name], alpha=0.25, lw=0.7)
        axes.loglog(*smoothed(curve, record["exact"]), color=COLOURS[name], lw=2, label=name)
    axes.set_xlabel("processor seconds after the first iteration")
    axes.set_ylim(3e-6, 1)
    axes.set_ylabel("relative error of the energy")
    axes.set_title(f"{record['case']}: 1008 samples an iteration, {record['date']}")
    axes.grid(alpha=0.3, which="major")
    axes.legend(frameon=False)
    figure.savefig(path, dpi=150)
