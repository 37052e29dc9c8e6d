"""Statements about the exact ground-state energy that follow from mean and variance alone.

For a state of energy E and variance v = <H^2> - E^2, in a sector with lowest level E_0 and the
next higher level E_1:

    E_0 <= E                                      (variational principle)
    E_0 >= E - sqrt(v)     if E + sqrt(v) < E_1   (Weinstein, PNAS 20, 529 (1934))
    E_0 >= E - v/(E_1 - E) if E < E_1             (Temple, Proc. R. Soc. A 119, 276 (1928))

A lower bound on E_1 serves as well as E_1. Measured numbers have errors: each bound is taken at
the worst corner of the confidence limits of E and v, so it holds with the stated confidence. That
confidence is about statistics alone: it presumes samples of all of |psi|^2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from scipy.special import ndtri

from hamiltonians.utils.checks import number
from rbmqs.estimators.lanczos.state import EnergyVariance
from rbmqs.estimators.stats import Stats

CONFIDENCE = 0.99


@dataclass(frozen=True)
class Bound:
    """A bound on the lowest energy of the sector.

    Parameters
    ----------
    value : float
        Total energy in Pauli units; E_0 lies above a lower bound, below an upper one.
    side : {"lower", "upper"}
    confidence : float
        Probability of the statement as far as statistical errors decide it; 1 for exact numbers.
    proven : bool
        Whether every condition has been checked; False where `condition` is left to the reader.
    condition : str
        Under which the bound holds.
    source : str
    """

    value: float
    side: str
    confidence: float
    proven: bool
    condition: str
    source: str

    def to_dict(self) -> dict[str, Any]:
        """JSON-able form."""
        return vars(self).copy()

    def __str__(self) -> str:
        sign = "<=" if self.side == "upper" else ">="
        doubt = "" if self.proven else f", if {self.condition}"
        return f"E0 {sign} {self.value:.8f} ({self.source}; confidence {self.confidence:g}{doubt})"


def variational_upper_bound(energy: Stats | float, confidence: float = CONFIDENCE) -> Bound:
    """E_0 <= <psi|H|psi>, at a confidence limit of the mean.

    Parameters
    ----------
    energy : Stats or float
        Measured, or exact.
    confidence : float
        Probability that the limit lies above <psi|H|psi>, between 0.5 and 1.

    Returns
    -------
    Bound
        Total, in Pauli units.

    Raises
    ------
    ValueError
        An error bar that is not to be trusted, with the reason.

    Notes
    -----
    Always holds, in the whole Hilbert space as well as in the sector.
    """
    limits = _limits("energy", energy, check_confidence(confidence))
    sure = 1.0 if _is_exact(energy) else confidence
    return Bound(limits[1], "upper", sure, True, "always", "variational principle")


def weinstein_lower_bound(
    state: EnergyVariance | tuple[float, float],
    first_excited: float | None = None,
    confidence: float = CONFIDENCE,
) -> Bound:
    """E_0 >= E - sqrt(v), where E_0 is the level nearest to E.

    [E - sqrt(v), E + sqrt(v)] always holds some level. It is E_0 where E + sqrt(v) lies below a
    lower bound of the next level; without one, the bound is returned with `proven` False.

    Parameters
    ----------
    state : EnergyVariance, or exact (energy, variance)
    first_excited : float, optional
        Lower bound of the first level above E_0 in the sector, total, in Pauli units.
    confidence : float
        Between 0.5 and 1.

    Returns
    -------
    Bound
        Total, in Pauli units.

    Raises
    ------
    ValueError
        E + sqrt(v) reaches `first_excited`; an error bar that is not to be trusted.
    """
    box = _box(state, confidence)
    sigma = math.sqrt(box.variance)
    condition = "the level nearest to the energy is the ground state"
    if first_excited is not None:
        first_excited = number("first_excited", first_excited)
        if not box.highest + sigma < first_excited:
            raise ValueError(
                f"Weinstein's bound needs energy + sqrt(variance) below first_excited, got "
                f"{box.highest + sigma:.8g} and {first_excited:.8g}"
            )
        condition = f"no level of the sector lies between E_0 and {first_excited:g}"
    return Bound(
        box.lowest - sigma, "lower", box.confidence, first_excited is not None, condition,
        "Weinstein 1934",
    )  # fmt: skip


def temple_lower_bound(
    state: EnergyVariance | tuple[float, float],
    first_excited: float,
    confidence: float = CONFIDENCE,
) -> Bound:
    """E_0 >= E - v / (E_1 - E), since (H - E_0)(H - E_1) is never negative.

    Parameters
    ----------
    state : EnergyVariance, or exact (energy, variance)
    first_excited : float
        Lower bound of the first level E_1 above E_0 in the sector, total, in Pauli units. Levels
        of a degenerate E_0 do not count.
    confidence : float
        Between 0.5 and 1.

    Returns
    -------
    Bound
        Total, in Pauli units.

    Raises
    ------
    ValueError
        The energy, with its error, does not lie below `first_excited`; an error bar that is not
        to be trusted.
    """
    box = _box(state, confidence)
    first_excited = number("first_excited", first_excited)
    if not box.highest < first_excited:
        raise ValueError(
            f"Temple's bound needs an energy below first_excited, got {box.highest:.8g} (upper "
            f"confidence limit) and {first_excited:.8g}"
        )
    # Concave in E, so the smallest value within the limits is at one of them.
    value = min(E - box.variance / (first_excited - E) for E in (box.lowest, box.highest))
    condition = f"no level of the sector lies between E_0 and {first_excited:g}"
    return Bound(value, "lower", box.confidence, True, condition, "Temple 1928")


@dataclass(frozen=True)
class _Box:
    """Confidence limits of the energy, and the upper one of the variance."""

    lowest: float
    highest: float
    variance: float
    confidence: float


def _box(state: EnergyVariance | tuple[float, float], confidence: float) -> _Box:
    """Three one-sided limits that hold together, each failing with a third of the probability."""
    energy: Stats | float
    variance: Stats | float
    if isinstance(state, EnergyVariance):
        energy, variance, sure = state.energy, state.variance, confidence
    else:
        (energy, variance), sure = state, 1.0
    each = 1 - (1 - check_confidence(confidence)) / 3
    lowest, highest = _limits("energy", energy, each)
    largest = _limits("variance", variance, each)[1]
    if largest < 0:
        raise ValueError(f"variance must not be negative, got {largest}")
    return _Box(lowest, highest, largest, sure)


def _limits(name: str, value: Stats | float, confidence: float) -> tuple[float, float]:
    """Lower and upper one-sided confidence limits."""
    if not isinstance(value, Stats):
        exact = number(name, value)
        return exact, exact
    mean, error = float(value.mean.real), value.error_of_mean
    if value.status or not (math.isfinite(mean) and math.isfinite(error)):
        raise ValueError(f"no bound from this {name}: {value.status or 'it has no error bar'}")
    width = float(ndtri(confidence)) * error
    return mean - width, mean + width


def _is_exact(value: Stats | float) -> bool:
    return not isinstance(value, Stats)


def check_confidence(confidence: float) -> float:
    """`confidence` as a float between 0.5 and 1."""
    confidence = number("confidence", confidence)
    if not 0.5 < confidence < 1:
        raise ValueError(f"confidence must lie between 0.5 and 1, got {confidence}")
    return confidence
