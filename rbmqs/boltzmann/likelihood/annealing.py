"""log Z by annealed importance sampling, from below and from above.

Forward runs start at independent units (the base-rate model) and end at the RBM; the mean of
their weights is unbiased for Z, so that log Z comes out too small on average. Reverse runs start
at the RBM, and their log Z comes out too large. Forward and reverse together bracket the
truth, and agree when the path is slow enough.

R. M. Neal, Stat. Comput. 11, 125 (2001), arXiv:physics/9803008; R. Salakhutdinov and I. Murray,
ICML 2008; Y. Burda, R. Grosse and R. Salakhutdinov, AISTATS 2015, arXiv:1412.8566 (RAISE);
R. Grosse, Z. Ghahramani and R. Adams, arXiv:1511.02543 (both directions).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from hamiltonians.utils.checks import positive_int
from rbmqs.boltzmann.layers import Harmonium
from rbmqs.boltzmann.linalg import one_pool
from rbmqs.boltzmann.path import Path, path_to
from rbmqs.boltzmann.randomness import new_stream, seed_sequence


@dataclass(frozen=True)
class LogZ:
    """An estimate of log Z.

    Attributes
    ----------
    value : float
    error : float
        One sigma, from the spread of the runs.
    ess : float
        Effective number of runs, (sum w)^2 / sum w^2; below about 10 the error itself is unsure.
    n_runs : int
    side : str
        "below" or "above": where the estimate lies on average.
    """

    value: float
    error: float
    ess: float
    n_runs: int
    side: str

    def __str__(self) -> str:
        return f"{self.value:.4f} +- {self.error:.4f} (from {self.side}, ess {self.ess:.0f})"


def base_rate(X: Any, smoothing: float = 1.0) -> np.ndarray:
    """Biases (N,) of the independent-unit model of data, a good start for annealing.

    Each unit's mean is drawn towards 1/2 by `smoothing` rows of each value.

    Parameters
    ----------
    X : array (n, N)
        Rows of 0 and 1.
    smoothing : float

    Returns
    -------
    array (N,)
    """
    mean = (np.asarray(X.sum(axis=0), dtype=float).ravel() + smoothing) / (
        X.shape[0] + 2 * smoothing
    )
    return np.log(mean / (1 - mean))


def ais(
    model: Harmonium,
    *,
    n_betas: int = 1000,
    n_runs: int = 100,
    base: np.ndarray | None = None,
    random_state: object = None,
) -> LogZ:
    """log Z by forward annealed importance sampling.

    Parameters
    ----------
    model : Harmonium
    n_betas : int
        Intermediate distributions; the error falls with their number.
    n_runs : int
    base : array (N,), optional
        Biases of the starting model, see `base_rate`; the RBM's own visible biases if missing.
    random_state : int, SeedSequence or None

    Returns
    -------
    LogZ
        On average below the truth.
    """
    _, log_w = annealed_rows(model, n_betas, n_runs, base, random_state)
    return log_z_of(path_to(model, base).log_z_base, log_w, 1)


def annealed_rows(
    model: Harmonium, n_betas: int, n_runs: int, base: Any = None, random_state: object = None
) -> tuple[np.ndarray, np.ndarray]:
    """Rows (n_runs, N) at the end of forward annealing and their log weights (n_runs,)."""
    betas = np.linspace(0.0, 1.0, positive_int("n_betas", n_betas) + 1)
    path, stream = path_to(model, base), new_stream(seed_sequence(random_state))
    rows = path.draw_base(positive_int("n_runs", n_runs), stream)
    return rows, _log_weights(path, rows, betas, stream)


def reverse_ais(
    model: Harmonium,
    samples: Any,
    *,
    n_betas: int = 1000,
    base: np.ndarray | None = None,
    random_state: object = None,
) -> LogZ:
    """log Z by annealing from the RBM to the base model.

    Parameters
    ----------
    model : Harmonium
    samples : array (n, N)
        Drawn from the RBM, independently: one run each. The estimate is as good as they are.
    n_betas, base, random_state
        As for `ais`.

    Returns
    -------
    LogZ
        On average above the truth.
    """
    start, log_w = _backwards(model, _dense(samples, model), n_betas, base, random_state)
    return log_z_of(start, log_w, -1)


def raise_log_z(
    model: Harmonium,
    X: Any,
    *,
    n_betas: int = 1000,
    n_runs: int = 1,
    base: np.ndarray | None = None,
    random_state: object = None,
) -> LogZ:
    """log Z as seen from data: `mean(log_weight(X)) - log Z` is RAISE's log-likelihood of X.

    That is the mean log-probability that the annealing procedure itself, run forward, would
    produce the rows. From rows drawn from the RBM, log Z lies below it on average (Gibbs'
    inequality). From data it does so as far as the RBM fits them: an RBM whose modes have
    the wrong weights may leave its data less likely than annealing does, by nats, while the error
    is a tenth (`python benchmarks/classical.py coverage`).

    Parameters
    ----------
    model : Harmonium
    X : array (n, N)
        Rows of test data, or drawn from the RBM.
    n_runs : int
        Reverse runs from each row.
    n_betas, base, random_state
        As for `ais`.

    Returns
    -------
    LogZ
        Mean over the rows with its standard error; ess is that of the runs of a row, on average.
    """
    rows = np.repeat(_dense(X, model), positive_int("n_runs", n_runs), axis=0)
    start, log_w = _backwards(model, rows, n_betas, base, random_state)
    each = log_w.reshape(-1, n_runs)
    means = np.logaddexp.reduce(each, axis=1) - np.log(n_runs)
    weights = np.exp(each - each.max(axis=1, keepdims=True))
    ess = np.mean(weights.sum(axis=1) ** 2 / (weights**2).sum(axis=1))
    error = means.std(ddof=1) / np.sqrt(len(means)) if len(means) > 1 else np.inf
    return LogZ(float(start - means.mean()), float(error), float(ess), n_runs, "above")


def log_likelihood_bounds(
    model: Harmonium, X: Any, below: LogZ, above: LogZ
) -> tuple[float, float]:
    """Mean log-likelihood of X in nats a row with log Z from above and from below.

    Parameters
    ----------
    model : Harmonium
    X : array (n, N)
    below, above : LogZ
        Estimates of log Z from below (`ais`) and from above (`raise_log_z`, `reverse_ais`).

    Returns
    -------
    tuple of float
        Lower and upper bound.
    """
    mean = float(model.log_weight(X).mean())
    return mean - above.value, mean - below.value


def log_z_of(start: float, log_w: np.ndarray, direction: int) -> LogZ:
    """log Z from the log weights of runs away from (1) or to (-1) a model of log Z `start`."""
    value, error, ess = _log_mean(log_w)
    side = "below" if direction > 0 else "above"
    return LogZ(start + direction * value, error, ess, len(log_w), side)


def _dense(rows: Any, model: Harmonium) -> np.ndarray:
    dense = rows.toarray() if sparse.issparse(rows) else rows
    return np.array(dense, dtype=model.dtype, order="C")


def _backwards(
    model: Harmonium, rows: np.ndarray, n_betas: int, base: np.ndarray | None, random_state: object
) -> tuple[float, np.ndarray]:
    """log Z of the base, log weights of runs from the RBM to it; the rows are moved."""
    betas = np.linspace(1.0, 0.0, positive_int("n_betas", n_betas) + 1)
    path, stream = path_to(model, base), new_stream(seed_sequence(random_state))
    return path.log_z_base, _log_weights(path, rows, betas, stream, move_first=True)


def _log_weights(
    path: Path, visible: np.ndarray, betas: np.ndarray, stream: np.ndarray,
    move_first: bool = False,
) -> np.ndarray:  # fmt: skip
    """sum_k log f_{k+1}(v_k) / f_k(v_k) along the betas, (n,), of rows drawn at the first, which
    are moved in place."""
    n, log_w = len(visible), np.zeros(len(visible))
    hidden = np.zeros((n, path.model.n_hidden), path.dtype)

    def move(beta: float) -> None:
        path.draw_visible(hidden, np.full(n, beta, path.dtype), stream, visible)

    with one_pool():
        if move_first:
            path.reweigh(visible, betas[0], betas[0], stream, hidden)
            move(betas[0])
        for k in range(len(betas) - 1):
            log_w += (betas[k + 1] - betas[k]) * path.tilt(visible)
            log_w += path.reweigh(visible, betas[k], betas[k + 1], stream, hidden)
            if k + 2 < len(betas):
                move(betas[k + 1])
    return log_w


def _log_mean(log_w: np.ndarray) -> tuple[float, float, float]:
    """log of the mean weight, its one-sigma error by the delta method, effective number."""
    peak = log_w.max()
    w = np.exp(log_w - peak)
    mean, n = w.mean(), len(w)
    error = w.std(ddof=1) / mean / np.sqrt(n) if n > 1 else np.inf
    return float(peak + np.log(mean)), float(error), float(w.sum() ** 2 / (w**2).sum())
