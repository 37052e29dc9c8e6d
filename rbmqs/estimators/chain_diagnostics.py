"""Chain diagnostics: whether chains agree on the energy, and which of them are stuck.

**Starts that disagree.** Each kind of start is compared with all other chains,

    t = |m_kind - m_rest| / (s sqrt(1 / n_kind + 1 / n_rest)),

n_kind being the number of its chains and s the spread of chain means about the mean of their kind,
pooled over all kinds. Chains are independent, so this is right for any autocorrelation. An error
from within the chains is too small, as a chain does not sample its own slowest motion: with 1024
draws of tau = 66 the test rejected chains of one distribution four times too often. The bound on t
is Student's, divided between the kinds, so that chains of one distribution are rejected with
probability `FALSE_ALARM`. One extreme sample does not reject its chain, since it widens s as well;
for that, each kind has two chains or more (`rbmqs.sampling.initial_configurations`). Where chains
of every kind are stuck, s is large, the test passes, and R-hat shows it.

**Stuck chains.** Where |psi| has a spurious maximum far from the ground state, a chain that finds
it seldom leaves. As one of 16 it would dominate the equations of an iteration: on J1-J2 at J2 =
0.6, 10x10, energies went from -189 to thousands. `stuck_chains` finds such chains by their last
local energies, `reset_chains` moves them to the configurations of other chains.

**Chains without weight.** Let a chain have explored a region R of weight Z_R = sum_R |psi|^2. Its
draws, of probability |psi|^2 / Z_R, have <ln |psi|^2> = ln Z_R - S_R with an entropy S_R of at most
ln D, where D is the number of configurations. Hence

    Z_R <= D exp <ln |psi|^2>,

while the sum of |psi|^2 over all configurations is at least its largest value that any chain has
visited. Where Z_R is less than exp(-`MARGIN`) of that value, the chain samples a region of no
weight, and its energy has no part in the expectation value. On the Heisenberg chain of 200 sites
(tied, alpha = 2) chains that started in two domains reached energies of -125 and stayed there for
thousands of sweeps and replica exchange, at e^-125 times the |psi| of chains at -354. A chain whose
energy is lower than that of the chain with the largest |psi|^2 is left where it is, whatever its
weight: that largest value then belongs to a spurious maximum, and the estimate must say that chains
disagree.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rbmqs.estimators.error_bars import quick_statistics
from rbmqs.estimators.stats import ROUNDING, Stats
from rbmqs.sampling.chains import ChainState

FAR = 6.0  # standard deviations of local energies above their mean that make an outlier
FALSE_ALARM = 1e-4
LAST = 4  # the last fourth of the draws tells where a chain is now
MIN_DRAWS = 8  # fewer could all be rare configurations
MARGIN = 30.0  # e^-30: below rounding of an energy, even at the energies of ferromagnets


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
    from scipy.special import stdtrit  # late: 0.2 s of each start

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


def stuck_chains(local_energies: np.ndarray) -> np.ndarray:
    """Which chains have ended at local energies far above those of the others.

    More than half of a chain's last draws lie `FAR` standard deviations above those of the chain
    that is at the lower quartile, so that up to three in four may be stuck at once.

    Parameters
    ----------
    local_energies : array (n_chains, n_draws)

    Returns
    -------
    bool (n_chains,)
        All false where there are too few draws to tell, or values that are not finite.
    """
    n_chains, n_draws = local_energies.shape
    energies = local_energies.real
    if n_draws < MIN_DRAWS or not np.isfinite(energies).all():
        return np.zeros(n_chains, dtype=bool)
    middle = np.median(energies[:, -max(n_draws // LAST, MIN_DRAWS) :], axis=1)
    reference = np.argsort(middle, kind="stable")[(n_chains - 1) // 4]
    far = FAR * energies[reference].std() + ROUNDING * abs(middle[reference])
    return middle > middle[reference] + far


def reset_chains(chains: ChainState, stuck: np.ndarray) -> ChainState:
    """The chains with those that are stuck at the places of others, in turn.

    Parameters
    ----------
    chains : ChainState
        Of n_chains chains, or of as many ladders of replicas; those of a rank.
    stuck : bool (n_chains,)
        Of all ranks; not all of them.
    """
    whole = chains.whole()
    spins = whole.spins.reshape(len(stuck), -1, whole.spins.shape[1]).copy()
    others = np.flatnonzero(~stuck)
    spins[stuck] = spins[np.resize(others, stuck.sum())]
    moved = ChainState(spins.reshape(whole.spins.shape), whole.rng)
    return moved if chains.division is None else chains.division.own(moved)


def weightless_chains(
    log_psi: np.ndarray, local_energies: np.ndarray, log_dimension: float
) -> np.ndarray:
    """Which chains are at high energies in a region of next to no |psi|^2.

    Parameters
    ----------
    log_psi : float64 (n_chains, n_draws)
        Real part.
    local_energies : float64 (n_chains, n_draws)
    log_dimension : float
        Logarithm of the number of configurations.

    Returns
    -------
    bool (n_chains,)
    """
    log_weights = 2 * log_psi
    heaviest = np.argmax(log_weights.max(axis=1))
    most = log_weights.mean(axis=1) + log_dimension
    weightless = most < log_weights[heaviest].max() - MARGIN
    energies = local_energies.mean(axis=1)
    return weightless & (energies > energies[heaviest])
