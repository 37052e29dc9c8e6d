"""A hidden unit that begins with the classical order of a frustrated magnet.

Spins in a plane at angles phi_i are the product state of amplitudes
exp(-i sum_i phi_i sigma_i / 2). With its mirror image it is one hidden unit of imaginary weights,

    cosh(sum_i w_i sigma_i) = cos(sum_i phi_i sigma_i / 2),    w_i = i phi_i / 2,

and has the signs of the order. Small random parameters alone are nearly the ferromagnet, the
highest level of an antiferromagnet whose signs are not known (docs/notes/restarts.md has what it
is worth).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from hamiltonians import SpinHamiltonian
from hamiltonians.models.symmetries import find_group
from hamiltonians.models.terms import pair_couplings
from rbmqs.states.projected_rbm import ProjectedRBM
from rbmqs.states.rbm import RBM
from rbmqs.states.state import VariationalState

TRIES = 4  # random starts of the angles in a cell, for each momentum
MAX_SWEEPS = 300
SAME = 1e-6  # relative difference of energies that counts as none
LEAST_NORM = 0.1  # mean of cos^2 below which the order has no part in the sector

# Sites of one class turn together: class of each site (N,), and phases e^i(q r) within it.
Classes = tuple[np.ndarray, np.ndarray]


def with_classical_order(
    psi: VariationalState, hamiltonian: SpinHamiltonian, seed: np.random.SeedSequence
) -> VariationalState:
    """psi with the lowest order found in the weights of its first hidden unit.

    Parameters
    ----------
    psi : VariationalState
        Handed back where it is no plain or projected RBM of complex parameters.
    hamiltonian : SpinHamiltonian
        psi is handed back where no exchange of x and y components is frustrated by psi > 0, and
        where a sign rule was chosen, which psi > 0 begins with.
    seed : SeedSequence
        Of the choice among orders of one energy.
    """
    rbm = psi.base if isinstance(psi, ProjectedRBM) else psi
    if not (isinstance(rbm, RBM) and rbm.is_complex) or hamiltonian.rotation is not None:
        return psi
    couplings = exchange_couplings(hamiltonian)
    if (couplings <= 0).all():
        return psi
    angles = lowest_order(hamiltonian, couplings, np.random.default_rng(seed))
    if angles is None:
        return psi
    weights = rbm.weights.copy()
    weights[:, 0] += 0.5j * angles
    rbm = replace(rbm, weights=weights)
    return replace(psi, base=rbm) if isinstance(psi, ProjectedRBM) else rbm


def exchange_couplings(hamiltonian: SpinHamiltonian) -> np.ndarray:
    """J_ij of the terms J_ij (X_i X_j + Y_i Y_j), (N, N); zeros unless all pairs have such."""
    n = hamiltonian.n_sites
    if hamiltonian.is_spin_half:
        of_x, of_y = (pair_couplings(hamiltonian.terms, pair, n) for pair in ("XX", "YY"))
        if np.array_equal(of_x, of_y):
            return of_x
    return np.zeros((n, n))


def lowest_order(
    hamiltonian: SpinHamiltonian, couplings: np.ndarray, rng: np.random.Generator
) -> np.ndarray | None:
    """Angles (N,) of least sum_ij J_ij cos(phi_i - phi_j), one of all that were found.

    None where parallel spins are as low, or where the order has no part in the sector.
    """
    orders = [
        found for classes in _classes(hamiltonian) for found in _orders(couplings, classes, rng)
    ]
    least, size = min(energy for energy, _ in orders), abs(couplings).sum()
    if least > couplings.sum() / 2 - SAME * size:
        return None
    lowest = [angles for energy, angles in orders if energy < least + SAME * size]
    angles = lowest[rng.integers(len(lowest))]
    n = len(angles)
    sigma = np.array([rng.permutation(n) % 2 for _ in range(64)]) * 2 - 1
    norm = np.mean(np.cos(sigma @ angles / 2) ** 2)
    return angles - angles.mean() if norm > LEAST_NORM else None


def _classes(hamiltonian: SpinHamiltonian) -> Iterator[Classes]:
    """For each momentum the sites that translations join; each site alone without translations."""
    n = hamiltonian.n_sites
    try:
        rows = find_group(hamiltonian, "translations").permutations
        sectors = hamiltonian.lattice.translation_sectors()  # type: ignore[union-attr]
    except ValueError:  # a graph, or couplings that translations change
        yield np.arange(n), np.ones(n, dtype=complex)
        return
    first = np.unique(rows.min(axis=0), return_inverse=True)[1]
    members = [np.flatnonzero(first == k)[0] for k in range(first.max() + 1)]
    for sector in sectors:
        phases = np.ones(n, dtype=complex)
        for site in members:
            phases[rows[:, site]] = sector.characters
        yield first, phases


def _orders(
    couplings: np.ndarray, classes: Classes, rng: np.random.Generator
) -> Iterator[tuple[float, np.ndarray]]:
    """Energies and angles of minima: each class turns into its field until nothing changes."""
    number, phases = classes
    n = number.max() + 1
    joined = (number[:, None] == np.arange(n)) * phases[:, None]
    fields = joined.conj().T @ couplings @ joined  # between the classes' own directions
    np.fill_diagonal(fields, own := fields.diagonal().real)
    others = fields - np.diag(own)
    size = abs(couplings).max()
    for _ in range(TRIES if n > 1 else 1):
        turns = np.exp(2j * np.pi * rng.random(n))
        last = np.inf
        for _ in range(MAX_SWEEPS):
            for k in range(n):
                field = others[k] @ turns
                turns[k] = -field / abs(field) if abs(field) > 1e-12 * size else turns[k]
            energy = (turns.conj() @ fields @ turns).real / 2
            if last - energy < 1e-10 * abs(couplings).sum():
                break
            last = energy
        yield energy, np.angle(phases * turns[number])
