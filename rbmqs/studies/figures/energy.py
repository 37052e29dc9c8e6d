"""Energy against a coupling, and its derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np

from rbmqs.studies.derivatives import first_derivative, second_derivative
from rbmqs.studies.figures.common import (
    EXACT,
    NothingToDrawError,
    colour,
    coupling_axis,
    draw,
    finish,
    numbered_series,
    panels,
)
from rbmqs.studies.table import as_table


def plot_energy(table: Any, x: str | None = None, *, ax: Any = None) -> Any:
    """Energy per site against a coupling with the references, and the distance from them below.

    Parameters
    ----------
    table : Table or pandas.DataFrame
    x : str, optional
        Axis to draw against; by default the coupling with most values.
    ax : Axes or sequence of Axes, optional
        To draw into, one a panel, in place of a new figure.

    Returns
    -------
    matplotlib.figure.Figure
    """
    table = as_table(table)
    x = coupling_axis(table, x)
    figure, (upper, lower) = panels(2, 2.8, ax=ax)
    for number, label, rows in numbered_series(table, x):
        n, at = rows["n_sites"], rows[x]
        energy, error = rows["energy_per_site"], rows["energy_per_site_error"]
        draw(upper, at, energy, error, label, number)
        exact = rows["reference"] / n
        upper.plot(at, exact, color=colour(number), lw=1.0)
        draw(lower, at, energy - exact, error, "", number)
    lower.axhline(0.0, **EXACT)
    finish(upper, x, "energy per site (Pauli units)")
    upper.set_xlabel("")
    finish(lower, x, "distance from the reference")
    return figure


def plot_derivatives(table: Any, x: str | None = None, *, ax: Any = None) -> Any:
    """First derivative of the energy per site by a coupling, and minus the second (susceptibility).

    Finite differences of the measured energies with propagated errors; lines are the same
    differences of the references.

    Parameters
    ----------
    table : Table
        Of a study, see `rbmqs.studies.load_table`.
    x : str, optional
        Column of the coupling; by default the axis of the study with most values.
    ax : Axes or sequence of Axes, optional
        To draw into, one a panel, in place of a new figure.

    Returns
    -------
    matplotlib.figure.Figure
    """
    table = as_table(table)
    x = coupling_axis(table, x)
    figure, axes = panels(2, 2.8, ax=ax)
    drawn = False
    for number, label, rows in numbered_series(table, x):
        at, n = rows[x].astype(float), rows["n_sites"]
        if len(at) < 3:
            continue
        drawn = True
        values = rows["energy_per_site"], rows["energy_per_site_error"]
        exact = rows["reference"] / n, np.zeros(len(at))
        for axis, rule, sign in ((axes[0], first_derivative, 1), (axes[1], second_derivative, -1)):
            where, slope, error = rule(at, *values)
            draw(axis, where, sign * slope, error, label, number)
            axis.plot(where, sign * rule(at, *exact)[1], color=colour(number), lw=1.0)
    if not drawn:
        raise NothingToDrawError("no series has three points")
    finish(axes[0], x, "de/d coupling")
    axes[0].set_xlabel("")
    finish(axes[1], x, r"$-$d$^2$e/d coupling$^2$")
    return figure
