"""One compiled Hamiltonian as a linear map on sector vectors, as a sparse and a dense matrix."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hamiltonians.connections import BitConnections, bit_connections, compile_connections
from hamiltonians.core import matvec
from hamiltonians.hamiltonian import SpinHamiltonian
from hamiltonians.pauli import PauliSum
from hamiltonians.sectors import Sector

if TYPE_CHECKING:
    from scipy.sparse import csr_array


class FlipArrays(NamedTuple):
    """The off-diagonal part as the kernels take it; see `hamiltonians.core.matvec`."""

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

    def apply(self, vector: NDArray[Any]) -> NDArray[Any]:
        """Product with a vector of shape (dimension,)."""
        x = np.ascontiguousarray(vector).reshape(len(self.states))
        x = x.astype(np.result_type(self.dtype, x.dtype), copy=False)
        y = np.empty_like(x)
        matvec.apply(self.states, self.diagonal, *self.flips, *self._ranks, x, y)
        return y

    def to_sparse(self) -> "csr_array":
        """Compressed rows with sorted columns, shape (dimension, dimension)."""
        from scipy.sparse import csr_array

        counts = np.empty(len(self.states), np.int64)
        matvec.count_elements(self.states, *self.flips, counts)
        row_ptr = np.concatenate([[0], np.cumsum(counts + 1)])
        columns = np.empty(row_ptr[-1], np.int64)
        values = np.empty(row_ptr[-1], self.dtype)
        rows = (row_ptr, columns, values)
        matvec.fill_rows(self.states, self.diagonal, *self.flips, *self._ranks, *rows)
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
    matvec.diagonal(states, bits.diag_coef, bits.diag_mask, diagonal)
    flips = _flip_arrays(bits, fixed=sector.total_sz is not None)
    return SectorOperator(sector, states, diagonal, flips.coef.dtype, flips)


def sparse_matrix(hamiltonian: SpinHamiltonian) -> "csr_array":
    """The Hamiltonian in its sector basis, in compressed rows."""
    sector = Sector(hamiltonian.n_sites, hamiltonian.total_sz)
    return sector_operator(hamiltonian.terms, sector).to_sparse()


def _flip_arrays(bits: BitConnections, fixed: bool) -> FlipArrays:
    """Arrange the strings of each flip into a constant and the rest."""
    dtype = np.complex128 if bits.coef.imag.any() else np.float64
    masks = bits.flip_mask.tolist()
    groups = [_strings_of(bits, f, fixed) for f in range(len(masks))]
    constants = [group.pop(0, 0) for group in groups]
    n_bits = [mask.bit_count() if fixed else 0 for mask in masks]
    return FlipArrays(
        bits.flip_mask,
        np.array(n_bits, np.int64),
        _cast(constants, dtype),
        np.cumsum([0, *map(len, groups)], dtype=np.int64),
        _cast([value for group in groups for value in group.values()], dtype),
        np.array([mask for group in groups for mask in group], np.uint64),
    )


def _strings_of(bits: BitConnections, f: int, fixed: bool) -> dict[int, complex]:
    """z-mask -> coefficient of flip f, shortened where S_z is fixed.

    A flipped pair that stays in the sector is antiparallel, so that Z_i Z_j = -1 on its rows;
    this turns X_i X_j + Y_i Y_j into one constant.
    """
    flip = int(bits.flip_mask[f])
    pair = fixed and flip.bit_count() == 2
    strings: dict[int, complex] = {}
    for k in range(bits.term_ptr[f], bits.term_ptr[f + 1]):
        mask, value = int(bits.z_mask[k]), complex(bits.coef[k])
        if pair and mask & flip == flip:
            mask, value = mask ^ flip, -value
        strings[mask] = strings.get(mask, 0) + value
    return {mask: value for mask, value in strings.items() if value != 0}


def _cast(values: list[complex], dtype: Any) -> NDArray[Any]:
    array = np.array(values, np.complex128)
    return array if dtype == np.complex128 else array.real.copy()
