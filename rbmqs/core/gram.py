"""The Gram matrix of log-derivatives without the log-derivatives.

For O = [sigma, t, sigma (x) t] of one sample, with S (Ns, N) the spins and T (Ns, M) the tanh's,

    O O^dagger = S S^T + T T^dagger + (S S^T) o (T T^dagger)          (o: elementwise)

at a cost of Ns^2 (N + M) instead of Ns^2 N M through the Jacobian. Only the lower triangle is
made, in tiles shared between threads, each by single-threaded BLAS products, so that its bits do
not depend on the number of threads.
"""

import numpy as np
from numba import prange

from hamiltonians.core.jit import inlined_exact_kernel, parallel_exact_kernel
from rbmqs.core.hermitian import complete_planes, product_with_adjoint, tile_of_task

TILE = 96


@inlined_exact_kernel
def _tile_of_products(planes, i0, i1, j0, j1):
    """(Re, Im) of a tile of T T^dagger; Im is a dummy for a real T."""
    if planes.shape[0] == 1:
        return np.dot(planes[0, i0:i1], planes[0, j0:j1].T), np.zeros((1, 1))
    return product_with_adjoint(
        planes[0, i0:i1], planes[1, i0:i1], planes[2, i0:i1],
        planes[0, j0:j1].T, planes[1, j0:j1].T, planes[3, j0:j1].T,
    )  # fmt: skip


@inlined_exact_kernel
def _centre_row(lower, means, mean, roots, i):
    """(K_ij - <K_i.> - <K_.j> + <K>) times the roots of both counts, the means over samples."""
    for j in range(i + 1):
        centred = lower[0, i, j] + (mean - means[0, i] - means[0, j])
        lower[0, i, j] = centred * (roots[i] * roots[j])
    if lower.shape[0] == 2:
        for j in range(i + 1):
            centred = lower[1, i, j] + (means[1, j] - means[1, i])
            lower[1, i, j] = centred * (roots[i] * roots[j])


@parallel_exact_kernel
def centred_gram(spins, tanh, counts, with_visible_bias, with_hidden_bias, out):
    """Fill the lower triangle of ``out`` with R (O - <O>)(O - <O>)^dagger R, R^2 = diag(counts).

    With counts of one this is the Gram matrix; a configuration that was drawn c times may stand
    in one row with the count c.

    Parameters
    ----------
    spins : float64 (Ns, N)
    tanh : float64 (planes, Ns, M)
        T, or the planes (Re T, Im T, ., .) whose last two are filled here.
    counts : float64 (Ns,)
        How many samples each row stands for.
    with_visible_bias, with_hidden_bias : bool
        Whether a and b are parameters, that is, whether their terms count.
    out : float64 (n_parts, Ns, Ns)
        Real part, and imaginary part for complex T.
    """
    n = spins.shape[0]
    n_parts = out.shape[0]
    if n_parts == 2:
        complete_planes(tanh, 0, n)
    n_tiles = (n + TILE - 1) // TILE
    visible = 1.0 if with_visible_bias else 0.0
    hidden = 1.0 if with_hidden_bias else 0.0
    n_samples = 0.0
    for i in range(n):
        n_samples += counts[i]
    roots = np.sqrt(counts)
    sums = np.zeros((n_parts, n_tiles, n))  # of each row within each column of tiles
    for task in prange(n_tiles * (n_tiles + 1) // 2):
        row, col = tile_of_task(task)
        i0, i1 = row * TILE, min((row + 1) * TILE, n)
        j0, j1 = col * TILE, min((col + 1) * TILE, n)
        ss = np.dot(spins[i0:i1], spins[j0:j1].T)
        parts = _tile_of_products(tanh, i0, i1, j0, j1)
        for part in range(n_parts):
            tt = parts[part]
            offset = 0.0 if part else visible
            mirrored = -1.0 if part else 1.0
            for i in range(i1 - i0):
                for j in range(j1 - j0):
                    tt[i, j] = offset * ss[i, j] + (hidden + ss[i, j]) * tt[i, j]
                sums[part, col, i0 + i] = np.dot(tt[i], counts[j0:j1])
                if row != col:
                    for j in range(j1 - j0):
                        sums[part, row, j0 + j] += mirrored * counts[i0 + i] * tt[i, j]
                out[part, i0 + i, j0 : min(j1, i0 + i + 1)] = tt[i, : min(j1, i0 + i + 1) - j0]
    means = np.zeros((n_parts, n))
    mean = 0.0  # a loop: np.sum in a parallel kernel adds in an order that depends on the threads
    for i in range(n):
        for col in range(n_tiles):
            for part in range(n_parts):
                means[part, i] += sums[part, col, i] / n_samples
        mean += counts[i] * means[0, i] / n_samples
    for task in prange((n + 1) // 2):  # a short and a long row each, for equal work
        _centre_row(out, means, mean, roots, task)
        if task != n - 1 - task:
            _centre_row(out, means, mean, roots, n - 1 - task)
