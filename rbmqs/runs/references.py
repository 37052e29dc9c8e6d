"""The energy that a run is compared with: the lowest of the sector of its wavefunction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rbmqs.states.rotated import RotatedState
from rbmqs.vmc.full_summation import common_symmetry

if TYPE_CHECKING:
    from hamiltonians import Reference, SpinHamiltonian, SymmetrySector
    from rbmqs.states.state import VariationalState

MAX_DIMENSION = 2**16  # of sectors whose excited levels are diagonalised: some seconds


def reference_of(
    hamiltonian: SpinHamiltonian, psi: VariationalState, level: int = 0
) -> Reference | None:
    """The best reference for the symmetry sector that a wavefunction lies in, or None.

    Parameters
    ----------
    level : int
        Number of levels of the sector below the one to compare with.
    """
    from hamiltonians import Reference, best_reference  # late: loads Numba
    from hamiltonians.exact.diagonalisation import ground_state

    if level == 0:
        return best_reference(hamiltonian, symmetry=sector_of(psi, hamiltonian))
    if not level < hamiltonian.dimension <= MAX_DIMENSION:
        return None
    symmetry = symmetry_of(psi, hamiltonian)
    found = ground_state(hamiltonian, level + 1, symmetry=symmetry, vectors=False)
    sector = "" if symmetry is None else f" of the sector {symmetry.label}".rstrip()
    source = f"exact diagonalisation, level {level}{sector}, dimension {found.dimension}"
    energy = float(found.energies[level])
    error = max(float(found.residuals[level]), 1e-12 * hamiltonian.size_of(energy))
    return Reference(energy, source, "exact diagonalisation", error)


def symmetry_of(psi: VariationalState, hamiltonian: SpinHamiltonian) -> SymmetrySector | None:
    """The sector that a wavefunction never leaves, by projection or tied weights; None for all."""
    sector = sector_of(psi, hamiltonian)
    if sector is not None:
        return sector
    base = psi.base if isinstance(psi, RotatedState) else psi
    common = common_symmetry(hamiltonian, base)
    is_trivial = common.group.order == 1 and common.spin_inversion is None
    return None if is_trivial or getattr(base, "sector", None) is not None else common


def sector_of(psi: VariationalState, hamiltonian: SpinHamiltonian) -> SymmetrySector | None:
    """The sector of a Hamiltonian that a wavefunction is projected onto, None where it is not.

    That of a run which turned spins by itself is one of the Hamiltonian that it solved. The group
    of a wavefunction that was given need not be one of the Hamiltonian's symmetries.
    """
    base = psi.base if isinstance(psi, RotatedState) else psi
    sector = getattr(base, "sector", None)
    if sector is None:
        return None
    try:
        sector.check(hamiltonian)
    except ValueError:
        return None
    return sector
