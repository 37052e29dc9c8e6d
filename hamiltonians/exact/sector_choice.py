"""The sector in which a Hamiltonian is diagonalised: by name, or the one of its ground state."""

from hamiltonians.exact.ground_sector import ground_sector, with_smallest_sz
from hamiltonians.models.hamiltonian import SpinHamiltonian
from hamiltonians.models.symmetries import sector_of_label
from hamiltonians.symmetry.groups import SymmetrySector

SMALL = 2**19  # basis states below which finding the symmetries takes longer than it saves


def choose_sector(
    H: SpinHamiltonian, asked: str, n_states: int
) -> tuple[SpinHamiltonian, SymmetrySector | None, str]:
    """The Hamiltonian in its S_z sector, the symmetry sector, and a sentence that says why."""
    if asked == "none":
        return H, None, ""
    if asked != "auto":
        H = with_smallest_sz(H)
        return H, sector_of_label(H, asked, "symmetry", "auto, none, all"), "as asked for"
    if n_states > 1:
        return H, None, "several states: no symmetries used; see --symmetry all"
    smaller = with_smallest_sz(H)
    why = "" if smaller is H else f"every multiplet has a state with total S_z {smaller.total_sz:g}"
    if smaller.dimension <= SMALL:
        return smaller, None, why
    sector = ground_sector(smaller)
    if sector is None:
        return smaller, None, f"{why}; signs unknown, so no further symmetries".lstrip("; ")
    return smaller, sector, f"{why}; the ground state's signs are known".lstrip("; ")
