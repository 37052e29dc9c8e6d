"""Pictures of a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rbmqs.utils.figures import BLUE, GREY, RED, panels, saved

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from rbmqs.runs.outcome import Outcome


def plot_run(result: Outcome, path: str | Path | None = None, *, ax: Any = None) -> Any:
    """Energy and its error against iteration with the reference; variance and R-hat below.

    Parameters
    ----------
    result : RunResult
    path : str or Path, optional
        File to write, its format by its ending.
    ax : Axes or sequence of Axes, optional
        To draw into, one a panel, in place of a new figure.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = panels(3, 7.5, 7.0, height_ratios=(3, 1, 1), ax=ax)
    iterations = np.array([record.iteration for record in result.history])
    _plot_energy(axes[0], result, iterations)
    variances = [record.energy.variance for record in result.history]
    axes[1].plot(iterations, variances, color=GREY, lw=1)
    if any(variance > 0 for variance in variances):  # an exact eigenstate has none to show
        axes[1].set_yscale("log")
    axes[1].set_ylabel("variance")
    axes[2].plot(iterations, [r.energy.r_hat for r in result.history], color=GREY, lw=1)
    axes[2].axhline(1.0, color=GREY, lw=0.5, ls=":")
    axes[2].set_ylabel(r"$\hat R$")
    axes[2].set_xlabel("iteration")
    return saved(figure, path)


def _plot_energy(axis: Axes, result: Outcome, iterations: np.ndarray) -> None:
    n = result.hamiltonian.n_sites
    energies = np.array([record.energy.mean.real for record in result.history]) / n
    errors = np.array([record.energy.error_of_mean for record in result.history]) / n
    axis.plot(iterations, energies, color=BLUE, lw=1, label="RBM, each iteration")
    axis.fill_between(iterations, energies - errors, energies + errors, color=BLUE, alpha=0.3, lw=0)
    if result.estimate is not None and len(iterations):
        axis.errorbar(
            [iterations[-1]],
            [result.energy.mean.real / n],
            [result.energy.error_of_mean / n],
            fmt="o",
            color=BLUE,
            ms=4,
            label="RBM, final estimate",
        )
    if result.reference is not None:
        axis.axhline(
            result.reference.energy / n, color=RED, lw=1, ls="--", label=result.reference.kind
        )
    later = energies[len(energies) // 10 :]
    if len(later) > 1 and np.all(np.isfinite(later)):
        low = min(later.min(), result.reference.energy / n if result.reference else np.inf)
        span = max(later.max() - low, 1e-12)
        axis.set_ylim(low - 0.1 * span, later.max() + 0.1 * span)
    axis.set_ylabel("energy per site")
    axis.set_title(result.hamiltonian.name)
    axis.legend(frameon=False)
