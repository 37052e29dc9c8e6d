"""Figures of a study: each function takes the table and returns a matplotlib figure.

matplotlib is imported when a figure is drawn, not before.
"""

from collections.abc import Callable
from typing import Any

from rbmqs.studies.figures.common import NothingToDrawError
from rbmqs.studies.figures.energy import plot_derivatives, plot_energy
from rbmqs.studies.figures.order import (
    plot_correlations,
    plot_order_parameters,
    plot_structure_factor,
)
from rbmqs.studies.figures.quenches import plot_quenches
from rbmqs.studies.figures.scaling import (
    finite_size,
    plot_alpha,
    plot_convergence,
    plot_finite_size,
    plot_variance_extrapolation,
)

FIGURES: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "energy": ("Energy per site", plot_energy),
    "derivatives": ("Derivatives of the energy", plot_derivatives),
    "order": ("Order parameter and Binder cumulant", plot_order_parameters),
    "correlations": ("Correlation function", plot_correlations),
    "structure_factor": ("Structure factor", plot_structure_factor),
    "finite_size": ("Extrapolation to infinite size", plot_finite_size),
    "variance": ("Extrapolation to zero variance", plot_variance_extrapolation),
    "alpha": ("Scaling with alpha", plot_alpha),
    "quenches": ("Evolution after a quench", plot_quenches),
    "convergence": ("Convergence", plot_convergence),
}

__all__ = [
    "FIGURES",
    "NothingToDrawError",
    "finite_size",
    "plot_alpha",
    "plot_convergence",
    "plot_correlations",
    "plot_derivatives",
    "plot_energy",
    "plot_finite_size",
    "plot_order_parameters",
    "plot_quenches",
    "plot_structure_factor",
    "plot_variance_extrapolation",
]
