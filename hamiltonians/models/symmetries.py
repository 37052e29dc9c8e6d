"""Which symmetry groups and sectors a Hamiltonian has, by name or as they are."""

import dataclasses

import numpy as np

from hamiltonians.models.hamiltonian import SpinHamiltonian
from hamiltonians.models.known_signs import sign_character
from hamiltonians.models.terms import pair_couplings
from hamiltonians.symmetry.groups import (
    SymmetryGroup,
    SymmetrySector,
    check_spin_inversion,
    with_both_parities,
)
from hamiltonians.symmetry.rotations import HALF_TURN, Rotation
from hamiltonians.utils.checks import choice, instance, short

GROUPS = ("translations", "space-group")
SYMMETRIC = "symmetric"


def find_group(hamiltonian: SpinHamiltonian, asked: str | SymmetryGroup) -> SymmetryGroup:
    """A group of the lattice by name, or a group as it is; the Hamiltonian must be invariant."""
    if isinstance(asked, str):
        choice("tied", asked, GROUPS)
        lattice = hamiltonian.lattice
        if lattice is None or lattice.cell is None:
            raise ValueError(f"tied must be a SymmetryGroup without a lattice, got {short(asked)}")
        group = lattice.translation_group() if asked == "translations" else lattice.space_group()
    else:
        instance("tied", asked, SymmetryGroup)
        group = asked
    group.leaves_invariant(hamiltonian)
    return group


def find_sector(hamiltonian: SpinHamiltonian, asked: str | SymmetrySector) -> SymmetrySector:
    """A sector by its label, the symmetric one, or a sector as it is."""
    if not isinstance(asked, str):
        instance("project", asked, SymmetrySector)
        asked.check(hamiltonian)
        return asked
    if asked == SYMMETRIC:
        return symmetric_sector(hamiltonian)
    return sector_of_label(hamiltonian, asked, "project", SYMMETRIC)


def sector_of_label(H: SpinHamiltonian, label: str, argument: str, others: str) -> SymmetrySector:
    """The sector of the lattice's space group with a label; messages name the argument.

    Raises
    ------
    ValueError
        No such sector, with the labels that exist and the other words that are allowed.
    """
    if H.lattice is None or H.lattice.cell is None:
        raise ValueError(f"{argument} must be {others} without a lattice, got {short(label)}")
    known = {s.label: s for complete in (True, False) for s in sectors_of(H, complete) if s}
    if label not in known:
        raise ValueError(
            f"{argument} must be {others} or one of {', '.join(known)}, got {short(label)}"
        )
    return known[label]


def turned_sector(
    sector: SymmetrySector, rotation: Rotation, H: SpinHamiltonian
) -> SymmetrySector | None:
    """The sector in which U psi lies where psi lies in this one, or None if U mixes sectors.

    Turning the sites A by pi multiplies psi(sigma) by prod_A sigma_i, which is a character of every
    symmetry that maps A onto itself, or at fixed S_z onto the other sites: on a bipartite lattice
    momenta move by (pi, pi) where half of the spins is an odd number.

    Parameters
    ----------
    sector : SymmetrySector
        Of the states of ``H``.
    rotation : Rotation
    H : SpinHamiltonian
        Before the rotation.
    """
    if not rotation.is_real:
        return None
    minus = np.array(rotation.sixths) == HALF_TURN
    signs = np.array([sign_character(row, minus, H) for row in sector.group.permutations])
    if (signs == 0).any():
        return None
    parity = sector.spin_inversion
    if parity is not None and minus.sum() % 2:
        parity = -parity
    return dataclasses.replace(sector, characters=signs * sector.characters, spin_inversion=parity)


def symmetric_sector(hamiltonian: SpinHamiltonian) -> SymmetrySector:
    """Every character 1, over all of the space group that the Hamiltonian has.

    The ground state of a Hamiltonian whose off-diagonal elements are all negative lies here, even
    under spin inversion where that is a symmetry (Perron-Frobenius), and so do many others. Where
    that parity would exclude singlets, there is none.
    """
    if hamiltonian.lattice is None:
        raise ValueError("project must be a SymmetrySector for a Hamiltonian without a lattice")
    group = hamiltonian.lattice.space_group().restricted_to(hamiltonian)
    parity: int | None = None if _has_odd_singlets(hamiltonian) else 1
    try:
        check_spin_inversion(hamiltonian)
    except ValueError:
        parity = None
    label = SYMMETRIC if parity is None else f"{SYMMETRIC} +"
    return SymmetrySector(group, np.ones(group.order, complex), parity, label)


def _has_odd_singlets(hamiltonian: SpinHamiltonian) -> bool:
    """Whether exchange elements are positive, and singlets odd under spin inversion.

    Singlets of N spins S have the parity (-1)^(N S), times (-1)^(2 S) for each site that is rotated
    by pi.
    Of the kagome cluster of 18 sites the even states begin at -31.05, the odd ones at -32.19. A
    wavefunction that is odd by construction does not get there: small random parameters give it a
    state near the ferromagnetic ones, and 232 iterations ended at -17, without parity 97 at -30.9.
    """
    if hamiltonian.is_spin_half:
        terms, n_sites = hamiltonian.terms, hamiltonian.n_sites
        raising = bool((pair_couplings(terms, "XX", n_sites) > 0).any())
    else:
        raising = bool((hamiltonian.connections.mel.real > 0).any())
    if hamiltonian.total_sz is None or not raising:
        return False
    rotation, spins = hamiltonian.rotation, hamiltonian.local_space.spins
    sixths = () if rotation is None else rotation.sixths
    pairs = zip(spins, sixths, strict=False)
    turned = sum(round(2 * s) for s, angle in pairs if angle == HALF_TURN)
    return (int(sum(spins)) + turned) % 2 == 1


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
