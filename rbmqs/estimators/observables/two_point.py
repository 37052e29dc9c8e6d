"""Two-point functions <sigma^c_i sigma^c_j> of all pairs, and their means over equal distances.

Translated pairs of one distance are strongly correlated: the error of their mean follows from the
mean of each sample, not from the bars of the pairs, whose quadrature is too small by 1.8 on a ring
of 24.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from hamiltonians import PauliSum, SpinOperator, Sx, Sy, X, observable_connections
from hamiltonians.lattices.geometry import pair_distances
from hamiltonians.operators.level_connections import level_connections
from hamiltonians.utils.brief import Rows
from rbmqs.estimators.consistency import check_consistent
from rbmqs.estimators.many_series import (
    binned,
    errors_of_bins,
    mean_of_chains,
    series_statistics,
)
from rbmqs.estimators.observables.arrays import ArraysWithErrors
from rbmqs.estimators.snapshot_noise import SnapshotNoise

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian
    from rbmqs.sampling.chains import Samples
    from rbmqs.states.state import VariationalState

COMPONENTS = ("xx", "yy", "zz")
_AT_ONCE = 2**22  # amplitude ratios held at a time, 64 MB


@dataclass(frozen=True, eq=False, repr=False)
class AveragedCorrelations(ArraysWithErrors):
    """Two-point functions averaged over all pairs of one distance, with one-sigma errors.

    Parameters
    ----------
    distances : float array (n,)
        Rising; of the lattice, or the numbers of the classes that were asked for.
    n_pairs : int array (n,)
        Pairs of sites i < j behind each mean.
    xx, yy, zz, spin : float array (n,)
        In the unrotated basis; `spin` is the sum of the three, the scalar product.
    xx_error, yy_error, zz_error, spin_error : float array (n,)
    status : str
        Empty, or which error bar is the least to be trusted, and why.
    """

    distances: np.ndarray
    n_pairs: np.ndarray
    xx: np.ndarray
    yy: np.ndarray
    zz: np.ndarray
    spin: np.ndarray
    xx_error: np.ndarray
    yy_error: np.ndarray
    zz_error: np.ndarray
    spin_error: np.ndarray
    status: str = ""

    def described(self) -> tuple[str, Rows]:
        """The values by distance."""
        columns = (self.distances, self.zz, self.zz_error, self.spin, self.spin_error)
        return "correlations by distance: zz, and x, y, z added up", [
            (f"{r:.4g}", f"{zz:+.5f} +- {error:.1g}  {spin:+.5f} +- {spin_error:.1g}")
            for r, zz, error, spin, spin_error in zip(*columns, strict=True)
        ]


@dataclass(frozen=True, eq=False, repr=False)
class Correlations(ArraysWithErrors):
    """Two-point functions <sigma^c_i sigma^c_j>, c = x, y, z, with one-sigma errors.

    Parameters
    ----------
    xx, yy, zz : float array (N, N)
        Symmetric, ones on the diagonal; in the unrotated basis. Of spins S > 1/2 those of S^c, with
        averages of (S^c)^2 on the diagonal.
    xx_error, yy_error, zz_error : float array (N, N)
    status : str
        Empty, or which error bar is the least to be trusted, and why.
    averaged : AveragedCorrelations or None
        See `by_distance`.
    """

    xx: np.ndarray
    yy: np.ndarray
    zz: np.ndarray
    xx_error: np.ndarray
    yy_error: np.ndarray
    zz_error: np.ndarray
    status: str = ""
    averaged: AveragedCorrelations | None = None

    def by_distance(self) -> AveragedCorrelations:
        """Means over all pairs at one distance, the errors from the mean of each sample.

        Raises
        ------
        ValueError
            The Hamiltonian has no lattice to tell distances, and no classes were given.
        """
        if self.averaged is None:
            raise ValueError("distances need a Hamiltonian with a lattice; or give `classes`")
        return self.averaged

    def to_dict(self) -> dict[str, Any]:
        """JSON-able form: nested lists by name."""
        return {**super().to_dict(), "averaged": self.averaged and self.averaged.to_dict()}

    def described(self) -> tuple[str, Rows]:
        """The largest errors."""
        worst = ", ".join(f"{c} {getattr(self, f'{c}_error').max():.1g}" for c in COMPONENTS)
        return f"correlations of {len(self.zz)} sites", [("largest errors", worst)]


def correlations(
    psi: VariationalState,
    hamiltonian: SpinHamiltonian,
    samples: Samples,
    *,
    classes: ArrayLike | None = None,
) -> Correlations:
    """All two-point functions from one set of samples.

    The xx and yy functions of a pair come from one amplitude ratio r(i, j):
    <x_i x_j> = <r>, <y_i y_j> = <-sigma_i sigma_j r>.

    Parameters
    ----------
    psi, hamiltonian, samples
        The state and configurations drawn from it.
    classes : int array (N, N), optional
        Pairs with the same number are averaged by `Correlations.by_distance`, those with a
        negative one left out. By default pairs of one distance on the lattice.

    Returns
    -------
    Correlations

    Raises
    ------
    ValueError
        Sizes or sectors that differ; classes that are not a symmetric matrix of integers.
    """
    check_consistent(psi, samples, hamiltonian=hamiltonian)
    n_sites = hamiltonian.n_sites
    first, second = np.triu_indices(n_sites, 1)
    distances, labels = _classes(hamiltonian, classes)
    labels = labels[first, second]
    fixed = hamiltonian.total_sz is not None
    means = np.zeros((3, len(first)))
    sums = np.zeros((len(samples.flat), 3, len(distances)))
    bins: list[tuple[np.ndarray, ...]] = []
    noise, of_snapshots = SnapshotNoise(psi, samples), np.zeros((3, len(first)))
    for part, series in _pair_series(psi, hamiltonian, samples, first, second):
        by_chain = [values.reshape(*samples.shape, -1) for values in series]
        means[:, part] = [mean_of_chains(values, samples.division) for values in by_chain]
        of_snapshots[:, part] = [noise.errors(values) for values in series]
        bins.append(tuple(binned(values, samples.division) for values in by_chain))
        for label in np.unique(labels[part][labels[part] >= 0]):
            inside = labels[part] == label
            sums[:, :, label] += np.stack([v[:, inside].sum(axis=1) for v in series], axis=1)

    # With S_z fixed, flipping a pair gives yy = xx sample by sample.
    parts = [np.concatenate(part, axis=2) for part in zip(*bins, strict=True)]
    varying = [0, 2] if fixed else [0, 1, 2]

    def label_of(k: int) -> str:
        name, pair = COMPONENTS[varying[k // len(first)]], k % len(first)
        return f"{name} of sites {first[pair]} and {second[pair]}"

    joined = np.concatenate([parts[c] for c in varying], axis=2)
    errors, status = errors_of_bins(joined, samples.shape[1], label_of, samples.division)
    errors = errors.reshape(len(varying), -1)[[0, 0, 1] if fixed else [0, 1, 2]]

    def pairs(state: VariationalState, draws: Samples) -> np.ndarray:
        series = _pair_series(state, hamiltonian, draws, first, second)
        return np.concatenate([np.stack([v.T for v in part]) for _, part in series], axis=1)

    bias = noise.bias(pairs) + np.zeros_like(means)
    errors = np.hypot(errors, np.hypot(of_snapshots, bias))
    matrices: dict[str, Any] = {}
    own, own_error = _same_site(psi, hamiltonian, samples)
    for c, name in enumerate(COMPONENTS):
        matrices[name] = _symmetric(n_sites, first, second, means[c], own[c])
        matrices[f"{name}_error"] = _symmetric(n_sites, first, second, errors[c], own_error[c])
    averaged = None
    if len(distances):
        counts = np.bincount(labels[labels >= 0], minlength=len(distances))
        inside = labels[None, :] == np.arange(len(distances))[:, None]
        averaged = _averaged(
            sums / counts, samples, distances, counts, noise, bias @ inside.T / counts
        )
    return Correlations(**matrices, status=status, averaged=averaged)


def _pair_series(
    psi: VariationalState,
    hamiltonian: SpinHamiltonian,
    samples: Samples,
    first: np.ndarray,
    second: np.ndarray,
) -> Iterator[tuple[slice, list[np.ndarray]]]:
    """Series of xx, yy and zz, each (n_samples, n_pairs), for some of the pairs at a time."""
    spins = samples.flat
    fixed = hamiltonian.total_sz is not None
    cache = psi.prepare(spins)
    # The same on all ranks, which go through the parts together.
    longest = (
        len(spins) if samples.division is None else max(samples.division.lengths) * samples.shape[1]
    )
    step = max(1, _AT_ONCE // longest)
    for start in range(0, max(len(first), 1), step):
        part = slice(start, start + step)
        i, j = first[part], second[part]
        if not hamiltonian.is_spin_half:
            yield part, _pairs_of_levels(psi, hamiltonian, spins, i, j, cache)
            continue
        # X_i X_j: every matrix element is one, and the order of the pairs is that of sorted flips.
        terms = PauliSum.sum(X(a) * X(b) for a, b in zip(i.tolist(), j.tolist(), strict=True))
        flips = observable_connections(terms, psi.n_sites)
        ratios = psi.flip_ratios(spins, flips, fixed, cache)
        if hamiltonian.rotation is not None:
            phases = hamiltonian.rotation.site_phases(spins)
            ratios = phases[:, i] * phases[:, j] * ratios
        zz = spins[:, i] * spins[:, j].astype(float)
        yield part, [ratios.real, -zz * ratios.real, zz]


def _pairs_of_levels(
    psi: VariationalState,
    hamiltonian: SpinHamiltonian,
    spins: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    cache: np.ndarray,
) -> list[np.ndarray]:
    """Series of spins S > 1/2, from the products of S^x and of S^y of each pair."""
    fixed, space = hamiltonian.total_sz is not None, hamiltonian.local_space
    sites = list(zip(first.tolist(), second.tolist(), strict=True))
    values = []
    for word in (Sx,) if fixed else (Sx, Sy):  # groups of sites are sorted as the pairs are
        pairs = (word(i, space.spins[i]) * word(j, space.spins[j]) for i, j in sites)
        operator = hamiltonian.rotate_observable(SpinOperator.sum(pairs))
        compiled = level_connections(operator, space, fixed)
        values.append(psi.flip_ratios(spins, compiled, fixed, cache).real)
    return [values[0], values[-1], 0.25 * spins[:, first] * spins[:, second]]


def _same_site(
    psi: VariationalState, hamiltonian: SpinHamiltonian, samples: Samples
) -> tuple[np.ndarray, np.ndarray]:
    """Diagonals of xx, yy and zz, and their errors, (3, N)."""
    if hamiltonian.is_spin_half:
        return np.ones((3, psi.n_sites)), np.zeros((3, psi.n_sites))
    spins = np.array(hamiltonian.local_space.spins)
    zz = (samples.spins / 2) ** 2
    xx = yy = (spins * (spins + 1) - zz) / 2
    if hamiltonian.total_sz is None:  # else what raises a spin twice leaves the sector
        sites = np.flatnonzero(spins > 0.5)
        squares = SpinOperator.sum(Sx(i, spins[i]) ** 2 for i in sites.tolist())
        rotated = hamiltonian.rotate_observable(squares)
        compiled = level_connections(rotated, hamiltonian.local_space)
        twice = np.zeros(zz.shape)
        ratios = psi.flip_ratios(samples.flat, compiled, False).real
        twice[:, :, sites] = ratios.reshape(*samples.shape, -1)
        xx, yy = xx + twice, yy - twice
    joined = np.concatenate([xx, yy, zz], axis=2)
    found = series_statistics(joined, str, samples.division)
    return found.mean.reshape(3, -1), found.error.reshape(3, -1)


def _averaged(
    means: np.ndarray,
    samples: Samples,
    distances: np.ndarray,
    counts: np.ndarray,
    noise: SnapshotNoise,
    bias: np.ndarray,
) -> AveragedCorrelations:
    """From the means of each sample over the pairs of a class, (n_samples, 3, n_classes)."""
    series = np.concatenate([means, means.sum(axis=1, keepdims=True)], axis=1)
    names, n = (*COMPONENTS, "spin"), len(distances)

    def label(k: int) -> str:
        return f"{names[k // n]} at distance {distances[k % n]:.4g}"

    found = series_statistics(series.reshape(*samples.shape, -1), label, samples.division)
    columns: dict[str, Any] = dict(zip(names, found.mean.reshape(4, n), strict=True))
    biases = np.concatenate([bias, bias.sum(axis=0, keepdims=True)])
    errors = np.hypot(noise.added_to(found.error, series).reshape(4, n), biases)
    columns |= {f"{name}_error": error for name, error in zip(names, errors, strict=True)}
    return AveragedCorrelations(distances, counts, **columns, status=found.status)


def _classes(
    hamiltonian: SpinHamiltonian, classes: ArrayLike | None
) -> tuple[np.ndarray, np.ndarray]:
    """The value of each class, rising, and the class of each pair (N, N), -1 for none."""
    n_sites = hamiltonian.n_sites
    if classes is not None:
        values = np.asarray(classes)
        if values.shape != (n_sites, n_sites) or values.dtype.kind not in "iu":
            raise ValueError(
                f"classes must be integers of shape ({n_sites}, {n_sites}), got {values.dtype} "
                f"{values.shape}"
            )
        if np.any(values != values.T):
            raise ValueError("classes must be the same for pairs (i, j) and (j, i)")
    elif hamiltonian.lattice is None:
        return np.zeros(0), np.full((n_sites, n_sites), -1)
    else:
        values = pair_distances(hamiltonian.lattice)
    pairs = values[np.triu_indices(n_sites, 1)]
    kept = np.unique(pairs[pairs >= 0])
    labels = np.where(values >= 0, np.searchsorted(kept, values), -1)
    np.fill_diagonal(labels, -1)
    return kept, labels


def _symmetric(
    n_sites: int,
    first: np.ndarray,
    second: np.ndarray,
    values: np.ndarray,
    diagonal: np.ndarray,
) -> np.ndarray:
    matrix = np.zeros((n_sites, n_sites))
    np.fill_diagonal(matrix, diagonal)
    matrix[first, second] = values
    matrix[second, first] = values
    return matrix
