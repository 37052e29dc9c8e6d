"""Fidelity from samples, with a known vector or with another state of any size.

The overlap of two states sampled both, p = |psi|^2 / <psi|psi> and q = |phi|^2 / <phi|phi>, is a
mean over their mixture,

    <psi|phi> / sqrt(<psi|psi> <phi|phi>) = (<h>_p + <h>_q),  h = sqrt(p q) e^(i theta) / (p + q),

theta the difference of phases. |h| is at most one half, so no rare configuration can dominate, as
it may in the mean of phi / psi. The ratio of the norms that p and q need solves
<q / (p + q)>_p = <p / (p + q)>_q (C. H. Bennett, J. Comput. Phys. 22, 245 (1976)), and its error is
part of the bar. All of it vanishes where the states are equal.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from rbmqs.estimators.consistency import check_consistent
from rbmqs.estimators.error_bars import MIN_ESS, quick_statistics, shortfall, statistics
from rbmqs.estimators.error_propagation import function_statistics
from rbmqs.estimators.stats import Stats

if TYPE_CHECKING:
    from hamiltonians import Sector
    from rbmqs.sampling.chains import Samples
    from rbmqs.states.state import VariationalState

_BISECTIONS = 100


def fidelity(psi: VariationalState, samples: Samples, vector: ArrayLike, sector: Sector) -> Stats:
    """F = |<v|psi>|^2 / (<v|v> <psi|psi>) = |<r>|^2 / <|r|^2>, r = v(sigma)/psi(sigma).

    Its error vanishes with 1 - F. Where psi is small and v is not, r is large and rare: well below
    one, trust the exact `psi.overlap` more.

    Parameters
    ----------
    psi : VariationalState
    samples : Samples
        Drawn from |psi|^2.
    vector : array (dimension,)
        In the basis in which psi lives: that of the Hamiltonian's `terms`, so
        `hamiltonians.ground_state(H).vector` fits as it is.
    sector : Sector
        Of the vector.

    Returns
    -------
    Stats

    Raises
    ------
    ValueError
        A vector of another length; samples of other sites, or outside the sector.
    """
    check_consistent(psi, samples, sector=sector)
    vector = np.asarray(vector)
    if vector.shape != (sector.dimension,):
        raise ValueError(f"vector must have shape ({sector.dimension},), got {vector.shape}")
    values = vector[sector.rank_of_spins(samples.flat)]
    log_psi = psi.log_psi(samples.flat)
    # Any multiple of r serves, the same on all ranks; this one has values of order one.
    middle = np.median(samples.of_all(log_psi.real.reshape(samples.shape)))
    ratios = values * np.exp(middle - log_psi) / np.abs(vector).max()
    series = np.stack([ratios.real, ratios.imag, abs(ratios) ** 2], axis=1)
    return function_statistics(_fidelity, samples.of_all(series.reshape(*samples.shape, 3)))


def _fidelity(means: np.ndarray) -> np.ndarray:
    return (means[..., 0] ** 2 + means[..., 1] ** 2) / means[..., 2]


def state_fidelity(
    psi: VariationalState, samples: Samples, other: VariationalState, other_samples: Samples
) -> Stats:
    """F = |<psi|phi>|^2 / (<psi|psi> <phi|phi>) of two states of any size.

    Parameters
    ----------
    psi, other : VariationalState
        In the same basis.
    samples, other_samples : Samples
        Drawn from |psi|^2 and from |phi|^2, in the same sector, independently.

    Returns
    -------
    Stats
        The mean has its bias of order 1/n removed, and may be negative where F is below its error.
        `tau`, `r_hat` and `ess` are the worse ones of the two sets of samples.

    Raises
    ------
    ValueError
        States or samples of different sizes.
    """
    check_consistent(psi, samples)
    check_consistent(other, samples)
    check_consistent(other, other_samples)
    _, other_weights, values = _over_mixture(
        [_log_ratios(psi, other, drawn) for drawn in (samples, other_samples)]
    )
    overlap = sum(h.mean() for h in values)
    # What a change of ln(q / p) does to the overlap, by the condition on the norms.
    weight = sum((u * (1 - u)).mean() for u in other_weights)
    slope = sum((h * (0.5 - u)).mean() for h, u in zip(values, other_weights, strict=True))
    slope = slope / weight if weight > 0 else 0.0
    series = [h - slope * u for h, u in zip(values, other_weights, strict=True)]
    direction = overlap.conjugate() / abs(overlap) if abs(overlap) > 0 else 1.0
    along = [statistics((direction * s).real) for s in series]
    across = [quick_statistics((direction * s).imag) for s in series]
    # Errors along the overlap and across it: <|O + noise|^2> = |O|^2 + both variances.
    first, second = (sum(part.error_of_mean**2 for part in found) for found in (along, across))
    scale = 2 * abs(overlap)
    error = math.sqrt(scale**2 * first + 2 * (first**2 + second**2))
    worst = max(along, key=shortfall)
    return replace(
        worst,
        mean=float(abs(overlap) ** 2 - first - second),
        error_of_mean=error,
        variance=scale**2 * sum(part.variance for part in along),
        status=worst.status or _overlap_status(other_weights),
    )


class Overlap(NamedTuple):
    """<psi|phi> of normalised states, and ln(<phi|phi> / <psi|psi>) of the given ones."""

    value: complex
    log_norms: float


def overlap_from(at_psi: np.ndarray, at_phi: np.ndarray) -> Overlap:
    """The overlap of two states, without an error.

    Parameters
    ----------
    at_psi, at_phi : complex (n,), (m,)
        ln(phi / psi) at samples of |psi|^2 and of |phi|^2.
    """
    parts = [(2 * log.real, np.exp(1j * np.nan_to_num(log.imag))) for log in (at_psi, at_phi)]
    log_norms, _, values = _over_mixture(parts)
    return Overlap(complex(sum(h.mean() for h in values)), log_norms)


def _over_mixture(
    parts: Sequence[tuple[np.ndarray, np.ndarray]],
) -> tuple[float, list[np.ndarray], list[np.ndarray]]:
    """ln(<phi|phi> / <psi|psi>), and q / (p + q) and h at the samples of each state."""
    log_norms = _log_ratio_of_norms(*(log_ratio for log_ratio, _ in parts))
    other_weights, values = [], []
    for log_ratio, phase in parts:
        half = (log_ratio - log_norms) / 2  # of ln(q / p)
        other_weights.append((1 + np.tanh(half)) / 2)
        values.append(phase / (2 * np.cosh(np.clip(half, -350, 350))))
    return log_norms, other_weights, values


def _log_ratios(
    psi: VariationalState, other: VariationalState, samples: Samples
) -> tuple[np.ndarray, np.ndarray]:
    """ln |phi/psi|^2 and the phase of phi/psi at the samples of all ranks, (n_chains, n_draws)."""
    log_psi, log_phi = psi.log_psi(samples.flat), other.log_psi(samples.flat)
    phase = np.exp(1j * np.nan_to_num((log_phi - log_psi).imag))
    return (
        samples.of_all(2 * (log_phi.real - log_psi.real).reshape(samples.shape)),
        samples.of_all(phase.reshape(samples.shape)),
    )


def _log_ratio_of_norms(at_psi: np.ndarray, at_phi: np.ndarray) -> float:
    """ln(<phi|phi> / <psi|psi>) from ln |phi/psi|^2 at samples of both, by bisection."""
    finite = [values[np.isfinite(values)] for values in (at_psi, at_phi)]
    both = np.concatenate(finite)
    if not both.size:
        return 0.0
    low, high = both.min() - 50.0, both.max() + 50.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        excess = np.tanh((at_psi - middle) / 2).mean() + np.tanh((at_phi - middle) / 2).mean()
        low, high = (middle, high) if excess > 0 else (low, middle)
    return float((low + high) / 2)


def _overlap_status(other_weights: Sequence[np.ndarray]) -> str:
    """Whether enough samples lie where both states have weight."""
    n_shared = float(sum((4 * u * (1 - u)).sum() for u in other_weights))
    if n_shared >= MIN_ESS:
        return ""
    n_samples = sum(u.size for u in other_weights)
    return (
        f"only some {n_shared:.0f} of {n_samples} samples lie where both states "
        f"have weight, at least {MIN_ESS:.0f} wanted: take more, or take the fidelity for zero"
    )
