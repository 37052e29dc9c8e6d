"""Products of two row-major matrices of which the first has few rows, such as a mini-batch.

BLAS packs both operands before it multiplies: with 100 rows, 784 columns to 500 in four blocks,
single precision, it takes 1.55 times as long as at the rate of large products, this 1.2 (AVX-512).
Here rows of the second operand are what the vectors of the inner loop load: a piece of ``_INNER``
rows and `strip_width` columns is copied as it lies, and stays in the first-level cache while all
rows of the first operand pass. Each number of the result is summed in the order of the inner index
on every processor.
"""

import llvmlite.binding as llvm
import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from hamiltonians.core.jit import kernel
from rbmqs.core.products import block_product
from rbmqs.core.simd import Emitter

_INNER = 128  # rows of a piece: 32 KB
_FEW = 256  # rows up to which this is faster than BLAS
_ROWS = 4
_HAS_AVX512 = llvm.get_host_cpu_features().get("avx512f", False)
# bytes of a vector and vectors of a strip: with _ROWS sums each they fill the registers
_BYTES, _VECTORS = (64, 4) if _HAS_AVX512 else (32, 3)


def _tile_intrinsic(n_rows):
    """sums[r, :] += sum_k a[at + r stride + k] piece[k, :] for ``n_rows`` rows, k below ``inner``.

    ``sums`` begins at the element ``place`` of its array.
    """

    @intrinsic
    def tile(typing_context, a, at, stride, piece, inner, sums, place):
        def codegen(context, builder, signature, args):
            element = context.get_value_type(a.dtype)
            lanes = _BYTES // a.dtype.bitwidth * 8
            vector = ir.VectorType(element, lanes)
            emit = Emitter(context, builder, args[2], vector)
            index = args[1].type
            first = emit.split(a, args[0], args[1], n_rows)
            data = emit.split(piece, args[3], index(0), 1)[0]
            out = emit.split(sums, args[5], args[6], 1)[0]
            width = lanes * _VECTORS
            slots = [cgutils.alloca_once(builder, vector) for _ in range(n_rows * _VECTORS)]
            for n, slot in enumerate(slots):
                builder.store(emit.load(out, index(n * lanes)), slot)
            with cgutils.for_range(builder, args[4], intp=index) as loop:
                row = builder.mul(loop.index, index(width))
                of_piece = [
                    emit.load(data, builder.add(row, index(v * lanes))) for v in range(_VECTORS)
                ]
                for n, slot in enumerate(slots):
                    r, v = divmod(n, _VECTORS)
                    if v == 0:
                        factor = emit.splat(builder.load(builder.gep(first[r], [loop.index])))
                    product = emit.times((factor,), (of_piece[v],))
                    builder.store(emit.plus(product, (builder.load(slot),))[0], slot)
            for n, slot in enumerate(slots):
                emit.store(builder.load(slot), out, index(n * lanes))
            return context.get_dummy_value()

        index = types.intp
        return types.void(a, index, index, piece, index, sums, index), codegen

    return tile


def _python_tile(n_rows):
    def tile(a, at, stride, piece, inner, sums, place):
        rows = np.lib.stride_tricks.as_strided(
            a.reshape(-1)[at:], (n_rows, inner), (stride * a.itemsize, a.itemsize)
        )
        row = place // piece.shape[1]
        sums[row : row + n_rows] += rows @ piece[:inner]

    return tile


_tiles = _python_tile if numba.config.DISABLE_JIT else _tile_intrinsic  # type: ignore[attr-defined]
_four, _one = _tiles(_ROWS), _tiles(1)


def strip_width(like):
    """Columns of a strip for arrays of this type."""
    return _BYTES // like.itemsize * _VECTORS


@overload(strip_width, inline="always")
def _strip_width_compiled(like):
    width = _BYTES * 8 // like.dtype.bitwidth * _VECTORS
    return lambda like: width


@kernel
def plain_product(gemm, a, b, start, stop, out):
    """out (n, stop - start) <- a (n, k) times columns from start to stop of b (k, m).

    a and b are contiguous, out has contiguous rows; ``gemm`` as in `block_product`, which takes
    products of many rows.
    """
    n, inner = a.shape
    if n > _FEW:
        block_product(gemm, a, False, b[:, start:stop], False, out, 1.0, 0.0)
        return
    width = strip_width(a)
    piece = np.empty((_INNER, width), a.dtype)
    sums = np.empty((n, width), a.dtype)
    for left in range(start, stop, width):
        inside = numba.uint64(min(width, b.shape[1] - left))
        sums[:] = 0
        for first in range(0, inner, _INNER):
            depth = min(_INNER, inner - first)
            for k in range(depth):
                line = b[first + k, left:]
                if inside == width:
                    for j in range(numba.uint64(width)):
                        piece[k, j] = line[j]
                else:
                    for j in range(inside):
                        piece[k, j] = line[j]
            whole = n - n % _ROWS
            for i in range(0, whole, _ROWS):
                _four(a, i * inner + first, inner, piece, depth, sums, i * width)
            for i in range(whole, n):
                _one(a, i * inner + first, inner, piece, depth, sums, i * width)
        taken = numba.uint64(min(width, stop - left))
        for i in range(n):
            for j in range(taken):
                out[i, numba.uint64(left - start) + j] = sums[i, j]
