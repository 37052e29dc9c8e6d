"""Signs that make all off-diagonal elements of a Hamiltonian zero or negative.

With signs (-1)^(number of spins down on a set A of sites) the element of a flip F is multiplied by
(-1)^|F and A|: A solves one linear equation modulo 2 for each flip, sum_{i in F} a_i = 1 where the
element is positive. Then a ground state is psi(sigma) = sign(sigma) |psi(sigma)| (Perron &
Frobenius; Marshall, Proc. R. Soc. A 232, 48, 1955), and sign(sigma) itself is a start vector that
is not orthogonal to it and has all its symmetries.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hamiltonians.exact.blocks import BlockOperator
from hamiltonians.models.hamiltonian import SpinHamiltonian
from hamiltonians.operators.bits import flip_strings, signs
from hamiltonians.operators.connections import bit_connections


def sign_sites(H: SpinHamiltonian) -> NDArray[np.bool_] | None:
    """The set A as a mask (n_sites,), or None if no signs make every element negative."""
    rows: list[tuple[int, int]] = []
    flips = flip_strings(bit_connections(H.connections), fixed=H.total_sz is not None)
    for flip, strings in flips.items():
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


def sign_vector(minus: NDArray[np.bool_], operator: Any) -> NDArray[np.float64]:
    """sign(sigma) of all basis states of an operator, or of its orbits' representatives."""
    n_sites = len(minus)
    mask = sum(1 << (n_sites - 1 - i) for i in np.flatnonzero(minus).tolist())
    if isinstance(operator, BlockOperator):
        return _signs_in_blocks(mask, operator)
    basis = operator.basis
    inside = int(basis.relabel(np.array([mask], np.uint64))[0])
    return signs(basis.listed[0], inside).astype(np.float64)


def _signs_in_blocks(mask: int, operator: BlockOperator) -> NDArray[np.float64]:
    layout, out = operator.layout, np.empty(operator.dimension)
    low = signs(layout.lows, mask & (2**layout.n_low - 1)).astype(np.float64)
    high = signs(np.arange(len(layout.klasses)), mask >> layout.n_low).tolist()
    starts, offsets = layout.class_start.tolist(), layout.offsets.tolist()
    for block, klass in enumerate(layout.klasses.tolist()):
        if klass >= 0:
            rows = low[starts[klass] : starts[klass + 1]]
            here = slice(offsets[block], offsets[block] + len(rows))
            np.multiply(rows, high[block], out=out[here])
    return out
