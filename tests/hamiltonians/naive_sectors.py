"""Slow and obvious: symmetry sectors by dense projectors on all configurations."""

import numpy as np

from hamiltonians import Sector, SpinHamiltonian, SymmetrySector


def spins_of(sector: Sector) -> np.ndarray:
    """Configurations of the basis states, shape (dimension, n_sites)."""
    return sector.states_to_spins(sector.basis_states())


def projector(sector: Sector, symmetry: SymmetrySector) -> np.ndarray:
    """P = sum_g conj(chi(g)) U_g / order, inversion of all spins included."""
    spins = spins_of(sector)
    parities = [(1, 1)]
    if symmetry.spin_inversion is not None:
        parities.append((-1, symmetry.spin_inversion))
    total = np.zeros((len(spins), len(spins)), complex)
    columns = np.arange(len(spins))
    for row, chi in zip(symmetry.group.permutations, symmetry.characters, strict=True):
        for turn, parity in parities:
            images = sector.rank(sector.spins_to_states(turn * spins[:, row]))
            total[images, columns] += np.conj(chi) * parity
    return total / (len(symmetry.group) * len(parities))


def eigenvalues(H: SpinHamiltonian, symmetry: SymmetrySector) -> np.ndarray:
    """Spectrum of H within the range of the projector."""
    values, vectors = np.linalg.eigh(projector(Sector(H.n_sites, H.total_sz), symmetry))
    columns = vectors[:, values > 0.5]
    return np.linalg.eigvalsh(columns.conj().T @ H.to_dense() @ columns)
