"""Pictures of lattices: sites coloured by sublattice, bonds by shell."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hamiltonians.lattices.cluster_of_points import ClusterOfPoints
from hamiltonians.lattices.neighbours import image_vectors
from hamiltonians.utils.checks import integer

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Segments = list[NDArray[np.float64]]
_SHELL_COLOURS = ("#444444", "#d95f02", "#1b9e77", "#7570b3", "#e7298a", "#66a61e")
_SITE_COLOURS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b")
_TOLERANCE = 1e-6


def draw(
    lattice: ClusterOfPoints,
    ax: "Axes | None" = None,
    shells: int | Sequence[int] = 1,
    *,
    numbers: bool | None = None,
    title: bool = True,
    site_size: float | None = None,
) -> "Axes":
    """Draw a lattice by matplotlib.

    Bonds that leave the cluster across a periodic boundary are dashed halves at both ends.

    Parameters
    ----------
    lattice : Lattice
    ax : matplotlib Axes, optional
        Drawn into; a new figure if left out. A lattice in space needs ``projection="3d"``.
    shells : int or sequence of int
        Shells to draw, 1 for nearest neighbours.
    numbers : bool, optional
        Whether to number the sites; the default does so for up to 64.
    title : bool
        Whether to write the name of the lattice above.
    site_size : float, optional
        Area of a site in points squared.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If the lattice has no such shell, or ``ax`` is flat and the lattice is not.
    """
    asked = shells if isinstance(shells, Sequence) else [shells]
    wanted = [integer("a shell", shell, minimum=1) for shell in asked]
    bonds = [lattice.bonds(shell) for shell in wanted]
    places = layout(lattice)
    axes = _axes(ax, places.shape[1])
    for shell, pairs in zip(wanted, bonds, strict=True):
        _draw_bonds(axes, lattice, places, pairs, shell)
    size = 260 if numbers is not False and lattice.n_sites <= 64 else 40
    axes.scatter(*places.T, s=site_size or size, c=_site_colours(lattice), zorder=3)
    if numbers if numbers is not None else lattice.n_sites <= 64:
        for site, place in enumerate(places):
            axes.text(*place, str(site), ha="center", va="center", color="white", fontsize=7,
                      zorder=4)  # fmt: skip
    axes.set_aspect("equal")
    axes.set_axis_off()
    if title:
        axes.set_title(lattice.name, fontsize=9)
    return axes


def layout(lattice: ClusterOfPoints) -> NDArray[np.float64]:
    """Where to draw the sites, shape (n_sites, 2 or 3); a graph is drawn on a circle."""
    if lattice.positions is None:
        angles = 2 * np.pi * np.arange(lattice.n_sites) / lattice.n_sites
        return np.stack([np.cos(angles), np.sin(angles)], axis=1)
    if lattice.positions.shape[1] == 1:
        return np.pad(lattice.positions, ((0, 0), (0, 1)))
    return np.array(lattice.positions)


def bond_segments(lattice: ClusterOfPoints, pairs: NDArray[Any]) -> tuple[Segments, Segments]:
    """Lines of the bonds within the cluster, and the halves of those that leave it.

    Returns
    -------
    whole, halves : list of ndarray, shape (2, d)
    """
    places = layout(lattice)
    whole: Segments = []
    halves: Segments = []
    for i, j in pairs.tolist():
        for vector in _vectors(lattice, places, i, j):
            if np.allclose(places[i] + vector, places[j], atol=_TOLERANCE):
                whole.append(np.array([places[i], places[j]]))
            else:
                halves.append(np.array([places[i], places[i] + vector / 2]))
                halves.append(np.array([places[j], places[j] - vector / 2]))
    return whole, halves


def _vectors(
    lattice: ClusterOfPoints, places: NDArray[np.float64], i: int, j: int
) -> Iterator[NDArray[np.float64]]:
    """Vectors from site i to the images of j that the bond stands for."""
    if lattice.positions is None:
        yield places[j] - places[i]
        return
    for vector in image_vectors(lattice.positions, lattice.translations, i, j):
        yield np.pad(vector, (0, places.shape[1] - len(vector)))


def _draw_bonds(
    axes: Any,
    lattice: ClusterOfPoints,
    places: NDArray[np.float64],
    pairs: NDArray[Any],
    shell: int,
) -> None:
    from matplotlib.collections import LineCollection

    colour = _SHELL_COLOURS[(shell - 1) % len(_SHELL_COLOURS)]
    for lines, dashes in zip(bond_segments(lattice, pairs), ("solid", (0, (2, 2))), strict=True):
        if not lines:
            continue
        style: dict[str, Any] = {"colors": colour, "linestyles": [dashes], "linewidths": 1.2}
        if places.shape[1] == 3:
            from mpl_toolkits.mplot3d.art3d import Line3DCollection

            axes.add_collection3d(Line3DCollection(lines, **style))
        else:
            axes.add_collection(LineCollection(lines, zorder=1 + 1 / shell, **style))
            axes.update_datalim(np.concatenate(lines))


def _axes(ax: Any, dimension: int) -> Any:
    if ax is None:
        import matplotlib.pyplot as plt

        keywords = {"projection": "3d"} if dimension == 3 else None
        return plt.subplots(subplot_kw=keywords, layout="constrained")[1]
    if dimension == 3 and not hasattr(ax, "add_collection3d"):
        raise ValueError('ax must have projection="3d" for a lattice in space, got a flat one')
    return ax


def _site_colours(lattice: ClusterOfPoints) -> list[str]:
    """By the site of a cell where there are several, else by two sublattices, else all alike."""
    if lattice.cell is not None and lattice.cell.n_basis > 1:
        kinds = [site % lattice.cell.n_basis for site in range(lattice.n_sites)]
    elif lattice.is_bipartite:
        kinds = lattice.sublattices().tolist()
    else:
        kinds = [0] * lattice.n_sites
    return [_SITE_COLOURS[kind % len(_SITE_COLOURS)] for kind in kinds]
