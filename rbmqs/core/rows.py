"""Mini-batches: gathering rows of zeros and ones, column means, and sparse rows (CSR)."""

import numba

from hamiltonians.core.jit import kernel, parallel_kernel

_STRIP = 256  # columns of one piece of work


@parallel_kernel
def gather_rows(data, rows, out):
    """out (n, N) of floats <- data[rows], data of bytes or floats."""
    for i in numba.prange(rows.size):
        source = data[rows[i]]
        for j in range(numba.uint64(out.shape[1])):
            out[i, j] = source[j]


@kernel
def _add_columns(x, start, stop, factor, out):
    for i in range(numba.uint64(x.shape[0])):
        for j in range(numba.uint64(start), numba.uint64(stop)):
            out[j] += factor * x[i, j]


@parallel_kernel
def mean_difference(data, model, out):
    """out (N,) <- mean of the rows of ``data`` minus mean of the rows of ``model``."""
    n = data.shape[1]
    strips = (n + _STRIP - 1) // _STRIP
    for strip in numba.prange(strips):
        start, stop = strip * _STRIP, min(n, (strip + 1) * _STRIP)
        out[start:stop] = 0
        _add_columns(data, start, stop, out.dtype.type(1.0 / data.shape[0]), out)
        _add_columns(model, start, stop, out.dtype.type(-1.0 / model.shape[0]), out)


@parallel_kernel
def gather_sparse(indptr, indices, rows, out):
    """out (n, N) <- rows of a CSR matrix whose entries are all one."""
    for i in numba.prange(rows.size):
        out[i, :] = 0
        for k in range(indptr[rows[i]], indptr[rows[i] + 1]):
            out[i, indices[k]] = 1
