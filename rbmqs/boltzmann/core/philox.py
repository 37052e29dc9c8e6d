"""Random words from a counter: Philox4x32-10.

A word is a function of a key and of where it is used (call, row, column), so that a kernel may
visit rows in any order, on any number of threads, and the state to keep between calls is one
number. J. K. Salmon, M. A. Moraes, R. O. Dror and D. E. Shaw, "Parallel random numbers: as easy
as 1, 2, 3", SC'11, doi:10.1145/2063384.2063405.
"""

import numba
import numpy as np

from hamiltonians.core.jit import kernel

_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_LOW, _HALF = np.uint64(0xFFFFFFFF), np.uint64(32)


@kernel
def four_words(c0, c1, c2, c3, k0, k1):
    """Four 32-bit words (held in uint64) of counter (c0, c1, c2, c3) under key (k0, k1)."""
    for _ in range(10):
        p0 = _M0 * c0
        p1 = _M1 * c2
        c0, c1, c2, c3 = (p1 >> _HALF) ^ c1 ^ k0, p1 & _LOW, (p0 >> _HALF) ^ c3 ^ k1, p0 & _LOW
        k0 = (k0 + _W0) & _LOW
        k1 = (k1 + _W1) & _LOW
    return c0, c1, c2, c3


@kernel
def fill_row(words, stream, use, row):
    """Fill ``words`` (n,) of uint32 with the random words of one row of one call.

    stream : uint64 (3,), key (two words) and call number. use : a number below 2^32 that tells
    apart the uses of one call, such as blocks of columns. n must be a multiple of 4; word w of
    group g lies at g + w n/4, which keeps the stores contiguous.
    """
    blocks = numba.uint64(words.size // 4)
    two, three = numba.uint64(2) * blocks, numba.uint64(3) * blocks
    k0, k1, call = stream[0], stream[1], stream[2]
    line, part = numba.uint64(row), numba.uint64(use)
    for g in range(blocks):
        w0, w1, w2, w3 = four_words(numba.uint64(g), line, call, part, k0, k1)
        words[g] = w0
        words[g + blocks] = w1
        words[g + two] = w2
        words[g + three] = w3


@kernel
def padded(n):
    """The smallest multiple of 4 that holds n words."""
    return -(-n // 4) * 4
