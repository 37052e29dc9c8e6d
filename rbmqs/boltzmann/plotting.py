"""Pictures: filters, samples, chains through time, free energies, learning curves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rbmqs.boltzmann.plan import Training
from rbmqs.utils.figures import BLUE, RED, panels, saved

MAX_TILES = 400


def images(
    rows: np.ndarray,
    shape: tuple[int, int] | None = None,
    path: str | Path | None = None,
    *,
    columns: int | None = None,
    diverging: bool = False,
    ax: Any = None,
) -> Any:
    """Rows as tiles of images.

    Parameters
    ----------
    rows : array (n, N)
        At most 400 are shown.
    shape : (height, width), optional
        Of an image; a square when N is one.
    path : str or Path, optional
        File to write, its format by its ending.
    columns : int, optional
    diverging : bool
        Colours about zero, each tile by its own largest value, as fits weights.
    ax : Axes or sequence of Axes, optional
        To draw into, one a panel, in place of a new figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        A shape that does not hold N pixels, or none given where N is no square.
    """
    rows = np.asarray(rows, dtype=float)[:MAX_TILES]
    height, width = image_shape(rows.shape[1], shape)
    columns = columns or int(np.ceil(np.sqrt(len(rows))))
    sheet = _tiles(rows.reshape(-1, height, width), columns, diverging)
    size = (0.6 * columns, 0.6 * -(-len(rows) // columns) * height / width)
    figure, (axis,) = panels(1, *size, ax=ax)
    limit = {"vmin": -1, "vmax": 1, "cmap": "RdBu_r"} if diverging else {"cmap": "gray_r"}
    axis.imshow(sheet, interpolation="nearest", **limit)
    axis.set_axis_off()
    return saved(figure, path)


def filters(rbm: Any, path: str | Path | None = None, **options: Any) -> Any:
    """Weights of the hidden units as images, those of largest norm first; see `images`.

    Parameters
    ----------
    rbm : fitted estimator or RBM parameters
    path : str or Path, optional
        File to write, its format by its ending.
    **options
        Of `images`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    components = rbm.components_
    order = np.argsort(-np.linalg.norm(components, axis=1))
    return images(components[order], path=path, diverging=True, **options)


def chains(
    rbm: Any, start: np.ndarray, steps: Sequence[int] = (0, 1, 3, 10, 30, 100, 300), *,
    shape: tuple[int, int] | None = None, path: str | Path | None = None, ax: Any = None,
) -> Any:  # fmt: skip
    """Chains through time: one line of images for each starting row, one column a time.

    Parameters
    ----------
    rbm : fitted estimator
    start : array (n, N)
        Rows at which the chains start.
    steps : sequence of int
        Numbers of Gibbs steps after which the rows are drawn.
    shape : (height, width), optional
        Of an image; a square when N is one.
    path : str or Path, optional
        File to write, its format by its ending.
    ax : Axes, optional
        To draw into, in place of a new figure.

    Returns
    -------
    matplotlib.figure.Figure
    """
    frames, done, state = [], 0, np.asarray(start)
    for step in sorted(steps):
        if step > done:
            state, done = rbm.gibbs(state, n_steps=step - done), step
        frames.append(np.asarray(state))
    rows = np.stack(frames, axis=1).reshape(-1, frames[0].shape[1])
    return images(rows, shape, path, columns=len(frames), ax=ax)


def free_energies(
    rbm: Any,
    data: dict[str, Any],
    path: str | Path | None = None,
    *,
    bins: int = 60,
    ax: Any = None,
) -> Any:
    """Histograms of F(v) for several sets of rows, by name.

    Parameters
    ----------
    rbm : fitted estimator
    data : dict of str to array (n, N)
        Rows by the name of their set.
    path : str or Path, optional
        File to write, its format by its ending.
    bins : int
    ax : Axes or sequence of Axes, optional
        To draw into, one a panel, in place of a new figure.

    Returns
    -------
    matplotlib.figure.Figure
    """
    values = {name: rbm.free_energy(rows) for name, rows in data.items()}
    span = (min(v.min() for v in values.values()), max(v.max() for v in values.values()))
    figure, (axis,) = panels(1, 7, 4, ax=ax)
    for name, energies in values.items():
        axis.hist(energies, bins=bins, range=span, histtype="step", density=True, label=name)
    axis.set_xlabel("free energy")
    axis.set_ylabel("density of rows")
    axis.legend(frameon=False)
    return saved(figure, path)


def learning_curves(training: Training, path: str | Path | None = None, *, ax: Any = None) -> Any:
    """The figures of a run's checks against epochs, one panel each, and the learning rate.

    Parameters
    ----------
    training : Training
        `training_` of a fitted estimator.
    path : str or Path, optional
        File to write, its format by its ending.
    ax : Axes or sequence of Axes, optional
        To draw into, one a panel, in place of a new figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        A run without a check.
    """
    if not training.history:
        raise ValueError("training has no history to draw: it ended before its first check")
    names = list(training.history[-1].figures)
    epochs = [record.epoch for record in training.history]
    figure, axes = panels(len(names) + 1, 7, 2.2 * (len(names) + 1), ax=ax)
    for axis, name in zip(axes, names, strict=False):
        values = [record.figures.get(name, np.nan) for record in training.history]
        axis.plot(epochs, values, color=BLUE, lw=1)
        axis.set_ylabel(name)
    axes[-1].plot(epochs, [record.rate for record in training.history], color=RED, lw=1)
    axes[-1].set_ylabel("learning rate")
    axes[-1].set_xlabel("epoch")
    return saved(figure, path)


def image_shape(n_pixels: int, shape: tuple[int, int] | None) -> tuple[int, int]:
    """The shape given, or that of a square.

    Parameters
    ----------
    n_pixels : int
    shape : (height, width) or None

    Returns
    -------
    (height, width)
    """
    if shape is None:
        side = round(np.sqrt(n_pixels))
        shape = (side, side)
    if shape[0] * shape[1] != n_pixels:
        raise ValueError(f"shape must hold {n_pixels} pixels, got {shape}")
    return shape


def _tiles(pictures: np.ndarray, columns: int, scaled: bool) -> np.ndarray:
    n, height, width = pictures.shape
    lines = -(-n // columns)
    sheet = np.full((lines * (height + 1) - 1, columns * (width + 1) - 1), np.nan)
    for k, picture in enumerate(pictures):
        top, left = (k // columns) * (height + 1), (k % columns) * (width + 1)
        size = max(np.abs(picture).max(), 1e-12) if scaled else 1.0
        sheet[top : top + height, left : left + width] = picture / size
    return sheet
