"""The symmetry sector in which the ground state is known to lie.

If signs (-1)^(number of spins down on a set A of sites) make all off-diagonal elements of H zero
or negative, a ground state is psi(sigma) = sign(sigma) |psi(sigma)| (Perron & Frobenius; Marshall,
Proc. R. Soc. A 232, 48, 1955). A permutation of sites that keeps H and maps A onto itself, or at
fixed S_z onto the other sites, multiplies these signs by one number: the mean of the ground states
over the group is not zero and has these numbers as its characters.
"""

from typing import Any

import numpy as np

from hamiltonians.models.hamiltonian import SpinHamiltonian
from hamiltonians.models.known_signs import sign_character, sign_sites
from hamiltonians.models.symmetries import is_even
from hamiltonians.operators.pauli import PauliString, PauliSum
from hamiltonians.operators.properties import find_sz_breaking_term
from hamiltonians.symmetry.groups import SymmetryGroup, SymmetrySector
from hamiltonians.utils.checks import instance


def ground_sector(H: SpinHamiltonian) -> SymmetrySector | None:
    """The sector of all symmetries of ``H`` that surely holds a ground state, or None.

    None means that the signs of the ground state are not known (frustration, complex elements);
    it may then lie in any of ``H.lattice.sectors()``.

    Parameters
    ----------
    H : SpinHamiltonian
        In the sector of its ``total_sz``.

    Returns
    -------
    SymmetrySector or None
    """
    instance("H", H, SpinHamiltonian)
    minus = sign_sites(H)
    if minus is None:
        return None
    group = symmetries(H)
    characters = np.array([sign_character(row, minus, H) for row in group.permutations])
    if (characters == 0).any():
        group = group.subgroup(np.flatnonzero(characters))
        characters = characters[characters != 0]
    parity = None
    if is_even(H):
        turned = sum(round(2 * H.local_space.spins[i]) for i in np.flatnonzero(minus))
        parity = -1 if turned % 2 else 1
    label = f"ground state's irrep of {group.order} operations"
    sector = SymmetrySector(group, characters, label=label)
    return sector.with_spin_inversion(parity)


def with_smallest_sz(H: SpinHamiltonian) -> SpinHamiltonian:
    """Fix total S_z to 0 or 1/2 where every multiplet of H has a state there.

    That is so where H conserves S_x and S_z, and with them S_y: all levels are SU(2) multiplets.

    Parameters
    ----------
    H : SpinHamiltonian

    Returns
    -------
    SpinHamiltonian
        `H` itself where nothing was fixed.
    """
    instance("H", H, SpinHamiltonian)
    if H.total_sz is not None or H.blockade or not H.conserves_total_sz:
        return H
    if H.is_spin_half:
        turned = PauliSum({_turned(string): value for string, value in H.terms.terms.items()})
        conserves_sx = find_sz_breaking_term(turned) is None
    else:
        conserves_sx = H.terms.conserves("Sx")
    top = round(2 * sum(H.local_space.spins))
    return H.with_total_sz(top % 2 / 2) if conserves_sx else H


def symmetries(H: SpinHamiltonian) -> SymmetryGroup:
    """Operations of the lattice's space group, or permutations of sites, that keep ``H``."""
    if H.lattice is None or H.lattice.cell is None:
        from hamiltonians.symmetry.automorphisms import symmetry_group

        if not H.is_spin_half:  # the search reads Pauli strings
            return SymmetryGroup(np.arange(H.n_sites)[None])
        return symmetry_group(H)
    group = H.lattice.space_group()
    try:
        group.leaves_invariant(H)
    except ValueError:
        return group.restricted_to(H)
    return group


def _turned(string: PauliString) -> Any:
    """Letters after a rotation that carries x to z: X -> Z, Y -> X, Z -> Y."""
    letters = {"X": "Z", "Y": "X", "Z": "Y"}
    return tuple((site, letters[letter]) for site, letter in string)
