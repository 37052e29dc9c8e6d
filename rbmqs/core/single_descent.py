"""Conjugate gradients on (O^dagger O / n + shift) x = b in single precision.

One kernel from the first product to the last, on one core: for RBMs whose products take some
ten microseconds, less than it takes to wake a second thread or to return to Python.
"""

import numpy as np

from hamiltonians.core.jit import exact_kernel, inlined_exact_kernel
from rbmqs.core.aligned import aligned_empty
from rbmqs.core.blas import TRANSPOSED, address, call_fortran
from rbmqs.core.sign_tables import (
    PATTERNS,
    complex_add_row,
    complex_row_times,
    fill,
    fold,
    real_add_row,
    real_row_times,
)

# At most a hundredth of the right side may be left after 48 iterations: where more was, ten digits
# took 260 to 820 iterations, otherwise 43 to 340, in all but one of 36 cases (Ising chain 20,
# Heisenberg chain 16, J1-J2 4x4; shifts 1e-2 to 1e-3; 1 to 99 steps taken).
RESTART = 48
_SLOW = np.float32(0.01)
_ONE, _ZERO = np.float32(1), np.float32(0)


@inlined_exact_kernel
def _dot(gemv, x, y, out):
    """Real part of the product of two vectors: a matrix of one column, transposed, times one."""
    n, step = np.int32(x.size), np.int32(1)
    call_fortran(gemv, (TRANSPOSED, n, step, _ONE, x, n, y, step, _ZERO, out, step))
    return out[0]


@inlined_exact_kernel
def _images(split, table, offsets, tanh, out):
    """O v - <O v> of all samples, out (2, Ns)."""
    n, n_groups = offsets.shape
    n_units = tanh.shape[1] // len(split)
    real, imag = _ZERO, _ZERO
    for s in range(n):
        if len(split) == 2:
            out[0, s], out[1, s] = complex_row_times(table, offsets, s, n_groups, tanh, n_units)
            imag += out[1, s]
        else:
            out[0, s] = real_row_times(table, offsets, s, n_groups, tanh, n_units)[0]
        real += out[0, s]
    real, imag = real / np.float32(n), imag / np.float32(n)
    for s in range(n):
        out[0, s] -= real
        out[1, s] -= imag


@inlined_exact_kernel
def _gather(split, table, offsets, tanh, values):
    """The rows of O^dagger y by patterns, y = values (2, Ns)."""
    n, n_groups = offsets.shape
    n_units = tanh.shape[1] // len(split)
    for row in range(table.shape[0]):
        for k in range(table.shape[1]):
            table[row, k] = _ZERO
    for s in range(n):
        if len(split) == 2:
            y = (values[0, s], values[1, s])
            complex_add_row(table, offsets, s, n_groups, tanh, n_units, y)
        else:
            real_add_row(table, offsets, s, n_groups, tanh, n_units, (values[0, s],))


@exact_kernel
def _descend(
    split, gemv, offsets, tanh, mask, right, shift, tolerance, max_iterations, on_restart, work
):
    """x and how it was found; see `descend`. ``work``: table, images of samples, one number."""
    table, images, number = work
    x, curved = np.zeros_like(right), np.empty_like(right)
    residual, search = right.copy(), right.copy()
    n_rows, width = right.shape
    weight = _dot(gemv, right, right, number)
    first = weight
    for n_iterations in range(1, max_iterations + 1):
        fill(search, table)
        _images(split, table, offsets, tanh, images)
        _gather(split, table, offsets, tanh, images)
        fold(table, curved)
        for i in range(n_rows):
            for k in range(width):
                curved[i, k] = curved[i, k] * mask[i, k] + shift * search[i, k]
        step = weight / _dot(gemv, search, curved, number)
        for i in range(n_rows):
            for k in range(width):
                x[i, k] += step * search[i, k]
                residual[i, k] -= step * curved[i, k]
        new = _dot(gemv, residual, residual, number)
        slow = on_restart and n_iterations == RESTART and new > _SLOW * _SLOW * first
        if slow or not new > tolerance * tolerance * first:
            return x, np.sqrt(new / first), n_iterations
        ratio = new / weight
        for i in range(n_rows):
            for k in range(width):
                search[i, k] = residual[i, k] + ratio * search[i, k]
        weight = new
    return x, np.sqrt(weight / first), max_iterations


def descend(split, offsets, tanh, mask, right, shift, tolerance, max_iterations, on_restart):
    """Solve (O^dagger O / n + shift) x = right, O centred.

    Parameters
    ----------
    split : tuple
        Of `rbmqs.core.parts.split_numbers`.
    offsets, tanh, right : arrays
        Of `rbmqs.core.sign_tables`; right a vector.
    mask : float32, shape of right
        1/n where there is a parameter, 0 elsewhere.
    shift, tolerance : float
    max_iterations : int
    on_restart : bool
        Whether to give up early where many iterations are to come.

    Returns
    -------
    x : float32, shape of right
    residual : float
        |(O^dagger O / n + shift) x - right| / |right| as the recurrence carries it; above the
        tolerance where iterations ran out or it gave up.
    n_iterations : int
    """
    table = aligned_empty((PATTERNS * offsets.shape[1], right.shape[1]), np.float32)
    work = table, np.zeros((2, len(offsets)), np.float32), np.empty(1, np.float32)
    numbers = np.float32(shift), np.float32(tolerance)
    gemv = address("gemv", np.float32)
    return _descend(
        split, gemv, offsets, tanh, mask, right, *numbers, max_iterations, on_restart, work
    )
