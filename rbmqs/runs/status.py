"""Reasons not to trust the energy of a run, a sentence each, and how reports word them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from rbmqs.estimators.estimate import Estimate
from rbmqs.vmc.convergence import unrefined
from rbmqs.vmc.records import StepRecord

if TYPE_CHECKING:
    from hamiltonians import Reference

FAR = 1e-2  # relative distance from a known energy that is not a converged one
FAR_SCORE = 3e-2  # V-score of states 1 % above the ground state: 0.02 (kagome) to 0.1 (J1-J2)
_SIGNIFICANT = 5.0


def status_word(reasons: Sequence[str]) -> str:
    """The verdict in a word, for cells of tables."""
    return "NOT CONVERGED" if reasons else "converged"


def status_lines(reasons: Sequence[str]) -> list[tuple[str, str]]:
    """Labelled lines of a report on the verdict: its word, then the reasons."""
    return [("status", status_word(reasons)), *(("", f"- {reason}") for reason in reasons)]


def joined_reasons(reasons: Sequence[str]) -> str:
    """All reasons as one cell of a table."""
    return "; ".join(reasons)


def split_reasons(cell: str) -> list[str]:
    """The reasons in a cell: parts between semicolons that stand outside of brackets."""
    reasons, depth = [""], 0
    for letter in cell:
        depth += (letter in "([{") - (letter in ")]}")
        if letter == ";" and depth <= 0:
            reasons.append("")
        else:
            reasons[-1] += letter
    return [reason.strip() for reason in reasons if reason.strip()]


def status_of(
    history: Sequence[StepRecord] | None,
    estimate: Estimate | None,
    reference: Reference | None,
    interrupted: int | None,
) -> list[str]:
    """Sentences on the optimisation (if there was to be one), the final estimate, its distance."""
    if interrupted is not None:
        return ["the run was interrupted"]
    if estimate is None:
        return ["there is no final estimate"]
    known = below_reference(estimate, reference) + above_reference(estimate, reference)
    refined = [] if history is None else unrefined(history)
    return [*refined, *estimate.warnings, *known]


def _error(estimate: Estimate, reference: Reference) -> float:
    return float(np.hypot(estimate.energy.error_of_mean, reference.uncertainty))


def below_reference(estimate: Estimate, reference: Reference | None) -> list[str]:
    """An energy well below the exact one means that the chains miss part of |psi|^2."""
    if reference is None:
        return []
    error = _error(estimate, reference)
    distance = estimate.energy.mean.real - reference.energy
    if distance < -4 * error - 1e-10 * abs(reference.energy):
        n_bars = -distance / error if error > 0 else np.inf
        return [
            f"the energy lies {n_bars:.0f} error bars below the reference: chains miss "
            f"part of the distribution"
        ]
    return []


def above_reference(estimate: Estimate, reference: Reference | None) -> list[str]:
    """An energy far above the exact one, or a variance far from zero where none is known."""
    advice = "start from other seeds, take a sign rule or symmetries, or a larger alpha"
    if reference is None:
        if estimate.v_score > FAR_SCORE:
            return [f"the V-score {estimate.v_score:.1g} is that of no eigenstate: {advice}"]
        return []
    distance = estimate.energy.mean.real - reference.energy
    relative = distance / abs(reference.energy) if reference.energy else np.inf
    if relative > FAR and distance > _SIGNIFICANT * _error(estimate, reference):
        return [f"the energy lies {relative:.1%} above the reference: {advice}"]
    return []
