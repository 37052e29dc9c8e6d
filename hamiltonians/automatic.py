"""The symmetry sector in which the ground state is known to lie.

If signs (-1)^(number of spins down on a set A of sites) make all off-diagonal elements of H zero
or negative, a ground state is psi(sigma) = sign(sigma) |psi(sigma)| (Perron & Frobenius; Marshall,
Proc. R. Soc. A 232, 48, 1955). A permutation of sites that keeps H and maps A onto itself, or at
fixed S_z onto the other sites, multiplies these signs by one number: the mean of the ground states
over the group is not zero and has these numbers as its characters. The set A solves one linear
equation modulo 2 for each flip, sum_{i in flip} a_i = 1 where the element is positive.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hamiltonians.blocks import flip_strings
from hamiltonians.connections import bit_connections
from hamiltonians.hamiltonian import SpinHamiltonian, find_sz_breaking_term
from hamiltonians.pauli import PauliString, PauliSum
from hamiltonians.spectrum import is_even
from hamiltonians.symmetry import SymmetryGroup, SymmetrySector


def ground_sector(H: SpinHamiltonian) -> SymmetrySector | None:
    """The sector of all symmetries of ``H`` that surely holds a ground state, or None.

    None means that the signs of the ground state are not known (frustration, complex elements);
    it may then lie in any of ``H.lattice.sectors()``.

    Parameters
    ----------
    H : SpinHamiltonian
        In the sector of its ``total_sz``.
    """
    minus = sign_sites(H)
    if minus is None:
        return None
    group = symmetries(H)
    characters = np.array([_character(row, minus, H) for row in group.permutations])
    if (characters == 0).any():
        group = group.subgroup(np.flatnonzero(characters))
        characters = characters[characters != 0]
    parity = None
    if is_even(H):
        parity = -1 if minus.sum() % 2 else 1
    label = f"ground state's irrep of {group.order} operations"
    sector = SymmetrySector(group, characters, label=label)
    return sector.with_spin_inversion(parity)


def with_smallest_sz(H: SpinHamiltonian) -> SpinHamiltonian:
    """Fix total S_z to 0 or 1/2 where every multiplet of H has a state there.

    That is so where H conserves S_x and S_z, and with them S_y: all levels are SU(2) multiplets.
    """
    turned = PauliSum({_turned(string): value for string, value in H.terms.terms.items()})
    conserves_sx = find_sz_breaking_term(turned) is None
    if H.total_sz is not None or not (H.conserves_total_sz and conserves_sx):
        return H
    return H.with_total_sz(H.n_sites % 2 / 2)


def symmetries(H: SpinHamiltonian) -> SymmetryGroup:
    """Operations of the lattice's space group, or permutations of sites, that keep ``H``."""
    if H.lattice is None or H.lattice.cell is None:
        from hamiltonians.automorphisms import symmetry_group

        return symmetry_group(H)
    group = H.lattice.space_group()
    try:
        group.leaves_invariant(H)
    except ValueError:
        return group.restricted_to(H)
    return group


def sign_sites(H: SpinHamiltonian) -> NDArray[np.bool_] | None:
    """The set A as a mask (n_sites,), or None if no signs make every element negative."""
    rows: list[tuple[int, int]] = []
    for flip, strings in flip_strings(bit_connections(H.connections), H.total_sz is not None).items():
        constant = strings.get(0, 0)
        rest = sum(abs(value) for mask, value in strings.items() if mask)
        if any(complex(value).imag for value in strings.values()) or abs(constant) < rest:
            return None
        rows.append((flip, int(complex(constant).real > 0)))
    solution = _solve_modulo_two(rows)
    if solution is None:
        return None
    return np.array([solution >> (H.n_sites - 1 - i) & 1 for i in range(H.n_sites)], bool)


def _solve_modulo_two(rows: list[tuple[int, int]]) -> int | None:
    """A bit set a with parity(a & mask) = bit for all rows (mask, bit), or None."""
    pivots: dict[int, tuple[int, int]] = {}
    for mask, bit in rows:
        while mask and mask.bit_length() in pivots:
            other, other_bit = pivots[mask.bit_length()]
            mask, bit = mask ^ other, bit ^ other_bit
        if mask:
            pivots[mask.bit_length()] = (mask, bit)
        elif bit:
            return None
    solution = 0
    for length in sorted(pivots):
        mask, bit = pivots[length]
        if (mask & solution).bit_count() % 2 != bit:
            solution |= 1 << (length - 1)
    return solution


def _character(row: NDArray[np.int64], minus: NDArray[np.bool_], H: SpinHamiltonian) -> int:
    """sign(g sigma) sign(sigma) if it is the same for all sigma, else 0."""
    moved = np.zeros_like(minus)
    moved[row[minus]] = True  # (g sigma)_i = sigma[row[i]]: A looks at the sites row[A]
    if (moved == minus).all():
        return 1
    if (moved != minus).all() and H.total_sz is not None:
        return -1 if round(H.n_sites / 2 - H.total_sz) % 2 else 1
    return 0


def _turned(string: PauliString) -> Any:
    """Letters after a rotation that carries x to z: X -> Z, Y -> X, Z -> Y."""
    letters = {"X": "Z", "Y": "X", "Z": "Y"}
    return tuple((site, letters[letter]) for site, letter in string)
