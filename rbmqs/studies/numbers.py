"""Numbers as a reader wants them: as many digits as the error warrants."""

from __future__ import annotations

import math

MISSING = "–"


def with_error(value: float, error: float) -> str:
    """`-10.25176 ± 0.00033`: two digits of the error; an en dash where there is no value.

    An error of rounding alone is left out, with ten digits of the value.
    """
    if not math.isfinite(value):
        return MISSING
    if not math.isfinite(error) or error <= 1e-11 * abs(value):
        return f"{value:.10g}"
    digits = max(0, 1 - math.floor(math.log10(error)))
    return f"{value:.{digits}f} ± {error:.{digits}f}"


def short(value: float, digits: int = 2) -> str:
    """A few significant digits, or an en dash."""
    return f"{value:.{digits}g}" if math.isfinite(value) else MISSING


def known(value: object) -> str:
    """A value as it is, or an en dash where it is missing."""
    return MISSING if value == "" or value != value else str(value)
