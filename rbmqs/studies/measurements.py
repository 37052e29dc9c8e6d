"""What is measured on the final samples of a point besides the energy."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from hamiltonians.lattices.geometry import all_wave_vectors, staggered_signs
from rbmqs.estimators.error_propagation import function_statistics
from rbmqs.estimators.observables.two_point import COMPONENTS

_REACH = 0.8  # of the longest reciprocal vector; a corner of a hexagonal zone is at 0.58 of it

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
    """Two-point functions of all pairs, their means over distances, and the structure factor.

    Returns
    -------
    dict
        xx, yy, zz (N, N) with errors; `distances` (n,) with mean_xx, mean_yy, mean_zz, mean_spin
        and errors. On lattices with a unit cell structure_factor
        S(k) = <|sum_j e^{i k.r_j} sigma^z_j|^2> / N with its error, (n_k,), at `wave_vectors`
        (n_k, d) in units of 1 / lattice constant: those of the first Brillouin zone, which
        `reciprocal_vectors` (d, d) decide, and with several sites in a cell, where S differs from
        zone to zone (`periodic` is false), those around it too.
    """
    if result.estimate is None:
        raise ValueError("an interrupted run has no final samples: resume it first")
    found = result.correlations()
    arrays = {name: array for name, array in vars(found).items() if isinstance(array, np.ndarray)}
    lattice = result.hamiltonian.lattice
    if lattice is not None:
        means = vars(found.by_distance())
        arrays["distances"] = means["distances"]
        for name in (f"{c}{ending}" for c in (*COMPONENTS, "spin") for ending in ("", "_error")):
            arrays[f"mean_{name}"] = means[name]
    if lattice is not None and lattice.cell is not None:
        reciprocal = 2 * np.pi * np.linalg.inv(np.asarray(lattice.cell.vectors)).T
        periodic = len(lattice.cell.basis) == 1
        k = _of_first_zone(all_wave_vectors(lattice), reciprocal, periodic)
        structure = result.estimate.structure_factor(wave_vectors=k, spin=False)
        arrays |= {
            "wave_vectors": k,
            "reciprocal_vectors": reciprocal,
            "periodic": np.array(periodic),
            "structure_factor": structure.zz,
            "structure_factor_error": structure.zz_error,
        }
    return arrays


def _of_first_zone(k: np.ndarray, reciprocal: np.ndarray, periodic: bool) -> np.ndarray:
    """Wave vectors (n_k, d) moved by reciprocal lattice vectors to where they are shortest.

    Those of a function that is not periodic are taken everywhere in a ball around the zone.
    """
    numbers = np.array(list(itertools.product((0, -1, 1, -2, 2), repeat=len(reciprocal))))
    images = k[:, None] + numbers @ reciprocal
    lengths = np.linalg.norm(images, axis=-1)
    if not periodic:
        return images[lengths < _REACH * np.linalg.norm(reciprocal, axis=1).max()]
    shortest = np.argmax(lengths < lengths.min(axis=1, keepdims=True) + 1e-9, axis=1)
    return images[np.arange(len(k)), shortest]
