"""A picture of a comparison: energies per site and relative errors along one axis."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from rbmqs.runs.compare import Row

_MARKS = {"exact": "x", "published": "+", "rbmqs": "o", "NetKet": "s"}


def plot_comparison(rows: list[Row], path: str | Path | None = None) -> Any:
    """Energy per site and distance from the exact one, against the first axis of the cases.

    Cases that differ in further axes are drawn as lines of their own.

    Parameters
    ----------
    rows : list of Row
    path : str or Path, optional
        File to write, its format by its ending.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 6.5), layout="constrained")
    energies, errors = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    for (method, rest), line in _lines(rows).items():
        label = ", ".join([method, *(f"{name}={value:g}" for name, value in rest)])
        _draw(energies, errors, line, label, _MARKS.get(method, "d"))
    energies.set_ylabel("energy per site (Pauli units)")
    errors.set_ylabel("relative error")
    errors.set_xlabel(next(iter(rows[0].case), "case") if rows else "case")
    if errors.has_data():
        errors.set_yscale("log")
    energies.legend(frameon=False, fontsize=8)
    if path is not None:
        figure.savefig(path, dpi=150)
    return figure


def _lines(rows: list[Row]) -> dict[tuple[str, tuple[tuple[str, float], ...]], list[Row]]:
    """Rows by method and by the values of all axes but the first."""
    lines: dict[tuple[str, tuple[tuple[str, float], ...]], list[Row]] = {}
    for row in rows:
        lines.setdefault((row.method, tuple(row.case.items())[1:]), []).append(row)
    return lines


def _draw(energies: Axes, errors: Axes, line: list[Row], label: str, mark: str) -> None:
    line = sorted((r for r in line if math.isfinite(r.energy)), key=_place)
    places = [_place(row) for row in line]
    per_site = [row.energy / row.n_sites for row in line]
    bars = [row.error / row.n_sites for row in line]
    energies.errorbar(places, per_site, bars, fmt=mark, ls="-", lw=0.8, label=label, mfc="none")
    sampled = [(_place(r), abs(r.relative_error)) for r in line if r.relative_error]
    sampled = [(x, y) for x, y in sampled if math.isfinite(y) and y > 0]
    if sampled and line[0].method in ("rbmqs", "NetKet"):
        errors.plot(*zip(*sampled, strict=True), mark, ls="-", lw=0.8, mfc="none")


def _place(row: Row) -> float:
    return next(iter(row.case.values()), 0.0)
