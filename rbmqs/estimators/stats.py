"""A mean with its error bar, and what is derived from mean and variance."""

from __future__ import annotations

import dataclasses
import math
import numbers
from typing import Any

import numpy as np

from hamiltonians.utils.checks import integer, short

__all__ = ["ROUNDING", "Stats", "nominal_error", "v_score"]

ROUNDING = 1e-10  # relative change that an exact energy may show
_NOMINAL_SAMPLES = 1000


@dataclasses.dataclass(frozen=True)
class Stats:
    """Mean of a Monte-Carlo series with its error bar and the diagnostics behind it.

    Attributes
    ----------
    mean
        Mean over all draws; nan if any value is not finite.
    error_of_mean
        One-sigma error of the real part of the mean, autocorrelation included and widened so that
        twice the error covers 95.4 %. Always the best estimate at hand; see `status`.
    variance
        Variance of the values over all draws, E|x - mean|^2.
    r_hat
        Split R-hat of the real part; nan if all values are identical or chains have < 4 draws.
    tau
        Integrated autocorrelation time of the real part in draws, 1 for independent draws.
    ess
        Effective sample size, n_chains * n_draws / tau.
    n_chains, n_draws
        Shape of the series.
    status
        Empty if all is well, otherwise one sentence on what is wrong and what to do.
    error_of_imag
        One-sigma error of the imaginary part of the mean; 0 for a real series.
    """

    mean: float | complex
    error_of_mean: float
    variance: float
    r_hat: float
    tau: float
    ess: float
    n_chains: int
    n_draws: int
    status: str = ""
    error_of_imag: float = 0.0

    def __str__(self) -> str:
        text = _format_value(self.mean.real, self.error_of_mean)
        imag = ""
        if isinstance(self.mean, complex):
            imag = f"imag={_format_value(self.mean.imag, self.error_of_imag)}, "
        numbers = f"var={self.variance:.3g}, R_hat={self.r_hat:.3f}, tau={self.tau:.1f}"
        return f"{text} [{imag}{numbers}]{' (see status)' if self.status else ''}"

    def to_dict(self) -> dict[str, Any]:
        """Return the fields for JSON: nan and inf become None, a complex mean two numbers."""
        return {name: _to_json(value) for name, value in dataclasses.asdict(self).items()}


def nominal_error(variance: float) -> float:
    """Error bar of 1000 independent draws: a scale for exact energies, which have none."""
    return math.sqrt(variance / _NOMINAL_SAMPLES)


def v_score(energy: complex, variance: float, n_sites: int, e_infinity: float = 0.0) -> float:
    """V-score of a variational state: n_sites * variance / (energy - e_infinity)^2.

    Parameters
    ----------
    energy
        Total energy; of a complex number, the real part counts.
    variance
        Variance of the total energy, <H^2> - <H>^2.
    n_sites
        Number of sites.
    e_infinity
        Energy at infinite temperature, Tr H / 2^N: 0 for a sum of Pauli strings without identity.

    Returns
    -------
    float
        0 for an eigenstate; inf where `energy` equals `e_infinity`, nan if `variance` is 0 too.

    Raises
    ------
    TypeError, ValueError
        What is no number; `n_sites` below 1 or a negative `variance`.

    References
    ----------
    D. Wu et al., Science 386, 296 (2024), arXiv:2302.04919.
    """
    n_sites = integer("n_sites", n_sites, 1)
    for name, value, kind in (
        ("energy", energy, numbers.Complex),
        ("variance", variance, numbers.Real),
        ("e_infinity", e_infinity, numbers.Real),
    ):
        if not isinstance(value, kind):
            raise TypeError(f"{name} must be a number, got {short(value)}")
    if variance < 0:
        raise ValueError(f"variance must not be negative, got {variance}")
    distance = float(np.real(energy)) - e_infinity
    if distance == 0:
        return math.inf if variance > 0 else math.nan
    return float(n_sites * variance / distance / distance)


def _format_value(value: float, error: float) -> str:
    """`value +- error`, the error with two significant digits and the value to match."""
    if not (math.isfinite(value) and math.isfinite(error)) or error == 0:
        return f"{value:.12g} +- {error:.2g}"
    exponent = int(f"{error:.1e}".split("e")[1])
    if -12 < exponent < 6 and abs(value) < 1e15:
        decimals = 1 - exponent
        digits = max(decimals, 0)
        return f"{round(value, decimals):.{digits}f} +- {round(error, decimals):.{digits}f}"
    leading = int(f"{value:.3e}".split("e")[1])
    return f"{value:.{min(max(leading - exponent + 1, 0), 15)}e} +- {error:.1e}"


def _to_json(value: Any) -> Any:
    if isinstance(value, complex):
        return {"real": _to_json(value.real), "imag": _to_json(value.imag)}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
