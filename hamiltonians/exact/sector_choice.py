"""The sector in which a Hamiltonian is diagonalised: by name, or the one of its ground state."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian, SymmetrySector

SMALL = 2**19  # basis states below which finding the symmetries takes longer than it saves


def choose_sector(
    H: SpinHamiltonian, asked: str, n_states: int
) -> tuple[SpinHamiltonian, SymmetrySector | None, str]:
    """The Hamiltonian in its S_z sector, the symmetry sector, and a sentence that says why."""
    from hamiltonians.exact.ground_sector import ground_sector, with_smallest_sz

    if asked == "none":
        return H, None, ""
    if asked != "auto":
        return (*_named(with_smallest_sz(H), asked), "as asked for")
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


def _named(H: SpinHamiltonian, label: str) -> tuple[SpinHamiltonian, SymmetrySector]:
    """The sector with this label."""
    from hamiltonians.exact.spectrum import sectors_of

    if H.lattice is None or H.lattice.cell is None:
        raise ValueError(f"symmetry must be auto, none or all without a lattice, got {label!r}")
    known = {s.label: s for complete in (True, False) for s in sectors_of(H, complete) if s}
    if label not in known:
        labels = ", ".join(known)
        raise ValueError(f"symmetry must be auto, none, all or one of {labels}, got {label!r}")
    return H, known[label]
