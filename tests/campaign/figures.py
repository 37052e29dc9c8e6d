"""All figures, in the order of the table."""

from tests.campaign import (  # noqa: F401
    balance,
    calls,
    damage,
    determinism,
    kills,
    leaks,
    mutants,
    verdicts,
)
from tests.campaign.rows import FIGURES

__all__ = ["FIGURES"]
