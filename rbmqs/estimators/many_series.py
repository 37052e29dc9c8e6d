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

from hamiltonians.utils.ranks import bounds
from rbmqs.estimators.error_bars import length_advice, quick_statistics, shortfall
from rbmqs.sampling.chains import Division

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


def series_statistics(
    values: np.ndarray, label: Label, division: Division | None = None
) -> SeriesStats:
    """Mean and error bar of each series.

    Parameters
    ----------
    values : float array (n_chains, n_draws, n_series)
        Of the chains of this rank, where there are several.
    label : callable
        What a series is, by its number, for the status.
    division : Division or None
        Of the chains between ranks.
    """
    error, status = errors_of_bins(binned(values, division), values.shape[1], label, division)
    return SeriesStats(mean_of_chains(values, division), error, status)


def mean_of_chains(values: np.ndarray, division: Division | None = None) -> np.ndarray:
    """Means (n_series,) over all draws (n_chains, n_draws, n_series) of all ranks."""
    if division is None:
        return values.mean(axis=(0, 1))
    return division.ranks.sum(values.sum(axis=(0, 1))) / (division.n_chains * values.shape[1])


def binned(values: np.ndarray, division: Division | None = None) -> np.ndarray:
    """Means of consecutive draws: (n_chains, n_bins, n_series) of (n_chains, n_draws, n_series).

    A chain keeps 64 bins or more, all chains 1024 or more; shorter ones stay as they are.
    """
    n_own, n_draws, n_series = values.shape
    n_chains = n_own if division is None else division.n_chains
    length = max(1, n_draws // max(MIN_BINS, MIN_BINS_IN_ALL // n_chains))
    n_bins = n_draws // length
    kept = values[:, : n_bins * length]
    return kept.reshape(n_own, n_bins, length, n_series).mean(axis=2)


def errors_of_bins(
    bins: np.ndarray, n_draws: int, label: Label, division: Division | None = None
) -> tuple[np.ndarray, str]:
    """Error bars (n_series,) from the bins of each series, and the status of the worst.

    Parameters
    ----------
    bins : float array (n_chains, n_bins, n_series)
    n_draws : int
        Of a chain, behind its bins.
    label, division
        As in `series_statistics`. Ranks divide the series then, each with the bins of all chains.
    """
    n_series = bins.shape[2]
    parts = bins if division is None else division.series_of_all(bins)
    series = np.ascontiguousarray(np.moveaxis(parts, 2, 0))
    found = [quick_statistics(values) for values in series]
    numbers = np.array([(s.error_of_mean, shortfall(s)) for s in found]).reshape(-1, 2)
    first = [0, n_series]
    if division is not None:
        first = bounds(n_series, division.ranks.comm)
        numbers = division.ranks.gathered(numbers, np.diff(first).tolist())
    errors, lacking = numbers[:, 0].copy(), numbers[:, 1]
    worst = int(np.argmax(lacking)) if n_series else 0
    n_bad = int(np.count_nonzero(lacking > 1))
    if not n_series or (n_bad == 0 and lacking.any()):
        return errors, ""
    if division is None:
        of_worst = series[worst]
    else:
        owner = int(np.searchsorted(first, worst, side="right")) - 1
        of_worst = np.empty(parts.shape[:2])
        if division.ranks.rank == owner:
            of_worst[:] = series[worst - first[owner]]
        division.ranks.broadcast(of_worst, owner)
    stats = quick_statistics(of_worst)
    if n_bad == 0:
        return errors, f"{label(0)} and all the others: {stats.status}"
    stats = replace(stats, n_draws=n_draws)
    text = stats.status or length_advice(stats, of_worst)
    return errors, f"{label(worst)}: {text} ({n_bad} of {n_series} bars are not to be trusted)"


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
