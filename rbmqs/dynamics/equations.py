"""The velocity of the parameters: i S theta' = F in real time, S theta' = -F in imaginary time.

With O the centred log-derivatives of n configurations and e = E_loc - <E_loc>, theta' is the
least-squares solution of O theta' = y, y = -i e (real time) or -e (imaginary time). In the
eigenbasis of the quantum geometric tensor S = O^dagger O / n, with eigenvalues lambda_k and force
components rho_k, it is

    theta' = sum_k V_k f_k rho_k / lambda_k,
    f_k = 1 / (1 + (cutoff lambda_max / lambda_k)^6) / (1 + (min_snr / snr_k)^6)

(the first factor as in NetKet's `pinv_smooth`, the second of Schmitt & Heyl, PRL 125, 100503
(2020), arXiv:1912.08828). Its error is r^2 = |O theta' - y|^2 / |y|^2; on a second, independent
batch it tells whether theta' follows the noise of the first, and there the cut-off is chosen
(Hofmann, Fabiani, Mentink, Carleo & Sentef, SciPost Phys. 12, 165 (2022), arXiv:2105.01054).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rbmqs.dynamics.batches import Point
from rbmqs.sr.equations import GramEquations
from rbmqs.sr.matrix import of_all
from rbmqs.sr.solvers import covariance
from rbmqs.sr.truncation import signal_to_noise
from rbmqs.states.repeats import Repeats

SUM_CUTOFF = (
    1e-12  # without noise; below it eigenvalues come from singular values, at 5 times the cost
)
CUTOFFS = tuple(10.0**-k for k in range(3, 13))  # that a second batch chooses from
SPECTRUM = 32  # entries of it in a record
_SHARPNESS = 6
_SMALLEST = 1e-30


@dataclass(frozen=True, eq=False)
class Solution:
    """A velocity and how well it solves the equations.

    Parameters
    ----------
    velocity : array (n_parameters,)
    cutoff : float
        In use.
    rank : float
        Sum of the factors f_k: eigenvectors kept.
    r2, r2_probe : float
        On the batch itself and on the second one; the latter is nan where there is none.
    residual : float
        |S theta' - F| / |F|.
    eigenvalues, snr : tuple of float
        Of S, relative to the largest and falling, at most `SPECTRUM` of them, evenly spread; and
        the signal-to-noise ratios of these components of the force, none where they were not
        asked for.
    """

    velocity: np.ndarray
    cutoff: float
    rank: float
    r2: float
    r2_probe: float
    residual: float
    eigenvalues: tuple[float, ...]
    snr: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class _Spectrum:
    """S in its eigenbasis: eigenvalues, force, its signal-to-noise, the way back to parameters."""

    values: np.ndarray
    force: np.ndarray
    ratios: Callable[[np.ndarray], np.ndarray]  # of the components with these indices
    to_parameters: Callable[[np.ndarray], np.ndarray]

    @cached_property
    def ratio(self) -> np.ndarray:
        return self.ratios(np.arange(len(self.values)))

    def solve(self, cutoff: float, min_snr: float) -> tuple[np.ndarray, float]:
        values = np.maximum(self.values, 0.0)
        least = max(values.max(initial=0.0), _SMALLEST) * _SMALLEST
        with np.errstate(over="ignore"):  # a sixth power beyond the range damps to zero
            kept = 1 / (1 + (cutoff * values.max() / np.maximum(values, least)) ** _SHARPNESS)
            if min_snr > 0:
                kept /= 1 + (min_snr / np.maximum(self.ratio, _SMALLEST)) ** _SHARPNESS
        kept[values <= least] = 0.0
        return self.to_parameters(kept * self.force / np.maximum(values, least)), float(kept.sum())


def solve(
    point: Point,
    imaginary: bool,
    cutoff: float | None,
    min_snr: float = 0.0,
    probe: Point | None = None,
    *,
    noise: bool = False,
) -> Solution:
    """The velocity at a point.

    Parameters
    ----------
    point : Point
    imaginary : bool
        Whether time is imaginary.
    cutoff : float or None
        None for the one of `CUTOFFS` of least error on the probe, or `SUM_CUTOFF` without one.
    min_snr : float
    probe : Point, optional
        The same equations on other samples.
    noise : bool
        Find signal-to-noise ratios, which samples have.

    Raises
    ------
    FloatingPointError
        Log-derivatives or local energies that are not finite.
    """
    target = _target(point, imaginary)
    # A deviation that is not finite makes the mean so, and with it those of all ranks.
    if not (np.isfinite(target).all() and point.jacobian.is_finite):
        raise FloatingPointError("log-derivatives or local energies are not finite")
    if cutoff is None and probe is None:
        cutoff = SUM_CUTOFF
    spectrum = _spectrum(point, target, cutoff)
    if cutoff is None:
        assert probe is not None
        cutoff = _chosen(spectrum, imaginary, min_snr, probe)
    velocity, rank = spectrum.solve(cutoff, min_snr)
    # An eigenbasis of another kind of processor has other bits, which would lead ranks apart.
    velocity = point.jacobian.ranks.broadcast(np.ascontiguousarray(velocity), 0)
    deviation = point.jacobian.times(velocity) - target
    force = point.jacobian.adjoint_times(target)
    last = len(spectrum.values) - 1
    shown = np.unique(np.linspace(last, 0, SPECTRUM).round().astype(int))[::-1]
    missed = np.linalg.norm(point.jacobian.adjoint_times(deviation))
    return Solution(
        velocity,
        cutoff,
        rank,
        _ratio(point.mean_square(deviation), point.mean_square(target)),
        np.nan if probe is None else error_on(probe, velocity, imaginary),
        _ratio(float(missed), float(np.linalg.norm(force))),
        tuple(spectrum.values[shown] / max(spectrum.values.max(initial=0.0), _SMALLEST)),
        tuple(spectrum.ratios(shown)) if noise and not point.summed else (),
    )


def error_on(point: Point, velocity: np.ndarray, imaginary: bool) -> float:
    """r^2 of a velocity on other samples."""
    target = _target(point, imaginary)
    deviation = point.jacobian.times(velocity) - target
    return _ratio(point.mean_square(deviation), point.mean_square(target))


def length(point: Point, change: np.ndarray) -> float:
    """Fubini-Study distance of a small change of the parameters."""
    return point.mean_square(point.jacobian.times(change)) ** 0.5


def _target(point: Point, imaginary: bool) -> np.ndarray:
    e = point.deviations
    if not point.jacobian.is_complex:
        return -e.real
    return -e if imaginary else -1j * e


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 0.0


def _chosen(spectrum: _Spectrum, imaginary: bool, min_snr: float, probe: Point) -> float:
    """The cut-off of least error on the probe; of those as good within 1 %, the largest."""
    errors = [error_on(probe, spectrum.solve(c, min_snr)[0], imaginary) for c in CUTOFFS]
    least = min(errors)
    return next(c for c, e in zip(CUTOFFS, errors, strict=True) if e <= 1.01 * least)


def _spectrum(point: Point, target: np.ndarray, cutoff: float | None) -> _Spectrum:
    jacobian = point.jacobian
    try:
        if point.summed and cutoff is not None and cutoff < SUM_CUTOFF:
            return _by_singular_values(point, target)
        if jacobian.n_parameters > jacobian.n_samples:
            return _by_gram_matrix(point, target)
        values, basis = np.linalg.eigh(covariance(jacobian))
    except np.linalg.LinAlgError as error:
        raise FloatingPointError(f"the quantum geometric tensor: {error}") from error
    force = basis.conj().T @ jacobian.adjoint_times(target) / jacobian.n_samples

    def ratios(which: np.ndarray) -> np.ndarray:
        found = signal_to_noise(jacobian, target, basis[:, which])[1]
        return found * (max(point.n_draws, 1) / jacobian.n_samples) ** 0.5

    return _Spectrum(values, force, ratios, lambda c: basis @ c)


def _by_singular_values(point: Point, target: np.ndarray) -> _Spectrum:
    """Small eigenvalues keep their digits, which those of S itself lose below 1e-16."""
    jacobian, n = point.jacobian, point.jacobian.n_samples
    weights = np.ones(len(target)) if point.weights is None else point.weights
    rows = jacobian.rows(0, len(target))
    lengths = jacobian.ranks.lengths(len(target))  # each rank takes all: sums have few rows
    weights, rows, target = (
        jacobian.ranks.gathered(each, lengths) for each in (weights, rows, target)
    )
    roots = np.sqrt(weights / n)
    U, s, V = np.linalg.svd(roots[:, None] * (rows - weights @ rows / n), full_matrices=False)
    force = s * (U.conj().T @ (roots * target))
    infinite = np.full(len(s), np.inf)
    return _Spectrum(
        s[::-1] ** 2, force[::-1], lambda which: infinite[which], lambda c: V.conj().T @ c[::-1]
    )


def _by_gram_matrix(point: Point, target: np.ndarray) -> _Spectrum:
    """Fewer samples than parameters: the eigenbasis of O O^dagger / n, all of it on each rank."""
    jacobian = point.jacobian
    n, repeats = jacobian.n_samples, jacobian.repeats()
    roots, right, kind = _over_kinds(repeats, target)
    matrix = GramEquations(jacobian, repeats).made(complex if jacobian.is_complex else float)
    values, U = np.linalg.eigh(matrix.whole() / n, UPLO="L")
    right, whole = (of_all(own, matrix.layout, jacobian.ranks) for own in (right, roots))
    force, ratio = _components(U, right, whole, point)
    # rho_k / lambda_k V_k = O^dagger U_k force_k / (n lambda_k): square roots cancel.
    mine = U[matrix.layout.own]
    return _Spectrum(
        np.maximum(values, 0.0),
        force,
        lambda which: ratio[which],
        lambda c: jacobian.adjoint_times((mine @ c / roots)[kind]) / n,
    )


def _over_kinds(
    repeats: Repeats | None, target: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Roots of the counts of configurations, roots times the target, and which each sample is."""
    if repeats is None:
        return np.ones(len(target)), target, np.arange(len(target))
    roots = np.sqrt(repeats.counts)
    return roots, roots * repeats.means(target), repeats.kind


def _components(
    U: np.ndarray, right: np.ndarray, roots: np.ndarray, point: Point
) -> tuple[np.ndarray, np.ndarray]:
    """The force in the eigenbasis of the Gram matrix, and its signal-to-noise ratios.

    A row that stands for several samples, as its root says, has the noise of as many.
    """
    n, products = point.jacobian.n_samples, U.conj() * right[:, None]
    force = products.sum(axis=0)
    squares = (abs(products / roots[:, None]) ** 2).sum(axis=0)
    noise = np.sqrt(np.maximum(squares - abs(force) ** 2 / n, 0.0))
    ratio = np.divide(abs(force), noise, out=np.full(len(force), np.inf), where=noise > 0)
    return force, ratio * (max(point.n_draws, 1) / n) ** 0.5
