"""H on amplitudes of orbit representatives.

With psi(g a) = conj(chi(g)) psi(a) in a sector, (H psi)(a) = sum_F h_F(a) psi(a^F), and
psi(a^F) = chi(g) psi(b) where b = g a^F is the representative: no norms of orbits occur. Each
element of a row is packed into one integer, the number of b in its low ``shift`` bits and above
them the number of the value h_F(a) chi(g), of which there are few; number 0 is the value zero.

The tuples of the kernels hold

- ``flips``: ``mask`` (F,), ``bits`` (F,) (turned sites where S_z is fixed, else 0), ``ptr``
  (F + 1,) and ``z_mask`` of the strings, and ``first_value`` (F,): on a row flip f has the element
  number ``first_value[f]`` plus the signs of its strings read as bits;
- ``codes`` (elements, characters): numbers of their products;
- ``index``: the sorted representatives; where those with the same leading bits start; the rank of
  the highest bits among those that occur (-1 for others); the number of bits below these, and how
  many of them count as leading.
"""

import numba
import numpy as np

from hamiltonians.core.jit import kernel, parallel_kernel
from hamiltonians.core.orbits import to_representatives
from hamiltonians.core.ranking import count_bits

ROWS = 2**11  # rows of a chunk
_ONE = np.uint64(1)


@kernel
def stays(state, flip, bits):
    """Whether the flipped state has the same S_z, where it is fixed (``bits`` > 0)."""
    return bits == 0 or 2 * count_bits(state & flip) == bits


@kernel
def leading_key(state, rank_of_top, n_below, n_key):
    """Number of the run of representatives with the state's leading bits, or -1."""
    top = rank_of_top[state >> n_below]
    leading = (state >> (n_below - n_key)) & ((_ONE << n_key) - _ONE)
    return (top << np.int64(n_key)) | np.int64(leading) if top >= 0 else np.int64(-1)


@kernel
def count_keys(states, rank_of_top, n_below, n_key, counts):
    """Number of states of each run, one place later, so that the sums say where runs start."""
    for state in states:
        counts[leading_key(state, rank_of_top, n_below, n_key) + 1] += 1


@kernel
def find(state, index):
    """Number of a representative, or -1."""
    states, starts, rank_of_top, n_below, n_key = index
    key = leading_key(state, rank_of_top, n_below, n_key)
    if key < 0:
        return -1
    first, last = np.int64(starts[key]), np.int64(starts[key + 1])
    while last - first > 1:
        middle = (first + last) >> 1
        if states[middle] <= state:
            first = middle
        else:
            last = middle
    return first if first < last and states[first] == state else -1


@kernel
def element_number(state, f, flips):
    """Number of the element of flip f on the row ``state``."""
    _, _, ptr, z_mask, first_value = flips
    number = first_value[f]
    for k in range(ptr[f], ptr[f + 1]):
        number += (count_bits(state & z_mask[k]) & 1) << (k - ptr[f])
    return number


@kernel
def row_partners(state, flips, group, work):
    """Representatives that a row leads to, with numbers of elements and characters; how many."""
    mask, bits = flips[0], flips[1]
    values, found, numbers, phases = work
    n = 0
    for f in range(len(mask)):
        if stays(state, mask[f], bits[f]):
            found[n] = state ^ mask[f]
            numbers[n] = element_number(state, f, flips)
            n += 1
    to_representatives(n, found, phases, group, values)
    return n


@kernel
def write_row(state, flips, codes, shift, index, group, work, entries, at):
    """Packed elements of one row from ``entries[at]`` on; returns where they end.

    All representatives are found first and looked up afterwards, so that the processor can wait
    for several places in memory at once.
    """
    _, found, numbers, phases = work
    n = row_partners(state, flips, group, work)
    for m in range(n):
        b = find(found[m], index)
        code = codes[numbers[m], phases[m]] if b >= 0 else np.uint64(0)
        entries[at + m] = (code << shift) | np.uint64(max(b, 0))
    return at + n


@kernel
def work_arrays(n_sets, n):
    """Space for patterns, and for states, numbers of elements and of characters of a row."""
    values, states = np.empty(n_sets, np.uint64), np.empty(n, np.uint64)
    return values, states, np.empty(n, np.int64), np.empty(n, np.int64)


@kernel
def row_times(first, last, entries, shift, value, x, total):
    """total + sum of the packed elements ``first`` to ``last`` times x."""
    low = (_ONE << shift) - _ONE
    for k in range(first, last):
        entry = np.uint64(entries[k])
        total += value[entry >> shift] * x[entry & low]
    return total


@parallel_kernel
def diagonal(states, coef, mask, out):
    """Diagonal elements of all rows."""
    for a in numba.prange(len(states)):
        total = 0.0
        for k in range(len(coef)):
            total += -coef[k] if count_bits(states[a] & mask[k]) & 1 else coef[k]
        out[a] = total


@parallel_kernel
def count_partners(states, flips, counts):
    """Number of packed elements of each row."""
    mask, bits = flips[0], flips[1]
    for a in numba.prange(len(states)):
        n = 0
        for f in range(len(mask)):
            n += stays(states[a], mask[f], bits[f])
        counts[a] = n


@parallel_kernel
def store_partners(first, last, flips, codes, shift, index, group, row_ptr, entries):
    """Packed elements of the rows ``first`` to ``last``."""
    states = index[0]
    for chunk in numba.prange((last - first + ROWS - 1) // ROWS):
        work = work_arrays(group[1], len(flips[0]))
        begin = first + chunk * ROWS
        for a in range(begin, min(begin + ROWS, last)):
            write_row(states[a], flips, codes, shift, index, group, work, entries, row_ptr[a])


@parallel_kernel
def multiply_stored(
    diagonal, row_ptr, entries, shift, value, weights, x, y, scale, beta, partial
):  # fmt: skip
    """y = scale H x - beta y; ``partial`` sums to Re <scale x|y>."""
    for chunk in numba.prange(len(partial)):
        total = 0.0
        begin = np.uint64(chunk) * np.uint64(ROWS)
        for a in range(begin, min(begin + np.uint64(ROWS), np.uint64(len(x)))):
            image = diagonal[a] * x[a]
            image = row_times(row_ptr[a], row_ptr[a + _ONE], entries, shift, value, x, image)
            y[a] = scale * image - beta * y[a]
            total += weights[a] * (np.conj(x[a]) * y[a]).real
        partial[chunk] = scale * total


@parallel_kernel
def multiply_free(
    diagonal, flips, codes, shift, index, group, value, weights, x, y, scale, beta, partial
):  # fmt: skip
    """`multiply_stored` with the elements of each row found anew."""
    states = index[0]
    for chunk in numba.prange(len(partial)):
        total = 0.0
        work = work_arrays(group[1], len(flips[0]))
        entries = np.empty(len(flips[0]), np.uint64)
        for a in range(chunk * ROWS, min((chunk + 1) * ROWS, len(x))):
            n = write_row(states[a], flips, codes, shift, index, group, work, entries, 0)
            image = row_times(0, n, entries, shift, value, x, diagonal[a] * x[a])
            y[a] = scale * image - beta * y[a]
            total += weights[a] * (np.conj(x[a]) * y[a]).real
        partial[chunk] = scale * total


@parallel_kernel
def expand(states, index, group, phases, psi, out):
    """Amplitudes of any states (relabelled) from those of the representatives."""
    for chunk in numba.prange((len(states) + ROWS - 1) // ROWS):
        first, last = chunk * ROWS, min((chunk + 1) * ROWS, len(states))
        values, _, _, phase = work_arrays(group[1], last - first)
        found = states[first:last].copy()
        to_representatives(last - first, found, phase, group, values)
        for m in range(last - first):
            b = find(found[m], index)
            out[first + m] = phases[phase[m]] * psi[b] if b >= 0 else psi[0] * 0


@parallel_kernel
def list_partners(rows, flips, codes, group, row_ptr, found, code):
    """Representatives and codes of the elements of some rows, which other ranks number."""
    for chunk in numba.prange((len(rows) + ROWS - 1) // ROWS):
        work = work_arrays(group[1], len(flips[0]))
        for a in range(chunk * ROWS, min((chunk + 1) * ROWS, len(rows))):
            n = row_partners(rows[a], flips, group, work)
            at = row_ptr[a] - row_ptr[0]
            for m in range(n):
                found[at + np.uint64(m)] = work[1][m]
                code[at + np.uint64(m)] = codes[work[2][m], work[3][m]]


@parallel_kernel
def find_all(states, index, first, numbers):
    """Numbers of representatives, the first of them being ``first``; -1 for other states."""
    for k in numba.prange(len(states)):
        b = find(states[k], index)
        numbers[k] = first + b if b >= 0 else -1


@parallel_kernel
def sort_rows(row_ptr, entries, shift, first, dimension):
    """Packed elements of each row by their columns, from column ``first`` on round to it."""
    low = (_ONE << shift) - _ONE
    for a in numba.prange(len(row_ptr) - 1):
        for k in range(row_ptr[a] + _ONE, row_ptr[a + 1]):
            entry = entries[k]
            key = ((np.uint64(entry) & low) + dimension - first) % dimension
            m = k
            while m > row_ptr[a]:
                before = entries[m - _ONE]
                if ((np.uint64(before) & low) + dimension - first) % dimension <= key:
                    break
                entries[m] = before
                m -= _ONE
            entries[m] = entry


@parallel_kernel
def multiply_diagonal(diagonal, weights, x, y, scale, beta, taken, partial):
    """y = scale (diagonal) x - beta y, and no element taken yet; ``partial`` as below."""
    for chunk in numba.prange(len(partial)):
        total = 0.0
        for a in range(chunk * ROWS, min((chunk + 1) * ROWS, len(x))):
            y[a] = scale * diagonal[a] * x[a] - beta * y[a]
            taken[a] = 0
            total += weights[a] * (np.conj(x[a]) * y[a]).real
        partial[chunk] = scale * total


@parallel_kernel
def multiply_part(
    row_ptr, taken, entries, shift, start, source, value, weights, x, y, scale, partial
):  # fmt: skip
    """y += scale H z for a part z = ``source`` of the vector, whose first column is ``start``.

    Rows are sorted by `sort_rows`, and parts come in that order: ``taken`` counts the elements of
    each row that are done. ``partial`` gains this rank's share of Re <scale x|y>.
    """
    low = (_ONE << shift) - _ONE
    size = np.uint64(len(source))
    for chunk in numba.prange(len(partial)):
        total = 0.0
        begin = np.uint64(chunk) * np.uint64(ROWS)
        for a in range(begin, min(begin + np.uint64(ROWS), np.uint64(len(x)))):
            k, end = row_ptr[a] + np.uint64(taken[a]), row_ptr[a + _ONE]
            image = x.dtype.type(0)
            while k < end:
                entry = np.uint64(entries[k])
                b = (entry & low) - start  # of an earlier column it is a large number
                if b >= size:
                    break
                image += value[entry >> shift] * source[b]
                k += _ONE
            taken[a] = np.uint16(k - row_ptr[a])
            image *= scale
            y[a] += image
            total += weights[a] * (np.conj(x[a]) * image).real
        partial[chunk] += scale * total
