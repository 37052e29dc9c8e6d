"""Functions of several means from the same samples: error bars and bias.

A ratio, an optimum or a logarithm of means f(<x>) is not the mean of a series. Its error follows
from the linearised series f(<x>) + grad f . (x - <x>), which `rbmqs.estimators.error_bars` treats
as any other, autocorrelation and R-hat included; its bias, of order 1/n, follows from the jackknife
over batches (B. Efron, Ann. Statist. 7, 1 (1979)).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from rbmqs.estimators.error_bars import statistics
from rbmqs.estimators.many_series import batch_means
from rbmqs.estimators.stats import Stats

Function = Callable[[np.ndarray], np.ndarray]


def function_statistics(function: Function, values: np.ndarray) -> Stats:
    """A function of means with its error bar, its bias removed.

    Parameters
    ----------
    function : callable
        Maps means (..., n_series) to real numbers (...).
    values : float array (n_chains, n_draws, n_series)

    Returns
    -------
    Stats
        `mean` is the jackknife's, nan where the function is; `variance` is that of the
        linearised series.
    """
    means = values.mean(axis=(0, 1))
    centre = float(function(means))
    if not np.isfinite(centre):
        return replace(statistics(np.full(values.shape[:2], np.nan)), mean=np.nan)
    linear = statistics(centre + (values - means) @ _gradient(function, values, means))
    return replace(linear, mean=centre - jackknife(function, batch_means(values))[1])


def jackknife(function: Function, batches: np.ndarray) -> tuple[float, float]:
    """Error and bias of a function of means, from independent batches.

    Parameters
    ----------
    function : callable
        As in `function_statistics`.
    batches : array (n_batches, n_series)

    Returns
    -------
    error, bias : float
        Subtract the bias from function(mean). With a single batch, nan and 0.
    """
    n, total = len(batches), batches.mean(axis=0)
    if n < 2:
        return float("nan"), 0.0
    left_out = function((n * total - batches) / (n - 1))
    error = np.sqrt((n - 1) / n * ((left_out - left_out.mean()) ** 2).sum())
    return float(error), float((n - 1) * (left_out.mean() - function(total)))


def _gradient(function: Function, values: np.ndarray, means: np.ndarray) -> np.ndarray:
    """Central differences, steps a thousandth of the error bars of independent draws."""
    steps = 1e-3 * values.std(axis=(0, 1)) / np.sqrt(values.shape[0] * values.shape[1])
    moved = np.diag(steps)
    change = function(means + moved) - function(means - moved)
    return np.divide(change, 2 * steps, out=np.zeros_like(change), where=steps > 0)
