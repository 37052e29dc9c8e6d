"""Small sectors of many sites: configurations as rows of spins, found again by a key.

Where nearly all spins are parallel a sector is small whatever the number of sites; integers of 64
bits and tables of 2^(N/2) entries are not needed for it.
"""

import itertools
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hamiltonians.operators.connections import compile_connections
from hamiltonians.operators.pauli import PauliSum
from hamiltonians.utils.memory import require_memory

if TYPE_CHECKING:
    from scipy.sparse import csr_array


def list_configurations(n_sites: int, n_down: int) -> NDArray[np.int8]:
    """All configurations, int8 (n, n_sites), ascending as integers with a bit for each spin down.

    Raises
    ------
    TooLargeError
        If they do not fit into memory.
    """
    fewer = min(n_down, n_sites - n_down)
    n = math.comb(n_sites, fewer)
    require_memory(n * (n_sites + 80 * (fewer + 1)), f"{n} configurations of {n_sites} sites")
    places = np.array(list(itertools.combinations(range(n_sites), fewer)), np.int64)
    down = fewer == n_down
    spins = np.full((n, n_sites), 1 if down else -1, np.int8)
    np.put_along_axis(spins, places.reshape(n, fewer), -1 if down else 1, axis=1)
    return spins[::-1].copy() if down else spins  # site 0 is the highest bit


class Ranks:
    """Which row of some configurations each of others is.

    Parameters
    ----------
    spins : int8 (n, n_sites)
        All different.
    """

    def __init__(self, spins: NDArray[np.int8]) -> None:
        rng = np.random.default_rng(0)
        self.words = rng.integers(2**64, size=(spins.shape[1],), dtype=np.uint64)
        self.keys = self.keys_of(spins)
        self.order = np.argsort(self.keys)
        self._sorted = self.keys[self.order]

    def keys_of(self, spins: NDArray[np.int8]) -> NDArray[np.uint64]:
        """Sums of random words of the sites with spin down, modulo 2^64."""
        return (spins < 0).astype(np.uint64) @ self.words

    def of(self, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Rows of these keys.

        Raises
        ------
        ValueError
            If there is none.
        """
        place = np.minimum(np.searchsorted(self._sorted, keys), len(self.order) - 1)
        if (self._sorted[place] != keys).any():
            raise ValueError("configurations must lie in the sector, got some that do not")
        return self.order[place]


def sparse_on_configurations(terms: PauliSum, spins: NDArray[np.int8]) -> "csr_array":
    """A Pauli sum between configurations of one total S_z; what leads elsewhere is left out.

    Parameters
    ----------
    terms : PauliSum
    spins : int8 (n, n_sites)

    Returns
    -------
    csr_array, shape (n, n)
        Real if all elements are.
    """
    from scipy.sparse import csr_array  # late: 0.2 s of each start

    c, ranks = compile_connections(terms, spins.shape[1]), Ranks(spins)
    columns_of_spins = np.ascontiguousarray(spins.T)

    def total(coef: Any, ptr: Any, sites: Any, first: int, last: int) -> NDArray[Any]:
        """sum_k coef_k prod_{i in Z_k} sigma_i over strings first to last."""
        found = np.zeros(len(spins), coef.dtype)
        for k in range(first, last):
            found += coef[k] * columns_of_spins[sites[ptr[k] : ptr[k + 1]]].prod(axis=0, dtype=int)
        return found

    diagonal = total(c.diag_coef, c.diag_ptr, c.diag_sites, 0, len(c.diag_coef))
    rows, columns = [np.arange(len(spins))], [np.arange(len(spins))]
    values = [diagonal.astype(np.complex128)]
    for f in range(len(c.flip_ptr) - 1):
        sites = c.flip_sites[c.flip_ptr[f] : c.flip_ptr[f + 1]]
        turned = columns_of_spins[sites].astype(np.int64)
        elements = total(c.coef, c.z_ptr, c.z_sites, c.term_ptr[f], c.term_ptr[f + 1])
        kept = np.flatnonzero((turned.sum(axis=0) == 0) & (elements != 0))
        words = ranks.words[sites, None]
        change = (words * turned[:, kept].astype(np.uint64)).sum(axis=0)  # -1 is 2^64 - 1
        rows.append(kept)
        columns.append(ranks.of(ranks.keys[kept] + change))
        values.append(elements[kept])
    found = np.concatenate(values)
    data: NDArray[Any] = found if found.imag.any() else found.real.copy()
    places = (np.concatenate(rows), np.concatenate(columns))
    return csr_array((data, places), shape=(len(spins),) * 2)
