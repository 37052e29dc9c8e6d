"""A Pauli sum in a total-S_z sector as a sparse matrix."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hamiltonians.core import sparse
from hamiltonians.operators.bits import flip_strings
from hamiltonians.operators.configurations import sparse_on_configurations
from hamiltonians.operators.connections import BitConnections, bit_connections, compile_connections
from hamiltonians.operators.pauli import PauliSum
from hamiltonians.operators.sectors import Sector
from hamiltonians.utils.memory import power_text, require_memory

if TYPE_CHECKING:
    from scipy.sparse import csr_array


class FlipArrays(NamedTuple):
    """The off-diagonal part as the kernels take it; see `hamiltonians.core.sparse`."""

    flip_mask: NDArray[np.uint64]
    flip_bits: NDArray[np.int64]
    constant: NDArray[Any]
    term_ptr: NDArray[np.int64]
    coef: NDArray[Any]
    z_mask: NDArray[np.uint64]


@dataclass(frozen=True)
class SectorOperator:
    """An operator within a sector, in the form the kernels take; see `sector_operator`.

    Attributes
    ----------
    states : ndarray, shape (dimension,), uint64
        Basis, ascending.
    diagonal : ndarray, shape (dimension,), float64
    dtype : numpy dtype
        float64 if all matrix elements are real, else complex128.
    """

    sector: Sector
    states: NDArray[np.uint64]
    diagonal: NDArray[np.float64]
    dtype: np.dtype[Any]
    flips: FlipArrays

    def to_sparse(self) -> "csr_array":
        """Compressed rows with sorted columns, shape (dimension, dimension)."""
        from scipy.sparse import csr_array

        counts = np.empty(len(self.states), np.int64)
        sparse.count_elements(self.states, *self.flips, counts)
        row_ptr = np.concatenate([[0], np.cumsum(counts + 1)])
        columns = np.empty(row_ptr[-1], np.int64)
        values = np.empty(row_ptr[-1], self.dtype)
        rows = (row_ptr, columns, values)
        sparse.fill_rows(self.states, self.diagonal, *self.flips, *self._ranks, *rows)
        matrix = csr_array((values, columns, row_ptr), shape=(len(self.states),) * 2)
        matrix.sort_indices()
        return matrix

    @property
    def _ranks(self) -> tuple[Any, ...]:
        return *self.sector.tables, np.uint64(self.sector.n_low)


def sector_operator(terms: PauliSum, sector: Sector) -> SectorOperator:
    """Compile a Pauli sum, projected on a sector, for the vectors of that sector.

    Raises
    ------
    ValueError
        If the terms act beyond the sites, or have a complex diagonal.
    """
    bits = bit_connections(compile_connections(terms, sector.n_sites))
    states = sector.basis_states()
    diagonal = np.empty(len(states))
    sparse.diagonal(states, bits.diag_coef, bits.diag_mask, diagonal)
    flips = _flip_arrays(bits, fixed=sector.total_sz is not None)
    return SectorOperator(sector, states, diagonal, flips.coef.dtype, flips)


def sparse_matrix(terms: PauliSum, n_sites: int, total_sz: float | None) -> "csr_array":
    """A Pauli sum in the basis of a sector, in compressed rows."""
    sector = Sector(n_sites, total_sz)
    if sector.is_sparse:
        return sparse_on_configurations(terms, sector.configurations())
    n_flips = len({tuple(i for i, a in string if a != "Z") for string in terms.terms})
    what = f"a matrix of {power_text(sector.dimension)} rows"
    require_memory((24 + 12 * n_flips) * sector.dimension, what)
    return sector_operator(terms, sector).to_sparse()


def _flip_arrays(bits: BitConnections, fixed: bool) -> FlipArrays:
    """Arrange the strings of each flip into a constant and the rest."""
    groups = flip_strings(bits, fixed)
    constants = [strings.pop(0, 0) for strings in groups.values()]
    strings = [pair for group in groups.values() for pair in group.items()]
    values = [value for _, value in strings]
    dtype = np.complex128 if any(v.imag for v in [*constants, *values]) else np.float64
    return FlipArrays(
        np.array(list(groups), np.uint64),
        np.array([mask.bit_count() if fixed else 0 for mask in groups], np.int64),
        _cast(constants, dtype),
        np.cumsum([0, *map(len, groups.values())], dtype=np.int64),
        _cast(values, dtype),
        np.array([mask for mask, _ in strings], np.uint64),
    )


def _cast(values: list[complex], dtype: Any) -> NDArray[Any]:
    array = np.array(values, np.complex128)
    return array if dtype == np.complex128 else array.real.copy()
