"""H x where a basis state is a high half and a low half, one contiguous block for each high half.

A block holds the low halves of one class (in a sector of fixed S_z those with the number of set
bits that the high half leaves; all of them where S_z is free), ascending. H falls into five parts:

- ``low``: strings that act on low bits only, one small matrix in compressed rows for all blocks;
- ``runs``: of these, constant flips that leave runs of rows together, where S_z is free;
- ``high``: flips of high bits only, whose strings are one number in a block, so that they add a
  multiple of another block;
- ``cross``: the remaining flips, a number for the block times a list of (row, column) pairs of low
  halves, with the sign of a low string where there is one;
- ``diagonal``: a low table, a number for the block, and signs of low strings times numbers.

Every row is gathered by one thread from the whole of x, in a sum of fixed order, so that results
do not depend on the number of threads. Indices are unsigned: Numba tests signed ones for
wrap-around, which keeps the loops from being vectorised.
"""

import numba
import numpy as np

from hamiltonians.core.jit import kernel, parallel_kernel
from hamiltonians.core.ranking import count_bits

_ONE = np.uint64(1)


@kernel
def largest_class(class_start):
    """Low halves of the largest class."""
    largest = 0
    for k in range(len(class_start) - 1):
        largest = max(largest, class_start[k + 1] - class_start[k])
    return largest


@kernel
def block_number(high, start, end, coef, mask):
    """sum_k coef_k prod_{i in mask_k} sigma_i over strings of high bits."""
    total = coef.dtype.type(0)
    for k in range(start, end):
        if count_bits(high & mask[k]) & 1:
            total -= coef[k]
        else:
            total += coef[k]
    return total


@kernel
def start_diagonal(high, size, first, diagonal, x, x0, work, out):
    """out = (diagonal part of the block) x."""
    low, high_coef, high_mask, sign, cross_ptr, cross_coef, cross_mask = diagonal
    here = block_number(high, 0, len(high_coef), high_coef, high_mask)
    for i in range(size):
        work[i] = low[first + i] + here
    for m in range(len(cross_ptr) - 1):
        c = block_number(high, cross_ptr[m], cross_ptr[m + 1], cross_coef, cross_mask)
        for i in range(size):
            work[i] += c * sign[m, first + i]
    for i in range(size):
        out[i] = work[i] * x[x0 + i]


@kernel
def add_low(size, first, low, x, x0, out):
    """out += (matrix of the low bits) x; a single value stands for equal ones."""
    row_ptr, column, value = low
    if len(value) == 1:
        c = value[0]
        for i in range(size):
            total = x.dtype.type(0)
            for k in range(row_ptr[first + i], row_ptr[first + i + _ONE]):
                total += x[x0 + column[k]]
            out[i] += c * total
        return
    for i in range(size):
        total = out[i]
        for k in range(row_ptr[first + i], row_ptr[first + i + _ONE]):
            total += value[k] * x[x0 + column[k]]
        out[i] = total


@kernel
def add_runs(size, runs, x, x0, out):
    """out += (constant flips of low bits that leave runs of rows together) x."""
    mask, value = runs
    for f in range(len(mask)):
        c, length = value[f], mask[f] & (~mask[f] + _ONE)
        for r in range(size // length):
            start = r * length
            source = x0 + (start ^ mask[f])
            for i in range(length):
                out[start + i] += c * x[source + i]


@kernel
def add_blocks(size, n, source, factor, x, out):
    """out += sum_k factor_k x[source_k:...], four blocks in one pass over ``out``."""
    k = 0
    while k + 4 <= n:
        c0, c1, c2, c3 = factor[k], factor[k + 1], factor[k + 2], factor[k + 3]
        s0, s1, s2, s3 = source[k], source[k + 1], source[k + 2], source[k + 3]
        for i in range(size):
            out[i] += c0 * x[s0 + i] + c1 * x[s1 + i] + c2 * x[s2 + i] + c3 * x[s3 + i]
        k += 4
    while k < n:
        c0, s0 = factor[k], source[k]
        for i in range(size):
            out[i] += c0 * x[s0 + i]
        k += 1


@kernel
def add_high(high, size, klass, basis, flips, source, factor, x, out):
    """out += (flips of high bits) x."""
    klasses, offsets = basis
    flip, ptr, coef, mask = flips
    n = 0
    for f in range(len(flip)):
        other = high ^ flip[f]
        if klasses[other] == klass:
            c = block_number(high, ptr[f], ptr[f + 1], coef, mask)
            if c != 0:
                source[n] = np.uint64(offsets[other])
                factor[n] = c
                n += 1
    add_blocks(size, n, source, factor, x, out)


@kernel
def add_cross(high, klass, first, basis, flips, pairs, sign, x, out):
    """out += (flips that need a list of pairs) x."""
    klasses, offsets = basis
    flip, ptr, coef, mask, pair_of, sign_of = flips
    pair_ptr, row, column = pairs
    for f in range(len(flip)):
        other = high ^ flip[f]
        if klasses[other] < 0:
            continue
        c = block_number(high, ptr[f], ptr[f + 1], coef, mask)
        if c == 0:
            continue
        x0, p = np.uint64(offsets[other]), pair_of[f]
        start, end = pair_ptr[p, klass, klasses[other]], pair_ptr[p, klass, klasses[other] + 1]
        if sign_of[f] < 0:
            for k in range(start, end):
                out[row[k]] += c * x[x0 + column[k]]
        else:
            m = sign_of[f]
            for k in range(start, end):
                out[row[k]] += c * sign[m, first + row[k]] * x[x0 + column[k]]


@parallel_kernel
def multiply(
    chunk_start, klasses, offsets, class_start, diagonal, low, runs, high_flips, cross_flips, pairs,
    x, y, scale, beta, partial,
):  # fmt: skip
    """y = scale H x - beta y; ``partial[c]`` is the share of chunk c in Re <scale x|y>."""
    basis = (klasses, offsets)
    n_source = len(high_flips[0]) + 1
    largest = largest_class(class_start)
    for chunk in numba.prange(len(chunk_start) - 1):
        out = np.empty(largest, x.dtype)
        work = np.empty(largest, np.float64)
        source, factor = np.empty(n_source, np.uint64), np.empty(n_source, x.dtype)
        total = 0.0
        for h in range(chunk_start[chunk], chunk_start[chunk + 1]):
            klass = klasses[h]
            if klass < 0:
                continue
            high, x0 = np.uint64(h), np.uint64(offsets[h])
            first = np.uint64(class_start[klass])
            size = np.uint64(class_start[klass + 1] - class_start[klass])
            start_diagonal(high, size, first, diagonal, x, x0, work, out)
            add_low(size, first, low, x, x0, out)
            add_runs(size, runs, x, x0, out)
            add_high(high, size, klass, basis, high_flips, source, factor, x, out)
            add_cross(high, klass, first, basis, cross_flips, pairs, diagonal[3], x, out)
            for i in range(size):
                value = scale * out[i] - beta * y[x0 + i]
                y[x0 + i] = value
                total += (np.conj(x[x0 + i]) * value).real
        partial[chunk] = scale * total


@parallel_kernel
def pack(start, place, x, out):
    """Blocks of x one after the other: block k begins at ``start[k]`` and goes to ``place[k]``."""
    for k in numba.prange(len(start)):
        first, to = np.uint64(start[k]), np.uint64(place[k])
        for i in range(np.uint64(place[k + 1] - place[k])):
            out[to + i] = x[first + i]


@parallel_kernel
def add_received(
    chunk_start, rows, klasses, offsets, class_start, sign, high_flips, cross_flips, pairs, here,
    received, y, scale,
):  # fmt: skip
    """y += scale H z for blocks z of another rank, on the blocks ``rows``.

    ``here`` are klasses and offsets as `multiply` takes them, of the blocks in ``received``.
    """
    n_source = len(high_flips[0]) + 1
    largest = largest_class(class_start)
    for chunk in numba.prange(len(chunk_start) - 1):
        out = np.empty(largest, y.dtype)
        source, factor = np.empty(n_source, np.uint64), np.empty(n_source, y.dtype)
        for r in range(chunk_start[chunk], chunk_start[chunk + 1]):
            h = rows[r]
            klass = klasses[h]
            high, y0 = np.uint64(h), np.uint64(offsets[h])
            first = np.uint64(class_start[klass])
            size = np.uint64(class_start[klass + 1] - class_start[klass])
            for i in range(size):
                out[i] = y.dtype.type(0)
            add_high(high, size, klass, here, high_flips, source, factor, received, out)
            add_cross(high, klass, first, here, cross_flips, pairs, sign, received, out)
            for i in range(size):
                y[y0 + i] += scale * out[i]
