"""From the orbits of a symmetry sector to all basis states."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hamiltonians.core import symmetric_elements as partners
from hamiltonians.exact.orbits import OrbitBasis
from hamiltonians.operators.spin_sectors import AnySector
from hamiltonians.utils.memory import require_memory

_AT_ONCE = 2**20


def expand(vector: NDArray[Any], basis: OrbitBasis, sector: AnySector) -> NDArray[Any]:
    """Coefficients of orbits as amplitudes of basis states.

    Parameters
    ----------
    vector : ndarray, shape (basis.dimension,)
        In the orthonormal basis of the orbits.
    basis : OrbitBasis
    sector : Sector or SpinSector
        Total-S_z sector (or all states) that the orbits lie in.

    Returns
    -------
    ndarray, shape (sector.dimension,)
        Of the same norm; basis states ascend as integers.

    Raises
    ------
    TooLargeError
        If states and amplitudes do not fit into memory.
    """
    complex_ones = np.iscomplexobj(vector) or bool(basis.phases.imag.any())
    dtype = np.complex128 if complex_ones else np.float64
    needed = sector.dimension * (8 + np.dtype(dtype).itemsize)
    require_memory(needed, f"a vector of {sector.dimension} states")
    amplitudes = (vector / np.sqrt(basis.listed[1].astype(np.float64))).astype(dtype)
    phases = basis.phases.astype(dtype) if complex_ones else basis.phases.real.copy()
    states, out = sector.basis_states(), np.empty(sector.dimension, dtype)
    for first in range(0, len(states), _AT_ONCE):
        part = slice(first, first + _AT_ONCE)
        partners.expand(
            basis.relabel(states[part]), basis.index, basis.kernel_group, phases, amplitudes,
            out[part],
        )  # fmt: skip
    return out
