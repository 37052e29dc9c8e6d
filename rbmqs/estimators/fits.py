"""Straight lines through points with errors, and what follows from them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from hamiltonians.utils.checks import as_real
from rbmqs.estimators.stats import ROUNDING


@dataclass(frozen=True)
class Line:
    """y = intercept + slope x, with one-sigma errors.

    Errors are widened by sqrt(chi2 / dof) where the points scatter by more than their own.
    """

    intercept: float
    slope: float
    intercept_error: float
    slope_error: float
    chi2: float
    dof: int


def line_fit(x: ArrayLike, y: ArrayLike, error: ArrayLike) -> Line:
    """Weighted least squares.

    Parameters
    ----------
    x, y, error : array-like (n,)
        Positions, values and their one-sigma errors, all positive.

    Raises
    ------
    ValueError
        Fewer than two different x, or errors that are not positive numbers.
    """
    x, y, error = (np.asarray(values, dtype=float) for values in (x, y, error))
    if len(np.unique(x)) < 2:
        raise ValueError(f"a line needs two different x, got {x.tolist()}")
    if not np.all((error > 0) & np.isfinite(error)):
        raise ValueError(f"errors must be positive numbers, got {error.tolist()}")
    coefficients, covariance, chi2 = polynomial_fit(x, y, error, (0, 1))
    dof = len(x) - 2
    widening = math.sqrt(max(1.0, chi2 / dof)) if dof > 0 else 1.0
    errors = np.sqrt(np.diag(covariance)) * widening
    intercept, slope = coefficients.tolist()
    intercept_error, slope_error = errors.tolist()
    return Line(intercept, slope, intercept_error, slope_error, chi2, dof)


def polynomial_fit(
    x: np.ndarray, y: np.ndarray, error: np.ndarray, powers: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray, float]:
    """Weighted fit of sum_p c_p x^p: coefficients, their covariance and chi2."""
    scale = float(np.abs(x).max()) or 1.0  # keeps the columns of one size
    design = np.stack([(x / scale) ** p for p in powers], axis=1) / error[:, None]
    inverse = np.linalg.pinv(design)
    coefficients = inverse @ (y / error)
    residual = y / error - design @ coefficients
    units = np.array([scale**-p for p in powers])
    covariance = inverse @ inverse.T
    return coefficients * units, covariance * np.outer(units, units), float(residual @ residual)


@dataclass(frozen=True)
class Extrapolation:
    """A value in a limit.

    Parameters
    ----------
    value, error : float
        One sigma; statistical error and the spread between fits, added in quadrature.
    statistical, systematic : float
        The two parts.
    coefficients : array
        Of the powers of x in the fit that is drawn.
    powers : tuple of int
    """

    value: float
    error: float
    statistical: float
    systematic: float
    coefficients: np.ndarray
    powers: tuple[int, ...]

    def __call__(self, x: ArrayLike) -> np.ndarray:
        """The fitted curve."""
        x = np.asarray(x, dtype=float)
        terms = [c * x**p for c, p in zip(self.coefficients, self.powers, strict=True)]
        return np.asarray(sum(terms))


def _columns(**given: ArrayLike) -> list[np.ndarray]:
    """Columns of one length."""
    columns = [np.atleast_1d(as_real(name, values)) for name, values in given.items()]
    shapes = {column.shape for column in columns}
    if len(shapes) > 1 or columns[0].ndim != 1:
        got = ", ".join(str(column.shape) for column in columns)
        raise ValueError(f"{', '.join(given)} must be columns of one length, got shapes {got}")
    return columns


def extrapolate_sizes(n_sites: ArrayLike, energy: ArrayLike, error: ArrayLike) -> Extrapolation:
    """Energy per site of the infinite system from finite ones.

    Fits e(N) = e + a / N^2 + b / N^4, the form of a critical ring, whose a is the central charge
    times a velocity (Bloete, Cardy & Nightingale, PRL 56, 742 (1986); Affleck, PRL 56, 746
    (1986)). The spread between this fit, the one without the smallest size and the one without b
    on the larger half of the sizes counts as a systematic error.

    Parameters
    ----------
    n_sites : array-like (n,)
        At least four different sizes.
    energy, error : array-like (n,)
        Per site, with one-sigma errors, 0 for exact energies.

    Returns
    -------
    Extrapolation

    Raises
    ------
    ValueError
        Too few sizes.
    """
    sizes, energy, error = _columns(n_sites=n_sites, energy=energy, error=error)
    distinct = np.unique(sizes)
    if len(distinct) < 4:
        raise ValueError(f"at least four sizes are needed, got {distinct.astype(int).tolist()}")
    error = _with_errors_of_exact(energy, error)
    x, powers = sizes**-2.0, (0, 1, 2)
    coefficients, covariance, chi2 = polynomial_fit(x, energy, error, powers)
    dof = len(x) - len(powers)
    statistical = math.sqrt(covariance[0, 0] * max(1.0, chi2 / dof))
    others = [(sizes > distinct[0], powers), (sizes >= distinct[len(distinct) // 2], (0, 1))]
    values = [polynomial_fit(x[k], energy[k], error[k], p)[0][0] for k, p in others]
    systematic = max(abs(value - coefficients[0]) for value in values)
    return Extrapolation(
        float(coefficients[0]),
        math.hypot(statistical, systematic),
        statistical,
        float(systematic),
        coefficients,
        powers,
    )


def _with_errors_of_exact(energy: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Exact energies count as much as the best of the others: no power series is exact."""
    positive = error[error > 0]
    smallest = positive.min() if positive.size else ROUNDING * np.abs(energy).max()
    return np.maximum(error, smallest)


def extrapolate_variance(variance: ArrayLike, energy: ArrayLike, error: ArrayLike) -> Extrapolation:
    """Energy at zero variance from several wavefunctions of one Hamiltonian.

    The systematic error is the change when the wavefunction of the largest variance is left out,
    or half of the correction where there are only two.

    Parameters
    ----------
    variance, energy, error : array-like (n,)
        In one unit, such as per site; two wavefunctions or more.

    Returns
    -------
    Extrapolation
    """
    x, y, sigma = _columns(variance=variance, energy=energy, error=error)
    fit = line_fit(x, y, sigma)
    keep = x < x.max()
    if len(np.unique(x[keep])) >= 2:
        systematic = abs(line_fit(x[keep], y[keep], sigma[keep]).intercept - fit.intercept)
    else:
        systematic = abs(fit.slope) * float(x.min()) / 2
    return Extrapolation(
        fit.intercept,
        math.hypot(fit.intercept_error, systematic),
        fit.intercept_error,
        systematic,
        np.array([fit.intercept, fit.slope]),
        (0, 1),
    )
