"""Numbering the basis states of a total-S_z sector.

A basis state is an integer whose set bits are the spins that point down. The states of a sector
ascend as integers, and the rank of one is the sum of two table entries (Lin, Phys. Rev. B 42,
6561, 1990): how many states have a smaller high half, and which of the low halves with the same
number of set bits it has.
"""

import numpy as np

from hamiltonians.core.jit import kernel

_ONE = np.uint64(1)
_M1 = np.uint64(0x5555555555555555)
_M2 = np.uint64(0x3333333333333333)
_M4 = np.uint64(0x0F0F0F0F0F0F0F0F)
_M8 = np.uint64(0x00FF00FF00FF00FF)
_M16 = np.uint64(0x0000FFFF0000FFFF)
_S1, _S2, _S4 = np.uint64(1), np.uint64(2), np.uint64(4)
_S8, _S16, _S32 = np.uint64(8), np.uint64(16), np.uint64(32)


@kernel
def count_bits(x):
    """Number of set bits, added up in pairs, fours, eights and so on."""
    x = x - ((x >> _S1) & _M1)
    x = (x & _M2) + ((x >> _S2) & _M2)
    x = (x + (x >> _S4)) & _M4
    x = (x + (x >> _S8)) & _M8
    x = (x + (x >> _S16)) & _M16
    return np.int64((x + (x >> _S32)) & np.uint64(0x7F))


@kernel
def list_states(n_down, states):
    """Fill ``states`` with the integers of ``n_down`` set bits, ascending (Gosper's step)."""
    state = (_ONE << np.uint64(n_down)) - _ONE
    for r in range(len(states)):
        states[r] = state
        if state != 0:
            lowest = state & (~state + _ONE)
            carried = state + lowest
            state = carried | (((carried ^ state) // lowest) >> _S2)


@kernel
def fill_low_ranks(low_ranks):
    """Rank of each low half among the smaller ones with the same number of set bits."""
    seen = np.zeros(65, np.int64)
    for low in range(len(low_ranks)):
        bits = count_bits(np.uint64(low))
        low_ranks[low] = seen[bits]
        seen[bits] += 1


@kernel
def fill_high_offsets(n_down, n_below, high_offsets):
    """Number of sector states with a smaller high half; ``n_below[b]`` low halves have b bits."""
    total = 0
    for high in range(len(high_offsets)):
        high_offsets[high] = total
        needed = n_down - count_bits(np.uint64(high))
        if 0 <= needed < len(n_below):
            total += n_below[needed]


@kernel
def rank_of(state, high_offsets, low_ranks, n_low):
    """Position of ``state`` in the ascending list of its sector."""
    low = state & ((_ONE << n_low) - _ONE)
    return high_offsets[state >> n_low] + low_ranks[low]
