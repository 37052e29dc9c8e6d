"""Whether the error bar of an energy may be trusted, and how much it could hide where not.

Each doubt comes with a bound on the bias that it stands for. Local energies are all that samples
tell: chains that disagree, or hardly move, may have missed part of |psi|^2, but an energy from the
local energies that they have seen lies within the largest deviation of these from their mean. A
variance that rests on few samples says that others like the largest may be missing. Where these
bounds are far below the accuracy that a verdict asks for, a doubt is a caution: at a relative error
of 1e-8 local energies have heavy tails as well, and nothing depends on them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from rbmqs.estimators.stats import ROUNDING, Stats
from rbmqs.estimators.verdict import Judgement
from rbmqs.sampling.chains import Samples

MIN_ACCEPTED = 0.01
FEW_CARRIERS = 20  # samples that carry the variance: the error bar itself is then 11 % uncertain
MISSED = 5.0  # samples like the most extreme one that may be missing: a chance of e^-5
NEGLIGIBLE = 2e-3  # relative bias that is a caution only, a fifth of what counts as far


def judge_error_bar(doubts: Mapping[str, float], scale: float) -> Judgement:
    """The level of an error bar, "trustworthy", "heavy-tailed" or "refused", by its doubts.

    Parameters
    ----------
    doubts : mapping of str to float
        Sentences, each with the bias that it stands for.
    scale : float
        What errors are relative to, see `SpinHamiltonian.size_of`.
    """
    if not doubts:
        return Judgement("trustworthy")
    bias = max(doubts.values())
    if not bias <= NEGLIGIBLE * scale:
        return Judgement("refused", tuple(doubts))
    bound = f"all this shifts the energy by {bias:.1g} at most"
    return Judgement("heavy-tailed", (*doubts, bound))


def doubts_about(
    acceptance: float,
    differ: bool,
    energy: Stats,
    complex_energy: Stats,
    values: np.ndarray,
    disagreement: str,
) -> dict[str, float]:
    """Sentences on what makes an energy doubtful, each with a bound on the bias (inf for none).

    Parameters
    ----------
    acceptance : float
        Accepted share of the proposals.
    differ : bool
        Whether the chains have been in more than one configuration.
    energy, complex_energy : Stats
        The real part, and both parts.
    values : float array (n_chains, n_draws)
        Real part of the local energies.
    disagreement : str
        A sentence on starts that disagree, empty where they do not.
    """
    finite = bool(np.isfinite(values).all())
    widest = float(np.abs(values - values.mean()).max()) if finite else math.inf
    unseen = widest if differ else math.inf
    sentences = [
        disagreement,
        energy.status,
        _imaginary(complex_energy, widest),
        _acceptance(acceptance),
    ]
    found = {sentence: unseen for sentence in sentences if sentence}
    missed = MISSED * widest / energy.ess if energy.ess > 0 else math.inf
    return found | dict.fromkeys(carrier_warnings(n_carriers(values)), missed)


def configurations_differ(samples: Samples) -> bool:
    """Whether the chains have been in more than one configuration; all ranks ask together."""
    division = samples.division
    if division is None:
        return bool(np.any(samples.flat != samples.flat[0]))
    first = division.ranks.broadcast(samples.flat[0].copy(), 0)
    return not division.ranks.everywhere(bool(np.all(samples.flat == first)))


def _imaginary(energy: Stats, widest: float) -> str:
    """A Hermitian energy is real: an imaginary part beyond its error is a fault."""
    size = abs(complex(energy.mean).imag)
    if size > 5 * energy.error_of_imag and size > ROUNDING * widest:
        return f"the imaginary part of the energy, {size:.2g}, exceeds 5 of its errors"
    return ""


def _acceptance(acceptance: float) -> str:
    if acceptance >= MIN_ACCEPTED:
        return ""
    return (
        f"only {acceptance:.2%} of the proposals are accepted: chains hardly move, "
        f"take more sweeps between draws"
    )


def n_carriers(values: np.ndarray) -> float:
    """How many samples carry the variance: (sum d^2)^2 / sum d^4 of the deviations d from the mean.

    Near nodes of psi local energies have heavy tails, and a variance that rests on few samples says
    little. The relative error of an error bar is 1 / (2 sqrt(n_carriers)), up to autocorrelation.
    """
    squares = np.abs(values - values.mean()).ravel() ** 2
    largest = squares.max(initial=0.0)
    if not 0 < largest < math.inf:
        return float(squares.size)
    squares = squares / largest
    return float(squares.sum() ** 2 / (squares**2).sum())


def carrier_warnings(carriers: float) -> list[str]:
    """Warn where the variance rests on few samples."""
    if carriers >= FEW_CARRIERS:
        return []
    return [
        f"the variance rests on some {carriers:.0f} of the samples: the error bar may be too small"
    ]
