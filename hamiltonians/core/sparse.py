"""The Hamiltonian as compressed rows of a sparse matrix.

Rows r are the ascending basis states of a sector. Flip f turns the bits ``flip_mask[f]`` with the
element ``constant[f] + sum_k coef[k] prod_{i in Z_k} sigma_i`` over its strings k. In a sector of
fixed S_z, ``flip_bits[f]`` is the number of turned sites, half of which must be down for the
flipped state to stay in the sector; where S_z is free it is 0.
"""

import numba

from hamiltonians.core.jit import kernel, parallel_kernel
from hamiltonians.core.ranking import count_bits, rank_of


@kernel
def stays(state, flip, bits):
    """Whether the flipped state lies in the sector."""
    down = state & flip
    if bits == 0:
        return True
    if bits == 2:
        return down != 0 and down != flip
    return 2 * count_bits(down) == bits


@kernel
def string_sum(state, total, start, end, coef, z_mask):
    """``total`` + sum_k coef_k prod_{i in Z_k} sigma_i for the strings ``start`` to ``end``."""
    for k in range(start, end):
        if count_bits(state & z_mask[k]) & 1:
            total -= coef[k]
        else:
            total += coef[k]
    return total


@parallel_kernel
def diagonal(states, diag_coef, diag_mask, out):
    """Diagonal elements of all rows."""
    for r in numba.prange(len(states)):
        out[r] = string_sum(states[r], 0.0, 0, len(diag_coef), diag_coef, diag_mask)


@parallel_kernel
def count_elements(
    states, flip_mask, flip_bits, constant, term_ptr, coef, z_mask, counts
):  # fmt: skip
    """Number of off-diagonal elements of each row that are not zero."""
    for r in numba.prange(len(states)):
        state = states[r]
        n = 0
        for f in range(len(flip_mask)):
            if stays(state, flip_mask[f], flip_bits[f]):
                start, end = term_ptr[f], term_ptr[f + 1]
                n += string_sum(state, constant[f], start, end, coef, z_mask) != 0
        counts[r] = n


@parallel_kernel
def fill_rows(
    states, diag, flip_mask, flip_bits, constant, term_ptr, coef, z_mask,
    high_offsets, low_ranks, n_low, row_ptr, columns, values,
):  # fmt: skip
    """Compressed rows: the diagonal first, then the elements counted by `count_elements`."""
    for r in numba.prange(len(states)):
        state = states[r]
        at = row_ptr[r]
        columns[at] = r
        values[at] = diag[r]
        for f in range(len(flip_mask)):
            if stays(state, flip_mask[f], flip_bits[f]):
                start, end = term_ptr[f], term_ptr[f + 1]
                element = string_sum(state, constant[f], start, end, coef, z_mask)
                if element != 0:
                    at += 1
                    columns[at] = rank_of(state ^ flip_mask[f], high_offsets, low_ranks, n_low)
                    values[at] = element
