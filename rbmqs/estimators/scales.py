"""Energies as fractions of what a Hamiltonian makes of them, the same for s H + c as for H."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian

# |E - Tr H / 2^N| is 0.2 to 1 of the bound from the terms for ground states of lattices, 0.1 to 0.3
# for frustrated random graphs. Below this share a level lies in the middle of the spectrum.
MIDDLE = 0.05


def infinite_temperature_energy(hamiltonian: SpinHamiltonian) -> float:
    """Tr H / 2^N: the coefficient of the identity."""
    c = hamiltonian.connections
    constant = np.diff(c.diag_ptr) == 0
    return float(c.diag_coef[constant].sum())


def spectral_bound(hamiltonian: SpinHamiltonian) -> float:
    """A bound on |E - Tr H / 2^N| of any level: the sum of the absolute coefficients."""
    terms = hamiltonian.terms.terms
    return sum(abs(value) for string, value in terms.items() if string)


def relative_scale(hamiltonian: SpinHamiltonian, energy: float) -> float:
    """What an error of an energy is divided by.

    |E - Tr H / 2^N|, which is |E| for a sum of Pauli strings without identity, but for levels in
    the middle of the spectrum; 0 for a multiple of the identity.
    """
    distance = abs(energy - infinite_temperature_energy(hamiltonian))
    return max(distance, MIDDLE * spectral_bound(hamiltonian))


def relative(hamiltonian: SpinHamiltonian, difference: float, energy: float) -> float:
    """A difference of energies as a fraction of `relative_scale`; 0 where all energies are one."""
    scale = relative_scale(hamiltonian, energy)
    return difference / scale if scale > 0 else 0.0
