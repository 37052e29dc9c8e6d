"""Dimer correlations <(sigma_i.sigma_j)(sigma_k.sigma_l)> of bonds (i, j) and (k, l).

B = sigma_i.sigma_j is Hermitian, so <B_a B_b> is the scalar product of B_a psi and B_b psi: the
mean of b_a^* b_b, with b the local values of single bonds. No configuration with four flipped
spins is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hamiltonians.utils.brief import Rows
from hamiltonians.utils.checks import choice
from rbmqs.estimators.consistency import check_consistent
from rbmqs.estimators.many_series import batch_means, series_statistics
from rbmqs.estimators.observables.arrays import ArraysWithErrors
from rbmqs.estimators.observables.modes import exchange_connections, exchange_values
from rbmqs.estimators.snapshot_noise import SnapshotNoise
from rbmqs.utils.threads import single_threaded_blas

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian
    from rbmqs.sampling.chains import Division, Samples
    from rbmqs.states.state import VariationalState

COMPONENTS = ("spin", "zz")


@dataclass(frozen=True, eq=False, repr=False)
class DimerCorrelations(ArraysWithErrors):
    """Correlations of bond operators B_a, with one-sigma errors.

    In Pauli units for spins 1/2, B = S_i.S_j for others.

    Parameters
    ----------
    bonds : int array (n_bonds, 2)
    means, means_error : float array (n_bonds,)
        <B_a>.
    products, products_error : float array (n_bonds, n_bonds)
        <B_a B_b + B_b B_a> / 2.
    connected, connected_error : float array (n_bonds, n_bonds)
        The same less <B_a> <B_b>.
    status : str
        Empty, or which error bar is the least to be trusted, and why.
    """

    bonds: np.ndarray
    means: np.ndarray
    means_error: np.ndarray
    products: np.ndarray
    products_error: np.ndarray
    connected: np.ndarray
    connected_error: np.ndarray
    status: str = ""

    def described(self) -> tuple[str, Rows]:
        """The largest error."""
        largest = f"{self.connected_error.max():.1g}"
        return f"dimer correlations of {len(self.bonds)} bonds", [("largest error", largest)]


def dimer_correlations(
    psi: VariationalState,
    hamiltonian: SpinHamiltonian,
    samples: Samples,
    bonds: np.ndarray | None = None,
    *,
    component: str = "spin",
) -> DimerCorrelations:
    """Correlations of all pairs of bonds.

    Parameters
    ----------
    psi, hamiltonian, samples
        The wavefunction and configurations drawn from it.
    bonds : int array (n_bonds, 2), optional
        The nearest neighbours of the lattice by default.
    component : {"spin", "zz"}
        Scalar products of whole spins, or of their z components alone.

    Returns
    -------
    DimerCorrelations

    Raises
    ------
    ValueError
        No lattice and no bonds; bonds beyond the lattice, of a site with itself, or given twice.
    """
    choice("component", component, COMPONENTS)
    check_consistent(psi, samples, hamiltonian=hamiltonian)
    bonds = _checked_bonds(hamiltonian, bonds)
    values = bond_values(psi, hamiltonian, samples, bonds, component)
    return correlate(bonds, values, SnapshotNoise(psi, samples), samples.division)


def bond_values(
    psi: VariationalState,
    hamiltonian: SpinHamiltonian,
    samples: Samples,
    bonds: np.ndarray,
    component: str = "spin",
) -> np.ndarray:
    """Local values of the bond operators, (n_chains, n_draws, n_bonds); complex for "spin"."""
    spins = samples.flat
    unit = 1.0 if hamiltonian.is_spin_half else 0.25
    values = unit * spins[:, bonds[:, 0]] * spins[:, bonds[:, 1]]
    if component == "spin":
        connections = exchange_connections(hamiltonian, bonds)
        with single_threaded_blas():
            values = values + exchange_values(psi, hamiltonian, samples, connections)
    return values.reshape(*samples.shape, len(bonds))


def correlate(
    bonds: np.ndarray,
    values: np.ndarray,
    noise: SnapshotNoise | None = None,
    division: Division | None = None,
) -> DimerCorrelations:
    """Means and products of local values (n_chains, n_draws, n_bonds), and their errors."""
    n_bonds = len(bonds)
    names = [f"bond {i}-{j}" for i, j in bonds.tolist()]
    means = series_statistics(values.real, names.__getitem__, division)
    statuses = [means.status]

    def with_noise(errors: np.ndarray, series: np.ndarray) -> np.ndarray:
        return errors if noise is None else noise.added_to(errors, series)

    def of_products(factors: np.ndarray) -> np.ndarray:
        """Means of Re b_a^* b_b and their errors, (2, n_bonds, n_bonds)."""
        found = np.zeros((2, n_bonds, n_bonds))
        for a in range(n_bonds):
            # One row at a time: the series of all pairs are too many to hold.
            series = (factors[:, :, a, None].conj() * factors[:, :, a:]).real
            labels = [f"{names[a]} times {name}" for name in names[a:]]
            part = series_statistics(series, labels.__getitem__, division)
            found[:, a, a:] = found[:, a:, a] = part.mean, with_noise(part.error, series)
            statuses.append(part.status)
        return found

    products, products_error = of_products(values)
    centred, connected_error = of_products(values - means.mean)
    # <B_a> <B_b> from the same samples is too large by the covariance of both means.
    batches = batch_means(values.real) - means.mean
    batches = batches if division is None else division.of_all(batches)
    bias = batches.T @ batches / max(len(batches) * (len(batches) - 1), 1)
    return DimerCorrelations(
        bonds,
        means.mean,
        with_noise(means.error, values.real),
        products,
        products_error,
        centred + bias,
        connected_error,
        next((status for status in statuses if status), ""),
    )


def _checked_bonds(hamiltonian: SpinHamiltonian, bonds: np.ndarray | None) -> np.ndarray:
    """Rows i < j, sorted, each once."""
    if bonds is None:
        if hamiltonian.lattice is None:
            raise ValueError("dimer correlations need bonds for a Hamiltonian without a lattice")
        bonds = hamiltonian.lattice.bonds()
    array = np.asarray(bonds)
    if array.ndim != 2 or array.shape[1] != 2 or array.dtype.kind not in "iu" or not len(array):
        raise ValueError(f"bonds must be integers of shape (n, 2), got {array.dtype} {array.shape}")
    if array.min() < 0 or array.max() >= hamiltonian.n_sites:
        raise ValueError(
            f"bonds must join sites 0 to {hamiltonian.n_sites - 1}, got {array.min()} to "
            f"{array.max()}"
        )
    ordered = np.unique(np.sort(array.astype(np.int64), axis=1), axis=0)
    if len(ordered) < len(array) or np.any(ordered[:, 0] == ordered[:, 1]):
        raise ValueError("bonds must join two different sites, and each pair once")
    return ordered
