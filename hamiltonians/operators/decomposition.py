"""The Pauli strings of a matrix."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hamiltonians.utils.checks import finite

PauliString = tuple[tuple[int, str], ...]

ROUNDING = 1e-12  # relative size below which a coefficient counts as rounding error
_LETTERS = {(0, 0): "", (0, 1): "Z", (1, 0): "X", (1, 1): "Y"}  # by the bits of flip and z


def pauli_strings(matrix: Any, n_sites: int) -> dict[PauliString, complex]:
    """Coefficients of the Pauli strings whose sum is a matrix, dense or sparse.

    The elements (s, s ^ flip) are a function of s whose Walsh-Hadamard transform holds the
    coefficients of Z_z X_flip; Z X = i Y on a site makes these Pauli strings.
    """
    from scipy.sparse import coo_array  # late: this module is loaded with the package

    elements = coo_array(matrix)
    finite("matrix", elements.data)
    rows, columns = (axis.astype(np.int64) for axis in elements.coords)
    flips = rows ^ columns
    total: dict[PauliString, complex] = {}
    for flip in np.unique(flips).tolist():
        diagonal = np.zeros(2**n_sites, np.complex128)
        np.add.at(diagonal, rows[flips == flip], elements.data[flips == flip])
        # Rounding of a transform in n_sites steps is relative to the elements that it adds up.
        floor = 2 * np.finfo(float).eps * n_sites * np.abs(diagonal).max()
        found = _strings(_walsh_hadamard(diagonal), flip, n_sites)
        total |= {string: c for string, c in found.items() if abs(c) > floor}
    return total


def _strings(coefficients: NDArray[Any], flip: int, n_sites: int) -> dict[PauliString, complex]:
    found: dict[PauliString, complex] = {}
    for z in np.flatnonzero(coefficients).tolist():
        letters = [_LETTERS[flip >> bit & 1, z >> bit & 1] for bit in reversed(range(n_sites))]
        string = tuple((site, letter) for site, letter in enumerate(letters) if letter)
        found[string] = complex(coefficients[z]) * 1j ** (flip & z).bit_count()
    return found


def _walsh_hadamard(values: NDArray[Any]) -> NDArray[Any]:
    """sum_s (-1)^popcount(s & z) values[s] / len(values)."""
    result, step = values.copy(), 1
    while step < len(result):
        pairs = result.reshape(-1, 2, step)
        result = np.stack([pairs[:, 0] + pairs[:, 1], pairs[:, 0] - pairs[:, 1]], axis=1).ravel()
        step *= 2
    return result / len(values)
