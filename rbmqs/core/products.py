"""Matrix products by blocks of the result's columns or rows, each a BLAS call on one thread.

The threads are Numba's, so that products and element-wise passes share one pool: a second pool
(that of a threaded BLAS) keeps the cores busy while it waits, and a step of training then takes
ten times as long. Blocks are fixed by the shape, so that results do not depend on the number of
threads. Small products by blocks of columns run at 0.93 of the rate of large ones.
"""

import numba
from numba.extending import overload

from hamiltonians.core.jit import inlined_kernel, kernel, parallel_kernel
from rbmqs.core.blas import row_product

_BLOCK = 96  # columns; narrower blocks spend their time packing the other operand
_MAX_BLOCKS = 64


@kernel
def n_blocks(width):
    """How many blocks a result of `width` columns or rows is cut into: a power of two."""
    blocks = 1
    while blocks < _MAX_BLOCKS and width // (2 * blocks) >= _BLOCK:
        blocks *= 2
    return blocks


@inlined_kernel
def _stride(x):
    """Distance of rows in elements; a single row may carry any stride, which BLAS refuses."""
    return max(x.strides[0] // x.itemsize, x.shape[1], 1)


def block_product(gemm, a, transpose_a, b, transpose_b, out, alpha, beta):
    """out <- alpha op(a) op(b) + beta out on one thread; rows may be strided, columns not.

    gemm : address of BLAS sgemm or dgemm (32-bit integers), after the type of the arrays.
    """
    product = (a.T if transpose_a else a) @ (b.T if transpose_b else b)
    out[...] = alpha * product + (beta * out if beta != 0 else 0)


@overload(block_product)
def _block_product_compiled(gemm, a, transpose_a, b, transpose_b, out, alpha, beta):
    real = out.dtype.type if hasattr(out.dtype, "type") else out.dtype

    def run(gemm, a, transpose_a, b, transpose_b, out, alpha, beta):
        inner = a.shape[0] if transpose_a else a.shape[1]
        row_product(
            gemm, (a, _stride(a)), transpose_a, (b, _stride(b)), transpose_b, (out, _stride(out)),
            (out.shape[0], out.shape[1], inner), real(alpha), real(beta),
        )  # fmt: skip

    return run


@parallel_kernel
def product(gemm, a, transpose_a, b, transpose_b, out, alpha, beta):
    """out (n, m) <- alpha op(a) op(b) + beta out, by blocks of whichever side is longer.

    gemm : as in `block_product`. Arrays are row-major; ``out`` must not overlap a or b.
    """
    rows, columns = out.shape
    if columns >= rows:
        blocks = n_blocks(columns)
        for block in numba.prange(blocks):
            j, k = columns * block // blocks, columns * (block + 1) // blocks
            part = b[j:k, :] if transpose_b else b[:, j:k]
            block_product(gemm, a, transpose_a, part, transpose_b, out[:, j:k], alpha, beta)
    else:
        blocks = n_blocks(rows)
        for block in numba.prange(blocks):
            j, k = rows * block // blocks, rows * (block + 1) // blocks
            part = a[:, j:k] if transpose_a else a[j:k, :]
            block_product(gemm, part, transpose_a, b, transpose_b, out[j:k, :], alpha, beta)
