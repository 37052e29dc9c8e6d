"""Operators on spins of any S as flat arrays, ready for kernels.

Parts of an operator are gathered into groups of sites that hold none of each other. A configuration
selects one row of each group's matrix: its diagonal element and the elements that lead elsewhere,
with the sites that change. Groups of equal matrices share their rows.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hamiltonians.operators.local_space import LocalSpace
from hamiltonians.operators.spin import (
    Matrix,
    Sites,
    SpinOperator,
    as_spin_operator,
    embedded,
    level_sums,
)
from hamiltonians.utils.brief import brief_tuple
from hamiltonians.utils.checks import instance
from hamiltonians.utils.memory import require_memory

_NEGLIGIBLE = 1e-14  # of the largest element of a group: rounding where parts were put together


class LevelConnections(NamedTuple):
    """<sigma|A|sigma'> for rows sigma, by groups of sites; see the module.

    Attributes
    ----------
    group_ptr : ndarray, shape (G + 1,), int64
        Group g acts on the sites ``group_sites[group_ptr[g]:group_ptr[g + 1]]``.
    group_sites, strides : ndarray, int64
        A configuration selects its row ``first_row[g] + sum_k strides[k] level[group_sites[k]]``,
        with level = S - S_z.
    first_row : ndarray, shape (G,), int64
    diag : ndarray, shape (R,), float64
        The diagonal is ``constant`` plus the sum over groups of ``diag[row]``; complex only where
        an observable that is not Hermitian makes it so.
    row_ptr : ndarray, shape (R + 1,), int64
        Row r has the off-diagonal elements ``row_ptr[r]`` to ``row_ptr[r + 1]``.
    mel : ndarray, shape (E,), complex128
    change_ptr : ndarray, shape (E + 1,), int64
        Element e changes ``change_at[change_ptr[e]:change_ptr[e + 1]]``.
    change_at : ndarray, int64
        Place k of a site within its group.
    change_by : ndarray, int8
        What is added to sigma there, a multiple of 2.
    constant : complex
    n_sites : int
    max_elements : int
        Bound of the number of off-diagonal elements of a configuration.
    """

    group_ptr: NDArray[np.int64]
    group_sites: NDArray[np.int64]
    strides: NDArray[np.int64]
    first_row: NDArray[np.int64]
    diag: NDArray[Any]
    row_ptr: NDArray[np.int64]
    mel: NDArray[np.complex128]
    change_ptr: NDArray[np.int64]
    change_at: NDArray[np.int64]
    change_by: NDArray[np.int8]
    constant: complex
    n_sites: int
    max_elements: int

    def __repr__(self) -> str:
        return brief_tuple(self)

    @property
    def row_ends(self) -> NDArray[np.int64]:
        """Where the rows of each group end, shape (G,): first_row[g] to row_ends[g]."""
        starts = np.unique(self.first_row)
        ends = np.append(starts[1:], len(self.row_ptr) - 1)
        return ends[np.searchsorted(starts, self.first_row)]


def level_connections(operator: Any, space: LocalSpace, fixed_sz: bool = False) -> LevelConnections:
    """Compile an operator, a Pauli sum too, on the sites of a space.

    Parameters
    ----------
    operator : SpinOperator or PauliSum
    space : LocalSpace
    fixed_sz : bool
        Leave out elements that change total S_z, which is the projection on a sector.

    Raises
    ------
    ValueError
        If the operator acts beyond the sites, or on a site of another spin.
    """
    operator = as_spin_operator(operator)
    check_sites_of(operator, space)
    groups = _groups(operator, space)
    tables: dict[Any, tuple[int, int]] = {}  # matrix -> first row, most elements of a row
    rows: list[_Row] = []
    firsts, most = [], 0
    for sites, matrix in groups.items():
        dims = [int(space.local_dims[site]) for site in sites]
        key = (*dims, matrix.tobytes())
        if key not in tables:
            made = _rows(matrix, dims, fixed_sz)
            tables[key] = (len(rows), max(len(row.mel) for row in made))
            rows += made
        firsts.append(tables[key][0])
        most += tables[key][1]
    strides = [
        math.prod(int(space.local_dims[s]) for s in sites[k + 1 :])
        for sites in groups
        for k in range(len(sites))
    ]
    changes = [change for row in rows for change in row.changes]
    constant = complex(operator.parts[()].item()) if () in operator.parts else 0j
    return LevelConnections(
        group_ptr=_ends([len(sites) for sites in groups]),
        group_sites=np.array([site for sites in groups for site in sites], np.int64),
        strides=np.array(strides, np.int64),
        first_row=np.array(firsts, np.int64),
        diag=_real_if_possible([row.diagonal for row in rows]),
        row_ptr=_ends([len(row.mel) for row in rows]),
        mel=np.array([value for row in rows for value in row.mel], np.complex128),
        change_ptr=_ends([len(change) for change in changes]),
        change_at=np.array([at for change in changes for at, _ in change], np.int64),
        change_by=np.array([by for change in changes for _, by in change], np.int8),
        constant=constant if constant.imag else constant.real,
        n_sites=space.n_sites,
        max_elements=most,
    )


def connected(
    connections: LevelConnections, sigma: ArrayLike, space: LocalSpace
) -> tuple[NDArray[np.int8], NDArray[np.complex128]]:
    """Configurations that an operator joins with some, and the elements <sigma|A|sigma'>.

    The first is sigma itself. Rows with fewer than the most are filled up with sigma and elements
    of 0; a configuration may appear more than once, and its elements add up.

    Parameters
    ----------
    connections : LevelConnections
    sigma : array of int, shape (n, n_sites)
        Twice S_z.
    space : LocalSpace

    Returns
    -------
    sigma_prime : ndarray, shape (n, C, n_sites), int8
    elements : ndarray, shape (n, C), complex128

    Raises
    ------
    ValueError
        If sigma has another shape, or values that a site does not take.
    """
    instance("connections", connections, LevelConnections)
    instance("space", space, LocalSpace)
    c, rows = connections, space.check("sigma", np.atleast_2d(sigma))
    if rows.ndim != 2:
        raise ValueError(f"sigma must have shape (n, {c.n_sites}), got {np.shape(sigma)}")
    n, width = len(rows), c.max_elements + 1
    require_memory(n * width * (c.n_sites + 16), f"{n * width} connected configurations")
    found = np.repeat(rows[:, None], width, axis=1)
    elements = np.zeros((n, width), np.complex128)
    numbers = rows_of(c, space.levels(rows))
    elements[:, 0] = c.constant + c.diag[numbers].sum(axis=1)
    used = np.ones(n, np.int64)
    for g in range(len(c.first_row)):
        sites = c.group_sites[c.group_ptr[g] : c.group_ptr[g + 1]]
        for r in np.unique(numbers[:, g]).tolist():
            which = np.flatnonzero(numbers[:, g] == r)
            for place, e in enumerate(range(c.row_ptr[r], c.row_ptr[r + 1])):
                here = used[which] + place
                elements[which, here] = c.mel[e]
                for change in range(c.change_ptr[e], c.change_ptr[e + 1]):
                    found[which, here, sites[c.change_at[change]]] += c.change_by[change]
        used += np.diff(c.row_ptr)[numbers[:, g]]
    return found, elements


def rows_of(connections: LevelConnections, levels: NDArray[Any]) -> NDArray[np.int64]:
    """Row of each group that configurations select, shape (n, G), for levels (n, n_sites)."""
    c = connections
    total = np.empty((len(levels), len(c.first_row)), np.int64)
    for g, first in enumerate(c.first_row.tolist()):
        at = slice(c.group_ptr[g], c.group_ptr[g + 1])
        total[:, g] = first + levels[:, c.group_sites[at]] @ c.strides[at]
    return total


def check_sites_of(operator: SpinOperator, space: LocalSpace) -> None:
    """Refuse an operator on sites that a space does not have, or on spins of another S."""
    for site, d in operator.local_dims.items():
        if site >= space.n_sites:
            raise ValueError(f"terms must act on sites 0 to {space.n_sites - 1}, got site {site}")
        if d != space.local_dims[site]:
            raise ValueError(
                f"terms must act on spin {space.spins[site]:g} on site {site}, "
                f"got spin {(d - 1) / 2:g}"
            )


class _Row(NamedTuple):
    """Elements of one row of a local matrix, and (place, change of 2 S_z) of each."""

    diagonal: complex
    mel: list[complex]
    changes: list[list[tuple[int, int]]]


def _groups(operator: SpinOperator, space: LocalSpace) -> dict[Sites, Matrix]:
    """Matrices of sets of sites none of which holds another."""
    dims = dict(enumerate(space.local_dims.tolist()))
    total: dict[Sites, Matrix] = {}
    holders: dict[int, list[Sites]] = {}
    for sites, matrix in sorted(operator.parts.items(), key=lambda item: -len(item[0])):
        if not sites:
            continue
        candidates = holders.get(sites[0], [])
        home = next((group for group in candidates if set(sites) <= set(group)), sites)
        if home not in total:
            total[home] = matrix
            for site in home:
                holders.setdefault(site, []).append(home)
        else:
            total[home] = total[home] + embedded((sites, matrix), home, dims)
    return {sites: np.ascontiguousarray(total[sites]) for sites in sorted(total)}


def _rows(matrix: Matrix, dims: list[int], fixed_sz: bool) -> list[_Row]:
    levels = np.stack(np.unravel_index(np.arange(len(matrix)), dims), -1)
    sums = level_sums(dims)
    negligible = _NEGLIGIBLE * np.abs(matrix).max()
    made = []
    for r, row in enumerate(matrix):
        kept = np.abs(row) > negligible
        kept[r] = False
        if fixed_sz:
            kept &= sums == sums[r]
        columns = np.flatnonzero(kept).tolist()
        changes = [
            [(k, -2 * int(by)) for k, by in enumerate(levels[c] - levels[r]) if by] for c in columns
        ]
        made.append(_Row(complex(row[r]), [complex(row[c]) for c in columns], changes))
    return made


def _real_if_possible(values: list[complex]) -> NDArray[Any]:
    array = np.array(values, np.complex128)
    return array if array.imag.any() else array.real.copy()


def _ends(lengths: list[int]) -> NDArray[np.int64]:
    return np.cumsum([0, *lengths], dtype=np.int64)
