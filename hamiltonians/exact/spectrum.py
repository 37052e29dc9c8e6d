"""The low spectrum over all symmetry sectors, with labels, gaps and degeneracies."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hamiltonians.exact.diagonalisation import ground_state
from hamiltonians.exact.memory import sector_dimension
from hamiltonians.models.hamiltonian import SpinHamiltonian
from hamiltonians.models.symmetries import is_even, sectors_of
from hamiltonians.symmetry.groups import SymmetrySector
from hamiltonians.utils.brief import Rows, Tabled
from hamiltonians.utils.checks import instance, integer

SAME_LEVEL = 1e-8  # relative difference of energies counted as one level


@dataclass(frozen=True)
class State:
    """An eigenvalue of one sector.

    Attributes
    ----------
    energy : float
        Total, in Pauli units.
    total_sz : float or None
    label : str
        Momentum, irrep and parity; empty without symmetries.
    copies : int
        Number of sectors with the same spectrum that this one stands for.
    residual : float
    """

    energy: float
    total_sz: float | None
    label: str
    copies: int
    residual: float


@dataclass(frozen=True, repr=False)
class Spectrum(Tabled):
    """The lowest states of every sector, ascending.

    Attributes
    ----------
    states : tuple of State
    per_sector : int
        States asked for in each sector: a level is complete only below the highest energy found
        in the sector that was exhausted first.
    n_sites : int
    size : float
        Largest |energy - trace|, which differences of levels are relative to.
    """

    states: tuple[State, ...]
    per_sector: int
    n_sites: int
    size: float

    @property
    def energies(self) -> NDArray[np.float64]:
        """Energies of all states found, ascending; a state of several copies once."""
        return np.array([state.energy for state in self.states])

    @property
    def energy(self) -> float:
        """The lowest energy."""
        return self.states[0].energy

    @property
    def energy_per_site(self) -> float:
        """The lowest energy over the number of sites."""
        return self.energy / self.n_sites

    def summary(self) -> tuple[str, Rows]:
        """The levels with their degeneracies and the sectors that they are in."""
        rows = []
        for energy, degeneracy, states in self.levels():
            where = ", ".join(f"S_z={s.total_sz} {s.label}".strip() for s in states[:3])
            more = f", {len(states) - 3} more" if len(states) > 3 else ""
            rows.append((f"{energy:.8f}", f"x{degeneracy}: {where}{more}"))
        head = f"lowest {self.per_sector} of each sector on {self.n_sites} sites"
        return f"{head}, gap {self.gap:.8g}", rows

    def levels(self) -> list[tuple[float, int, list[State]]]:
        """Energies that agree to 1e-8 of `size`, with their degeneracies and states."""
        groups: list[list[State]] = []
        same = SAME_LEVEL * self.size
        for state in self.states:
            last = groups[-1][0].energy if groups else -np.inf
            if groups and state.energy - last <= same:
                groups[-1].append(state)
            else:
                groups.append([state])
        return [(group[0].energy, sum(s.copies for s in group), group) for group in groups]

    @property
    def gap(self) -> float:
        """Second lowest level minus the lowest; infinite if there is one only."""
        levels = self.levels()
        return levels[1][0] - levels[0][0] if len(levels) > 1 else np.inf


def low_spectrum(
    H: SpinHamiltonian,
    k: int = 1,
    *,
    sectors: Iterable[SymmetrySector] | None = None,
    memory_limit: int | None = None,
    progress: Callable[[str], None] | None = None,
    seed: int = 0,
    comm: Any = None,
) -> Spectrum:
    """The ``k`` lowest states of every sector.

    Parameters
    ----------
    H : SpinHamiltonian
        Free total S_z is scanned over all its values where H conserves it.
    k : int
        States in each sector.
    sectors : iterable of SymmetrySector, optional
        Defaults to all of ``H.lattice.sectors(complete=True)``, with both parities under turning
        over all spins where H allows; without a lattice there is one sector for each total S_z.
    memory_limit : int, optional
    progress : callable, optional
        Gets the label of each sector before it is solved.
    seed : int
    comm : mpi4py communicator, optional
        Ranks that divide each sector between them, see `ground_state`.

    Returns
    -------
    Spectrum
        Levels with the sector of each.

    Raises
    ------
    TooLargeError
        If a sector needs more memory than the limit.
    TypeError, ValueError
        If ``k`` is not a positive integer, or a sector is not one of H.
    """
    k = integer("k", k, minimum=1)
    instance("H", H, SpinHamiltonian)
    given = None if sectors is None else list(sectors)
    found: list[State] = []
    for block, copies in sz_blocks(H):
        for sector in sectors_of(block) if given is None else given:
            size = sector_dimension(block, sector)
            label = "" if sector is None else sector.label
            if size == 0:
                continue
            if progress is not None:
                progress(f"S_z={block.total_sz} {label}".strip())
            result = ground_state(
                block, min(k, size), symmetry=sector, vectors=False, memory_limit=memory_limit,
                seed=seed, comm=comm,
            )  # fmt: skip
            n = copies * (1 if sector is None else sector.copies)
            found += [
                State(float(E), block.total_sz, label, n, float(r))
                for E, r in zip(result.energies, result.residuals, strict=True)
            ]
    scale = max(H.size_of(state.energy) for state in found)
    return Spectrum(tuple(sorted(found, key=lambda state: state.energy)), k, H.n_sites, scale)


def sz_blocks(H: SpinHamiltonian) -> list[tuple[SpinHamiltonian, int]]:
    """The Hamiltonian in each total S_z, and how many values of S_z that stands for."""
    if H.total_sz is not None or not H.conserves_total_sz:
        return [(H, 1)]
    top = round(2 * sum(H.local_space.spins))
    values = np.arange(top % 2, top + 1, 2) / 2
    if is_even(H.with_total_sz(None)):
        return [(H.with_total_sz(m), 1 if m == 0 else 2) for m in values.tolist()]
    both = sorted({*values.tolist(), *(-values).tolist()})
    return [(H.with_total_sz(m), 1) for m in both]
