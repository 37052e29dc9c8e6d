"""Order parameters, Binder cumulants, correlation functions and structure factors."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from rbmqs.studies.figures.common import (
    EXACT,
    NothingToDrawError,
    coupling_axis,
    draw,
    finish,
    numbered_series,
    panels,
    require,
    spread_points,
)
from rbmqs.studies.points import load_arrays
from rbmqs.studies.table import Table, as_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PIXELS = 240  # of a zone along each direction
_EARLIER = "points of an earlier version: run them again to see"


def plot_order_parameters(
    table: Any, x: str | None = None, *, staggered: bool = False, ax: Any = None
) -> Any:
    """Squared magnetisation along z and its Binder cumulant against a coupling.

    Parameters
    ----------
    table : Table or pandas.DataFrame
    x : str, optional
    staggered : bool
        Of the staggered magnetisation (bipartite lattices).
    ax : Axes or sequence of Axes, optional
        To draw into, one a panel, in place of a new figure.

    Returns
    -------
    matplotlib.figure.Figure
    """
    table = as_table(table)
    x = coupling_axis(table, x)
    square, binder = ("m_s_squared", "binder_s") if staggered else ("m_z_squared", "binder")
    require(table, square, binder)
    figure, axes = panels(2, 2.8, ax=ax)
    symbol = "m_s" if staggered else "m"
    for number, label, rows in numbered_series(table, x):
        for axis, name in zip(axes, (square, binder), strict=True):
            draw(axis, rows[x], rows[name], rows[f"{name}_error"], label, number, ls="-", lw=0.6)
    finish(axes[0], x, rf"$\langle {symbol}^2 \rangle$")
    axes[0].set_xlabel("")
    finish(axes[1], x, "Binder cumulant")
    return figure


def plot_correlations(table: Any, component: str = "zz", *, ax: Any = None) -> Any:
    """Two-point function, averaged over pairs of one distance, against that distance.

    Distances are those of `Correlations.by_distance`: between nearest images of two sites on a
    lattice, in steps on a graph.

    Parameters
    ----------
    table : Table
        With its directory, which holds the arrays.
    component : {"xx", "yy", "zz", "spin"}
    ax : Axes or sequence of Axes, optional
        To draw into, one a panel, in place of a new figure.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, (axis,) = panels(ax=ax)
    points = _measured(as_table(table), "distances", "averages over distances")
    for number, (label, arrays) in enumerate(points):
        value, error = (arrays[f"mean_{component}{ending}"] for ending in ("", "_error"))
        draw(axis, arrays["distances"], value, error, label, number, ls="-", lw=0.6)
    finish(axis, "distance", rf"$C_{{{component}}}(r)$")
    return figure


def plot_structure_factor(table: Any, *, ax: Any = None) -> Any:
    """Structure factor of sigma^z: against the momentum of a chain, over the zone of a plane.

    In two dimensions each point of the study has a panel with its first Brillouin zone; a dot is a
    momentum of the cluster, and each place has the colour of the nearest one.

    Parameters
    ----------
    table : Table
        With its directory, which holds the arrays.
    ax : Axes or sequence of Axes, optional
        To draw into, one a panel, in place of a new figure.

    Returns
    -------
    matplotlib.figure.Figure
    """
    points = _measured(as_table(table), "wave_vectors", "the structure factor's momenta")
    planar = [point for point in points if point[1]["wave_vectors"].shape[1] == 2]
    if planar:
        return _draw_zones(planar, ax)
    chains = [point for point in points if point[1]["wave_vectors"].shape[1] == 1]
    if not chains:
        raise NothingToDrawError("structure factors are drawn in one and two dimensions")
    figure, (axis,) = panels(ax=ax)
    for number, (label, arrays) in enumerate(chains):
        q = arrays["wave_vectors"][:, 0] / np.pi
        order = np.argsort(q)
        value, error = (arrays[f"structure_factor{ending}"] for ending in ("", "_error"))
        draw(axis, q[order], value[order], error[order], label, number, ls="-", lw=0.6)
    finish(axis, r"momentum $q / \pi$", "$S_{zz}(q)$")
    return figure


def _draw_zones(points: list[tuple[str, dict[str, np.ndarray]]], ax: Any) -> Any:
    from matplotlib.figure import Figure

    n_columns = min(len(points), 3)
    n_rows = -(-len(points) // n_columns)
    size = (0.6 + 3.6 * n_columns, 0.4 + 3.2 * n_rows)
    if ax is None:
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots(n_rows, n_columns, squeeze=False).ravel()
    else:
        figure, given = panels(len(points), ax=ax)
        axes = np.array(given)
    for axis, (label, arrays) in zip(axes, points, strict=False):
        picture = _draw_zone(axis, arrays)
        figure.colorbar(picture, ax=axis, shrink=0.8, label="$S_{zz}(k)$")
        axis.set_title(label, fontsize=8)
    for axis in axes[len(points) :]:
        axis.set_axis_off()
    return figure


def _draw_zone(axis: Axes, arrays: dict[str, np.ndarray]) -> Any:
    """The first Brillouin zone, coloured by the nearest momentum of the cluster."""
    from scipy.spatial import cKDTree

    k, reciprocal = arrays["wave_vectors"], arrays["reciprocal_vectors"]
    numbers = np.array(list(itertools.product((-2, -1, 0, 1, 2), repeat=2)))
    shifts = numbers @ reciprocal
    # With several sites in a cell S(k) does not repeat, and was measured around the zone too.
    repeats = shifts if arrays["periodic"] else np.zeros((1, 2))
    images = (k[:, None] + repeats).reshape(-1, 2)
    values = np.repeat(arrays["structure_factor"], len(repeats))
    reach = 0.75 * np.linalg.norm(reciprocal, axis=1).max()
    line = np.linspace(-reach, reach, _PIXELS)
    pixels = np.stack(np.meshgrid(line, line), axis=-1)
    colours = values[cKDTree(images).query(pixels)[1]]
    outside = np.linalg.norm(pixels, axis=-1) > _distance_to_nearest(pixels, shifts) + 1e-9
    picture = axis.pcolormesh(line / np.pi, line / np.pi, np.where(outside, np.nan, colours))
    axis.contour(line / np.pi, line / np.pi, outside, [0.5], colors=EXACT["color"], linewidths=1.0)
    far = np.linalg.norm(images, axis=-1) > _distance_to_nearest(images, shifts) + 1e-9
    axis.plot(*(images[~far].T / np.pi), ".", color="white", ms=4, mec="black", mew=0.4)
    axis.set_aspect("equal")
    axis.set_xlabel(r"$k_x / \pi$")
    axis.set_ylabel(r"$k_y / \pi$")
    return picture


def _distance_to_nearest(k: np.ndarray, reciprocal: np.ndarray) -> np.ndarray:
    """Distance to the nearest point of the reciprocal lattice."""
    return np.linalg.norm(k[..., None, :] - reciprocal, axis=-1).min(axis=-1)


def _measured(table: Table, name: str, what: str) -> list[tuple[str, dict[str, np.ndarray]]]:
    """Label and arrays of points that have an array, at most eight spread over the table."""
    if table.directory is None or not len(table):
        raise NothingToDrawError("correlations are read from the directory of a study")
    found = [(row, load_arrays(table.directory, point)) for row, point in spread_points(table)]
    found = [(row, arrays) for row, arrays in found if arrays]
    if not found:
        raise NothingToDrawError('no point measured correlations: add them to "observables"')
    chosen = [(table.label(row), arrays) for row, arrays in found if name in arrays]
    if not chosen:
        raise NothingToDrawError(f"{_EARLIER} {what}")
    return chosen
