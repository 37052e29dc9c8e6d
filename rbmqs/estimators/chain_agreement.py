"""Whether chains that started in different kinds of states tell the same energy.

Each kind is compared with all other chains,

    t = |m_kind - m_rest| / (s sqrt(1 / n_kind + 1 / n_rest)),

n_kind being the number of its chains and s the spread of chain means about the mean of their kind,
pooled over all kinds. Chains are independent, so this is right for any autocorrelation: an error
from within the chains is not, as they do not see their own slowest motion (1024 draws of tau = 66
accused healthy chains four times too often). The bound on t is Student's, shared between the kinds:
chains of one distribution are accused with probability `FALSE_ALARM`. One wild sample does not
accuse its chain, since it widens s as well; kinds have two chains or more for that
(`rbmqs.sampling.initial_configurations`). Where chains of every kind are stuck, s hides it, and R-hat tells.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from rbmqs.estimators.error_bars import quick_statistics
from rbmqs.estimators.stats import Stats

FALSE_ALARM = 1e-4


@dataclass(frozen=True)
class Comparison:
    """The kind of start that differs most from the others.

    Parameters
    ----------
    kind : str
    mean, rest : float
        Energy of its chains, and of all other chains.
    n_bars : float
        Distance in standard errors.
    bound : float
        Distance that chains of one distribution exceed with probability `false_alarm`.
    """

    kind: str
    mean: float
    rest: float
    n_bars: float
    bound: float

    @property
    def agrees(self) -> bool:
        """Whether the distance is within the bound."""
        return self.n_bars <= self.bound

    def sentence(self, r_hat: float) -> str:
        """What a status says about chains that disagree."""
        return (
            f"chains started from {self.kind} states disagree with the others by "
            f"{self.n_bars:.3g} error bars (energy {self.mean:.8g} against {self.rest:.8g}, R_hat "
            f"{r_hat:.3f}): |psi| has maxima that the moves do not connect; try replica exchange "
            f"(n_replicas = 8), or train further with it"
        )


def compare_starts(
    values: np.ndarray, kinds: Sequence[str], false_alarm: float = FALSE_ALARM
) -> Comparison | None:
    """The kind of start that stands out most, None if there is nothing to compare.

    Parameters
    ----------
    values : float array (n_chains, n_draws)
        Local energies.
    kinds : sequence of str
        How each chain started.
    false_alarm : float
        Probability that `Comparison.agrees` is false for chains of one distribution.
    """
    members = {kind: np.array([k == kind for k in kinds]) for kind in dict.fromkeys(kinds)}
    if len(members) < 2 or not np.isfinite(values).all():
        return None
    means = values.mean(axis=1)
    freedom = len(kinds) - len(members)
    if freedom < 1:
        return None
    scatter = sum(float(np.sum((means[g] - means[g].mean()) ** 2)) for g in members.values())
    error = math.sqrt(scatter / freedom)
    bound = float(stdtrit(freedom, 1 - false_alarm / (2 * len(members))))

    def compare(kind: str) -> Comparison:
        inside = members[kind]
        mean, rest = float(means[inside].mean()), float(means[~inside].mean())
        scale = error * math.sqrt(1 / inside.sum() + 1 / (~inside).sum())
        distance = abs(mean - rest)
        negligible = distance <= 1e-12 * max(abs(mean), abs(rest))
        n_bars = 0.0 if negligible else distance / scale if scale > 0 else math.inf
        return Comparison(kind, mean, rest, n_bars, bound)

    return max(map(compare, members), key=lambda found: found.n_bars)


def statistics_by_start(values: np.ndarray, kinds: Sequence[str]) -> dict[str, Stats]:
    """Energy and its error for the chains of each kind of start."""
    by_kind = {kind: [k == kind for k in kinds] for kind in dict.fromkeys(kinds)}
    return {kind: quick_statistics(values[rows]) for kind, rows in by_kind.items()}
