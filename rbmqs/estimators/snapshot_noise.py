"""Noise of the data in what is measured in a state that was learnt from them.

A state fitted to n independent snapshots differs from the one that they were drawn from. To first
order the maximum of the likelihood has the covariance F^-1 / n, F = <s s^T> the Fisher information
and s = 2 (O - <O>) the scores, so that a mean <A> with local values a has the variance

    <a s>^T F^-1 <s a> / n,

the part of Var(a) that is linear in the scores, over n: all of it for an observable that the
parameters can follow (R. A. Fisher, Phil. Trans. R. Soc. A 222, 309 (1922)). It adds to the
sampling error, and no number of samples takes it away.

Amplitudes are concave in the probabilities: to second order, noise that leaves the mean of p as it
is lowers an off-diagonal A by the trace over orthonormal scores u of <u (da/du)> / 2n, da/du the
change of local values with the state. It is estimated by a few random directions and added to the
bar as a bias is, in quadrature. For 2,000 shots of 8 sites and 80 parameters it is half of the
noise in m_x. A direction in which the parameters are known no better than to 1 is not followed by
training, and counts by n f / (n f + 1), f its Fisher information.

What the ansatz cannot represent and what training has not reached are no noise, and not in it. Two
bars covered m_x in 194 of 200 such sets, zz of neighbours in 190, of farthest spins in 192
(`benchmarks/observable_coverage.py`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from rbmqs.estimators.consistency import check_undivided
from rbmqs.estimators.stats import Stats

if TYPE_CHECKING:
    from rbmqs.sampling.chains import Samples
    from rbmqs.states.state import VariationalState

LocalValues = Callable[["VariationalState", "Samples"], np.ndarray]
_NEGLIGIBLE = 1e-8  # eigenvalue of the Fisher information, relative to the largest
_DIRECTIONS = 8  # random ones: the trace over 40 directions or more to 8 %
_STEP = 1e-5  # of the parameters, for differences of local values
_MOST_SAMPLES = 1024  # for the second order, whose own error does not matter


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
        if psi.n_snapshots is not None:
            check_undivided(samples, "a state learnt from snapshots")
        self._psi, self._samples = psi, samples

    @cached_property
    def _axes(self) -> tuple[np.ndarray, np.ndarray]:
        """Scores (n_samples, n_parameters), and axes that make them orthonormal."""
        scores = self._psi.log_derivatives(self._samples.flat)
        scores = 2 * (scores - scores.mean(axis=0))
        information, axes = np.linalg.eigh(scores.T @ scores / len(scores))
        kept = information > _NEGLIGIBLE * information[-1]
        followed = self._psi.n_snapshots * information[kept]
        return scores, axes[:, kept] / np.sqrt(information[kept]) * followed / (followed + 1)

    @cached_property
    def _directions(self) -> np.ndarray:
        """Scores made orthonormal over the samples, (n_samples, rank)."""
        scores, axes = self._axes
        return scores @ axes

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

    def bias(self, local_values: LocalValues) -> Any:
        """Second order of the noise in the means of local values.

        Parameters
        ----------
        local_values : callable
            From a state and samples to local values (..., n_samples); their real part counts.

        Returns
        -------
        float or array (...)
        """
        if self._psi.n_snapshots is None:
            return 0.0
        (scores, axes), flat, found = self._axes, self._psi.flat, []
        every = -(-len(scores) // _MOST_SAMPLES)
        samples = replace(self._samples, spins=self._samples.flat[None, ::every])
        rank = axes.shape[1]
        few = rank <= _DIRECTIONS
        rng = np.random.default_rng(0)
        for z in math.sqrt(rank) * np.eye(rank) if few else rng.normal(size=(_DIRECTIONS, rank)):
            direction = axes @ z
            step = _STEP / max(1.0, abs(direction).max()) * direction
            up, down = (
                local_values(self._psi.with_flat(flat + sign * step), samples) for sign in (1, -1)
            )
            slope = np.real(up - down) / (2 * np.linalg.norm(step))
            found.append(slope @ (scores[::every] @ direction) * np.linalg.norm(direction))
        return np.mean(found, axis=0) / (2 * self._psi.n_snapshots * samples.spins.shape[1])

    def added_to(self, errors: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Sampling errors (n_series,) and this noise together."""
        if self._psi.n_snapshots is None:
            return errors
        return np.hypot(errors, self.errors(values.reshape(-1, errors.size)).reshape(errors.shape))

    def added(
        self, stats: Stats, values: np.ndarray, local_values: LocalValues | None = None
    ) -> Stats:
        """The statistics of one series with this noise in its error bar.

        `local_values`, as of `bias`, is for operators that are not diagonal.
        """
        if self._psi.n_snapshots is None:
            return stats
        noise = float(self.errors(np.real(values).reshape(-1, 1))[0])
        bias = 0.0 if local_values is None else self.bias(local_values).item()
        return replace(stats, error_of_mean=math.hypot(stats.error_of_mean, noise, bias))
