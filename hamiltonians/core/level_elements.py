"""Rows of an operator on spins of any S, for the packed elements of `symmetric_elements`.

The tuple ``moves`` of the kernels describes `hamiltonians.operators.level_connections`:

- ``group_ptr`` (groups + 1,), and for each site of a group the ``shift`` of its bits in a state and
  the ``stride`` of its level in the number of a row; ``field``, the mask of one level;
- ``first_row`` (groups,), ``diag`` (rows,), ``row_ptr`` (rows + 1,);
- ``change_ptr`` (groups,): what element e of group g adds to a state is
  ``change[change_ptr[g] + e]``, modulo 2^64.
"""

import numba
import numpy as np

from hamiltonians.core.jit import kernel, parallel_kernel
from hamiltonians.core.orbits import to_representatives
from hamiltonians.core.symmetric_elements import ROWS, find, work_arrays


@kernel
def row_of(state, g, moves):
    """Number of the row of group g that a state selects."""
    group_ptr, shift, stride, field, first_row = moves[:5]
    row = first_row[g]
    for k in range(group_ptr[g], group_ptr[g + 1]):
        row += stride[k] * np.int64((state >> shift[k]) & field)
    return row


@kernel
def row_partners(state, moves, group, work):
    """Representatives that a row leads to, with numbers of elements and characters; how many."""
    row_ptr, change_ptr, change = moves[6:]
    values, found, numbers, phases = work
    n = 0
    for g in range(len(change_ptr)):
        row = row_of(state, g, moves)
        for e in range(row_ptr[row], row_ptr[row + 1]):
            found[n] = state + change[change_ptr[g] + e]
            numbers[n] = e
            n += 1
    to_representatives(n, found, phases, group, values)
    return n


@parallel_kernel
def diagonal(states, constant, moves, out):
    """Diagonal elements of all rows."""
    diag = moves[5]
    for a in numba.prange(len(states)):
        total = constant
        for g in range(len(moves[4])):
            total += diag[row_of(states[a], g, moves)]
        out[a] = total


@parallel_kernel
def count_partners(states, moves, counts):
    """Number of packed elements of each row."""
    row_ptr = moves[6]
    for a in numba.prange(len(states)):
        n = 0
        for g in range(len(moves[4])):
            row = row_of(states[a], g, moves)
            n += row_ptr[row + 1] - row_ptr[row]
        counts[a] = n


@parallel_kernel
def store_partners(first, last, most, moves, codes, shift, index, group, row_ptr, entries):
    """Packed elements of the rows ``first`` to ``last``, at most ``most`` in each."""
    states = index[0]
    for chunk in numba.prange((last - first + ROWS - 1) // ROWS):
        work = work_arrays(group[1], most)
        begin = first + chunk * ROWS
        for a in range(begin, min(begin + ROWS, last)):
            n = row_partners(states[a], moves, group, work)
            for m in range(n):
                b = find(work[1][m], index)
                code = codes[work[2][m], work[3][m]] if b >= 0 else np.uint64(0)
                entries[row_ptr[a] + np.uint64(m)] = (code << shift) | np.uint64(max(b, 0))


@parallel_kernel
def list_partners(rows, most, moves, codes, group, row_ptr, found, code):
    """Representatives and codes of the elements of some rows, which other ranks number."""
    for chunk in numba.prange((len(rows) + ROWS - 1) // ROWS):
        work = work_arrays(group[1], most)
        for a in range(chunk * ROWS, min((chunk + 1) * ROWS, len(rows))):
            n = row_partners(rows[a], moves, group, work)
            at = row_ptr[a] - row_ptr[0]
            for m in range(n):
                found[at + np.uint64(m)] = work[1][m]
                code[at + np.uint64(m)] = codes[work[2][m], work[3][m]]
