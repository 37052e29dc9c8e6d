"""Pictures of reconstructions: likelihood, outcomes by basis, the density matrix, fidelity."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rbmqs.tomography.scores import probabilities_of
from rbmqs.utils.figures import BLUE, GREY, RED, panels, saved

if TYPE_CHECKING:
    from rbmqs.tomography.curve import FidelityCurve

_MOST_BASES, _MOST_OUTCOMES, _MOST_SITES = 6, 64, 4


def plot_all(result: Any, directory: Path) -> list[Path]:
    """`likelihood.png`, `outcomes.png` and, for up to four sites, `density_matrix.png`.

    Parameters
    ----------
    result : rbmqs.tomography.result.Reconstruction
    directory : Path

    Returns
    -------
    list of Path
    """
    names = ("likelihood", "outcomes", "density_matrix")
    likelihood, outcomes, city = (directory / f"{name}.png" for name in names)
    plot_likelihood(result, likelihood)
    if not result.is_summed:
        return [likelihood]
    plot_outcomes(result, outcomes)
    if result.shots.n_sites > _MOST_SITES:
        return [likelihood, outcomes]
    amplitudes, target = result.vector.reshape(2**result.shots.n_sites, -1), result.target
    if target is not None and target.ndim == 1:
        target = np.outer(target, target.conj())
    plot_density_matrix(amplitudes @ amplitudes.conj().T, target, city)
    return [likelihood, outcomes, city]


def plot_likelihood(result: Any, path: str | Path | None = None, *, ax: Any = None) -> Any:
    """Log-likelihood of a shot against the step, of fitted shots and of those held out.

    Parameters
    ----------
    result : rbmqs.tomography.result.Reconstruction
    path : str or Path, optional
        File to write, its format by its ending.
    ax : Axes or sequence of Axes, optional
        To draw into, one a panel, in place of a new figure.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, (axis,) = panels(1, 7.0, 3.5, ax=ax)
    steps = np.arange(len(result.history))
    for name, color, label in (
        ("log_likelihood", BLUE, "fitted"),
        ("held_out", RED, "held out"),
    ):
        values = np.array([getattr(record, name) for record in result.history], dtype=float)
        if np.isfinite(values).any():
            axis.plot(steps, values, color=color, lw=1, label=label)
    axis.set_xlabel("step")
    axis.set_ylabel("log-likelihood of a shot (nats)")
    if len(steps):
        axis.legend(frameon=False)
    return saved(figure, path)


def plot_outcomes(result: Any, path: str | Path | None = None, *, ax: Any = None) -> Any:
    """Frequencies of outcomes with their errors against the model, the first six bases.

    Of more than 64 outcomes the likeliest are drawn.

    Parameters
    ----------
    result : rbmqs.tomography.result.Reconstruction
    path : str or Path, optional
        File to write, its format by its ending.
    ax : Axes or sequence of Axes, optional
        To draw into, one a panel, in place of a new figure.

    Returns
    -------
    matplotlib.figure.Figure
    """
    shots = result.shots
    n_bases = min(len(shots.bases), _MOST_BASES)
    model = probabilities_of(result.vector, shots.bases.unitaries[:n_bases], result.confusion)
    figure, axes = panels(n_bases, 7.0, 1.2 + 1.3 * n_bases, ax=ax)
    for basis, (axis, expected) in enumerate(zip(axes, model, strict=True)):
        rows, n = shots.rows(basis), shots.shots_of_basis[basis]
        share = np.bincount(shots.states[rows], shots.counts[rows], len(expected)) / n
        chosen = np.sort(np.argsort(expected)[::-1][:_MOST_OUTCOMES])
        x = np.arange(len(chosen))
        axis.bar(x, share[chosen], color=BLUE, alpha=0.5, label="shots")
        error = np.sqrt(expected * (1 - expected) / n)[chosen]
        axis.errorbar(x, expected[chosen], error, fmt="o", color=RED, ms=3, lw=1, label="model")
        axis.set_ylabel(shots.bases.name(basis))
    if shots.n_sites <= _MOST_SITES:
        axes[-1].set_xticks(x, [f"{s:0{shots.n_sites}b}" for s in chosen], rotation=90, fontsize=7)
    axes[-1].set_xlabel("outcome")
    axes[0].legend(frameon=False)
    return saved(figure, path)


def plot_density_matrix(
    rho: np.ndarray,
    target: np.ndarray | None = None,
    path: str | Path | None = None,
    *,
    ax: Any = None,
) -> Any:
    """Real and imaginary part of a density matrix as a city plot, for up to four sites.

    Parameters
    ----------
    rho : complex array (2^N, 2^N)
    target : complex array (2^N, 2^N), optional
        Drawn as outlines.
    path : str or Path, optional
    ax : pair of three-dimensional Axes, optional
        To draw into, in place of a new figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        Another shape, or more than four sites.
    """
    from matplotlib.figure import Figure

    size = len(rho)
    n_sites = size.bit_length() - 1
    if np.shape(rho) != (2**n_sites, 2**n_sites) or not 1 <= n_sites <= _MOST_SITES:
        raise ValueError(
            f"rho must have shape (2^n, 2^n) for at most {_MOST_SITES} sites, got {np.shape(rho)}"
        )
    if ax is None:
        whole = Figure(figsize=(9.0, 4.2), layout="constrained")
        ax = [whole.add_subplot(1, 2, k, projection="3d") for k in (1, 2)]
    figure, axes = panels(2, 9.0, 4.2, ax=ax)
    x, y = (grid.ravel() for grid in np.meshgrid(np.arange(size), np.arange(size), indexing="ij"))
    labels = [f"{state:0{n_sites}b}" for state in range(size)]
    axis: Any
    for axis, title, part in zip(axes, ("real", "imaginary"), (np.real, np.imag), strict=True):
        heights = part(rho).ravel()
        colors = [BLUE if h >= 0 else RED for h in heights]
        axis.bar3d(x - 0.35, y - 0.35, np.minimum(heights, 0), 0.7, 0.7, abs(heights), colors)
        if target is not None:
            goal = part(target).ravel()
            axis.bar3d(x - 0.35, y - 0.35, np.minimum(goal, 0), 0.7, 0.7, abs(goal),
                       color=(0, 0, 0, 0), edgecolor=GREY, lw=0.5)  # fmt: skip
        axis.set_xticks(range(size), labels, fontsize=6)
        axis.set_yticks(range(size), labels, fontsize=6)
        axis.set_zlim(min(-0.05, heights.min()), max(0.5, heights.max()))
        axis.set_title(f"{title} part")
    return saved(figure, path)


def plot_curve(curve: FidelityCurve, path: str | Path | None = None, *, ax: Any = None) -> Any:
    """Infidelity against shots, the mean of the sets and their spread, on logarithmic axes.

    Parameters
    ----------
    curve : FidelityCurve
    path : str or Path, optional
        File to write, its format by its ending.
    ax : Axes or sequence of Axes, optional
        To draw into, one a panel, in place of a new figure.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, (axis,) = panels(1, 6.0, 4.0, ax=ax)
    loss = np.maximum(1 - curve.fidelities, 1e-12)
    axis.loglog(curve.n_shots, loss, ".", color=GREY, ms=4)
    axis.loglog(curve.n_shots, loss.mean(axis=1), "o-", color=BLUE, label="mean of the sets")
    slope = loss.mean(axis=1)[0] * curve.n_shots[0] / curve.n_shots
    axis.loglog(curve.n_shots, slope, ":", color=RED, label="1 / shots")
    axis.set_xlabel("shots")
    axis.set_ylabel("infidelity")
    axis.legend(frameon=False)
    return saved(figure, path)
