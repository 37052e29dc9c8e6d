"""Products of one-site unitaries applied to state vectors, in place.

A product of N matrices of 2 x 2 on 2^N amplitudes costs N 2^N complex multiply-adds of 2 x 2, one
pass a site. Sites of short strides are done while a block of the vector is in the first cache.
"""

from numba import prange

from hamiltonians.core.jit import kernel, parallel_kernel

BLOCK = 11  # sites of a block: 2^11 complex numbers are 32 kB


@kernel
def _rotate_site(vector, start, size, stride, u):
    """One site of the amplitudes from start to start + size, whose partners are a stride apart."""
    u00, u01, u10, u11 = u[0, 0], u[0, 1], u[1, 0], u[1, 1]
    for base in range(start, start + size, 2 * stride):
        for i in range(base, base + stride):
            up, down = vector[i], vector[i + stride]
            vector[i] = u00 * up + u01 * down
            vector[i + stride] = u10 * up + u11 * down


@kernel
def _is_identity(u):
    return u[0, 0] == 1.0 and u[1, 1] == 1.0 and u[0, 1] == 0.0 and u[1, 0] == 0.0


@parallel_kernel
def rotate_all(vectors, unitaries):
    """Apply unitaries (n, N, 2, 2) to vectors (n, 2^N), site 0 the leftmost factor, in place."""
    n_sites, length = unitaries.shape[1], vectors.shape[1]
    for v in prange(vectors.shape[0]):
        vector = vectors[v]
        in_block = min(n_sites, BLOCK)
        for start in range(0, length, 1 << in_block):
            for i in range(in_block):
                u = unitaries[v, n_sites - 1 - i]
                if not _is_identity(u):
                    _rotate_site(vector, start, 1 << in_block, 1 << i, u)
        for i in range(in_block, n_sites):
            u = unitaries[v, n_sites - 1 - i]
            if not _is_identity(u):
                _rotate_site(vector, 0, length, 1 << i, u)
