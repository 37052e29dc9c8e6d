"""Local values of operators in samples, and the expectation values that are their means.

The local estimator of an operator O is sum_sigma' <sigma|O|sigma'> psi(sigma')/psi(sigma); its
mean over |psi|^2 is <O>. All estimators below take the same samples, so one sampling run serves
the energy and every observable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hamiltonians import observable_connections
from hamiltonians.operators.level_connections import level_connections
from rbmqs.estimators.consistency import check_consistent, check_kinds
from rbmqs.estimators.error_bars import statistics
from rbmqs.estimators.snapshot_noise import SnapshotNoise
from rbmqs.estimators.stats import Stats

if TYPE_CHECKING:
    from hamiltonians import PauliSum, SpinHamiltonian
    from hamiltonians.operators.connections import Connections
    from hamiltonians.operators.local_space import LocalSpace
    from rbmqs.sampling.chains import Samples
    from rbmqs.states.state import VariationalState


def local_estimators(
    psi: VariationalState,
    connections: Connections,
    samples: Samples,
    cache: np.ndarray | None = None,
    *,
    fixed_sector: bool = False,
) -> np.ndarray:
    """Local values of a compiled operator.

    Parameters
    ----------
    psi : VariationalState
    connections : Connections
        `H.connections`, or `hamiltonians.observable_connections` of any Pauli sum.
    samples : Samples
    cache : array, optional
        `psi.prepare(samples.flat)` where it is known already.
    fixed_sector : bool
        Whether amplitudes of another total S_z count as zero.

    Returns
    -------
    complex array (n_chains, n_draws)
    """
    check_consistent(psi, samples, connections=connections)
    values = psi.local_values(samples.flat, connections, fixed_sector, cache)
    return values.reshape(samples.shape)


def local_energies(
    psi: VariationalState,
    hamiltonian: SpinHamiltonian,
    samples: Samples,
    cache: np.ndarray | None = None,
) -> np.ndarray:
    """E_loc of every sample, complex array (n_chains, n_draws), total energy in Pauli units.

    `cache` may be `psi.prepare(samples.flat)` where it is known already. In a fixed sector
    the couplings conserve S_z up to rounding; what rounding leaves outside does not count.

    Parameters
    ----------
    psi : VariationalState
    hamiltonian : SpinHamiltonian
        Tells the sector and the rotation of its spins.
    samples : Samples
        Drawn from abs(psi)^2, axes (chain, draw, site).
    cache : array, optional

    Returns
    -------
    complex array (n_chains, n_draws)
    """
    check_kinds(hamiltonian=hamiltonian)
    check_consistent(psi, samples, hamiltonian=hamiltonian)
    fixed = hamiltonian.total_sz is not None
    return local_estimators(psi, hamiltonian.connections, samples, cache, fixed_sector=fixed)


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

    Returns
    -------
    Stats

    Raises
    ------
    ValueError
        The observable acts beyond the lattice.
    """
    check_kinds(hamiltonian=hamiltonian, observable=observable, samples=samples)
    values = samples.of_all(observable_values(psi, hamiltonian, samples, observable))
    return SnapshotNoise(psi, samples).added(
        statistics(values),
        values,
        lambda state, draws: observable_values(state, hamiltonian, draws, observable),
    )


def connections_of(operator: Any, space: LocalSpace, fixed: bool) -> Any:
    """An operator for kernels, on spins 1/2 or on others; what leaves a fixed sector is left out.

    Parameters
    ----------
    operator : PauliSum or SpinOperator
    space : LocalSpace
    fixed : bool
        Whether total S_z is fixed.

    Returns
    -------
    Connections or LevelConnections
    """
    if space.is_spin_half:
        return observable_connections(operator, space.n_sites)
    return level_connections(operator, space, fixed)


def observable_values(
    psi: VariationalState, hamiltonian: SpinHamiltonian, samples: Samples, observable: PauliSum
) -> np.ndarray:
    """Local values of a Pauli sum in the unrotated basis, complex (n_chains, n_draws)."""
    check_kinds(hamiltonian=hamiltonian, observable=observable)
    check_consistent(psi, samples, hamiltonian=hamiltonian)
    rotated = hamiltonian.rotate_observable(observable)
    fixed = hamiltonian.total_sz is not None
    connections = connections_of(rotated, hamiltonian.local_space, fixed)
    return local_estimators(psi, connections, samples, fixed_sector=fixed)
