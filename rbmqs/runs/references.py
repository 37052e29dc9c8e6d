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

    return best_reference(hamiltonian, symmetry=sector_of(psi))


def sector_of(psi: VariationalState) -> SymmetrySector | None:
    """The sector that a wavefunction is projected onto, None where it is not.

    That of a run which turned spins by itself is one of the Hamiltonian that it solved.
    """
    base = psi.base if isinstance(psi, RotatedState) else psi
    return base.sector if isinstance(base, ProjectedRBM) else None
