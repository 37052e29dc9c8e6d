"""Representatives of orbits under site permutations and the inversion of all spins.

The representative of an orbit is its smallest integer. To find it without trying all elements,
the highest ``c`` bits of the images are looked at first: they come from one of a few sets of sites
(the images of a chunk of sites), and for each pattern on such a set a table holds the smallest
value that the elements of the group make of it, and which elements do. Only those are applied in
full. Sets and elements are applied by tables of pieces of 6 bits; patterns of 4 sets share a word.
A site has one bit for spins 1/2 and as many as its level S - S_z needs for others.

The tuple ``group`` of the kernels holds

- ``pattern_words`` (pieces, 64, words) uint64, patterns of 4 sets in each word;
- ``n_sets``; ``best`` (2^c,) the smallest value of a pattern;
- ``best_ptr``, ``best_move``: the elements k that attain it, twice their number, plus 1 if all
  spins are turned over;
- ``set_images`` (sets, pieces, 64) and ``inner_images`` (elements k, pieces, 64): images under the
  element that brings a set to the top, and under those k that keep the chunk;
- ``phase_of`` (2, sets, elements k): number of the character; 0 stands for 1;
- ``everything``: all spins down, from which a state is subtracted to turn all spins over;
  ``n_top``: how far the highest bits are shifted.
"""

import numba
import numpy as np

from hamiltonians.core.jit import kernel, parallel_kernel

PIECE = np.uint64(6)
_LAST = np.uint64(63)
_FIELD, _SIXTEEN = np.uint64(2**16 - 1), np.uint64(16)
_ONE = np.uint64(1)


@kernel
def image(state, tables, element):
    """State with its bits permuted."""
    total = np.uint64(0)
    for piece in range(tables.shape[1]):
        total |= tables[element, piece, state & _LAST]
        state >>= PIECE
    return total


@kernel
def smallest_pattern(state, pattern_words, n_sets, best, values):
    """Smallest value of the highest bits over the orbit; ``values`` by set of sites."""
    smallest = _FIELD
    for word in range(pattern_words.shape[2]):
        patterns, rest = np.uint64(0), state
        for piece in range(pattern_words.shape[0]):
            patterns |= pattern_words[piece, rest & _LAST, word]
            rest >>= PIECE
        for s in range(4 * word, min(4 * word + 4, n_sets)):
            pattern = patterns & _FIELD
            patterns >>= _SIXTEEN
            values[s] = pattern
            smallest = min(smallest, np.uint64(best[pattern]))
    return smallest


@kernel
def to_representatives(n, states, phases, group, values):
    """Replace n states by the smallest ones of their orbits; ``phases`` numbers the characters.

    Many at a time: unpacking ``group`` once for each state would double the time.
    """
    pattern_words, n_sets, best, best_ptr, best_move, set_images, inner_images = group[:7]
    phase_of, everything = group[7], group[8]
    for m in range(n):
        state = states[m]
        smallest = smallest_pattern(state, pattern_words, n_sets, best, values)
        found, phase = ~np.uint64(0), 0
        for s in range(n_sets):
            if best[values[s]] != smallest:
                continue
            moved = image(state, set_images, s)
            for k in range(best_ptr[values[s]], best_ptr[values[s] + _ONE]):
                flip, element = best_move[k] & 1, best_move[k] >> 1
                candidate = image(moved, inner_images, element)
                if flip:
                    candidate = everything - candidate
                if candidate < found:
                    found, phase = candidate, phase_of[flip, s, element]
        states[m], phases[m] = found, phase


@kernel
def stabiliser(state, smallest, group, values):
    """Number of elements that keep a representative; 0 for other states and for vanishing sums.

    ``smallest`` is the pattern of the state's own highest bits, and ``values`` those of all sets.
    """
    _, n_sets, best, best_ptr, best_move, set_images, inner_images = group[:7]
    phase_of, everything = group[7], group[8]
    count = 0
    for s in range(n_sets):
        if best[values[s]] != smallest:
            continue
        moved = image(state, set_images, s)
        for k in range(best_ptr[values[s]], best_ptr[values[s] + _ONE]):
            flip, element = best_move[k] & 1, best_move[k] >> 1
            candidate = image(moved, inner_images, element)
            if flip:
                candidate = everything - candidate
            if candidate < state:
                return 0
            if candidate == state:
                if phase_of[flip, s, element] != 0:
                    return 0
                count += 1
    return count


@parallel_kernel
def list_representatives(
    starts, first, lows, low_ptr, n_down, group, pairs, states, orders, counts
):  # fmt: skip
    """Representatives among the states that begin like ``starts[first + t]``, for tasks t.

    They end like ``lows[low_ptr[n]:low_ptr[n + 1]]`` with n = ``n_down[first + t]``. Those without
    a set bit in one of the masks ``pairs``, two atoms under a blockade, are left out. Task t fills
    row t of ``states`` and ``orders`` (of the stabilisers).
    """
    for t in numba.prange(len(counts)):
        pattern_words, n_sets, best, n_top = group[0], group[1], group[2], group[9]
        values = np.empty(n_sets, np.uint64)
        start, lowered = starts[first + t], n_down[first + t]
        n = 0
        for k in range(low_ptr[lowered], low_ptr[lowered + 1]):
            state = start + lows[k]
            smallest = smallest_pattern(state, pattern_words, n_sets, best, values)
            if smallest == state >> n_top:
                allowed = True
                for pair in pairs:
                    allowed = allowed and (state & pair) != 0
                order = stabiliser(state, smallest, group, values) if allowed else 0
                if order > 0:
                    states[t, n] = state
                    orders[t, n] = order
                    n += 1
        counts[t] = n
