"""Hamiltonian terms as flat arrays, ready for kernels.

Strings that flip the same set F of sites are grouped. With sigma' = sigma flipped on F,

    <sigma|H|sigma'> = sum_k coef_k prod_{i in Z_k} sigma_i,

sigma being the row configuration: each Z contributes sigma_i, each Y contributes -i sigma_i
(from Y = [[0, -i], [i, 0]]), each X contributes 1. The strings that flip nothing are the diagonal.
"""

from collections.abc import Iterable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hamiltonians.operators.local_space import MAX_BITS
from hamiltonians.operators.pauli import ROUNDING, PauliString, PauliSum, spell
from hamiltonians.utils.brief import brief_tuple
from hamiltonians.utils.checks import instance, integer, short

Sites = tuple[int, ...]
Strings = dict[Sites, complex]


class Connections(NamedTuple):
    """Flips, their z-strings and the diagonal, as compressed rows.

    Attributes
    ----------
    flip_ptr : ndarray, shape (F + 1,), int64
        Flip f turns the sites ``flip_sites[flip_ptr[f]:flip_ptr[f + 1]]``.
    flip_sites : ndarray, int64
    term_ptr : ndarray, shape (F + 1,), int64
        Flip f sums the strings ``term_ptr[f]`` to ``term_ptr[f + 1]``.
    coef : ndarray, shape (K,), complex128
    z_ptr : ndarray, shape (K + 1,), int64
        String k multiplies the spins ``z_sites[z_ptr[k]:z_ptr[k + 1]]`` of the row.
    z_sites : ndarray, int64
    diag_coef : ndarray, shape (D,), float64
        Diagonal strings; the constant is a string without sites.
    diag_ptr : ndarray, shape (D + 1,), int64
    diag_sites : ndarray, int64
    n_sites : int
    """

    flip_ptr: NDArray[np.int64]
    flip_sites: NDArray[np.int64]
    term_ptr: NDArray[np.int64]
    coef: NDArray[np.complex128]
    z_ptr: NDArray[np.int64]
    z_sites: NDArray[np.int64]
    diag_coef: NDArray[np.float64]
    diag_ptr: NDArray[np.int64]
    diag_sites: NDArray[np.int64]
    n_sites: int

    def __repr__(self) -> str:
        return brief_tuple(self)


class BitConnections(NamedTuple):
    """`Connections` with every set of sites as a bit mask; site i is bit n_sites - 1 - i.

    Attributes
    ----------
    flip_mask : ndarray, shape (F,), uint64
    term_ptr : ndarray, shape (F + 1,), int64
    coef : ndarray, shape (K,), complex128
    z_mask : ndarray, shape (K,), uint64
    diag_coef : ndarray, shape (D,), float64
    diag_mask : ndarray, shape (D,), uint64
    """

    flip_mask: NDArray[np.uint64]
    term_ptr: NDArray[np.int64]
    coef: NDArray[np.complex128]
    z_mask: NDArray[np.uint64]
    diag_coef: NDArray[np.float64]
    diag_mask: NDArray[np.uint64]

    def __repr__(self) -> str:
        return brief_tuple(self)


def compile_connections(terms: PauliSum, n_sites: int) -> Connections:
    """Group the strings of ``terms`` by the sites they flip.

    Parameters
    ----------
    terms : PauliSum
    n_sites : int

    Returns
    -------
    Connections

    Raises
    ------
    ValueError
        If a string acts beyond ``n_sites``, or a diagonal coefficient is not real.
    """
    instance("terms", terms, PauliSum)
    n_sites = integer("n_sites", n_sites, minimum=0)
    if terms.n_sites_needed > n_sites:
        raise ValueError(f"terms must act on sites 0 to {n_sites - 1}, got {short(terms)}")
    flips = _group_by_flip(terms)
    diagonal = _real(flips.pop((), {}))
    strings = [flips[flip] for flip in sorted(flips)]
    flip_ptr, flip_sites = _rows(sorted(flips))
    z_ptr, z_sites = _rows(sites for group in strings for sites in sorted(group))
    diag_ptr, diag_sites = _rows(sorted(diagonal))
    return Connections(
        flip_ptr=flip_ptr,
        flip_sites=flip_sites,
        term_ptr=_ends(len(group) for group in strings),
        coef=np.array([group[s] for group in strings for s in sorted(group)], np.complex128),
        z_ptr=z_ptr,
        z_sites=z_sites,
        diag_coef=np.array([diagonal[s] for s in sorted(diagonal)], np.float64),
        diag_ptr=diag_ptr,
        diag_sites=diag_sites,
        n_sites=n_sites,
    )


def observable_connections(observable: PauliSum, n_sites: int) -> Connections:
    """`compile_connections` for an observable: only its diagonal must be real.

    An observable A + iB with a complex diagonal is measured as A and B apart.

    Parameters
    ----------
    observable : PauliSum
    n_sites : int

    Returns
    -------
    Connections
    """
    return compile_connections(observable, n_sites)


def bit_connections(connections: Connections) -> BitConnections:
    """The same operator with bit masks, for configurations held as integers.

    Parameters
    ----------
    connections : Connections

    Returns
    -------
    BitConnections

    Raises
    ------
    ValueError
        If there are more than 63 sites.
    """
    instance("connections", connections, Connections)
    c = connections
    if c.n_sites > MAX_BITS:
        raise ValueError(f"basis states as integers hold at most {MAX_BITS} sites, got {c.n_sites}")
    return BitConnections(
        flip_mask=_masks(c.flip_ptr, c.flip_sites, c.n_sites),
        term_ptr=c.term_ptr,
        coef=c.coef,
        z_mask=_masks(c.z_ptr, c.z_sites, c.n_sites),
        diag_coef=c.diag_coef,
        diag_mask=_masks(c.diag_ptr, c.diag_sites, c.n_sites),
    )


def is_invariant(
    connections: Connections, permutations: NDArray[np.int64], signs: NDArray[np.float64]
) -> bool:
    """Whether the off-diagonal part is the same after permutations of the sites.

    Parameters
    ----------
    connections : Connections
        With no two strings of the same sites.
    permutations : int64 (n, N)
    signs : float64 (n,)
        Negative where all spins are turned over as well.
    """
    c = connections
    words = np.random.default_rng(0).integers(2**64, size=(2, c.n_sites), dtype=np.uint64)
    n_strings, n_z = np.diff(c.term_ptr), np.diff(c.z_ptr)
    turned = c.coef * (-1.0) ** n_z

    def ordered(permutation: NDArray[np.int64], coef: NDArray[np.complex128]) -> tuple[Any, Any]:
        """Keys of all strings, sums of random words of their sites, in order; coefficients."""
        moved = words[:, permutation]
        keys = np.repeat(_sums(moved[0][c.flip_sites], c.flip_ptr), n_strings)
        keys += _sums(moved[1][c.z_sites], c.z_ptr)
        order = np.argsort(keys)
        return keys[order], coef[order]

    keys, coef = ordered(np.arange(c.n_sites), c.coef)
    for permutation, sign in zip(permutations, signs, strict=True):
        other, values = ordered(permutation, c.coef if sign > 0 else turned)
        if not (np.array_equal(keys, other) and np.allclose(coef, values, rtol=ROUNDING, atol=0)):
            return False
    return True


def _sums(words: NDArray[np.uint64], ptr: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Sums of consecutive groups of words, modulo 2^64."""
    before = np.concatenate([np.zeros(1, np.uint64), np.cumsum(words)])
    return before[ptr[1:]] - before[ptr[:-1]]


def _group_by_flip(terms: PauliSum) -> dict[Sites, Strings]:
    """Flipped sites -> z-string sites -> coefficient; groups that cancel are left out."""
    flips: dict[Sites, Strings] = {}
    for string, value in terms.terms.items():
        flipped, signs, factor = _row_rule(string)
        flips.setdefault(flipped, {})[signs] = value * factor
    return flips


def _row_rule(string: PauliString) -> tuple[Sites, Sites, complex]:
    """Sites flipped, sites whose row spin multiplies, and the factor (-i)^(number of Y)."""
    flipped = tuple(site for site, letter in string if letter != "Z")
    signs = tuple(site for site, letter in string if letter != "X")
    n_y = sum(letter == "Y" for _, letter in string)
    return flipped, signs, (1, -1j, -1, 1j)[n_y % 4]


def _real(diagonal: Strings) -> dict[Sites, float]:
    for sites, value in diagonal.items():
        if abs(value.imag) > ROUNDING * abs(value):
            name = spell(tuple((site, "Z") for site in sites))
            raise ValueError(f"terms must have a real diagonal, got {value} for {name}")
    return {sites: value.real for sites, value in diagonal.items()}


def _rows(groups: Iterable[Sites]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row ends and concatenated entries of a list of site tuples."""
    listed = list(groups)
    return _ends(map(len, listed)), np.array([s for g in listed for s in g], np.int64)


def _ends(lengths: Iterable[int]) -> NDArray[np.int64]:
    return np.cumsum([0, *lengths], dtype=np.int64)


def _masks(ptr: NDArray[np.int64], sites: NDArray[np.int64], n_sites: int) -> NDArray[np.uint64]:
    rows = [sites[start:end].tolist() for start, end in pairwise(ptr)]
    return np.array([sum(1 << (n_sites - 1 - s) for s in row) for row in rows], np.uint64)
