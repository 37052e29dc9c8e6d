"""Magnetisations per site: along the field, transverse to it, and staggered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hamiltonians import PauliSum, SpinOperator, Sx
from hamiltonians.lattices.geometry import staggered_signs
from rbmqs.estimators.consistency import check_consistent, check_kinds
from rbmqs.estimators.error_bars import statistics
from rbmqs.estimators.local import observable_values
from rbmqs.estimators.observables.modes import mode_powers
from rbmqs.estimators.snapshot_noise import SnapshotNoise
from rbmqs.estimators.stats import Stats

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian
    from rbmqs.sampling.chains import Samples
    from rbmqs.states.state import VariationalState


def magnetisations(
    psi: VariationalState, hamiltonian: SpinHamiltonian, samples: Samples
) -> dict[str, Stats]:
    """Magnetisations per site with errors.

    Parameters
    ----------
    psi : VariationalState
    hamiltonian : SpinHamiltonian
        Tells the sector and the rotation of its spins.
    samples : Samples
        Drawn from abs(psi)^2, axes (chain, draw, site).

    Returns
    -------
    dict
        "z", "|z|", "z^2": moments of m = sum sigma_i / N; "x": transverse magnetisation (free
        sector only, it vanishes at fixed S_z); "staggered z^2" on bipartite lattices. Of spins
        S > 1/2 with S^z and S^x in place of Pauli matrices.
    """
    check_consistent(psi, samples, hamiltonian=hamiltonian)
    spins = samples.spins * (1.0 if hamiltonian.is_spin_half else 0.5)
    m = spins.mean(axis=2)
    series = {"z": m, "|z|": abs(m), "z^2": m**2}
    n = hamiltonian.n_sites
    operator: Any = PauliSum.from_terms((1.0 / n, ((i, "X"),)) for i in range(n))
    if not hamiltonian.is_spin_half:
        spins_of_sites = hamiltonian.local_space.spins
        operator = SpinOperator.sum(Sx(i, s) / n for i, s in enumerate(spins_of_sites))

    def transverse(state: VariationalState, draws: Samples) -> np.ndarray:
        return observable_values(state, hamiltonian, draws, operator).real

    if hamiltonian.total_sz is None:
        series["x"] = transverse(psi, samples)
    lattice = hamiltonian.lattice
    if lattice is not None and lattice.is_bipartite:
        staggered = spins @ staggered_signs(lattice) / hamiltonian.n_sites
        series["staggered z^2"] = staggered**2
    noise = SnapshotNoise(psi, samples)
    series = {name: samples.of_all(values) for name, values in series.items()}
    return {
        name: noise.added(statistics(values), values, transverse if name == "x" else None)
        for name, values in series.items()
    }


def staggered_magnetisation(
    psi: VariationalState,
    hamiltonian: SpinHamiltonian,
    samples: Samples,
    *,
    spin: bool = True,
    progress: bool = False,
) -> dict[str, Stats]:
    """Squared staggered magnetisation per site, <(sum_i (+-1) sigma_i / N)^2>, Pauli units.

    Parameters
    ----------
    psi, hamiltonian, samples
        The state and configurations drawn from it, on a bipartite lattice.
    spin, progress : bool
        As in `rbmqs.estimators.observables.mode_powers`.

    Returns
    -------
    dict
        "zz" and "spin", the latter with x, y and z added up: divide it by four for S = sigma / 2.

    Raises
    ------
    ValueError
        A lattice without two sublattices.
    """
    check_kinds(psi=psi, hamiltonian=hamiltonian, samples=samples)
    if hamiltonian.lattice is None:
        raise ValueError("a staggered magnetisation needs a lattice, got a Hamiltonian without")
    signs = staggered_signs(hamiltonian.lattice) / hamiltonian.n_sites
    powers = mode_powers(psi, hamiltonian, samples, signs, spin=spin, progress=progress)
    noise = SnapshotNoise(psi, samples)
    series = {name: samples.of_all(values[:, :, 0]) for name, values in powers.items()}
    return {name: noise.added(statistics(values), values) for name, values in series.items()}
