"""The sampler against exact algebra: detailed balance, drift of its tables, log cosh."""

import mpmath
import numpy as np
import test_amplitude
import test_sampler

from rbmqs.core.amplitude import log_cosh
from tests.campaign.rows import Parts, Row, figure


@figure("balance")
def detailed_balance(quick: bool, parts: Parts) -> Row:
    """Full transition matrices from the kernel's own ratio and rule."""
    pairs = [(move, name) for move in test_sampler.MOVES for name in test_sampler.PSI]
    worst = parts("pairs", imbalance, pairs)
    return Row(
        "Metropolis moves keep the square of psi",
        f"transition matrices of {len(pairs)} pairs of move, sector and psi, 6 sites, from the "
        "kernel's ratio",
        f"largest residual {worst:.0e}", "1e-12", worst <= 1e-12,
    )  # fmt: skip


def imbalance(pairs: list[tuple[str, str]]) -> float:
    """The largest residual of detailed balance, and of the stationary distribution."""
    worst = 0.0
    for move, name in pairs:
        psi = test_sampler.PSI[name]
        P = test_sampler.transition_matrix(psi, move)
        spins = test_sampler.naive.all_spins(6, test_sampler.MOVES[move])
        pi = test_sampler.naive.probabilities(psi, spins)
        flow = pi[:, None] * P
        worst = max(worst, float(abs(flow - flow.T).max()), float(abs(pi @ P - pi).max()))
    return worst


@figure("drift")
def drift(quick: bool, parts: Parts) -> Row:
    """Products of hidden units that are updated move by move, never recomputed."""
    n_moves = 20_000 if quick else 1_000_000
    worst = max(parts(kind.__name__, drift_of, kind, n_moves) for kind in (float, complex))
    return Row(
        "look-up tables do not drift",
        f"{n_moves:,} accepted moves without a refresh (the sampler refreshes after 4,096), real "
        "and complex",
        f"largest relative error {worst:.0e}", "1e-9", worst <= 1e-9,
    )  # fmt: skip


def drift_of(kind: type, n_moves: int) -> float:
    """The error of the tables of an RBM with parameters of this kind."""
    rbm = test_sampler.naive.random_rbm(20, 40, kind, scale=0.1, seed=5)
    return float(test_sampler.drift(rbm, n_moves))


@figure("log-cosh")
def log_cosh_grid(quick: bool, parts: Parts) -> Row:
    """log cosh on a grid of the complex plane against 50 digits."""
    theta = test_amplitude.grid()[:: 10 if quick else 1]
    worst = parts("grid", log_cosh_error, theta)
    return Row(
        "log cosh of complex numbers",
        f"{len(theta)} points against {mpmath.__name__} with 50 digits",
        f"largest error {worst:.1f} units of rounding", "8", worst <= 8,
    )  # fmt: skip


def log_cosh_error(theta: np.ndarray) -> float:
    """The largest error, in units of rounding."""
    exact = np.array([test_amplitude.exact_log_cosh(t) for t in theta])
    slope = np.maximum(1, abs(np.tanh(theta)))
    error = abs(test_amplitude.wrapped(log_cosh(theta) - exact))
    return float(np.max(error / (np.finfo(float).eps * slope * (1 + abs(theta)))))
