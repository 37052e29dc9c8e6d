"""How the basis states of a sector are arranged in blocks, by their high and low halves."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hamiltonians.operators.bits import bit_counts
from hamiltonians.operators.sectors import Sector

# Bits of the low half: its tables should stay near the processor. In a sector blocks are shorter,
# and 12 bits take 7.0 ns a state where 10 take 8.4 (Heisenberg chain of 24); free, 12 take 3.8 ms
# where 9, 10 and 11 take 4.4, 4.1 and 3.9 (Ising chain of 20).
LOW_BITS = 12
SMALLEST_CHUNK, LARGEST_CHUNK = 2**11, 2**15  # basis states that a thread takes at a time


class Layout(NamedTuple):
    """Where the blocks lie.

    Attributes
    ----------
    n_low : int
        Number of bits in the low half.
    klasses : ndarray, shape (2^n_high,), int64
        Class of the low halves of each block, -1 for a high half that no state has.
    offsets : ndarray, shape (2^n_high,), int64
        First basis state of each block.
    lows : ndarray, shape (2^n_low,), int64
        Low halves, sorted by class.
    positions : ndarray, shape (2^n_low,), int64
        Of a low half among those of its class.
    class_of : ndarray, shape (2^n_low,), int64
    class_start : ndarray, int64
        Where each class starts in ``lows``.
    """

    n_low: int
    klasses: NDArray[np.int64]
    offsets: NDArray[np.int64]
    lows: NDArray[np.int64]
    positions: NDArray[np.int64]
    class_of: NDArray[np.int64]
    class_start: NDArray[np.int64]

    def chunks(self, size: int) -> NDArray[np.int64]:
        """Block numbers at which chunks of about ``size`` basis states start, and the end."""
        wanted = np.arange(0, self.total, size)
        starts = np.searchsorted(self.offsets, wanted, side="left")
        return np.unique(np.append(starts, len(self.offsets))).astype(np.int64)

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Basis states of each block."""
        return np.where(self.klasses < 0, 0, np.diff(self.class_start)[self.klasses])

    @property
    def total(self) -> int:
        """Basis states of all blocks."""
        return int(self.offsets[-1] + self.sizes[-1])

    def only(self, first: int, last: int) -> "Layout":
        """The layout of the blocks ``first`` to ``last``, as if no others had states."""
        klasses = np.full_like(self.klasses, -1)
        klasses[first:last] = self.klasses[first:last]
        return _placed(self._replace(klasses=klasses))

    def states(self) -> NDArray[np.uint64]:
        """Basis states, ascending."""
        blocks = np.flatnonzero(self.klasses >= 0)
        klasses = self.klasses[blocks].tolist()
        rows = [self.lows[slice(*self.class_start[k : k + 2].tolist())] for k in klasses]
        high = np.repeat(blocks.astype(np.uint64) << np.uint64(self.n_low), self.sizes[blocks])
        high |= np.concatenate([*rows, self.lows[:0]]).astype(np.uint64)
        return high


def lay_out(sector: Sector, n_low: int | None = None) -> Layout:
    """Blocks of a sector; basis states ascend as integers."""
    if n_low is None:
        n_low = min(LOW_BITS, sector.n_sites - sector.n_sites // 4)
    low, high = np.arange(2**n_low), np.arange(2 ** (sector.n_sites - n_low))
    if sector.n_down is None:
        class_of, klasses = np.zeros_like(low), np.zeros_like(high)
    else:
        class_of, klasses = bit_counts(low), sector.n_down - bit_counts(high)
        klasses[(klasses < 0) | (klasses > n_low)] = -1
    lows = np.argsort(class_of, kind="stable")
    class_start = np.searchsorted(class_of[lows], np.arange(class_of.max() + 2))
    positions = np.empty_like(low)
    positions[lows] = low - class_start[class_of[lows]]
    layout = Layout(n_low, klasses, klasses, lows, positions, class_of, class_start)
    return _placed(layout)


def _placed(layout: Layout) -> Layout:
    """The layout with its blocks one after the other."""
    return layout._replace(offsets=np.concatenate([[0], np.cumsum(layout.sizes)[:-1]]))
