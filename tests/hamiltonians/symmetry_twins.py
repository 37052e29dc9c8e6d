"""Slow and obvious: symmetric basis states by summing over the whole group, blocks of dense H."""

import numpy as np

from hamiltonians import Sector


def act_on_states(sector: Sector, permutation: np.ndarray) -> np.ndarray:
    """Rank of g sigma for each basis state sigma, (g sigma)_i = sigma[perm[i]]."""
    spins = sector.states_to_spins(sector.basis_states())
    return sector.rank(sector.spins_to_states(spins[:, permutation]))


def turn_over(sector: Sector) -> np.ndarray:
    """Rank of each basis state with all spins turned over."""
    return sector.rank(sector.spins_to_states(-sector.states_to_spins(sector.basis_states())))


def symmetric_basis(sector: Sector, symmetry) -> np.ndarray:
    """Orthonormal columns that span the states with U_g |psi> = chi(g) |psi>."""
    images = [act_on_states(sector, row) for row in symmetry.group.permutations]
    weights = list(symmetry.characters.conj())
    if symmetry.spin_inversion is not None:
        inverted = turn_over(sector)
        images += [inverted[image] for image in images]
        weights += [symmetry.spin_inversion * weight for weight in weights]
    columns, seen = [], np.zeros(sector.dimension, bool)
    for state in range(sector.dimension):
        if not seen[state]:
            orbit = [image[state] for image in images]
            seen[orbit] = True
            column = np.zeros(sector.dimension, complex)
            np.add.at(column, orbit, weights)
            if np.linalg.norm(column) > 1e-9:
                columns.append(column / np.linalg.norm(column))
    return np.array(columns).reshape(-1, sector.dimension).T


def spectrum(dense: np.ndarray, sector: Sector, symmetries) -> np.ndarray:
    """Energies of all sectors together, each as often as it has copies, ascending."""
    energies = []
    for symmetry in symmetries:
        basis = symmetric_basis(sector, symmetry)
        block = basis.conj().T @ dense @ basis
        energies += list(np.linalg.eigvalsh(block)) * symmetry.copies
    return np.sort(energies)
