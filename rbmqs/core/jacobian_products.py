"""Products with the log-derivatives O = [sigma, t, sigma (x) t] of many samples.

S (Ns, N) holds the spins, T (Ns, M) the tanh's; neither product forms O (Ns, N M). Both cost
Ns N M, in single-threaded matrix products of blocks shared between threads.
"""

import numpy as np
from numba import prange

from hamiltonians.core.jit import parallel_kernel

SAMPLE_BLOCK = 64
UNIT_BLOCK = 32


@parallel_kernel
def weight_products(spins, tanh, weights, out):
    """out[p, s] = sum_ij S_si V_ij T_sj for each plane p of V: the weights' part of O v.

    Parameters
    ----------
    spins : float64 (Ns, N)
    tanh : float64 or complex128 (Ns, M)
    weights : float64 (planes, N, M)
        V, real part first.
    out : like tanh (planes, Ns)
    """
    n = spins.shape[0]
    for block in prange((n + SAMPLE_BLOCK - 1) // SAMPLE_BLOCK):
        first, last = block * SAMPLE_BLOCK, min((block + 1) * SAMPLE_BLOCK, n)
        for plane in range(weights.shape[0]):
            angles = np.dot(spins[first:last], weights[plane])
            for s in range(last - first):
                total = 0 * tanh[0, 0]
                for j in range(tanh.shape[1]):
                    total += angles[s, j] * tanh[first + s, j]
                out[plane, first + s] = total


@parallel_kernel
def weight_adjoint(spins, tanh, values, out):
    """out = planes of S^T diag(y) conj(T): the weights' part of O^dagger y.

    Parameters
    ----------
    spins : float64 (Ns, N)
    tanh : float64 or complex128 (Ns, M)
    values : float64 or complex128 (Ns,)
        y.
    out : float64 (planes, N, M)
    """
    n, n_hidden = tanh.shape
    for block in prange((n_hidden + UNIT_BLOCK - 1) // UNIT_BLOCK):
        first, last = block * UNIT_BLOCK, min((block + 1) * UNIT_BLOCK, n_hidden)
        real, imag = np.empty((n, last - first)), np.empty((n, last - first))
        for s in range(n):
            for j in range(last - first):
                weighted = values[s] * np.conj(tanh[s, first + j])
                real[s, j] = weighted.real
                imag[s, j] = weighted.imag
        out[0, :, first:last] = np.dot(spins.T, real)
        if out.shape[0] == 2:
            out[1, :, first:last] = np.dot(spins.T, imag)
