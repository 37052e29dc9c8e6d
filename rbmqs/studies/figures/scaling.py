"""Extrapolations: to infinite size, to zero variance; and the error against alpha and time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rbmqs.estimators.fits import Extrapolation, extrapolate_sizes, extrapolate_variance
from rbmqs.studies.figures.common import (
    EXACT,
    MAX_CURVES,
    NothingToDrawError,
    colour,
    draw,
    finish,
    numbered_series,
    panels,
    require,
    spread_points,
)
from rbmqs.studies.numbers import with_error
from rbmqs.studies.points import load_history
from rbmqs.studies.table import Table, as_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SIZE_AXES = ("lattice.length", "lattice.shape")


def finite_size(table: Any) -> list[tuple[str, Table, Extrapolation]]:
    """Extrapolation of each series of sizes: label, its rows, and the infinite system's energy.

    Energies at zero variance are taken, since their errors include the wavefunction's bias.

    Parameters
    ----------
    table : Table
        Of a study, see `rbmqs.studies.load_table`.

    Returns
    -------
    list of (str, Table, Extrapolation)

    Raises
    ------
    NothingToDrawError
        No series with four sizes.
    """
    table = as_table(table)
    axis = next((a for a in _SIZE_AXES if a in table.axes), None)
    found = []
    for _, label, rows in numbered_series(table, axis) if axis else ():
        rows = rows.where(np.isfinite(rows["energy_zero_variance_error"]))
        if len(np.unique(rows["n_sites"])) >= 4:
            n = rows["n_sites"]
            values = rows["energy_zero_variance"] / n, rows["energy_zero_variance_error"] / n
            found.append((label, rows, extrapolate_sizes(n, *values)))
    if not found:
        raise NothingToDrawError("no series has four sizes with energies at zero variance")
    return found


def plot_finite_size(table: Any, exact: float | None = None, *, ax: Any = None) -> Any:
    """Energy per site against 1 / N^2 with the extrapolation to infinite size.

    Parameters
    ----------
    table : Table or pandas.DataFrame
    exact : float, optional
        Energy per site of the infinite system, drawn as a line.
    ax : Axes or sequence of Axes, optional
        To draw into, one a panel, in place of a new figure.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, (axis,) = panels(ax=ax)
    for number, (label, rows, limit) in enumerate(finite_size(table)):
        n = rows["n_sites"].astype(float)
        values = rows["energy_zero_variance"] / n, rows["energy_zero_variance_error"] / n
        text = f"{label or 'infinite size'}: {with_error(limit.value, limit.error)}"
        draw(axis, n**-2, *values, text, number)
        curve = np.linspace(0, (n**-2).max(), 100)
        _draw_limit(axis, limit, curve, number)
    if exact is not None:
        axis.axhline(exact, ls="--", label="exact, infinite system", **EXACT)
    finish(axis, "$1 / N^2$", "energy per site (Pauli units)")
    return figure


def plot_variance_extrapolation(table: Any, *, ax: Any = None) -> Any:
    """Energy per site against variance per site for wavefunctions of the same Hamiltonian.

    Each group that differs by ansatz, sampling, optimiser or seed only is a line to zero variance.

    Parameters
    ----------
    table : Table
        Of a study, see `rbmqs.studies.load_table`.
    ax : Axes or sequence of Axes, optional
        To draw into, one a panel, in place of a new figure.

    Returns
    -------
    matplotlib.figure.Figure
    """
    table = as_table(table)
    require(table, "variance")
    figure, (axis,) = panels(ax=ax)
    groups = [rows for rows in _same_hamiltonian(table) if len(np.unique(rows["variance"])) > 1]
    if not groups:
        raise NothingToDrawError("no Hamiltonian has two different wavefunctions")
    for number, rows in enumerate(groups[:MAX_CURVES]):
        n = rows["n_sites"].astype(float)
        x, reference = rows["variance"] / n, rows["reference"][0] / n[0]
        values = rows["energy_per_site"], rows["energy_per_site_error"]
        limit = extrapolate_variance(x, *values)
        draw(axis, x, *values, str(rows["hamiltonian"][0]), number)
        curve = np.array([0.0, x.max()])
        _draw_limit(axis, limit, curve, number)
        axis.plot([0.0], [reference], "x", color="k", ms=7)
    finish(axis, "variance per site", "energy per site (Pauli units)")
    return figure


def plot_alpha(table: Any, *, ax: Any = None) -> Any:
    """V-score and relative error against the density alpha of hidden units.

    Parameters
    ----------
    table : Table
        Of a study, see `rbmqs.studies.load_table`.
    ax : Axes or sequence of Axes, optional
        To draw into, one a panel, in place of a new figure.

    Returns
    -------
    matplotlib.figure.Figure
    """
    table = as_table(table)
    if "alpha" in table.columns:
        table = table.where(np.isfinite(table["alpha"]))
    if "alpha" not in table.columns or len(np.unique(table["alpha"])) < 2:
        raise NothingToDrawError("alpha takes one value only")
    figure, (upper, lower) = panels(2, 2.8, ax=ax)
    for number, rows in enumerate(_same_hamiltonian(table)[:MAX_CURVES]):
        rows = rows.where(np.argsort(rows["alpha"]))
        label, alpha = str(rows["hamiltonian"][0]), rows["alpha"]
        upper.plot(alpha, rows["v_score"], "o-", ms=4, lw=0.6, color=colour(number), label=label)
        error = rows["energy_error"] / np.abs(rows["reference"])
        draw(lower, alpha, np.abs(rows["relative_error"]), error, "", number, ls="-", lw=0.6)
    for axis in (upper, lower):
        axis.set_xscale("log", base=2)
        axis.set_yscale("log")
    finish(upper, "alpha", "V-score")
    upper.set_xlabel("")
    finish(lower, "alpha", "relative error")
    return figure


def plot_convergence(table: Any, *, ax: Any = None) -> Any:
    """Distance from the reference, or the variance where there is none, in the course of a run.

    Times are iterations times the mean wall-clock time of one. Where a point has no such time, all
    are drawn against the number of iterations; at most eight points are drawn.

    Parameters
    ----------
    table : Table
        Of a study, see `rbmqs.studies.load_table`.
    ax : Axes or sequence of Axes, optional
        To draw into, one a panel, in place of a new figure.

    Returns
    -------
    matplotlib.figure.Figure
    """
    table = as_table(table)
    if table.directory is None or "id" not in table.columns:
        raise NothingToDrawError("logs are read from the directory of a study")
    has_reference = bool(np.isfinite(table["reference"]).all())
    has_times = bool(np.isfinite(table["seconds_per_iteration"]).all())
    figure, (axis,) = panels(ax=ax)
    for row, point in spread_points(table):
        history = load_history(table.directory, point)
        done = 1 + np.arange(len(history))
        x = done * table["seconds_per_iteration"][row] if has_times else done
        if has_reference:
            exact = table["reference"][row]
            y = [abs((r.energy.mean.real - exact) / exact) for r in history]
        else:
            y = [r.energy.variance / table["n_sites"][row] for r in history]
        axis.plot(x, y, lw=0.7, label=str(table["hamiltonian"][row]))
    axis.set_xscale("log")
    axis.set_yscale("log")
    name = "relative distance from the reference" if has_reference else "variance per site"
    finish(axis, "time (s)" if has_times else "iterations", name)
    return figure


def _draw_limit(axis: Axes, limit: Extrapolation, curve: np.ndarray, number: int) -> None:
    """The fit along a curve, and an open point with its error where it ends."""
    axis.plot(curve, limit(curve), color=colour(number), lw=0.8)
    draw(axis, [0.0], np.array([limit.value]), np.array([limit.error]), "", number, mfc="none")


def _same_hamiltonian(table: Table) -> list[Table]:
    sectors = table["total_sz"].astype(str)  # nan, for a free one, equals no other nan
    known = Table({"hamiltonian": table["hamiltonian"], "sector": sectors})
    return [table.where(rows) for _, rows in known.groups(("hamiltonian", "sector"))]
