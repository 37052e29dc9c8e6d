"""Mini-batches: rows of zeros and ones, dense or sparse (CSR), and products with sparse ones.

Sparse rows are ``entries``, the pair of indptr (n + 1,) and sorted indices of the ones.
"""

import numba

from hamiltonians.core.jit import kernel, parallel_kernel


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


@parallel_kernel
def sum_rows(entries, weights, out):
    """out (n, M) <- v W for sparse v: the sum of the rows of W that each v has on."""
    indptr, indices = entries
    for i in numba.prange(out.shape[0]):
        total = out[i]
        total[:] = 0
        for k in range(indptr[i], indptr[i + 1]):
            row = weights[indices[k]]
            for j in range(numba.uint64(total.size)):
                total[j] += row[j]


@kernel
def add_outer_products(entries, hidden, factor, start, part):
    """part += factor (v^T h) for sparse v, part being the rows from ``start`` on."""
    indptr, indices = entries
    stop, scale = start + part.shape[0], part.dtype.type(factor)
    for i in range(hidden.shape[0]):
        source = hidden[i]
        for k in range(indptr[i], indptr[i + 1]):
            if start <= indices[k] < stop:
                target = part[indices[k] - start]
                for j in range(numba.uint64(target.size)):
                    target[j] += scale * source[j]
