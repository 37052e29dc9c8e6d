"""Irreps of the levels of a Hamiltonian, of any dimension, by the characters of their states.

P_r = d_r / |G| sum_g conj(chi_r(g)) U_g projects onto all states of the irrep r, whose levels come
d_r times.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hamiltonians.exact.diagonalisation import full_spectrum, normalised
from hamiltonians.exact.few_states import operator_on
from hamiltonians.exact.memory import n_krylov
from hamiltonians.exact.spectrum import SAME_LEVEL
from hamiltonians.exact.thick_restart import lowest_states
from hamiltonians.models.hamiltonian import SpinHamiltonian
from hamiltonians.operators.spin_sectors import AnySector, sector_of
from hamiltonians.symmetry.groups import SymmetryGroup
from hamiltonians.utils.checks import instance, integer
from hamiltonians.utils.memory import require_memory

_TOLERANCE = 1e-12  # of residuals, relative to the energy
_VANISHES = 1e-9  # a character


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


def irrep_levels(
    H: SpinHamiltonian, group: SymmetryGroup, irrep: int, k: int = 1, *, seed: int = 0
) -> list[LabelledLevel]:
    """The lowest levels of an irrep, by Lanczos' recurrence in the image of its projector.

    Parameters
    ----------
    H : SpinHamiltonian
        In the sector of its ``total_sz``.
    group : SymmetryGroup
        Of site permutations that keep H.
    irrep : int
        Its number in ``group.character_table``.
    k : int
        How many levels, those that coincide counted one by one.
    seed : int

    Returns
    -------
    list of LabelledLevel
        Ascending; each is as degenerate as the irrep has dimensions.

    Raises
    ------
    TooLargeError
        If the images of all basis states under the group do not fit into memory.
    ValueError
        If the group does not keep H, or there are not as many irreps or levels.

    Examples
    --------
    >>> irrep_levels(heisenberg(chain(12), total_sz=0), chain(12).space_group(), irrep=4)
    """
    instance("H", H, SpinHamiltonian)
    instance("group", group, SymmetryGroup)
    group.leaves_invariant(H)
    table = group.character_table
    if integer("irrep", irrep, 0) >= len(table.characters):
        raise ValueError(f"irrep must be below {len(table.characters)}, got {irrep}")
    shifted, trace, unit = normalised(H)
    sector, degeneracy = sector_of(H.local_space, H.total_sz), int(table.dimensions[irrep])
    projected = _Projected(operator_on(sector, shifted.terms), sector, group, irrep)
    n_levels = projected.dimension // degeneracy
    if integer("k", k, 1) > n_levels:
        raise ValueError(f"k must be at most the {n_levels} levels of irrep {irrep}, got {k}")
    rng, n = np.random.default_rng(integer("seed", seed, 0)), k * degeneracy

    def draw() -> NDArray[Any]:
        return projected.project(rng.normal(size=projected.length).astype(projected.dtype))

    n_basis = n_krylov(projected.dimension, n)
    energies, _, _ = lowest_states(projected, n, draw, _TOLERANCE, n_basis)
    found = unit * energies[::degeneracy] + trace
    return [LabelledLevel(float(energy), degeneracy, ((irrep, 1),)) for energy in found]


class _Projected:
    """P H P, an `Operator` on the image of the projector of an irrep.

    The projector follows each product, so that rounding does not grow along other irreps.
    """

    def __init__(self, inner: Any, sector: AnySector, group: SymmetryGroup, irrep: int) -> None:
        table = group.character_table
        factor = table.dimensions[irrep] / group.order
        chosen = np.flatnonzero(np.abs(table.of_elements[irrep]) > _VANISHES)
        factors = factor * table.of_elements[irrep][chosen].conj()
        self._inner, self.length, self.comm, self.weights = inner, inner.length, None, inner.weights
        real = not (np.abs(factors.imag) > _VANISHES).any() and inner.dtype == np.float64
        self.dtype = np.dtype(np.float64 if real else np.complex128)
        require_memory(8 * len(chosen) * self.length, "images of all states under the group")
        sigma = sector.configurations()
        moved = [sector.rank_of_spins(group.act(int(g), sigma)) for g in chosen]
        kept = [np.sum(rows == np.arange(self.length)) for rows in moved]
        self._elements = list(zip((factors.real if real else factors).tolist(), moved, strict=True))
        self.dimension = round(float(np.dot(factors, kept).real))

    def project(self, v: NDArray[Any]) -> NDArray[Any]:
        """P v; (U_g v)(sigma) = v(g^-1 sigma), so that conj(chi(g)) belongs to v(g sigma) too."""
        return np.sum([np.conj(factor) * v[rows] for factor, rows in self._elements], axis=0)

    def multiply(
        self, x: NDArray[Any], y: NDArray[Any], scale: float = 1.0, beta: float = 0.0
    ) -> float:
        """y = scale P H x - beta y in place; returns Re <scale x|y>."""
        image = np.zeros_like(x)
        self._inner.multiply(x, image, scale)
        y *= -beta
        y += self.project(image)
        return float(scale * np.vdot(x, y).real)
