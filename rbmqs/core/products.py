"""Matrix products by blocks of the result's columns or rows, each a BLAS call on one thread.

The threads are Numba's, so that products and element-wise passes share one pool: a second pool
(that of a threaded BLAS) keeps the cores busy while it waits, and a step of training then takes
ten times as long. Blocks are fixed by the shape, so that results do not depend on the number of
threads. Small products by blocks of columns run at 0.93 of the rate of large ones.
"""

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from hamiltonians.core.jit import kernel, parallel_kernel

_BLOCK = 96  # columns; narrower blocks spend their time packing the other operand
_MAX_BLOCKS = 64


@kernel
def n_blocks(width):
    """How many blocks a result of `width` columns or rows is cut into: a power of two."""
    blocks = 1
    while blocks < _MAX_BLOCKS and width // (2 * blocks) >= _BLOCK:
        blocks *= 2
    return blocks


@intrinsic
def _call_blas(typing_context, address, flags, sizes, alpha, a, b, beta, c):
    """Call ?gemm at `address`; Fortran takes every argument by reference."""

    def generate(context, builder, signature, arguments):
        address, flags, sizes, alpha, a, b, beta, c = arguments

        def reference(value):
            return builder.bitcast(cgutils.alloca_once_value(builder, value), cgutils.voidptr_t)

        def element(values, index):
            return reference(builder.extract_value(values, index))

        def data(array, position):
            struct = context.make_array(signature.args[position])(context, builder, array)
            return builder.bitcast(struct.data, cgutils.voidptr_t)

        call = [element(flags, 0), element(flags, 1)]
        call += [element(sizes, i) for i in range(3)]
        call += [reference(alpha), data(a, 4), element(sizes, 3), data(b, 5), element(sizes, 4)]
        call += [reference(beta), data(c, 7), element(sizes, 5)]
        function = ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t] * len(call))
        builder.call(builder.inttoptr(address, function.as_pointer()), call)
        return context.get_dummy_value()

    return types.void(address, flags, sizes, alpha, a, b, beta, c), generate


@kernel
def _row_length(x, size):
    """Distance of rows in elements; a single row may carry any stride, which BLAS refuses."""
    return np.int32(max(x.strides[0] // size, x.shape[1], 1))


def block_product(gemm, a, transpose_a, b, transpose_b, out, alpha, beta):
    """out <- alpha op(a) op(b) + beta out on one thread; rows may be strided, columns not.

    gemm : address of BLAS sgemm or dgemm (32-bit integers), after the type of the arrays.
    """
    product = (a.T if transpose_a else a) @ (b.T if transpose_b else b)
    out[...] = alpha * product + (beta * out if beta != 0 else 0)


@overload(block_product)
def _block_product_compiled(gemm, a, transpose_a, b, transpose_b, out, alpha, beta):
    real = out.dtype.type if hasattr(out.dtype, "type") else out.dtype
    plain, transposed = np.uint8(ord("N")), np.uint8(ord("T"))

    def run(gemm, a, transpose_a, b, transpose_b, out, alpha, beta):
        # Column-major BLAS sees transposes: out^T = op(b)^T op(a)^T.
        inner = a.shape[0] if transpose_a else a.shape[1]
        size = out.itemsize
        flags = (transposed if transpose_b else plain, transposed if transpose_a else plain)
        sizes = (
            np.int32(out.shape[1]), np.int32(out.shape[0]), np.int32(inner),
            _row_length(b, size), _row_length(a, size), _row_length(out, size),
        )  # fmt: skip
        _call_blas(gemm, flags, sizes, real(alpha), b, a, real(beta), out)

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
