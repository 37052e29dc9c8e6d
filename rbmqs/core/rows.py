"""Mini-batches: gathering rows of zeros and ones, dense or sparse (CSR)."""

import numba

from hamiltonians.core.jit import parallel_kernel


@parallel_kernel
def gather_rows(data, rows, out):
    """out (n, N) of floats <- data[rows], data of bytes or floats."""
    for i in numba.prange(rows.size):
        source = data[rows[i]]
        for j in range(numba.uint64(out.shape[1])):
            out[i, j] = source[j]


@parallel_kernel
def gather_sparse(indptr, indices, rows, out):
    """out (n, N) <- rows of a CSR matrix whose entries are all one."""
    for i in numba.prange(rows.size):
        out[i, :] = 0
        for k in range(indptr[rows[i]], indptr[rows[i] + 1]):
            out[i, indices[k]] = 1
