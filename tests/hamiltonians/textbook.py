"""Slow and obvious: Kronecker products of the textbook Pauli matrices."""

from functools import reduce

import numpy as np
from hypothesis import strategies as st

from hamiltonians import PauliSum

MATRICES = {
    "I": np.eye(2),
    "X": np.array([[0, 1], [1, 0]]),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.array([[1, 0], [0, -1]]),
}


def matrix(terms: PauliSum, n_sites: int) -> np.ndarray:
    """Dense matrix of a Pauli sum, site 0 being the leftmost factor."""
    total = np.zeros((2**n_sites, 2**n_sites), complex)
    for string, value in terms.terms.items():
        letters = dict(string)
        total += value * reduce(np.kron, [MATRICES[letters.get(i, "I")] for i in range(n_sites)])
    return total


def total_z(n_sites: int) -> np.ndarray:
    """Diagonal of sum_i Z_i."""
    bits = np.arange(2**n_sites)[:, None] >> np.arange(n_sites) & 1
    return (1 - 2 * bits).sum(axis=1)


def pauli_sums(n_sites: int, hermitian: bool = True) -> st.SearchStrategy[PauliSum]:
    """Random sums of strings on up to ``n_sites`` sites, with any mixture of letters."""
    strings = st.text("IXYZ", min_size=n_sites, max_size=n_sites)
    real = st.floats(-2, 2, allow_subnormal=False).map(lambda x: round(x, 3))
    numbers = real if hermitian else st.builds(complex, real, real)
    return st.dictionaries(strings, numbers, max_size=8).map(PauliSum.from_strings)
