"""Products of one-site matrices applied to state vectors, in place.

A product of N matrices of 2 x 2 on 2^N amplitudes is N passes of 2^(N-1) pairs. Sites of short
strides are done while a block of the vector is in the first cache, the others on some columns of
the vector in the second one, and the rotations of Pauli measurements by additions only.
"""

import math

import numpy as np
from numba import prange

from hamiltonians.core.jit import inlined_kernel, kernel, parallel_kernel

BLOCK = 11  # sites of a block: 2^11 complex numbers are 32 kB
ROOM = 2**14  # complex numbers of columns at a time: 256 kB
TINY = 1e-290  # in place of probabilities that underflow
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


@inlined_kernel
def _scale(unitaries):
    """The factor that `_rotate_site` leaves out."""
    scale = 1.0
    for i in range(len(unitaries)):
        if _kind(unitaries[i]) > GENERAL:
            scale *= _HALF_ROOT
    return scale


@inlined_kernel
def _rotate_sites(vector, start, size, unitaries, first, last, stride):
    """Sites first to last, counted from the end, the first of which has this stride."""
    for i in range(first, last):
        u = unitaries[len(unitaries) - 1 - i]
        kind = _kind(u)
        if kind != NONE:
            _rotate_site(vector, start, size, stride << (i - first), u, kind)


@inlined_kernel
def _move(vector, room, first, length, width, is_inward):
    """Some columns of a vector of rows of this length into the room, or out of it."""
    for row in range(len(room) // width):
        here, there = row * width, row * length + first
        for k in range(width):
            if is_inward:
                room[here + k] = vector[there + k]
            else:
                vector[there + k] = room[here + k]


@kernel
def columns_at_once(n_sites, least=1):
    """Number of columns of 2^N amplitudes, in rows of 2^11, that are rotated together."""
    in_block = min(n_sites, BLOCK)
    return min(1 << in_block, max(least, ROOM >> (n_sites - in_block)))


@parallel_kernel
def rotate_all(vectors, unitaries):
    """Apply matrices (n, N, 2, 2) to vectors (n, 2^N), site 0 the leftmost factor, in place."""
    n_sites = unitaries.shape[1]
    in_block, width = min(n_sites, BLOCK), columns_at_once(n_sites)
    size = 1 << in_block
    for v in prange(vectors.shape[0]):
        vector, u, scale = vectors[v], unitaries[v], _scale(unitaries[v])
        for start in range(0, len(vector), size):
            if scale != 1.0:
                for i in range(start, start + size):
                    vector[i] = scale * vector[i]
            _rotate_sites(vector, start, size, u, 0, in_block, 1)
        if n_sites > in_block:
            room = np.empty((len(vector) >> in_block) * width, np.complex128)
            for first in range(0, size, width):
                _move(vector, room, first, size, width, True)
                _rotate_sites(room, 0, len(room), u, in_block, n_sites, width)
                _move(vector, room, first, size, width, False)


@parallel_kernel
def likelihood_sums(psi, unitaries, adjoints, width, order, starts, places, weights, found, back):
    """Probabilities of outcomes, and the derivative of their mean logarithm by psi*.

    Three passes over a vector for each basis: sites of short strides; the others, with the
    outcomes among some columns and their way back; sites of short strides again.

    Parameters
    ----------
    psi : complex128 (2^N,)
        Normalised; sites that nobody measured at the end.
    unitaries, adjoints : complex128 (n_bases, N, 2, 2)
    width : int
        `columns_at_once`, at least 2^n_ancillas.
    order, starts : int64 (n_outcomes,), (n_bases, n_groups + 1)
        Outcomes by bases and groups of columns, and where a group begins.
    places : int64 (n_outcomes, 2^n_ancillas)
        Amplitudes of each outcome.
    weights : float64 (n_outcomes,)
        w.
    found : float64 (n_outcomes,)
        Filled with probabilities P.
    back : complex128 (n_parts, 2^N)
        Added to: sum over bases b of U_b^dagger (w_o A_o / P_o), in parts.
    """
    n_parts, length = back.shape
    n_bases, n_sites = unitaries.shape[:2]
    in_block = min(n_sites, BLOCK)
    size = 1 << in_block
    for part in prange(n_parts):
        vector = np.empty(length, np.complex128)
        room = np.empty((length >> in_block) * width, np.complex128)
        for b in range(part * n_bases // n_parts, (part + 1) * n_bases // n_parts):
            u, v, scale = unitaries[b], adjoints[b], _scale(unitaries[b])
            for start in range(0, length, size):
                for i in range(start, start + size):
                    vector[i] = scale * psi[i]
                _rotate_sites(vector, start, size, u, 0, in_block, 1)
            for group in range(starts.shape[1] - 1):
                first, here = group * width, order[starts[b, group] : starts[b, group + 1]]
                _move(vector, room, first, size, width, True)
                _rotate_sites(room, 0, len(room), u, in_block, n_sites, width)
                values = np.empty((len(here), places.shape[1]), np.complex128)
                for k in range(len(here)):
                    total = 0.0
                    for a in range(values.shape[1]):
                        place = places[here[k], a]
                        value = room[(place >> in_block) * width + (place & (size - 1)) - first]
                        values[k, a] = value
                        total += value.real**2 + value.imag**2
                    found[here[k]] = max(total, TINY)
                room[:] = 0.0
                for k in range(len(here)):
                    share = weights[here[k]] / found[here[k]]
                    for a in range(values.shape[1]):
                        place = places[here[k], a]
                        at = (place >> in_block) * width + (place & (size - 1)) - first
                        room[at] = share * values[k, a]
                _rotate_sites(room, 0, len(room), v, in_block, n_sites, width)
                _move(vector, room, first, size, width, False)
            for start in range(0, length, size):
                _rotate_sites(vector, start, size, v, 0, in_block, 1)
                for i in range(start, start + size):
                    back[part, i] += scale * vector[i]
