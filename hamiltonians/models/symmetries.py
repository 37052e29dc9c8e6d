"""Which symmetry sectors a Hamiltonian has: spin inversion, and the irreps of its lattice."""

from hamiltonians.models.hamiltonian import SpinHamiltonian
from hamiltonians.symmetry.groups import SymmetrySector, check_spin_inversion, with_both_parities


def sectors_of(H: SpinHamiltonian, complete: bool = True) -> list[SymmetrySector] | list[None]:
    """The sectors of the lattice's space group, or none where it does not keep H."""
    if H.lattice is None or H.lattice.cell is None:
        return [None]
    try:
        H.lattice.space_group().leaves_invariant(H)
    except ValueError:
        return [None]
    sectors = H.lattice.sectors(complete=complete)
    return with_both_parities(sectors) if is_even(H) and H.total_sz in (None, 0) else sectors


def is_even(H: SpinHamiltonian) -> bool:
    """Whether turning over all spins leaves H in its S_z as it is."""
    try:
        check_spin_inversion(H)
    except ValueError:
        return False
    return True
