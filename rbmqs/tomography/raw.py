"""Answers of the shots alone, without a model: frequencies and classical shadows.

The shadow of a shot is (x)_i (3 U_i^dagger |s_i><s_i| U_i - 1), whose mean is the state where bases
were drawn at random from those of an orthogonal 2-design, such as X, Y and Z, or are all of these
equally often (H.-Y. Huang, R. Kueng and J. Preskill, Nature Physics 16, 1050 (2020)).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hamiltonians.operators.pauli import PauliSum
from rbmqs.tomography.bases import LETTERS, PAULI
from rbmqs.tomography.functionals import check_operator
from rbmqs.tomography.rotations import adjoint, rotated
from rbmqs.tomography.shots import Shots

_AT_ONCE = 2**20
_SAME = 1e-6  # of a rotated Pauli matrix from Z


class Raw(NamedTuple):
    """A mean of shots with its standard error; nan where no shot tells it."""

    mean: float
    error: float


def frequencies(shots: Shots, operator: PauliSum) -> Raw:
    """The mean of a Pauli sum from the shots that measured each of its strings.

    Each string is the mean product of outcomes over the shots of all bases that measure it; errors
    contain that strings are read from the same shots. A string that no basis measures makes nan.
    """
    check_operator(operator, shots.n_sites)
    weights = np.zeros(shots.n_distinct)
    variance, total = 0.0, float(operator.terms.get((), 0).real)
    for string, coefficient in operator.terms.items():
        if not string:
            continue
        fits = _measures(shots, string)
        n = shots.shots_of_basis[fits].sum()
        if not n:
            return Raw(np.nan, np.nan)
        products = np.prod(shots.outcomes[:, [site for site, _ in string]], axis=1)
        weights += coefficient.real / n * fits[shots.basis] * products
    total += float(shots.counts @ weights)
    for basis, n in enumerate(shots.shots_of_basis):
        rows = shots.rows(basis)
        mean = shots.counts[rows] @ weights[rows]
        spread = shots.counts[rows] @ weights[rows] ** 2 - mean**2 / max(n, 1)
        variance += spread * n / max(n - 1, 1)
    return Raw(total, float(np.sqrt(max(variance, 0))))


def _measures(shots: Shots, string: tuple) -> np.ndarray:
    """Which bases measure a Pauli string, bool (n_bases,)."""
    found = np.ones(len(shots.bases), dtype=bool)
    for site, letter in string:
        u = shots.bases.unitaries[:, site]
        turned = u @ PAULI[LETTERS.index(letter)] @ adjoint(u)
        found &= abs(turned[:, 0, 0] - 1) < _SAME
    return found


def shadow_of_operator(shots: Shots, operator: PauliSum) -> Raw:
    """The mean of a Pauli sum over classical shadows; the module says of which bases."""
    check_operator(operator, shots.n_sites)
    values = np.zeros(shots.n_distinct)
    for string, coefficient in operator.terms.items():
        product = np.ones(shots.n_distinct)
        for site, letter in string:
            u = shots.bases.unitaries[:, site]
            turned = (u @ PAULI[LETTERS.index(letter)] @ adjoint(u))[:, 0, 0].real
            product *= 3 * turned[shots.basis] * shots.outcomes[:, site]
        values += coefficient.real * product
    return _mean(shots, values)


def shadow_of_fidelity(shots: Shots, target: np.ndarray) -> Raw:
    """<t|rho|t>, or Tr(rho T), over classical shadows, for a vector (2^N,) or a matrix.

    For a density matrix T this is the overlap, which is the fidelity only where T is pure.
    """
    matrix = np.outer(target, target.conj()) if target.ndim == 1 else target
    weights, axes = np.linalg.eigh(matrix)
    kept = abs(weights) > 1e-12
    vectors, weights = axes[:, kept].T, weights[kept]
    bras = shots.bases.unitaries[shots.basis[:, None], np.arange(shots.n_sites)]
    bras = bras[np.arange(shots.n_distinct)[:, None], np.arange(shots.n_sites),
                (shots.outcomes < 0).astype(int)]  # fmt: skip
    local = 3 * bras.conj()[..., :, None] * bras[..., None, :] - np.eye(2)
    values = np.empty(shots.n_distinct)
    step = max(1, _AT_ONCE // vectors.size)
    for start in range(0, len(values), step):
        part = slice(start, start + step)
        moved = rotated(vectors, local[part, None])
        values[part] = np.einsum("k,kt,nkt->n", weights, vectors.conj(), moved).real
    return _mean(shots, values)


def _mean(shots: Shots, values: np.ndarray) -> Raw:
    """The mean over shots; between bases too, which were drawn as the outcomes were."""
    n = shots.n_shots
    mean = float(shots.counts @ values / n)
    if n < 2:
        return Raw(mean, np.nan)
    sums = np.bincount(shots.basis, shots.counts * (values - mean), len(shots.bases))
    within = shots.counts @ (values - mean) ** 2
    clustered = (sums**2).sum() * len(sums) / max(len(sums) - 1, 1)
    # all 3^N bases equally often are no draw: what differs between them is no noise
    everything = shots.bases.are_pauli and len(set(shots.bases.labels)) == 3**shots.n_sites
    if everything or len(sums) == 1:
        means = sums / np.maximum(shots.shots_of_basis, 1)
        within = shots.counts @ (values - mean - means[shots.basis]) ** 2
        return Raw(mean, float(np.sqrt(within) / n))
    return Raw(mean, float(np.sqrt(clustered) / n))
