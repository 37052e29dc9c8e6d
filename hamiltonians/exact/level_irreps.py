"""Irreps of the levels of a Hamiltonian, of any dimension, by the characters of their states."""

from dataclasses import dataclass

import numpy as np

from hamiltonians.exact.diagonalisation import full_spectrum
from hamiltonians.exact.spectrum import SAME_LEVEL
from hamiltonians.models.hamiltonian import SpinHamiltonian
from hamiltonians.operators.spin_sectors import sector_of
from hamiltonians.symmetry.groups import SymmetryGroup
from hamiltonians.utils.checks import instance


@dataclass(frozen=True)
class LabelledLevel:
    """A level and how its states transform.

    Attributes
    ----------
    energy : float
    degeneracy : int
    irreps : tuple of (int, int)
        Numbers of irreps in `SymmetryGroup.character_table` and how often each is there: more than
        one irrep says that another symmetry, such as that of spins, or chance joins them.
    """

    energy: float
    degeneracy: int
    irreps: tuple[tuple[int, int], ...]


def labelled_levels(H: SpinHamiltonian, group: SymmetryGroup) -> list[LabelledLevel]:
    """All levels of a Hamiltonian in its sector with the irreps of a group.

    Parameters
    ----------
    H : SpinHamiltonian
        Of up to some thousand states: it is diagonalised densely.
    group : SymmetryGroup
        Of site permutations that keep H, such as ``H.lattice.space_group()``.

    Returns
    -------
    list of LabelledLevel
        Ascending.

    Raises
    ------
    TooLargeError
        If the vectors do not fit into memory.
    ValueError
        If the group does not keep H.

    Examples
    --------
    >>> labelled_levels(heisenberg(chain(6), spin=1, total_sz=0), chain(6).space_group())[0]
    """
    instance("H", H, SpinHamiltonian)
    instance("group", group, SymmetryGroup)
    group.leaves_invariant(H)
    energies, vectors = full_spectrum(H, vectors=True)
    sector, table = sector_of(H.local_space, H.total_sz), group.character_table
    sigma, sizes = sector.configurations(), np.bincount(table.class_of)
    starts = np.flatnonzero(np.diff(energies, prepend=-np.inf) > SAME_LEVEL * H.energy_scale)
    traces = np.empty((len(sizes), len(starts)), complex)
    for number in range(len(sizes)):
        element = int(np.flatnonzero(table.class_of == number)[0])
        moved = sector.rank_of_spins(group.act(element, sigma))  # U_g |sigma> = |g sigma>
        diagonal = np.sum(vectors[moved].conj() * vectors, axis=0)
        traces[number] = np.add.reduceat(diagonal, starts)
    counts = (table.characters.conj() * sizes) @ traces / group.order
    degeneracies = np.diff([*starts, len(energies)])
    return [
        LabelledLevel(
            float(energies[start]),
            int(n),
            tuple((k, c) for k, c in enumerate(column.real.round().astype(int).tolist()) if c),
        )
        for start, n, column in zip(starts, degeneracies, counts.T, strict=True)
    ]
