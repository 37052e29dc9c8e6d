"""Bases of spins of any S: all configurations, or those of one total S_z or under a blockade.

A basis state is an integer with `LocalSpace.bits_per_site` bits for each site, which hold its level
S - S_z; site 0 has the highest ones. Ascending states are in the order of ``np.kron``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hamiltonians.operators.level_connections import LevelConnections, level_connections, rows_of
from hamiltonians.operators.local_space import LocalSpace, check_total_sz
from hamiltonians.operators.sectors import Sector
from hamiltonians.utils.checks import instance
from hamiltonians.utils.memory import power_text, require_memory

if TYPE_CHECKING:
    from scipy.sparse import csr_array


@dataclass(frozen=True)
class SpinSector:
    """The configurations of a space, those of one total S_z where it is given.

    Attributes
    ----------
    space : LocalSpace
        With its blockade.
    total_sz : float or None
        In units of hbar.

    Raises
    ------
    TypeError, ValueError
        If the spins cannot add up to ``total_sz``.
    """

    space: LocalSpace
    total_sz: float | None = None

    def __post_init__(self) -> None:
        instance("space", self.space, LocalSpace)
        if self.total_sz is not None:
            object.__setattr__(self, "total_sz", check_total_sz(self.total_sz, self.space))

    @property
    def n_sites(self) -> int:
        """Number of sites."""
        return self.space.n_sites

    @property
    def is_sparse(self) -> bool:
        """Never listed one by one, as `Sector` may be."""
        return False

    @property
    def n_down(self) -> int | None:
        """Sum of S - S_z over the sites, or None if it is free."""
        return self.space.n_lowered(self.total_sz)

    @cached_property
    def dimension(self) -> int:
        """Number of basis states."""
        return self.space.n_configurations(self.total_sz)

    def basis_states(self) -> NDArray[np.uint64]:
        """All basis states as integers, shape (dimension,), ascending."""
        return self._states

    @cached_property
    def _states(self) -> NDArray[np.uint64]:
        space = self.space
        space.check_bits()
        require_memory(40 * self.dimension, f"a basis of {power_text(self.dimension)} states")
        dims = space.local_dims.tolist()
        return level_states(dims, space.bits_per_site, space.blockade, self.n_down)[0]

    def configurations(self) -> NDArray[np.int8]:
        """All configurations in the order of `basis_states`, int8 (dimension, n_sites)."""
        return self.states_to_spins(self._states)

    def states_to_spins(self, states: ArrayLike) -> NDArray[np.int8]:
        """Configurations of twice S_z, shape (..., n_sites), int8."""
        b, bits = self.space.bits_per_site, np.asarray(states, np.uint64)
        require_memory(17 * self.n_sites * bits.size, f"{bits.size} configurations")
        shifts = np.arange(self.n_sites - 1, -1, -1, dtype=np.uint64) * np.uint64(b)
        levels = (bits[..., None] >> shifts) & np.uint64(2**b - 1)
        return self.space.configurations(levels.astype(np.int64))

    def spins_to_states(self, spins: ArrayLike) -> NDArray[np.uint64]:
        """Basis states of configurations of shape (..., n_sites)."""
        levels = self.space.levels(self.space.check("spins", spins)).astype(np.uint64)
        b = self.space.bits_per_site
        shifts = np.arange(self.n_sites - 1, -1, -1, dtype=np.uint64) * np.uint64(b)
        return np.bitwise_or.reduce(levels << shifts, axis=-1)

    def rank(self, states: ArrayLike) -> NDArray[np.int64]:
        """Position of each state in `basis_states`; refuses those of another sector."""
        found = self._find(np.asarray(states, np.uint64))
        if (found < 0).any():
            raise ValueError(f"states must lie in the sector of {self.n_sites} sites with "
                             f"total_sz={self.total_sz}, got some that do not")  # fmt: skip
        return found

    def rank_of_spins(self, spins: ArrayLike) -> NDArray[np.int64]:
        """Position of configurations (..., n_sites) in `configurations`; errors as in `rank`."""
        return self.rank(self.spins_to_states(spins))

    def _find(self, states: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Positions, -1 for states of another sector."""
        place = np.minimum(np.searchsorted(self._states, states), len(self._states) - 1)
        return np.where(self._states[place] == states, place, -1)

    def sparse_matrix(self, operator: Any) -> "csr_array":
        """An operator between the states of the sector in compressed rows."""
        from scipy.sparse import coo_array  # late: 0.2 s of each start

        c = level_connections(operator, self.space, self.total_sz is not None)
        states, b = self._states, self.space.bits_per_site
        rows_needed = (c.max_elements + 1) * len(states)
        require_memory(40 * rows_needed, f"a matrix of {power_text(len(states))} rows")
        numbers = rows_of(c, self.space.levels(self.configurations()))
        diagonal = c.constant + c.diag[numbers].sum(axis=1)
        n, counts = np.arange(len(states)), np.diff(c.row_ptr)
        rows, columns, values = [n], [n], [diagonal.astype(np.complex128)]
        for g, (first, change) in enumerate(state_changes(c, b)):
            for place in range(int(counts[numbers[:, g]].max(initial=0))):
                which = n[counts[numbers[:, g]] > place]
                e = c.row_ptr[numbers[which, g]] + place
                found = self._find(states[which] + change[e - first])
                inside = found >= 0
                rows.append(which[inside])
                columns.append(found[inside])
                values.append(c.mel[e][inside])
        data: NDArray[Any] = np.concatenate(values)
        if not data.imag.any():
            data = data.real
        places = (np.concatenate(rows), np.concatenate(columns))
        matrix = coo_array((data, places), shape=(len(states),) * 2).tocsr()
        matrix.sort_indices()
        return matrix


AnySector = Sector | SpinSector


def sector_of(space: LocalSpace, total_sz: float | None) -> AnySector:
    """The basis of a space: `Sector` of spins 1/2 without a blockade, else `SpinSector`."""
    if space.is_spin_half:
        return Sector(space.n_sites, total_sz)
    return SpinSector(space, total_sz)


def level_states(
    dims: Sequence[int], b: int, pairs: Sequence[tuple[int, int]] = (), n_down: int | None = None
) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    """Levels of some sites as integers of ``b`` bits for each, ascending, and their sums.

    Those of one sum where ``n_down`` is given; no pair (i, j), i < j, is in level 0 both.
    """
    left = np.cumsum([0, *(d - 1 for d in dims[::-1])])[::-1]  # that later sites can lower
    states: NDArray[np.uint64] = np.zeros(1, np.uint64)
    lowered: Any = np.zeros(1, np.int32)
    for site, d in enumerate(dims):
        states = ((states[:, None] << np.uint64(b)) | np.arange(d, dtype=np.uint64)).ravel()
        lowered = (lowered[:, None] + np.arange(d, dtype=np.int32)).ravel()
        if n_down is not None:
            kept = (lowered <= n_down) & (lowered + left[site + 1] >= n_down)
            states, lowered = states[kept], lowered[kept]
        for i, j in pairs:
            if j == site:
                kept = (states & np.uint64((2**b - 1) * (1 + 2 ** (b * (j - i))))) != 0
                states, lowered = states[kept], lowered[kept]
    return states, lowered


def state_changes(c: LevelConnections, b: int) -> Iterator[tuple[int, NDArray[np.uint64]]]:
    """For each group its first element, and what its elements add to the integer of a state."""
    for g, (row, end) in enumerate(zip(c.first_row, c.row_ends, strict=True)):
        sites = c.group_sites[c.group_ptr[g] : c.group_ptr[g + 1]]
        first, last = c.row_ptr[row], c.row_ptr[end]
        at = slice(c.change_ptr[first], c.change_ptr[last])
        shifts = (b * (c.n_sites - 1 - sites[c.change_at[at]])).astype(np.uint64)
        steps = (c.change_by[at].astype(np.int64) // -2).astype(np.uint64) << shifts
        sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(steps)])  # modulo 2^64
        bounds = c.change_ptr[first : last + 1] - c.change_ptr[first]
        yield int(first), sums[bounds[1:]] - sums[bounds[:-1]]
