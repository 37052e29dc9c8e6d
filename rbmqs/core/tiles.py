"""Hermitian matrices in tiles of their lower triangle, one task of a thread pool each."""

import numpy as np

from hamiltonians.core.jit import exact_kernel


@exact_kernel
def tile_of_task(task):
    """(row, col) of the ``task``-th tile of the lower triangle, counted row by row."""
    row = int((np.sqrt(8.0 * task + 1.0) - 1.0) / 2.0)
    while row * (row + 1) // 2 > task:
        row -= 1
    while (row + 1) * (row + 2) // 2 <= task:
        row += 1
    return row, task - row * (row + 1) // 2
