"""How a run is judged, and how reports word the verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from rbmqs.estimators.estimate import Estimate
from rbmqs.estimators.verdict import Judgement, Verdict
from rbmqs.runs.outcome import Outcome
from rbmqs.runs.signs import positive_as_known, sign_advice
from rbmqs.vmc.convergence import judge_optimisation
from rbmqs.vmc.records import StepRecord

if TYPE_CHECKING:
    from hamiltonians import Reference

FAR = 1e-2  # relative distance from a known energy that is not a converged one
# States further than 1 % that have the signs of the ground state have 6.4e-3 and more, those better
# than 1e-4 have 3.8e-4 and less, over the even cases of benchmarks/verdicts.py; odd ones 3.3e-2 and
# 1.1e-3.
FAR_SCORE = 2e-3
UPPER = 3.0  # error bars from the energy to the upper end of its interval
_SIGNIFICANT = 5.0
_EIGENSTATE = (
    "the variance is that of an eigenstate, but neither a reference nor signs that are known tell "
    "that it is the lowest"
)


def verdict_of(
    history: Sequence[StepRecord] | None,
    estimate: Estimate,
    reference: Reference | None,
    trouble: Sequence[str] = (),
) -> Verdict:
    """Judge a run.

    Parameters
    ----------
    history : sequence of StepRecord or None
        None where there was no optimisation to judge.
    estimate : Estimate
        The final one.
    reference : Reference or None
        The lowest energy of the sector that the wavefunction lies in.
    trouble : sequence of str
        Why the optimisation ended before its time.
    """
    scale = estimate.hamiltonian.size_of(_middle(estimate, reference))
    if trouble:
        optimisation = Judgement("stuck", tuple(trouble))
    elif history is None:
        optimisation = Judgement("measured")
    else:
        lowest = -math.inf if reference is None else reference.energy - reference.uncertainty
        optimisation = judge_optimisation(history, scale, lowest)
    below = below_reference(estimate, reference, scale)
    error_bar = estimate.error_bar
    if below:
        error_bar = Judgement("refused", (*estimate.warnings, *below))
    return Verdict(optimisation, error_bar, judge_accuracy(estimate, reference, scale))


def judged_again(result: Outcome, reference: Reference | None) -> Verdict:
    """The verdict on a finished run when its energy is compared with another reference."""
    if reference == result.reference or result.estimate is None:
        return result.verdict
    found = verdict_of(None, result.estimate, reference)
    return replace(found, optimisation=result.verdict.optimisation)


def unfinished(why: str) -> Verdict:
    """The verdict on a run without a final estimate."""
    unknown = Judgement("unknown", ())
    return Verdict(Judgement("unfinished", (why,)), unknown, unknown)


def incomplete(verdict: Verdict, missing: Sequence[str]) -> Verdict:
    """The verdict on a run of which files lack a part: its optimisation cannot be judged."""
    if not missing:
        return verdict
    known = verdict.optimisation
    others = known.sentences if known.severity == 2 else ()
    sentences = tuple(dict.fromkeys((*missing, *others)))
    return replace(verdict, optimisation=Judgement("unfinished", sentences))


def _middle(estimate: Estimate, reference: Reference | None) -> float:
    return float(estimate.energy.mean.real) if reference is None else reference.energy


def below_reference(
    estimate: Estimate, reference: Reference | None, scale: float
) -> tuple[str, ...]:
    """An energy well below the exact one means that the chains miss part of |psi|^2."""
    if reference is None:
        return ()
    energy = estimate.energy
    # From variance and effective samples: an error bar that is too large excuses no distance.
    error = math.sqrt(energy.variance / energy.ess) if energy.ess > 0 else 0.0
    error = math.hypot(error, reference.uncertainty)
    distance = energy.mean.real - reference.energy
    if distance < -_SIGNIFICANT * error - 1e-10 * scale:
        n_bars = -distance / error if error > 0 else np.inf
        return (
            f"the energy lies {n_bars:.0f} error bars below the reference: chains miss "
            f"part of the distribution",
        )
    return ()


def judge_accuracy(estimate: Estimate, reference: Reference | None, scale: float) -> Judgement:
    """The upper end of the energy's interval against the exact energy, or the variance.

    "accurate", "far", or "unknown" where there is no energy.
    """
    energy = estimate.energy
    if not (math.isfinite(energy.mean.real) and math.isfinite(energy.error_of_mean)):
        return Judgement("unknown", ("there is no energy to compare",))
    bias = estimate.bias if math.isfinite(estimate.bias) else 0.0  # the error bar is refused then
    if reference is None:
        return _by_variance(estimate, scale, bias)
    error = UPPER * math.hypot(energy.error_of_mean, reference.uncertainty) + bias
    distance = float(energy.mean.real) - reference.energy
    if distance + error <= FAR * scale:
        return Judgement("accurate")
    if scale == 0:
        return Judgement("far", ("the Hamiltonian is constant, the energy is not",))
    found, width = distance / scale, error / scale
    if found > FAR:
        return Judgement(
            "far", (f"the energy lies {found:.1%} above the reference: {_advice(estimate)}",)
        )
    return Judgement(
        "far", (f"the error bar allows {found + width:.1%} above the reference: more samples",)
    )


def _by_variance(estimate: Estimate, scale: float, bias: float) -> Judgement:
    """Without a reference."""
    error = UPPER * estimate.energy.error_of_mean + bias
    if error > FAR * scale:
        wide = f"{UPPER:.0f} error bars are {error / scale:.1%} of the energy: more samples"
        return Judgement("far", (wide,))
    if scale == 0:  # a multiple of the identity
        return Judgement("accurate")
    variance = max(estimate.variance, estimate.neighbour_variance)
    score = estimate.hamiltonian.n_sites * variance / (scale - error) ** 2
    if not score <= FAR_SCORE:
        return Judgement(
            "far", (f"the V-score {score:.1g} is that of no eigenstate: {_advice(estimate)}",)
        )
    if not positive_as_known(estimate):
        return Judgement("unknown", (f"{_EIGENSTATE}: {_advice(estimate)}, or exact energies",))
    return Judgement("accurate")


def _advice(estimate: Estimate) -> str:
    """What to try, by the names of arguments and options."""
    others = "try other seeds (seed=), symmetries (project=, --project), a larger alpha="
    return ", ".join(filter(None, (others, sign_advice(estimate.hamiltonian))))


def status_word(reasons: Sequence[str]) -> str:
    """The verdict in a word, for cells of tables."""
    return "NOT CONVERGED" if reasons else "converged"


def status_lines(verdict: Verdict) -> list[tuple[str, str]]:
    """Labelled lines of a report on the verdict: its word and parts, then the sentences."""
    return [
        ("status", str(verdict)),
        *(("", f"- {reason}") for reason in verdict.reasons),
        *(("", f"- caution: {caution}") for caution in verdict.cautions),
    ]


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
