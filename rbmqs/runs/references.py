"""The energy that a run is compared with: the lowest of the sector of its wavefunction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rbmqs.states.projected_rbm import ProjectedRBM
from rbmqs.states.rotated import RotatedState

if TYPE_CHECKING:
    from hamiltonians import Reference, SpinHamiltonian, SymmetrySector
    from rbmqs.states.state import VariationalState


def reference_of(hamiltonian: SpinHamiltonian, psi: VariationalState) -> Reference | None:
    """The best reference for the symmetry sector that a wavefunction lies in, or None."""
    from hamiltonians import best_reference  # late: loads Numba

    return best_reference(hamiltonian, symmetry=sector_of(psi, hamiltonian))


def sector_of(psi: VariationalState, hamiltonian: SpinHamiltonian) -> SymmetrySector | None:
    """The sector of a Hamiltonian that a wavefunction is projected onto, None where it is not.

    That of a run which turned spins by itself is one of the Hamiltonian that it solved. The group
    of a wavefunction that was given need not be one of the Hamiltonian's symmetries.
    """
    base = psi.base if isinstance(psi, RotatedState) else psi
    if not isinstance(base, ProjectedRBM):
        return None
    try:
        base.sector.check(hamiltonian)
    except ValueError:
        return None
    return base.sector
