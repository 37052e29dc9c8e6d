"""Signs of a ground state as a start vector of Lanczos iterations.

Where the signs (-1)^(number of spins down on a set A of sites) are those of a ground state
(`hamiltonians.models.known_signs`), they are not orthogonal to it and have all its symmetries.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hamiltonians.exact.blocks import BlockOperator
from hamiltonians.exact.few_states import SparseOperator
from hamiltonians.operators.bits import signs


def sign_vector(minus: NDArray[np.bool_], operator: Any) -> NDArray[np.float64]:
    """sign(sigma) of all basis states of an operator, or of its orbits' representatives."""
    n_sites = len(minus)
    mask = sum(1 << (n_sites - 1 - i) for i in np.flatnonzero(minus).tolist())
    if isinstance(operator, SparseOperator):
        return operator.sector.configurations()[:, minus].prod(axis=1, dtype=float)
    if isinstance(operator, BlockOperator):
        return _signs_in_blocks(mask, operator)
    basis = operator.basis
    mask = sum(1 << (basis.bits * (n_sites - 1 - i)) for i in np.flatnonzero(minus).tolist())
    inside = int(basis.relabel(np.array([mask], np.uint64))[0])
    return signs(basis.listed[0], inside).astype(np.float64)


def _signs_in_blocks(mask: int, operator: BlockOperator) -> NDArray[np.float64]:
    layout, out = operator.layout, np.empty(operator.length)
    low = signs(layout.lows, mask & (2**layout.n_low - 1)).astype(np.float64)
    high = signs(np.arange(len(layout.klasses)), mask >> layout.n_low).tolist()
    starts, offsets = layout.class_start.tolist(), layout.offsets.tolist()
    for block, klass in enumerate(layout.klasses.tolist()):
        if klass >= 0:
            rows = low[starts[klass] : starts[klass + 1]]
            here = slice(offsets[block], offsets[block] + len(rows))
            np.multiply(rows, high[block], out=out[here])
    return out
