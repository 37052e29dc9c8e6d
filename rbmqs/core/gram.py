"""The Gram matrix of log-derivatives without the log-derivatives.

For O = [sigma, t, sigma (x) t] of one sample, with S (Ns, N) the spins and T (Ns, M) the tanh's,

    O O^dagger = S S^T + T T^dagger + (S S^T) o (T T^dagger)          (o: elementwise)

at a cost of Ns^2 (N + M) instead of Ns^2 N M through the Jacobian. The matrix is made in tiles
shared between threads, each tile by a single-threaded BLAS product, so its bits do not depend on
the number of threads. Only tiles of the lower triangle are computed.
"""

import numpy as np
from numba import prange

from hamiltonians.core.jit import parallel_kernel

TILE = 128


@parallel_kernel
def gram(spins, tanh, with_visible_bias, with_hidden_bias, out):
    """Fill both triangles of ``out`` (Ns, Ns) with O O^dagger.

    Parameters
    ----------
    spins : float64 (Ns, N)
    tanh : float64 or complex128 (Ns, M)
    with_visible_bias, with_hidden_bias : bool
        Whether a and b are parameters, that is, whether their terms count.
    out : like tanh (Ns, Ns)
    """
    n_samples = spins.shape[0]
    n_tiles = (n_samples + TILE - 1) // TILE
    visible = 1.0 if with_visible_bias else 0.0
    hidden = 1.0 if with_hidden_bias else 0.0
    for task in prange(n_tiles * (n_tiles + 1) // 2):
        row = int((np.sqrt(8.0 * task + 1.0) - 1.0) / 2.0)
        while row * (row + 1) // 2 > task:
            row -= 1
        while (row + 1) * (row + 2) // 2 <= task:
            row += 1
        col = task - row * (row + 1) // 2
        i0, i1 = row * TILE, min((row + 1) * TILE, n_samples)
        j0, j1 = col * TILE, min((col + 1) * TILE, n_samples)
        ss = np.dot(spins[i0:i1], spins[j0:j1].T)
        tt = np.dot(tanh[i0:i1], np.conj(tanh[j0:j1]).T)
        for i in range(i1 - i0):
            for j in range(j1 - j0):
                s = ss[i, j]
                value = visible * s + (hidden + s) * tt[i, j]
                out[i0 + i, j0 + j] = value
                out[j0 + j, i0 + i] = np.conj(value)
