"""The Gram matrix of log-derivatives without the log-derivatives.

For O = [sigma, t, sigma (x) t] of one sample, with S (Ns, N) the spins and T (Ns, M) the tanh's,

    O O^dagger = S S^T + T T^dagger + (S S^T) o (T T^dagger)          (o: elementwise)

at a cost of Ns^2 (N + M) instead of Ns^2 N M through the Jacobian. Only the lower triangle is
made, in tiles shared between threads, each by a single-threaded BLAS product, so that its bits do
not depend on the number of threads.
"""

import numpy as np
from numba import prange

from hamiltonians.core.jit import parallel_kernel
from rbmqs.core.tiles import tile_of_task

TILE = 96


@parallel_kernel
def centred_gram(spins, tanh, with_visible_bias, with_hidden_bias, out):
    """Fill the lower triangle of ``out`` (Ns, Ns) with (O - <O>)(O - <O>)^dagger.

    Parameters
    ----------
    spins : float64 (Ns, N)
    tanh : float64 or complex128 (Ns, M)
    with_visible_bias, with_hidden_bias : bool
        Whether a and b are parameters, that is, whether their terms count.
    out : like tanh (Ns, Ns)
    """
    n = spins.shape[0]
    n_tiles = (n + TILE - 1) // TILE
    visible = 1.0 if with_visible_bias else 0.0
    hidden = 1.0 if with_hidden_bias else 0.0
    sums = np.zeros((n_tiles, n), dtype=tanh.dtype)  # of each row within each column of tiles
    for task in prange(n_tiles * (n_tiles + 1) // 2):
        row, col = tile_of_task(task)
        i0, i1 = row * TILE, min((row + 1) * TILE, n)
        j0, j1 = col * TILE, min((col + 1) * TILE, n)
        ss = np.dot(spins[i0:i1], spins[j0:j1].T)
        tt = np.dot(tanh[i0:i1], np.conj(tanh[j0:j1]).T)
        for i in range(i1 - i0):
            for j in range(j1 - j0):
                tt[i, j] = visible * ss[i, j] + (hidden + ss[i, j]) * tt[i, j]
                sums[col, i0 + i] += tt[i, j]
                if row != col:
                    sums[row, j0 + j] += np.conj(tt[i, j])
            last = min(j1, i0 + i + 1)
            out[i0 + i, j0:last] = tt[i, : last - j0]
    means = np.zeros(n, dtype=tanh.dtype)
    mean = 0.0  # a loop: np.sum in a parallel kernel adds in an order that depends on the threads
    for i in range(n):
        for col in range(n_tiles):
            means[i] += sums[col, i] / n
        mean += means[i].real / n
    for i in prange(n):
        shift = mean - means[i]
        for j in range(i + 1):
            out[i, j] += shift - np.conj(means[j])
