"""Representatives of orbits under site permutations and the inversion of all spins.

The representative of an orbit is its smallest integer. To find it without trying all elements,
the highest ``c`` bits of the images are looked at first: they come from one of a few sets of sites
(the images of a chunk of sites), and for each pattern on such a set a table holds the smallest
value that the elements of the group make of it, and which elements do. Only those are applied in
full. Sets and elements are applied by tables of pieces of 6 bits; patterns of 8 sets share a word.

The tuple ``group`` of the kernels holds

- ``pattern_words`` (pieces, 64, words) uint64, patterns of 8 sets in each word;
- ``n_sets``; ``best`` (256,) the smallest value of a pattern;
- ``best_ptr``, ``best_element``, ``best_flip``: the elements k that attain it, and whether all
  spins are turned over;
- ``set_images`` (sets, pieces, 64) and ``inner_images`` (elements k, pieces, 64): images under the
  element that brings a set to the top, and under those k that keep the chunk;
- ``phase_of`` (2, sets, elements k): number of the character; 0 stands for 1;
- ``everything``: the mask of all sites.
"""

import numba
import numpy as np

from hamiltonians.core.jit import kernel, parallel_kernel

PIECE = np.uint64(6)
_LAST = np.uint64(63)
_BYTE = np.uint64(255)
_ONE, _THREE, _SEVEN = np.uint64(1), np.uint64(3), np.uint64(7)


@kernel
def image(state, table):
    """State with its bits permuted."""
    total = np.uint64(0)
    for piece in range(len(table)):
        total |= table[piece, state & _LAST]
        state >>= PIECE
    return total


@kernel
def smallest_pattern(state, group, values):
    """Smallest value of the highest bits over the orbit; ``values`` by set of sites."""
    pattern_words, n_sets, best = group[0], group[1], group[2]
    smallest = np.uint64(256)
    for word in range(pattern_words.shape[2]):
        patterns, rest = np.uint64(0), state
        for piece in range(pattern_words.shape[0]):
            patterns |= pattern_words[piece, rest & _LAST, word]
            rest >>= PIECE
        for s in range(8 * word, min(8 * word + 8, n_sets)):
            pattern = patterns & _BYTE
            patterns >>= np.uint64(8)
            values[s] = pattern
            smallest = min(smallest, best[pattern])
    return smallest


@kernel
def representative(state, group, values):
    """Smallest state of the orbit, and the number of the character of an element leading there."""
    _, n_sets, best, best_ptr, best_element, best_flip, set_images, inner_images = group[:8]
    phase_of, everything = group[8], group[9]
    smallest = smallest_pattern(state, group, values)
    found, phase = ~np.uint64(0), 0
    for s in range(n_sets):
        if best[values[s]] != smallest:
            continue
        moved = image(state, set_images[s])
        for n in range(best_ptr[values[s]], best_ptr[values[s] + _ONE]):
            candidate = image(moved, inner_images[best_element[n]])
            if best_flip[n]:
                candidate ^= everything
            if candidate < found:
                found, phase = candidate, phase_of[best_flip[n], s, best_element[n]]
    return found, phase


@kernel
def stabiliser(state, group, values):
    """Number of elements that keep a representative; 0 for other states and for vanishing sums."""
    _, n_sets, best, best_ptr, best_element, best_flip, set_images, inner_images = group[:8]
    phase_of, everything, n_top = group[8], group[9], group[10]
    top = state >> n_top
    if smallest_pattern(state, group, values) < top:
        return 0
    count = 0
    for s in range(n_sets):
        if best[values[s]] != top:
            continue
        moved = image(state, set_images[s])
        for n in range(best_ptr[values[s]], best_ptr[values[s] + _ONE]):
            candidate = image(moved, inner_images[best_element[n]])
            if best_flip[n]:
                candidate ^= everything
            if candidate < state:
                return 0
            if candidate == state:
                if phase_of[best_flip[n], s, best_element[n]] != 0:
                    return 0
                count += 1
    return count


@parallel_kernel
def list_representatives(starts, first, n_free, n_down, group, states, orders, counts):
    """Representatives among the states that begin like ``starts[first + t]``, for tasks t.

    The lowest ``n_free`` bits run through all values, or those with ``n_down[first + t]`` set bits
    unless that is negative. Task t fills row t of ``states`` and ``orders`` (of the stabilisers).
    """
    for t in numba.prange(len(counts)):
        values = np.empty(group[1], np.uint64)
        start, bits = starts[first + t], n_down[first + t]
        last = start + (_ONE << np.uint64(n_free)) - _ONE
        low = np.uint64(0) if bits < 0 else (_ONE << np.uint64(bits)) - _ONE
        n = 0
        while start + low <= last:
            order = stabiliser(start + low, group, values)
            if order > 0:
                states[t, n] = start + low
                orders[t, n] = order
                n += 1
            if bits < 0:
                low += _ONE
            elif bits == 0:
                break
            else:  # Gosper's step to the next integer with the same number of set bits
                lowest = low & (~low + _ONE)
                carried = low + lowest
                low = carried | (((carried ^ low) // lowest) >> np.uint64(2))
        counts[t] = n
