"""Estimates from samples: local energies, observables, correlations, with honest errors.

The local estimator of an operator O is sum_sigma' <sigma|O|sigma'> psi(sigma')/psi(sigma); its
mean over |psi|^2 is <O>. All estimators below take the same samples, so one sampling run serves
the energy and every observable.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rbmqs.estimators.consistency import check_consistent
from rbmqs.estimators.error_bars import statistics
from rbmqs.estimators.stats import Stats

if TYPE_CHECKING:
    from hamiltonians import PauliSum, SpinHamiltonian
    from hamiltonians.operators.connections import Connections
    from rbmqs.sampling.chains import Sampler, Samples
    from rbmqs.states.state import VariationalState


def local_estimators(
    psi: VariationalState,
    connections: Connections,
    samples: Samples,
    pairs: np.ndarray | None = None,
    *,
    fixed_sector: bool = False,
) -> np.ndarray:
    """Local values of a compiled operator.

    Parameters
    ----------
    psi : Wavefunction
    connections : Connections
        `H.connections`, or `hamiltonians.observable_connections` of any Pauli sum.
    samples : Samples
    pairs : array, optional
        `psi.prepare(samples.flat)` where it is known already.
    fixed_sector : bool
        Whether amplitudes of another total S_z count as zero.

    Returns
    -------
    complex array (n_chains, n_draws)
    """
    check_consistent(psi, samples, connections=connections)
    values = psi.local_values(samples.flat, connections, fixed_sector, pairs)
    return values.reshape(samples.shape)


def local_energies(
    psi: VariationalState,
    hamiltonian: SpinHamiltonian,
    samples: Samples,
    pairs: np.ndarray | None = None,
) -> np.ndarray:
    """E_loc of every sample, complex array (n_chains, n_draws), total energy in Pauli units.

    `pairs` may be `psi.prepare(samples.flat)` where it is known already. In a fixed sector
    the couplings conserve S_z up to rounding; what rounding leaves outside does not count.
    """
    check_consistent(psi, samples, hamiltonian=hamiltonian)
    fixed = hamiltonian.total_sz is not None
    return local_estimators(psi, hamiltonian.connections, samples, pairs, fixed_sector=fixed)


def evaluator(sampler: Sampler) -> Callable[..., np.ndarray]:
    """`local_energies`, or that of a sampler that divides them between MPI ranks."""
    return getattr(sampler, "local_energies", local_energies)


def expect(
    psi: VariationalState, hamiltonian: SpinHamiltonian, samples: Samples, observable: PauliSum
) -> Stats:
    """Expectation of any Pauli sum, given in the unrotated basis.

    Parameters
    ----------
    psi, samples
        The wavefunction and configurations drawn from it.
    hamiltonian : SpinHamiltonian
        Tells the sector and the rotation, which is applied to the observable too.
    observable : PauliSum
        Hermitian or not.

    Raises
    ------
    ValueError
        The observable acts beyond the lattice.
    """
    return statistics(_observable_values(psi, hamiltonian, samples, observable, None))


def _observable_values(
    psi: VariationalState,
    hamiltonian: SpinHamiltonian,
    samples: Samples,
    observable: PauliSum,
    pairs: np.ndarray | None,
) -> np.ndarray:
    from hamiltonians import observable_connections

    rotated = hamiltonian.rotate_observable(observable)
    connections = observable_connections(rotated, hamiltonian.n_sites)
    fixed = hamiltonian.total_sz is not None
    return local_estimators(psi, connections, samples, pairs, fixed_sector=fixed)


@dataclass(frozen=True, eq=False)
class Correlations:
    """Two-point functions <sigma^c_i sigma^c_j>, c = x, y, z, with one-sigma errors.

    Parameters
    ----------
    xx, yy, zz : float array (N, N)
        Symmetric, ones on the diagonal; in the unrotated basis.
    xx_error, yy_error, zz_error : float array (N, N)
    """

    xx: np.ndarray
    yy: np.ndarray
    zz: np.ndarray
    xx_error: np.ndarray
    yy_error: np.ndarray
    zz_error: np.ndarray

    def to_dict(self) -> dict[str, list]:
        """JSON-able form: nested lists by name."""
        return {name: getattr(self, name).tolist() for name in self.__dataclass_fields__}


def correlations(
    psi: VariationalState,
    hamiltonian: SpinHamiltonian,
    samples: Samples,
    pairs: np.ndarray | None = None,
) -> Correlations:
    """All two-point functions from one set of samples.

    The xx and yy functions of a pair come from one amplitude ratio r(i, j):
    <x_i x_j> = <r>, <y_i y_j> = <-sigma_i sigma_j r>.
    """
    n_sites = hamiltonian.n_sites
    first, second = np.triu_indices(n_sites, 1)
    ratios = _pair_ratios(psi, hamiltonian, samples, first, second, pairs)
    spins = samples.flat
    if hamiltonian.rotation is not None:
        phases = hamiltonian.rotation.site_phases(spins)
        ratios = phases[:, first] * phases[:, second] * ratios
    series: dict[str, np.ndarray] = {
        "zz": spins[:, first] * spins[:, second].astype(float),
        "xx": ratios.real,
    }
    series["yy"] = -series["zz"] * ratios.real
    means_and_errors = {}
    for name, values in series.items():
        mean, error = mean_and_error(values.reshape(*samples.shape, -1))
        means_and_errors[name] = _symmetric(n_sites, first, second, mean, 1.0)
        means_and_errors[f"{name}_error"] = _symmetric(n_sites, first, second, error, 0.0)
    return Correlations(**means_and_errors)


def _pair_ratios(
    psi: VariationalState,
    hamiltonian: SpinHamiltonian,
    samples: Samples,
    first: np.ndarray,
    second: np.ndarray,
    pairs: np.ndarray | None,
) -> np.ndarray:
    from hamiltonians import PauliSum, X, observable_connections

    # X_i X_j: every matrix element is one, and the order of the pairs is that of sorted flips.
    terms = PauliSum.sum(X(int(i)) * X(int(j)) for i, j in zip(first, second, strict=True))
    flips = observable_connections(terms, psi.n_sites)
    fixed = hamiltonian.total_sz is not None
    return psi.flip_ratios(samples.flat, flips, fixed, pairs)


def mean_and_error(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and error of many series at once, values of shape (n_chains, n_draws, n_series)."""
    means = batch_means(values)
    if len(means) == 1:
        return values.mean(axis=(0, 1)), np.full(values.shape[2], np.nan)
    return values.mean(axis=(0, 1)), means.std(axis=0, ddof=1) / np.sqrt(len(means))


def batch_means(values: np.ndarray) -> np.ndarray:
    """Means over batches of draws, shape (n_batches, n_series), nearly independent.

    Each chain is cut into batches of about sqrt(n_draws) draws; the spread of batch means carries
    the autocorrelation (batch means: Flegal & Jones, Ann. Stat. 38, 1034 (2010)).

    Parameters
    ----------
    values : array (n_chains, n_draws, n_series)
    """
    return batches(values).mean(axis=1)


def batches(values: np.ndarray) -> np.ndarray:
    """The batches of `batch_means` themselves, shape (n_batches, length, n_series)."""
    n_chains, n_draws, n_series = values.shape
    n_batches = max(1, int(np.sqrt(n_draws)))
    length = n_draws // n_batches
    return values[:, : n_batches * length].reshape(n_chains * n_batches, length, n_series)


def _symmetric(
    n_sites: int, first: np.ndarray, second: np.ndarray, values: np.ndarray, diagonal: float
) -> np.ndarray:
    matrix = np.full((n_sites, n_sites), diagonal)
    matrix[first, second] = values
    matrix[second, first] = values
    return matrix


def magnetisations(
    psi: VariationalState,
    hamiltonian: SpinHamiltonian,
    samples: Samples,
    pairs: np.ndarray | None = None,
) -> Mapping[str, Stats]:
    """Magnetisations per site with errors.

    Returns
    -------
    dict
        "z", "|z|", "z^2": moments of m = sum sigma_i / N; "x": transverse magnetisation (free
        sector only, it vanishes at fixed S_z); "staggered z^2" on bipartite lattices.
    """
    from hamiltonians import PauliSum

    spins = samples.spins.astype(float)
    m = spins.mean(axis=2)
    result = {"z": statistics(m), "|z|": statistics(abs(m)), "z^2": statistics(m**2)}
    if hamiltonian.total_sz is None:
        n = hamiltonian.n_sites
        operator = PauliSum.from_terms((1.0 / n, ((i, "X"),)) for i in range(n))
        values = _observable_values(psi, hamiltonian, samples, operator, pairs)
        result["x"] = statistics(values.real)
    lattice = hamiltonian.lattice
    if lattice is not None and lattice.is_bipartite:
        signs = 1.0 - 2.0 * lattice.sublattices()
        result["staggered z^2"] = statistics((spins @ signs / hamiltonian.n_sites) ** 2)
    return result
