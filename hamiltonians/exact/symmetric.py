"""A Hamiltonian on the amplitudes of orbit representatives of a symmetry sector."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hamiltonians.core import symmetric_elements as partners
from hamiltonians.exact.orbits import OrbitBasis
from hamiltonians.operators.bits import MaskStrings, flip_strings, signs
from hamiltonians.operators.connections import bit_connections, compile_connections
from hamiltonians.operators.pauli import PauliSum

_MAX_STRINGS = 8  # of one flip: their signs number 2^8 values. A flip of more is listed again
_AT_ONCE = 2**20  # rows of a piece of work that a progress bar sees


class Flips(NamedTuple):
    """Flips and the values that their elements take; see `hamiltonians.core.symmetric_elements`."""

    mask: NDArray[np.uint64]
    bits: NDArray[np.int64]
    ptr: NDArray[np.int64]
    z_mask: NDArray[np.uint64]
    first_value: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class SymmetricOperator:
    """A Pauli sum, invariant under the group, as a product with vectors of a symmetry sector.

    Attributes
    ----------
    basis : OrbitBasis
    terms : PauliSum
    stored : bool
        Keep the packed matrix elements (4 bytes each, 8 in the largest sectors), or find them
        anew in each product.
    """

    basis: OrbitBasis
    terms: PauliSum
    stored: bool = True

    @property
    def dimension(self) -> int:
        """Number of orbits in the sector."""
        return self.basis.dimension

    @property
    def length(self) -> int:
        """Number of those whose amplitudes this rank holds."""
        return len(self.basis.listed[0])

    @property
    def comm(self) -> Any:
        """Communicator of the ranks that divide the orbits, or None."""
        return self.basis.comm

    @property
    def weights(self) -> NDArray[Any]:
        """Sizes of the orbits."""
        return self.basis.listed[1]

    @cached_property
    def dtype(self) -> np.dtype[Any]:
        """float64 if all matrix elements are real, else complex128."""
        return np.dtype(np.complex128 if self.values.imag.any() else np.float64)

    def multiply(
        self, x: NDArray[Any], y: NDArray[Any], scale: float = 1.0, beta: float = 0.0
    ) -> float:
        """y = scale H x - beta y in place; returns Re <scale x|y>."""
        partial = np.zeros(-(-len(x) // partners.ROWS))
        value = self.values if x.dtype == np.complex128 else self.values.real.copy()
        rest = (value, self.weights, x, y, scale, beta, partial)
        if self.stored:
            row_ptr, entries = self.elements
            partners.multiply_stored(self.diagonal, row_ptr, entries, self.shift, *rest)
        else:
            partners.multiply_free(self.diagonal, *self._kernel_arguments, *rest)
        return float(partial.sum())

    @cached_property
    def diagonal(self) -> NDArray[np.float64]:
        """Diagonal elements by representative."""
        states, _ = self.basis.listed
        diagonal = np.empty(len(states))
        partners.diagonal(states, self._bits.diag_coef, self._bits.diag_mask, diagonal)
        return diagonal

    @cached_property
    def elements(self) -> tuple[NDArray[np.uint64], NDArray[Any]]:
        """Row ends and packed elements."""
        states = self.basis.listed[0]
        counts = np.empty(len(states), np.int64)
        self._count(counts)
        row_ptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.uint64)
        entries = np.empty(row_ptr[-1], np.uint32 if self.packed_bytes == 4 else np.uint64)
        self._store(row_ptr, entries)
        return row_ptr, entries

    def _store(self, row_ptr: NDArray[np.uint64], entries: NDArray[Any]) -> None:
        for first in range(0, len(row_ptr) - 1, _AT_ONCE):
            last = min(first + _AT_ONCE, len(row_ptr) - 1)
            self._fill(first, last, row_ptr, entries)

    def _count(self, counts: NDArray[np.int64]) -> None:
        partners.count_partners(self.basis.listed[0], self.flips, counts)

    def _fill(
        self, first: int, last: int, row_ptr: NDArray[np.uint64], entries: NDArray[Any]
    ) -> None:
        partners.store_partners(first, last, *self._kernel_arguments, row_ptr, entries)

    def _list(self, rows: Any, ends: Any, found: Any, code: Any) -> None:
        flips, codes, _, _, group = self._kernel_arguments
        partners.list_partners(rows, flips, codes, group, ends, found, code)

    @property
    def most_elements(self) -> int:
        """Bound of the off-diagonal elements of a row."""
        return len(self.flips.mask)

    @property
    def shift(self) -> np.uint64:
        """Bits of a packed element that number the representative."""
        return np.uint64(32 if self.packed_bytes == 8 else self.dimension.bit_length())

    @property
    def packed_bytes(self) -> int:
        """Bytes of a packed element."""
        bits = self.dimension.bit_length() + len(self.values).bit_length()
        return 4 if bits <= 32 else 8

    @property
    def values(self) -> NDArray[np.complex128]:
        """Distinct elements times characters; the first is 0."""
        return self._coded[0]

    @cached_property
    def flips(self) -> Flips:
        """Flips in the form of the kernels."""
        return self._flips_and_elements[0]

    @property
    def _kernel_arguments(self) -> tuple[Any, ...]:
        basis = self.basis
        return self.flips, self._coded[1], self.shift, basis.index, basis.kernel_group

    @cached_property
    def _bits(self) -> Any:
        return bit_connections(
            compile_connections(relabelled(self.terms, self.basis), self.basis.n_sites)
        )

    @cached_property
    def _flips_and_elements(self) -> tuple[Flips, NDArray[np.complex128]]:
        fixed = self.basis.n_down is not None
        groups = [
            (mask, part)
            for mask, strings in flip_strings(self._bits, fixed).items()
            for part in _parts(strings)
        ]
        elements = [_sums_with_signs(strings) for _, strings in groups]
        signed = [[z_mask for z_mask in strings if z_mask] for _, strings in groups]
        flips = Flips(
            np.array([mask for mask, _ in groups], np.uint64),
            np.array([mask.bit_count() if fixed else 0 for mask, _ in groups], np.int64),
            np.cumsum([0, *map(len, signed)], dtype=np.int64),
            np.array([z_mask for z_masks in signed for z_mask in z_masks], np.uint64),
            np.cumsum([0, *map(len, elements)], dtype=np.int64)[:-1],
        )
        return flips, np.concatenate([*elements, np.zeros(0)]).astype(np.complex128)

    @cached_property
    def _coded(self) -> tuple[NDArray[np.complex128], NDArray[np.uint64]]:
        """Distinct products of elements and characters, and their numbers (elements, phases)."""
        return coded(self._flips_and_elements[1], self.basis.phases)


def coded(
    elements: NDArray[np.complex128], phases: NDArray[np.complex128]
) -> tuple[NDArray[np.complex128], NDArray[np.uint64]]:
    """Distinct products of elements and characters, 0 first, and their numbers, shape (n, m)."""
    products = elements[:, None] * phases
    distinct, codes = np.unique(np.append(0, products.ravel()) + 0.0, return_inverse=True)
    values: NDArray[np.complex128] = distinct.astype(np.complex128)
    zero = int(codes[0])
    values[[0, zero]] = values[[zero, 0]]
    codes = np.where(codes == zero, 0, np.where(codes == 0, zero, codes))
    numbers: NDArray[np.uint64] = codes[1:].reshape(products.shape).astype(np.uint64)
    return values, numbers


def relabelled(terms: PauliSum, basis: OrbitBasis) -> PauliSum:
    """The terms on the sites as the basis numbers them inside."""
    place = np.argsort(basis.site_order).tolist()
    return PauliSum.from_terms(
        (value, [(place[site], letter) for site, letter in string])
        for string, value in terms.terms.items()
    )


def _parts(strings: MaskStrings) -> list[MaskStrings]:
    """The strings of a flip, a few at a time."""
    listed = list(strings.items())
    return [dict(listed[n : n + _MAX_STRINGS]) for n in range(0, len(listed), _MAX_STRINGS)]


def _sums_with_signs(strings: MaskStrings) -> NDArray[np.complex128]:
    """constant + sum_k +-coef_k for all signs; bit k of the position is set where it is minus."""
    coefficients = [value for mask, value in strings.items() if mask]
    choices = np.arange(2 ** len(coefficients))
    total = np.full(len(choices), strings.get(0, 0), np.complex128)
    for k, value in enumerate(coefficients):
        total += value * signs(choices, 1 << k)
    return total
