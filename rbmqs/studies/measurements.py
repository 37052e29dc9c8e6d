"""What is measured on the final samples of a point besides the energy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hamiltonians.lattices.geometry import staggered_signs
from rbmqs.estimators.error_propagation import function_statistics

if TYPE_CHECKING:
    from rbmqs.runs.result import RunResult
    from rbmqs.sampling.chains import Samples


def scalar_observables(result: RunResult) -> dict[str, float]:
    """Magnetisations, their squares and Binder cumulants, each with `_error`.

    Names: m_x, abs_m_z, m_z^2, binder of m_z, and staggered ones on bipartite lattices.
    """
    if result.estimate is None:
        raise ValueError("an interrupted run has no final samples: resume it first")
    values: dict[str, float] = {}
    names = {"x": "m_x", "|z|": "abs_m_z", "z^2": "m_z_squared", "staggered z^2": "m_s_squared"}
    for key, stats in result.magnetisations().items():
        if key in names:
            values[names[key]] = float(stats.mean.real)
            values[f"{names[key]}_error"] = stats.error_of_mean
    samples, lattice = result.estimate.samples, result.hamiltonian.lattice
    values |= _binder("binder", samples, np.ones(samples.spins.shape[2]))
    if lattice is not None and lattice.is_bipartite:
        values |= _binder("binder_s", samples, staggered_signs(lattice))
    return values


def _binder(name: str, samples: Samples, signs: np.ndarray) -> dict[str, float]:
    """Binder cumulant U = 1 - <m^4> / (3 <m^2>^2) and its error."""
    m = samples.spins @ signs / len(signs)
    if not np.any(m):  # a sector without magnetisation
        return {name: float("nan"), f"{name}_error": float("nan")}
    moments = np.stack([m**2, m**4], axis=2)
    error = function_statistics(_cumulant, moments).error_of_mean
    return {name: float(_cumulant(moments.mean(axis=(0, 1)))), f"{name}_error": error}


def _cumulant(moments: np.ndarray) -> np.ndarray:
    return 1.0 - moments[..., 1] / (3.0 * moments[..., 0] ** 2)


def correlation_arrays(result: RunResult) -> dict[str, np.ndarray]:
    """Two-point functions of all pairs, and on chains and rectangles the structure factor.

    Returns
    -------
    dict
        xx, yy, zz (N, N) with errors; structure_factor S(q) = <|sum_j e^{i q.r_j} sigma^z_j|^2> / N
        at q = 2 pi k / L, k along each direction, in the order of numpy.fft, with its error.
    """
    if result.estimate is None:
        raise ValueError("an interrupted run has no final samples: resume it first")
    found = result.correlations()
    arrays = {name: array for name, array in vars(found).items() if isinstance(array, np.ndarray)}
    lattice = result.hamiltonian.lattice
    if lattice is not None and lattice.kind in ("chain", "rectangle") and lattice.shape:
        structure = result.estimate.structure_factor(spin=False)
        arrays["structure_factor"] = structure.zz.reshape(lattice.shape)
        arrays["structure_factor_error"] = structure.zz_error.reshape(lattice.shape)
    return arrays
