"""Noise of the data in what is measured in a state that was learnt from them.

A state fitted to n independent snapshots differs from the one that they were drawn from. To first
order the maximum of the likelihood has the covariance F^-1 / n, F = <s s^T> the Fisher information
and s = 2 (O - <O>) the scores, so that a mean <A> with local values a has the variance

    <a s>^T F^-1 <s a> / n,

the part of Var(a) that is linear in the scores, over n: all of it for an observable that the
parameters can follow (R. A. Fisher, Phil. Trans. R. Soc. A 222, 309 (1922)). It adds to the
sampling error, and no number of samples takes it away. What the ansatz cannot represent and what
training has not reached are no noise, and not in it. Nor is the second order: amplitudes are
concave in the probabilities, so that noise of many parameters lowers transverse magnetisations, by
half a bar for 2,000 shots of 8 sites and 80 parameters. Two bars covered m_x in 59 of 66 such sets,
zz correlations of neighbours in 61 and of farthest spins in 63
(`benchmarks/observable_coverage.py`).
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from rbmqs.estimators.stats import Stats

if TYPE_CHECKING:
    from rbmqs.sampling.chains import Samples
    from rbmqs.states.state import VariationalState

_NEGLIGIBLE = 1e-8  # eigenvalue of the Fisher information, relative to the largest


class SnapshotNoise:
    """One-sigma errors from the noise of snapshots; zero for a state that was not learnt.

    Parameters
    ----------
    psi : VariationalState
        Its `n_snapshots` says how many there were; real and positive if there were any.
    samples : Samples
        Drawn from |psi|^2.
    """

    def __init__(self, psi: VariationalState, samples: Samples) -> None:
        self._psi, self._samples = psi, samples

    @cached_property
    def _directions(self) -> np.ndarray:
        """Scores made orthonormal over the samples, (n_samples, rank)."""
        scores = self._psi.log_derivatives(self._samples.flat)
        scores = scores - scores.mean(axis=0)
        information, axes = np.linalg.eigh(scores.T @ scores / len(scores))
        kept = information > _NEGLIGIBLE * information[-1]
        return scores @ (axes[:, kept] / np.sqrt(information[kept]))

    def errors(self, values: np.ndarray) -> np.ndarray:
        """Errors (n_series,) of the means of real local values (n_samples, n_series)."""
        n_snapshots = self._psi.n_snapshots
        if n_snapshots is None:
            return np.zeros(values.shape[1])
        directions, centred = self._directions, values - values.mean(axis=0)
        n_samples, rank = directions.shape
        explained = ((directions.T @ centred / n_samples) ** 2).sum(axis=0)
        # Chance explains a share rank / n_samples of what is left.
        rest = np.maximum((centred**2).mean(axis=0) - explained, 0)
        explained = np.maximum(explained - rest * rank / max(n_samples - rank, 1), 0)
        return np.sqrt(explained / n_snapshots)

    def added_to(self, errors: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Sampling errors (n_series,) and this noise together."""
        if self._psi.n_snapshots is None:
            return errors
        return np.hypot(errors, self.errors(values.reshape(-1, errors.size)).reshape(errors.shape))

    def added(self, stats: Stats, values: np.ndarray) -> Stats:
        """The statistics of one series with this noise in its error bar."""
        if self._psi.n_snapshots is None:
            return stats
        noise = float(self.errors(np.real(values).reshape(-1, 1))[0])
        return replace(stats, error_of_mean=float(np.hypot(stats.error_of_mean, noise)))
