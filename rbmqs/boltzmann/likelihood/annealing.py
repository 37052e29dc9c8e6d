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

from hamiltonians.utils.checks import positive_int
from rbmqs.boltzmann.core import annealing, gibbs
from rbmqs.boltzmann.core.units import uniform_units
from rbmqs.boltzmann.linalg import one_pool
from rbmqs.boltzmann.parameters import Parameters
from rbmqs.boltzmann.randomness import new_stream, next_call, seed_sequence
from rbmqs.core.blas import address
from rbmqs.core.products import n_blocks


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
    """
    mean = (np.asarray(X.sum(axis=0), dtype=float).ravel() + smoothing) / (
        X.shape[0] + 2 * smoothing
    )
    return np.log(mean / (1 - mean))


def ais(
    machine: Parameters,
    *,
    n_betas: int = 1000,
    n_runs: int = 100,
    base: np.ndarray | None = None,
    random_state: object = None,
) -> LogZ:
    """log Z by forward annealed importance sampling.

    Parameters
    ----------
    machine : Parameters
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
    path = _Path(machine, n_betas, n_runs, base, random_state)
    visible = path.draw_base()
    log_w = path.run(visible, np.linspace(0.0, 1.0, n_betas + 1))
    return log_z_of(path.log_z_base, log_w, 1)


def reverse_ais(
    machine: Parameters,
    samples: Any,
    *,
    n_betas: int = 1000,
    base: np.ndarray | None = None,
    random_state: object = None,
) -> LogZ:
    """log Z by annealing from the RBM to the base model.

    Parameters
    ----------
    machine : Parameters
    samples : array (n, N)
        Drawn from the RBM, independently: one run each. The estimate is as good as they are.
    n_betas, base, random_state
        As for `ais`.

    Returns
    -------
    LogZ
        On average above the truth.
    """
    visible = machine.rows(samples)
    path = _Path(machine, n_betas, len(visible), base, random_state)
    log_w = path.run(visible, np.linspace(1.0, 0.0, n_betas + 1), move_first=True)
    return log_z_of(path.log_z_base, log_w, -1)


def raise_log_z(
    machine: Parameters,
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
    machine : Parameters
    X : array (n, N)
        Rows of test data, or drawn from the machine.
    n_runs : int
        Reverse runs from each row.
    n_betas, base, random_state
        As for `ais`.

    Returns
    -------
    LogZ
        Mean over the rows with its standard error; ess is that of the runs of a row, on average.
    """
    rows = np.repeat(machine.rows(X), positive_int("n_runs", n_runs), axis=0)
    path = _Path(machine, n_betas, len(rows), base, random_state)
    log_w = path.run(rows, np.linspace(1.0, 0.0, n_betas + 1), move_first=True)
    each = log_w.reshape(-1, n_runs)
    means = np.logaddexp.reduce(each, axis=1) - np.log(n_runs)
    weights = np.exp(each - each.max(axis=1, keepdims=True))
    ess = np.mean(weights.sum(axis=1) ** 2 / (weights**2).sum(axis=1))
    error = means.std(ddof=1) / np.sqrt(len(means)) if len(means) > 1 else np.inf
    return LogZ(float(path.log_z_base - means.mean()), float(error), float(ess), n_runs, "above")


def log_likelihood_bounds(
    machine: Parameters, X: Any, below: LogZ, above: LogZ
) -> tuple[float, float]:
    """Mean log-likelihood of X in nats a row with log Z from above and from below."""
    mean = float(machine.log_weight(X).mean())
    return mean - above.value, mean - below.value


def log_z_of(start: float, log_w: np.ndarray, direction: int) -> LogZ:
    """log Z from the log weights of runs away from (1) or to (-1) a model of log Z `start`."""
    value, error, ess = _log_mean(log_w)
    side = "below" if direction > 0 else "above"
    return LogZ(start + direction * value, error, ess, len(log_w), side)


class _Path:
    """Buffers and moves along the path of one machine."""

    def __init__(
        self,
        machine: Parameters,
        n_betas: int,
        n_runs: int,
        base: np.ndarray | None,
        random_state: object,
    ) -> None:
        positive_int("n_betas", n_betas)
        positive_int("n_runs", n_runs)
        bias = machine.visible_bias if base is None else np.asarray(base)
        if bias.shape != (machine.n_visible,):
            raise ValueError(f"base must have shape ({machine.n_visible},), got {bias.shape}")
        self.machine, self.dtype = machine, machine.dtype
        self.base = np.ascontiguousarray(bias, self.dtype)
        self.gemm, self.stream = (
            address("gemm", self.dtype),
            new_stream(seed_sequence(random_state)),
        )
        self.hidden = np.zeros((n_runs, machine.n_hidden), self.dtype)
        self.parts = np.zeros((n_runs, n_blocks(machine.n_hidden)))
        self.n_runs = n_runs
        softplus = np.logaddexp(0.0, self.base.astype(float)).sum()
        self.log_z_base = float(softplus + machine.n_hidden * np.log(2.0))

    def draw_base(self) -> np.ndarray:
        """Rows drawn from the base model."""
        visible = np.empty((self.n_runs, self.machine.n_visible), self.dtype)
        uniform_units(visible, next_call(self.stream))
        return (visible < 1 / (1 + np.exp(-self.base))).astype(self.dtype)

    def run(self, visible: np.ndarray, betas: np.ndarray, move_first: bool = False) -> np.ndarray:
        """sum_k log f_{k+1}(v_k) / f_k(v_k) along the betas, (n_runs,)."""
        log_w = np.zeros(len(visible))
        tilt = self.machine.visible_bias.astype(float) - self.base
        visible = visible.copy()
        with one_pool():
            if move_first:
                self._hidden(visible, betas[0], betas[0])
                self._visible(visible, betas[0])
            for k in range(len(betas) - 1):
                log_w += (betas[k + 1] - betas[k]) * (visible @ tilt)
                self._hidden(visible, betas[k], betas[k + 1])
                log_w += self.parts.sum(axis=1)
                if k + 2 < len(betas):
                    self._visible(visible, betas[k + 1])
        return log_w

    def _hidden(self, visible: np.ndarray, start: float, stop: float) -> None:
        real = self.dtype.type
        annealing.reweight_and_sample(
            self.gemm, visible, self.machine.weights, self.machine.hidden_bias, real(start),
            real(stop), next_call(self.stream), self.hidden, self.parts,
        )  # fmt: skip

    def _visible(self, visible: np.ndarray, beta: float) -> None:
        scale = np.full(len(visible), beta, self.dtype)
        gibbs.sample_layer(
            self.gemm, self.hidden, self.machine.weights, True, self.machine.visible_bias, scale,
            self.base, next_call(self.stream), visible,
        )  # fmt: skip


def _log_mean(log_w: np.ndarray) -> tuple[float, float, float]:
    """log of the mean weight, its one-sigma error by the delta method, effective number."""
    peak = log_w.max()
    w = np.exp(log_w - peak)
    mean, n = w.mean(), len(w)
    error = w.std(ddof=1) / mean / np.sqrt(n) if n > 1 else np.inf
    return float(peak + np.log(mean)), float(error), float(w.sum() ** 2 / (w**2).sum())
