"""Order parameters, Binder cumulants, correlation functions and structure factors."""

from __future__ import annotations

from typing import Any

import numpy as np

from rbmqs.studies.figures.common import (
    NothingToDrawError,
    coupling_axis,
    draw,
    finish,
    numbered_series,
    panels,
    require,
)
from rbmqs.studies.points import load_arrays
from rbmqs.studies.table import Table, as_table

_MAX_CURVES = 8


def plot_order_parameters(table: Any, x: str | None = None, *, staggered: bool = False) -> Any:
    """Squared magnetisation along z and its Binder cumulant against a coupling.

    Parameters
    ----------
    table : Table or pandas.DataFrame
    x : str, optional
    staggered : bool
        Of the staggered magnetisation (bipartite lattices).

    Returns
    -------
    matplotlib.figure.Figure
    """
    table = as_table(table)
    x = coupling_axis(table, x)
    square, binder = ("m_s_squared", "binder_s") if staggered else ("m_z_squared", "binder")
    require(table, square, binder)
    figure, axes = panels(2, 2.8)
    symbol = "m_s" if staggered else "m"
    for number, label, rows in numbered_series(table, x):
        for axis, name in zip(axes, (square, binder), strict=True):
            draw(axis, rows[x], rows[name], rows[f"{name}_error"], label, number, ls="-", lw=0.6)
    finish(axes[0], x, rf"$\langle {symbol}^2 \rangle$")
    axes[0].set_xlabel("")
    finish(axes[1], x, "Binder cumulant")
    return figure


def plot_correlations(table: Any, component: str = "zz") -> Any:
    """Two-point function against distance from site 0, for points that measured it.

    Parameters
    ----------
    table : Table
        With its directory, which holds the arrays.
    component : {"xx", "yy", "zz"}
    """
    figure, (axis,) = panels()
    for number, (label, arrays) in enumerate(_measured(as_table(table))):
        value, error = arrays[component], arrays[f"{component}_error"]
        mean, spread = _by_distance(value), _by_distance(error)
        draw(axis, np.arange(len(mean)), mean, spread, label, number, ls="-", lw=0.6)
    finish(axis, "distance along the numbering of the sites", rf"$C_{{{component}}}(r)$")
    return figure


def _by_distance(matrix: np.ndarray) -> np.ndarray:
    """Mean over all pairs of sites whose numbers differ by r, periodically; r up to N / 2.

    Errors are averaged in the same way: those of different pairs are not independent.
    """
    n = len(matrix)
    sites = np.arange(n)
    return np.array([matrix[sites, (sites + r) % n].mean() for r in range(n // 2 + 1)])


def plot_structure_factor(table: Any) -> Any:
    """Structure factor of sigma^z against the momentum, along the first direction."""
    figure, (axis,) = panels()
    drawn = False
    for number, (label, arrays) in enumerate(_measured(as_table(table))):
        if "structure_factor" not in arrays:
            continue
        drawn = True
        value, error = (
            arrays[name].reshape(len(arrays[name]), -1)[:, 0]
            for name in ("structure_factor", "structure_factor_error")
        )
        q = 2 * np.arange(len(value)) / len(value)
        draw(axis, q, value, error, label, number, ls="-", lw=0.6)
    if not drawn:
        raise NothingToDrawError("no point has a structure factor")
    finish(axis, r"momentum $q / \pi$", "$S_{zz}(q)$")
    return figure


def _measured(table: Table) -> list[tuple[str, dict[str, np.ndarray]]]:
    """Label and arrays of points with correlations, at most eight spread over the table."""
    if table.directory is None or "id" not in table.columns:
        raise NothingToDrawError("correlations are read from the directory of a study")
    found = []
    for row in range(len(table)):
        arrays = load_arrays(table.directory, str(table["id"][row]))
        if arrays:
            words = [f"{a.rsplit('.', 1)[-1]} = {table[a][row]}" for a in table.axes]
            found.append((", ".join(words), arrays))
    if not found:
        raise NothingToDrawError('no point measured correlations: add them to "observables"')
    chosen = np.unique(np.linspace(0, len(found) - 1, _MAX_CURVES).round().astype(int))
    return [found[i] for i in chosen]
