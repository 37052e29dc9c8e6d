"""Energy extrapolated to zero variance from the course of one optimisation.

Near an eigenstate the energy is linear in the variance of the local energy: both are of second
order in what is missing from the wavefunction (Sorella, Phys. Rev. B 64, 024512 (2001),
arXiv:cond-mat/0009149). The iterations of a run are such pairs, at no further cost.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from rbmqs.estimators.fits import line_fit
from rbmqs.estimators.stats import nominal_error
from rbmqs.vmc.convergence import present

if TYPE_CHECKING:
    from rbmqs.estimators.stats import Stats
    from rbmqs.vmc.records import StepRecord

BLOCK = 10  # iterations averaged into one pair
MIN_BLOCKS = 5
# Over the short runs of benchmarks/verdicts.py, 20 of 102 extrapolations of states within 2 % lay
# more than 5 error bars off; with these bounds and signs that are known, 3 of 46. J1-J2 on 4x4 at
# J2 = 0.8 with V = 0.23 was 570 off.
MAX_SCORE = 0.05
MAX_CHI2 = 3.0  # per degree of freedom
MODEL_ERROR = 0.5  # share of the correction that its straight line may be wrong by


def zero_variance_energy(
    history: Sequence[StepRecord],
    final: Stats,
    v_score: float = 0.0,
    *,
    is_excited: bool = False,
) -> tuple[float, float]:
    """Energy at zero variance and its one-sigma error.

    The slope s of the energy against the variance comes from the second half of the run; then
    E_0 = E - s Var of the final estimate. The error takes in the statistical errors of E and s
    and half of the correction itself, since the line need not stay straight down to zero.

    Parameters
    ----------
    history : sequence of StepRecord
    final : Stats
        Energy of the final estimate, with the variance of H.
    v_score : float
        Of the final estimate: beyond `MAX_SCORE` the line says nothing.
    is_excited : bool
        Whether the state is, or may be, near another level than the lowest.

    Returns
    -------
    energy, error : float
        Total, Pauli units; nan where the run is too short to tell, the pairs lie on no straight
        line, the variance is too large, or the line may lead to another level.
    """
    energy, variance = float(final.mean.real), final.variance
    if not (math.isfinite(energy) and math.isfinite(variance)) or is_excited:
        return math.nan, math.nan
    if not v_score <= MAX_SCORE and variance > 0:
        return math.nan, math.nan
    if variance == 0:
        return energy, final.error_of_mean
    pairs = _blocks(history)
    if len(pairs) < MIN_BLOCKS or np.ptp(pairs[:, 1]) == 0:
        return math.nan, math.nan
    fit = line_fit(pairs[:, 1], pairs[:, 0], pairs[:, 2])
    if fit.chi2 > MAX_CHI2 * fit.dof:
        return math.nan, math.nan
    slope, slope_error = max(fit.slope, 0.0), fit.slope_error
    correction = slope * variance
    parts = (final.error_of_mean, slope_error * variance, MODEL_ERROR * correction)
    return energy - correction, math.hypot(*parts)


def _blocks(history: Sequence[StepRecord]) -> np.ndarray:
    """Energy, variance and error of the energy of each block, shape (n_blocks, 3)."""
    half = [r for r in present(history)[-(len(history) // 2) :] if not r.status]
    # Sums over all configurations have no error, and a weight in the fit like that of samples.
    rows = np.array(
        [
            [e.mean.real, e.variance, e.error_of_mean or nominal_error(e.variance)]
            for e in (r.energy for r in half)
        ]
    )
    if len(rows) < BLOCK:
        return np.empty((0, 3))
    blocks = rows[len(rows) % BLOCK :].reshape(-1, BLOCK, 3)
    means = blocks[:, :, :2].mean(axis=1)
    errors = np.sqrt((blocks[:, :, 2] ** 2).sum(axis=1)) / BLOCK
    usable = np.isfinite(means).all(axis=1) & np.isfinite(errors) & (errors > 0)
    return np.column_stack([means, errors])[usable]
