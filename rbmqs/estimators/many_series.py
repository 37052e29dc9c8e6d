"""Error bars of many series at once: two-point functions, structure factors, dimers.

Each bar is that of `rbmqs.estimators.error_bars`, autocorrelation and R-hat included. It is taken
from the means of consecutive draws, which leaves autocorrelation as it is and makes thousands of
series cheap. One status speaks for all of them and names the worst.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from rbmqs.estimators.error_bars import length_advice, quick_statistics, shortfall

MIN_BINS, MIN_BINS_IN_ALL = 64, 1024  # of a chain, and of all chains

Label = Callable[[int], str]


class SeriesStats(NamedTuple):
    """Means of many series with their error bars.

    Attributes
    ----------
    mean, error : float arrays (n_series,)
        One sigma.
    status : str
        Empty, or which bar is the least to be trusted, why, and how many there are.
    """

    mean: np.ndarray
    error: np.ndarray
    status: str


def series_statistics(values: np.ndarray, label: Label) -> SeriesStats:
    """Mean and error bar of each series.

    Parameters
    ----------
    values : float array (n_chains, n_draws, n_series)
    label : callable
        What a series is, by its number, for the status.
    """
    error, status = errors_of_bins(binned(values), values.shape[1], label)
    return SeriesStats(values.mean(axis=(0, 1)), error, status)


def binned(values: np.ndarray) -> np.ndarray:
    """Means of consecutive draws: (n_chains, n_bins, n_series) of (n_chains, n_draws, n_series).

    A chain keeps 64 bins or more, all chains 1024 or more; shorter ones stay as they are.
    """
    n_chains, n_draws, n_series = values.shape
    length = max(1, n_draws // max(MIN_BINS, MIN_BINS_IN_ALL // n_chains))
    n_bins = n_draws // length
    kept = values[:, : n_bins * length]
    return kept.reshape(n_chains, n_bins, length, n_series).mean(axis=2)


def errors_of_bins(bins: np.ndarray, n_draws: int, label: Label) -> tuple[np.ndarray, str]:
    """Error bars (n_series,) from the bins of each series, and the status of the worst.

    Parameters
    ----------
    bins : float array (n_chains, n_bins, n_series)
    n_draws : int
        Of a chain, behind its bins.
    label : callable
        As in `series_statistics`.
    """
    series = np.ascontiguousarray(np.moveaxis(bins, 2, 0))
    found = [quick_statistics(values) for values in series]
    errors = np.array([stats.error_of_mean for stats in found])
    if not found:
        return errors, ""
    lacking = np.array([shortfall(stats) for stats in found])
    if not lacking.any():
        return errors, f"{label(0)} and all the others: {found[0].status}"
    worst, n_bad = int(np.argmax(lacking)), int(np.count_nonzero(lacking > 1))
    if n_bad == 0:
        return errors, ""
    stats = replace(found[worst], n_draws=n_draws)
    text = stats.status or length_advice(stats, series[worst])
    return errors, f"{label(worst)}: {text} ({n_bad} of {len(found)} bars are not to be trusted)"


def batch_means(values: np.ndarray) -> np.ndarray:
    """Means over batches of about sqrt(n_draws) draws, nearly independent: (n_batches, n_series).

    For the jackknife; see Flegal & Jones, Ann. Stat. 38, 1034 (2010).

    Parameters
    ----------
    values : array (n_chains, n_draws, n_series)
    """
    n_chains, n_draws, n_series = values.shape
    n_batches = max(1, math.isqrt(n_draws))
    length = n_draws // n_batches
    kept = values[:, : n_batches * length]
    return kept.reshape(n_chains * n_batches, length, n_series).mean(axis=1)
