"""Reasons not to trust a point of the table, in plain sentences."""

from __future__ import annotations

import math

from rbmqs.estimators.error_bars import MAX_R_HAT
from rbmqs.runs.status import split_reasons
from rbmqs.studies.table import Table

LOW_ACCEPTANCE, LIMIT = 0.05, 5.0


def warnings_of(table: Table, row: int) -> list[str]:
    """Reasons not to trust an energy: those its run gave, and those the numbers show."""
    status = str(table["status"][row])
    sentences = split_reasons(status)
    r_hat, acceptance = float(table["r_hat"][row]), float(table["acceptance"][row])
    if r_hat > MAX_R_HAT and "R-hat" not in status and "R_hat" not in status:
        sentences.append(f"the chains disagree (R-hat = {r_hat:.3f}): take longer chains")
    if acceptance < LOW_ACCEPTANCE and "accepted" not in status:
        sentences.append(
            f"only {acceptance:.1%} of the proposals are accepted: take more sweeps between draws"
        )
    bars = deviation(table, row)
    if bars < -LIMIT and "below the reference" not in status:
        sentences.append(
            f"the energy lies {-bars:.0f} error bars below the reference: the chains miss part of "
            f"the distribution, or the reference belongs to another problem"
        )
    return sentences


def remark_of(table: Table, row: int) -> str:
    """A sentence where the wavefunction, not the sampling, is the limit."""
    bars = deviation(table, row)
    if not bars > LIMIT:  # nor where there is no number of error bars
        return ""
    return (
        f"{bars:.0f} error bars above the reference: the wavefunction or its optimisation is the "
        f"limit, not the number of samples"
    )


def deviation(table: Table, row: int) -> float:
    """(energy - reference) in units of the statistical error; nan without a reference."""
    error = math.hypot(
        float(table["energy_error"][row]), float(table["reference_uncertainty"][row])
    )
    distance = float(table["energy"][row]) - float(table["reference"][row])
    return distance / error if error > 0 else math.nan
