"""Power <|sum_i u_i sigma_i|^2> of spin modes u: structure factors and order parameters.

Of spins S > 1/2 sigma is the spin S itself, not twice it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from hamiltonians import PauliSum, SpinOperator, Sx, Sy, observable_connections
from hamiltonians.operators.level_connections import level_connections
from hamiltonians.utils.checks import finite
from rbmqs.estimators.consistency import check_consistent
from rbmqs.sampling.chains import Samples
from rbmqs.utils.progress import Progress
from rbmqs.utils.threads import single_threaded_blas

if TYPE_CHECKING:
    from hamiltonians import Connections, LevelConnections, SpinHamiltonian
    from rbmqs.states.state import VariationalState

_AT_ONCE = 2**22  # amplitude ratios held at a time, 64 MB


def mode_powers(
    psi: VariationalState,
    hamiltonian: SpinHamiltonian,
    samples: Samples,
    modes: np.ndarray,
    *,
    spin: bool = True,
    progress: bool = False,
) -> dict[str, np.ndarray]:
    """Local values of |sum_i u_i sigma_i|^2, for the z components and for whole spins.

    Parameters
    ----------
    psi, hamiltonian, samples
        The wavefunction and configurations drawn from it.
    modes : array (n_modes, N)
        Complex or real amplitudes u, in the unrotated basis.
    spin : bool
        Whether to estimate the scalar products of whole spins too, which takes the amplitude
        ratios of all pairs of sites.
    progress : bool
        Show a progress bar on standard error.

    Returns
    -------
    dict
        "zz": sum_ij u_i^* u_j sigma^z_i sigma^z_j, and "spin": the same sum of
        sigma^x sigma^x + sigma^y sigma^y + sigma^z sigma^z; float (n_chains, n_draws, n_modes).
        Of samples that MPI ranks divide, those of this rank.

    Raises
    ------
    ValueError
        Modes on another number of sites, or not finite.
    """
    check_consistent(psi, samples, hamiltonian=hamiltonian)
    modes = np.atleast_2d(np.asarray(modes))
    if modes.shape[1] != hamiltonian.n_sites:
        raise ValueError(f"modes must have {hamiltonian.n_sites} columns, got shape {modes.shape}")
    finite("modes", modes)
    shape = (*samples.shape, len(modes))
    with single_threaded_blas():
        zz = z_powers(samples, modes if hamiltonian.is_spin_half else modes / 2)
        if not spin:
            return {"zz": zz}
        parts = [
            part.reshape(-1, len(modes))
            for part in _exchange_powers(psi, hamiltonian, samples, modes, progress)
        ]
    return {"zz": zz, "spin": zz + np.concatenate(parts).reshape(shape)}


def z_powers(samples: Samples, modes: np.ndarray) -> np.ndarray:
    """|sum_i u_i sigma^z_i|^2 of every sample, float (n_chains, n_draws, n_modes)."""
    spins = samples.flat.astype(float)
    power = (spins @ modes.real.T) ** 2
    if np.iscomplexobj(modes):
        power += (spins @ modes.imag.T) ** 2
    return power.reshape(*samples.shape, len(modes))


def _exchange_powers(
    psi: VariationalState,
    hamiltonian: SpinHamiltonian,
    samples: Samples,
    modes: np.ndarray,
    progress: bool,
) -> Iterator[np.ndarray]:
    """The x and y parts in batches: those of single sites + sum_i<j 2 Re(u_i^* u_j) (xx + yy)_ij.

    Those of site i are |u_i|^2 times 2, and S (S + 1) - (S^z_i)^2 for spins S > 1/2.
    """
    n_sites = hamiltonian.n_sites
    first, second = np.triu_indices(n_sites, 1)
    connections = exchange_connections(hamiltonian, np.stack([first, second], axis=1))
    weights = 2 * (modes[:, first].conj() * modes[:, second]).real.T
    of_sites, spins = (abs(modes) ** 2).T, np.array(hamiltonian.local_space.spins)
    n_samples, step = len(samples.flat), max(1, _AT_ONCE // max(len(first), 1))
    with Progress(n_samples, show=progress, unit="sample") as bar:
        for start in range(0, n_samples, step):
            part = Samples(samples.flat[None, start : start + step], samples.acceptance)
            ratios = exchange_values(psi, hamiltonian, part, connections)
            if hamiltonian.is_spin_half:
                alone = 2 * of_sites.sum(axis=0)
            else:
                alone = (spins * (spins + 1) - (part.flat / 2) ** 2) @ of_sites
            yield alone + ratios.real @ weights
            bar.advance(min(start + step, n_samples), "correlations")


def exchange_connections(
    hamiltonian: SpinHamiltonian, pairs: np.ndarray
) -> Connections | LevelConnections:
    """XX + YY of each pair in the basis of the Hamiltonian, a flip or a group of sites each.

    Parameters
    ----------
    pairs : int array (n_pairs, 2)
        Rows i < j, sorted: flips come in this order.
    """
    if not hamiltonian.is_spin_half:
        spins = hamiltonian.local_space.spins
        operator = SpinOperator.sum(
            word(i, spins[i]) * word(j, spins[j]) for i, j in pairs.tolist() for word in (Sx, Sy)
        )
        return level_connections(hamiltonian.rotate_observable(operator), hamiltonian.local_space)
    terms = PauliSum.from_terms(
        (1.0, ((i, letter), (j, letter))) for i, j in pairs.tolist() for letter in "XY"
    )
    return observable_connections(hamiltonian.rotate_observable(terms), hamiltonian.n_sites)


def exchange_values(
    psi: VariationalState,
    hamiltonian: SpinHamiltonian,
    samples: Samples,
    connections: Connections | LevelConnections,
) -> np.ndarray:
    """Local values of XX + YY, complex (n_samples, n_pairs); parallel spins 1/2 give zero."""
    fixed = hamiltonian.total_sz is not None
    return psi.flip_ratios(samples.flat, connections, fixed)
