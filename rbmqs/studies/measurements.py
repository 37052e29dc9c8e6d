"""What is measured on the final samples of a point besides the energy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rbmqs.estimators.error_propagation import jackknife
from rbmqs.estimators.local import batch_means, mean_and_error
from rbmqs.estimators.observables.modes import z_powers
from rbmqs.estimators.observables.structure import all_wave_vectors, plane_waves

if TYPE_CHECKING:
    from hamiltonians import Lattice
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
        values |= _binder("binder_s", samples, 1.0 - 2.0 * lattice.sublattices())
    return values


def _binder(name: str, samples: Samples, signs: np.ndarray) -> dict[str, float]:
    """Binder cumulant U = 1 - <m^4> / (3 <m^2>^2), error by jackknife over batches of draws."""
    m = samples.spins @ signs / len(signs)
    moments = batch_means(np.stack([m**2, m**4], axis=2))  # (n_batches, 2)
    total = moments.mean(axis=0)
    if not total[0] > 0:  # a sector without magnetisation
        return {name: float("nan"), f"{name}_error": float("nan")}
    error, _ = jackknife(_cumulant, moments)
    return {name: float(_cumulant(total)), f"{name}_error": error}


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
    arrays: dict[str, np.ndarray] = {name: getattr(found, name) for name in found.__annotations__}
    lattice = result.hamiltonian.lattice
    if lattice is not None and lattice.kind in ("chain", "rectangle") and lattice.shape:
        arrays |= _structure_factor(result.estimate.samples, lattice)
    return arrays


def _structure_factor(samples: Samples, lattice: Lattice) -> dict[str, np.ndarray]:
    powers = z_powers(samples, plane_waves(lattice, all_wave_vectors(lattice)))
    mean, error = (array.reshape(lattice.shape) for array in mean_and_error(powers))
    return {"structure_factor": mean, "structure_factor_error": error}
