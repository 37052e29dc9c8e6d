"""Whether shots agree with the order of sites that they were read in, and what bases leave open.

Sites that are measured alike have one distribution whatever is measured elsewhere: frequencies of
one site and of two sites must agree between bases that give them equal letters, which a chi-squared
test of homogeneity asks. Outcomes that were read from the wrong end belong to other letters, and do
not agree.
"""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
from scipy.stats import chi2

from rbmqs.tomography.bases import LETTERS, Bases
from rbmqs.tomography.likelihood import FullSum
from rbmqs.tomography.shots import Shots

REFUSED = 1e-6  # chance below which an order contradicts the data
NATS = 20.0  # of log-likelihood of a target, by which another convention must be better
_FEWEST = 5.0  # expected outcomes of either kind in a basis
_RANK = 1e-6  # singular value of directions, to the largest, that counts as zero
_TINY = 1e-12  # amplitude of a target that counts as zero


def order_warning(shots: Shots) -> str:
    """One sentence where the shots contradict the order of sites; empty otherwise."""
    given = homogeneity(shots)
    if given >= REFUSED:
        return ""
    turned = homogeneity(_changed(shots, True, False))
    if turned >= REFUSED:
        return (
            f"the order of sites contradicts the shots: equal letters differ between bases (chi-"
            f"squared test: chance {given:.1e}), but not with outcomes read from the other end "
            f"({turned:.2g}): check site_0"
        )
    return (
        f"equal letters differ between bases (chi-squared test: chance {given:.1e}) in either "
        f"order of sites: the state drifts, bases are swapped or readout depends on them"
    )


def target_warning(shots: Shots, target: np.ndarray) -> str:
    """One sentence where a target (2^N,) is likelier with another order of sites or bit for up."""
    log_target = np.log(target + _TINY)
    found = {}
    for reverses, flips in product((False, True), repeat=2):
        changed = _changed(shots, reverses, flips)
        probabilities = FullSum(changed).probabilities(log_target)
        found[reverses, flips] = float(changed.counts @ np.log(probabilities))
    reverses, flips = max(found, key=lambda key: found[key])
    if found[reverses, flips] < found[False, False] + NATS:
        return ""
    names = [name for name, wrong in (("site_0", reverses), ("up", flips)) if wrong]
    gain = found[reverses, flips] - found[False, False]
    return (
        f"the target is likelier by {gain:.0f} nats with another convention: check "
        + " and ".join(names)
    )


def homogeneity(shots: Shots) -> float:
    """Chance of differences as large between bases that measure sites alike; 1 without such."""
    if not shots.bases.are_pauli:
        return 1.0
    letters, n = shots.bases.letters, shots.n_sites
    spins = shots.outcomes.astype(float)
    singles = [(spins[:, i], letters[:, i]) for i in range(n)]
    # disjoint pairs, which are independent where the state has no correlations
    pairs = [
        (spins[:, i] * spins[:, i + 1], 3 * letters[:, i] + letters[:, i + 1])
        for i in range(0, n - 1, 2)
    ]
    return min(1.0, 2 * min(_chance(shots, singles), _chance(shots, pairs)))


def _chance(shots: Shots, parities: list[tuple[np.ndarray, np.ndarray]]) -> float:
    """Of one chi-squared sum over products of spins and the names of what each basis measures."""
    total, freedom = 0.0, 0
    n_shots = shots.shots_of_basis
    for values, names in parities:
        sums = np.bincount(shots.basis, shots.counts * (values > 0), len(shots.bases))
        for name in np.unique(names):
            same = (names == name) & (n_shots > 0)
            share = sums[same].sum() / max(n_shots[same].sum(), 1)
            variance = n_shots[same] * share * (1 - share)
            if same.sum() < 2 or (n_shots[same] * min(share, 1 - share)).min() < _FEWEST:
                continue
            total += float(((sums[same] - n_shots[same] * share) ** 2 / variance).sum())
            freedom += int(same.sum()) - 1
    return float(chi2.sf(total, freedom)) if freedom else 1.0


def _changed(shots: Shots, reverses: bool, flips: bool) -> Shots:
    """The shots with sites of outcomes in the other order, or with the other bit for up."""
    outcomes = shots.outcomes[:, :: -1 if reverses else 1] * (-1 if flips else 1)
    return Shots.of(shots.bases, outcomes, shots.basis, shots.counts)


def unmeasured_sites(bases: Bases) -> list[str]:
    """Pauli strings of one site that no basis tells, such as "X of site 3"."""
    missing = []
    # the direction of the Bloch vector that a site is measured along: rows of U^dagger Z U
    z = np.array([1, -1])
    observable = np.einsum("bsoi,o,bsoj->sbij", bases.unitaries.conj(), z, bases.unitaries)
    directions = np.stack(
        [observable[..., 0, 1].real, -observable[..., 0, 1].imag, observable[..., 0, 0].real], -1
    )
    for site, rows in enumerate(directions):
        _, sizes, axes = np.linalg.svd(rows)
        known = axes[: (sizes > _RANK).sum()]
        for k, letter in enumerate(LETTERS):
            if np.linalg.norm(known[:, k]) < 1 - _RANK:
                missing.append(f"{letter} of site {site}")
    return missing


def unmeasured_strings(bases: Bases, weight: int) -> list[str]:
    """Pauli strings on a number of sites that no Pauli basis measures, such as "XIIY"."""
    if not bases.are_pauli:
        return []
    missing = []
    for sites in combinations(range(bases.n_sites), weight):
        seen = set(map(tuple, bases.letters[:, sites].tolist()))
        for string in product(range(3), repeat=weight):
            if string not in seen:
                letter_of = dict(zip(sites, string, strict=True))
                text = (
                    LETTERS[letter_of[k]] if k in letter_of else "I" for k in range(bases.n_sites)
                )
                missing.append("".join(text))
    return missing
