"""Exact values to compare an evolution with, where there are any."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from hamiltonians.operators.spin_sectors import sector_of
from rbmqs.dynamics.measurements import (
    ECHO,
    ENERGY,
    FIDELITY,
    RENYI,
    Observable,
    default_observables,
)

if TYPE_CHECKING:
    from hamiltonians import DrivenHamiltonian, SpinHamiltonian
    from rbmqs.states.state import VariationalState

MAX_DIMENSION = 2**14  # of vectors that are evolved exactly: a second or two


def exact_curves(
    driven: DrivenHamiltonian,
    start: VariationalState,
    origin: SpinHamiltonian | None,
    times: np.ndarray,
    observables: Mapping[str, Observable],
    region: tuple[int, ...],
    imaginary: bool,
) -> dict[str, np.ndarray]:
    """Exact values of observables at the times, by name; empty where none are known.

    Small sectors: the vector of the start itself, evolved exactly. Ising chains of any length:
    free fermions, from the exact ground state that the start approximates.

    Parameters
    ----------
    origin : SpinHamiltonian or None
        Whose ground state the start approximates.
    region : tuple of int
        Sites whose Renyi-2 entropy is wanted; empty for none.
    """
    if imaginary or len(times) == 0:
        return {}
    H = driven.first
    if H.dimension <= MAX_DIMENSION:
        return _by_vectors(driven, start, times, observables, region)
    if driven.is_fixed and origin is not None:
        return _by_free_fermions(H, origin, times - times[0], observables)
    return {}


def _by_vectors(
    driven: DrivenHamiltonian,
    start: VariationalState,
    times: np.ndarray,
    observables: Mapping[str, Observable],
    region: tuple[int, ...],
) -> dict[str, np.ndarray]:
    import hamiltonians as hm  # late: exact solvers load Numba kernels

    H, first = driven.first, float(times[0])
    sector = sector_of(H.local_space, H.total_sz)
    psi = start.state_vector(sector)
    evolved = hm.evolve(
        H if driven.is_fixed else lambda t: driven.at(first + t), psi, times - first
    )
    found = {
        name: np.array(
            [np.real(hm.expectation(v, H.rotate_observable(o), sector)) for v in evolved]
        )
        for name, o in observables.items()
    }
    energies = [
        np.real(hm.expectation(v, driven.at(float(t)).terms, sector))
        for v, t in zip(evolved, times, strict=True)
    ]
    if region:
        entropies = [hm.entanglement_entropy(v, region, 2, sector) for v in evolved]
        found[RENYI] = np.array(entropies)
    successive = np.sum(evolved * np.roll(evolved, 1, axis=0).conj(), axis=1)
    successive[0] = 1.0
    return {
        ENERGY: np.array(energies),
        **found,
        ECHO: abs(evolved @ psi.conj()) ** 2,
        FIDELITY: abs(successive) ** 2,
    }


def _by_free_fermions(
    H: SpinHamiltonian,
    origin: SpinHamiltonian,
    times: np.ndarray,
    observables: Mapping[str, Observable],
) -> dict[str, np.ndarray]:
    from hamiltonians.exact.free_fermions import ising_chain_dynamics  # late: not always needed

    before, after = _ising_ring(origin), _ising_ring(H)
    if before is None or after is None or before[:2] != after[:2]:
        return {}
    n, J, _ = after
    exact = ising_chain_dynamics(n, times, h=after[2], initial_h=before[2], J=J)
    found = {ENERGY: exact.energy, ECHO: exact.loschmidt_echo}
    usual = default_observables(H)
    if observables.get("mx") == usual["mx"]:
        found["mx"] = exact.x.mean(axis=1)
    if observables.get("zz") == usual["zz"]:
        found["zz"] = (exact.energy / n + after[2] * exact.x.mean(axis=1)) / J
    return found


def _ising_ring(H: SpinHamiltonian) -> tuple[int, float, float] | None:
    """Sites, coupling and field of a uniform Ising ring; None for anything else."""
    if H.spec is None or H.spec.model != "ising":
        return None
    values: dict[str, Any] = {k: np.unique(v) for k, v in H.spec.parameters.items()}
    lattice, n = H.spec.lattice, H.n_sites
    ring = {tuple(sorted((i, (i + 1) % n))) for i in range(n)}
    if n < 3 or {tuple(sorted(bond)) for bond in lattice.bonds().tolist()} != ring:
        return None
    if any(len(v) != 1 for v in values.values()) or values["hz"][0] != 0:
        return None
    J, h = float(values["J"][0]), float(values["h"][0])
    return None if J == 0 else (n, J, h)
