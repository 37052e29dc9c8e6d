"""Measurements of a state at hand: `measure` for energy and observables, `sample` for spins.

>>> estimate = measure(psi, hamiltonian)
>>> estimate.energy, estimate.correlations(), estimate.renyi(range(4))
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hamiltonians import PauliSum, SpinHamiltonian, SpinOperator
from rbmqs.estimators.consistency import check_kinds
from rbmqs.estimators.drawing import (
    BLIND_SWEEPS,
    draws_per_chain,
    sampler_for,
    sampler_of_sector,
)
from rbmqs.estimators.error_bars import statistics
from rbmqs.estimators.estimate import Estimate
from rbmqs.estimators.final import final_estimate
from rbmqs.estimators.local import connections_of, local_estimators
from rbmqs.estimators.snapshot_noise import SnapshotNoise
from rbmqs.estimators.stats import Stats
from rbmqs.sampling.chains import Sampler, Samples

if TYPE_CHECKING:
    from rbmqs.states.state import VariationalState


def measure(
    psi: VariationalState,
    hamiltonian: SpinHamiltonian,
    *,
    n_samples: int = 16384,
    n_chains: int = 16,
    seed: int | np.random.SeedSequence = 0,
    sampler: Sampler | None = None,
    progress: bool = False,
) -> Estimate:
    """Energy and observables of a state, with error bars.

    Parameters
    ----------
    psi : VariationalState
        Any state; it lives in the basis of the Hamiltonian, rotated where that is.
    hamiltonian : SpinHamiltonian
    n_samples : int
        In all chains, rounded up to whole draws of each, four at least.
    n_chains : int
        Half of them start at random, the others in ordered states; all are equilibrated.
    seed : int or SeedSequence
    sampler : Sampler, optional
        With its own number of chains. By default sectors of up to 4096 configurations are
        enumerated, and larger ones sampled by Metropolis chains.
    progress : bool
        Show a progress bar on standard error.

    Returns
    -------
    Estimate

    Raises
    ------
    ValueError
        State and Hamiltonian with different numbers of sites.
    """
    check_kinds(psi=psi, hamiltonian=hamiltonian)
    if psi.n_sites != hamiltonian.n_sites:
        raise ValueError(f"psi has {psi.n_sites} sites, the Hamiltonian {hamiltonian.n_sites}")
    n_draws = draws_per_chain(n_samples, n_chains if sampler is None else sampler.n_chains)
    chosen = sampler_for(hamiltonian, n_chains) if sampler is None else sampler
    return final_estimate(hamiltonian, psi, chosen, n_draws, seed, progress)


def sample(
    psi: VariationalState,
    n_samples: int,
    *,
    total_sz: float | None = None,
    seed: int | np.random.SeedSequence = 0,
    n_chains: int = 16,
) -> Samples:
    """Configurations drawn from |psi|^2.

    Parameters
    ----------
    psi : VariationalState
    n_samples : int
        In all chains, rounded up to whole draws of each, four at least.
    total_sz : float, optional
        Sector to stay in; all configurations by default.
    seed : int or SeedSequence
    n_chains : int

    Returns
    -------
    Samples
        `.spins` int8 (n_chains, n_draws, N), `.flat` (n_chains * n_draws, N). Independent draws
        in sectors of up to 4096 configurations; beyond, Metropolis chains from random starts
        after 300 sweeps. `measure` knows the Hamiltonian, and looks whether its chains agree.
    """
    n_draws = draws_per_chain(n_samples, n_chains)
    sampler = sampler_of_sector(psi.hilbert, total_sz, n_chains)
    return sampler.sample(psi, sampler.start(seed), n_draws, n_discard=BLIND_SWEEPS)[0]


def expect_of_state(
    psi: VariationalState,
    operator: PauliSum | SpinHamiltonian,
    *,
    n_samples: int = 4096,
    total_sz: float | None = None,
    seed: int | np.random.SeedSequence = 0,
    n_chains: int = 16,
) -> Stats:
    """Expectation of a Hamiltonian or of any Pauli sum in a state.

    Parameters
    ----------
    psi : VariationalState
    operator : SpinHamiltonian or PauliSum
        A Pauli sum is taken in the basis of psi itself; one that belongs to a rotated Hamiltonian
        is measured by `measure(psi, hamiltonian).expect`.
    n_samples, seed, n_chains
        As in `sample`.
    total_sz : float, optional
        Sector of psi, for a Pauli sum; a Hamiltonian has its own.

    Raises
    ------
    TypeError
        Neither a Hamiltonian nor a Pauli sum.
    ValueError
        An operator that acts beyond the sites of psi; a sector beside that of a Hamiltonian.
    """
    if isinstance(operator, SpinHamiltonian):
        if total_sz is not None and total_sz != operator.total_sz:
            raise ValueError(f"the Hamiltonian has total_sz={operator.total_sz}, got {total_sz}")
        return measure(psi, operator, n_samples=n_samples, n_chains=n_chains, seed=seed).energy
    if not isinstance(operator, PauliSum | SpinOperator):
        kind = type(operator).__name__
        raise TypeError(f"operator must be a SpinHamiltonian or a PauliSum, got {kind}")
    fixed = total_sz is not None
    connections = connections_of(operator, psi.hilbert, fixed)
    samples = sample(psi, n_samples, total_sz=total_sz, seed=seed, n_chains=n_chains)

    def values_of(state: VariationalState, draws: Samples) -> np.ndarray:
        return local_estimators(state, connections, draws, fixed_sector=fixed)

    values = values_of(psi, samples)
    stats = statistics(values.real if operator.is_hermitian else values)
    return SnapshotNoise(psi, samples).added(stats, values, values_of)
