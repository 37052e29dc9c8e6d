"""Products with the log-derivatives O = [sigma, t, sigma (x) t] of many samples.

S (Ns, N) holds the spins, T (Ns, M) the tanh's; neither product forms O (Ns, N M). Both cost
Ns N M, in single-threaded matrix products of blocks shared between threads.
"""

import numpy as np
from numba import prange

from hamiltonians.core.jit import parallel_kernel
from rbmqs.core.blas import row_product

SAMPLE_BLOCK = 64
UNIT_BLOCK = 32
# A product of so many samples and units stays in the second cache.
SINGLE_BLOCKS = 128, 256


@parallel_kernel
def weight_products(gemm, spins, tanh, weights, out):
    """out[p, s] = sum_ij S_si V_ij T_sj for each part p of V: the weights' part of O v.

    Parameters
    ----------
    gemm : int
        Address, see `rbmqs.core.blas`.
    spins : float64 or float32 (Ns, N)
        Everything has its precision.
    tanh : real or complex (Ns, M)
    weights : like spins (parts, N, M)
        V, real part first.
    out : like tanh (parts, Ns)
    """
    n, n_sites = spins.shape
    n_hidden = tanh.shape[1]
    for block in prange((n + SAMPLE_BLOCK - 1) // SAMPLE_BLOCK):
        first, last = block * SAMPLE_BLOCK, min((block + 1) * SAMPLE_BLOCK, n)
        angles = np.empty((last - first, n_hidden), spins.dtype)
        one, zero = spins.dtype.type(1), spins.dtype.type(0)
        for part in range(weights.shape[0]):
            row_product(
                gemm, ((spins, first * n_sites), n_sites), False,
                ((weights, part * n_sites * n_hidden), n_hidden), False, (angles, n_hidden),
                (last - first, n_hidden, n_sites), one, zero,
            )  # fmt: skip
            for s in range(last - first):
                total = 0 * tanh[0, 0]
                for j in range(n_hidden):
                    total += angles[s, j] * tanh[first + s, j]
                out[part, first + s] = total


@parallel_kernel
def weight_adjoint(gemm, spins, tanh, values, unit_block, sample_block, out):
    """out = parts of S^T diag(y) conj(T): the weights' part of O^dagger y.

    Parameters
    ----------
    gemm : int
        Address, see `rbmqs.core.blas`.
    spins : float64 or float32 (Ns, N)
        Everything has its precision.
    tanh : real or complex (Ns, M)
    values : real or complex (Ns,)
        y.
    unit_block, sample_block : int
        Units of a thread at a time, and samples.
    out : like spins (parts, N, M)
    """
    n, n_sites, n_hidden = spins.shape[0], spins.shape[1], tanh.shape[1]
    for block in prange((n_hidden + unit_block - 1) // unit_block):
        first, last = block * unit_block, min((block + 1) * unit_block, n_hidden)
        parts = np.empty((2, sample_block, unit_block), spins.dtype)
        one, added = spins.dtype.type(1), spins.dtype.type(0)
        for begin in range(0, max(n, 1), sample_block):
            size = min(sample_block, n - begin)
            for s in range(size):
                for j in range(last - first):
                    weighted = values[begin + s] * np.conj(tanh[begin + s, first + j])
                    parts[0, s, j] = weighted.real
                    parts[1, s, j] = weighted.imag
            for part in range(out.shape[0]):
                row_product(
                    gemm, ((spins, begin * n_sites), n_sites), True,
                    ((parts, part * sample_block * unit_block), unit_block), False,
                    ((out, part * n_sites * n_hidden + first), n_hidden),
                    (n_sites, last - first, size), one, added,
                )  # fmt: skip
            added = one
