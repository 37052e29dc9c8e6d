"""Products over hidden units, the inner loop of every ratio of amplitudes, in explicit vectors.

Units lie in parts of real numbers (real parts, then imaginary parts) whose length is a multiple
of ``LANES``. Two vectors of partial products run through a part in registers, each lane
multiplying every ``LANES``-th factor; the lanes are multiplied together at the end. A compiler
does not find this form: it keeps partial products of a written-out loop in memory.

The vectors are of LLVM's own type, so that one source serves AVX-512, AVX2 and NEON. Arrays come
with the offset of their first element: a slice would cost more than a short product.

A product of lanes beyond ``[_TINY, 1/_TINY]`` is reported as not ok, and the caller takes
logarithms. Within a lane nothing can sink out of the range of doubles while the
largest exponent of a flip is less than ``RANGE``.
"""

import numba
import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

WIDTH = 8  # one AVX-512 register, two of AVX2
LANES = 2 * WIDTH  # two vectors in flight hide the latency of a complex product
RANGE = 650.0
_TINY = 1e-35  # its eighth power is a normal double

_DOUBLE = ir.DoubleType()
_VECTOR = ir.VectorType(_DOUBLE, WIDTH)
_CONTRACT = ("contract",)


def padded_units(n_hidden):
    """Number of hidden units after padding with units whose factor is one."""
    return max(1, -(-n_hidden // LANES)) * LANES


class Emitter:
    """Vector code over units: pointers to parts in, vectors and scalars out."""

    def __init__(self, context, builder, n_units, vector=_VECTOR):
        self.context, self.builder, self.n_units = context, builder, n_units
        self.vector = vector

    def split(self, array_type, array, offset, count):
        """Pointers to the first elements of ``count`` parts."""
        data = self.context.make_array(array_type)(self.context, self.builder, array).data
        pointers = [self.builder.gep(data, [offset])]
        for _ in range(count - 1):
            pointers.append(self.builder.gep(pointers[-1], [self.n_units]))
        return pointers

    def _at(self, pointer, index):
        return self.builder.bitcast(self.builder.gep(pointer, [index]), self.vector.as_pointer())

    @property
    def _align(self):
        return 8 if self.vector.element == _DOUBLE else 4

    def load(self, pointer, index):
        return self.builder.load(self._at(pointer, index), align=self._align)

    def store(self, vector, pointer, index):
        self.builder.store(vector, self._at(pointer, index), align=self._align)

    def times(self, a, b):
        """Product of numbers given as tuples of parts, (re,) or (re, im)."""
        mul = self._mul
        if len(a) == 1:
            return (mul(a[0], b[0]),)
        return self._sub(mul(a[0], b[0]), mul(a[1], b[1])), self._add(
            mul(a[0], b[1]), mul(a[1], b[0])
        )

    def conjugate(self, a):
        """Complex conjugate."""
        return (a[0], *(self.builder.fneg(x) for x in a[1:]))

    def splat(self, scalar):
        """A vector with the same number in every lane."""
        undefined, zero = ir.Constant(self.vector, ir.Undefined), ir.IntType(32)(0)
        first = self.builder.insert_element(undefined, scalar, zero)
        mask = ir.Constant(ir.VectorType(ir.IntType(32), self.vector.count), None)
        return self.builder.shuffle_vector(first, undefined, mask)

    def plus(self, a, b):
        """Sum of a, which may lack its imaginary part, and b."""
        return tuple(self._add(x, y) for x, y in zip(a, b, strict=False)) + tuple(b[len(a) :])

    def norm(self, a):
        """(|a|^2,) of complex numbers, and the number itself of real ones."""
        if len(a) == 1:
            return a
        return (self._add(self._mul(a[0], a[0]), self._mul(a[1], a[1])),)

    def _mul(self, a, b):
        return self.builder.fmul(a, b, flags=_CONTRACT)

    def _add(self, a, b):
        return self.builder.fadd(a, b, flags=_CONTRACT)

    def _sub(self, a, b):
        return self.builder.fsub(a, b, flags=_CONTRACT)

    def product(self, factor, n_parts):
        """Two vectors of the products of factor(k), k running through the parts."""
        return self.products(lambda k: [factor(k)], n_parts, 1)[0]

    def products(self, factors, n_parts, count):
        """`product` of each of the ``count`` numbers that factors(k) returns."""
        builder = self.builder
        one, zero = (ir.Constant(_VECTOR, [value] * WIDTH) for value in (1.0, 0.0))
        slots = [
            [[cgutils.alloca_once(builder, _VECTOR) for _ in range(n_parts)] for _ in range(2)]
            for _ in range(count)
        ]
        for slot in (split for halves in slots for split in halves):
            for number, part in enumerate(slot):
                builder.store(zero if number else one, part)
        index = self.n_units.type
        steps = index(0), self.n_units, index(LANES)
        with cgutils.for_range_slice(builder, *steps, intp=index) as (first, _):
            for half in range(2):
                k = builder.add(first, index(half * WIDTH))
                for halves, factor in zip(slots, factors(k), strict=True):
                    before = tuple(builder.load(slot) for slot in halves[half])
                    for slot, value in zip(halves[half], self.times(before, factor), strict=True):
                        builder.store(value, slot)
        return [[tuple(builder.load(slot) for slot in half) for half in halves] for halves in slots]

    def fold(self, vector):
        """Product of the lanes as scalars, and whether every lane was of moderate size."""
        builder = self.builder
        ok = self.moderate(vector)
        width = WIDTH
        while width > 1:
            width //= 2
            low, high = (
                tuple(self._part(v, range(first, first + width)) for v in vector)
                for first in (0, width)
            )
            vector = self.times(low, high)
        zero = ir.IntType(32)(0)
        return [builder.extract_element(v, zero) for v in vector], ok

    def sum_of_lanes(self, vector):
        """Sum of the lanes of one vector, halves added to each other."""
        width = self.vector.count
        while width > 1:
            width //= 2
            low, high = (self._part(vector, range(k, k + width)) for k in (0, width))
            vector = self._add(low, high)
        return self.builder.extract_element(vector, ir.IntType(32)(0))

    def _part(self, vector, lanes):
        mask = ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), list(lanes))
        return self.builder.shuffle_vector(vector, ir.Constant(vector.type, ir.Undefined), mask)

    def moderate(self, vector):
        builder = self.builder
        size = self.norm(vector if len(vector) == 2 else vector * 2)[0]
        low, high = (ir.Constant(_VECTOR, [b * b] * WIDTH) for b in (_TINY, 1.0 / _TINY))
        inside = builder.and_(
            builder.fcmp_ordered(">", size, low), builder.fcmp_ordered("<", size, high)
        )
        every = builder.bitcast(inside, ir.IntType(WIDTH))
        return builder.icmp_unsigned("==", every, ir.Constant(every.type, 2**WIDTH - 1))


def _result(context, builder, signature, scalars, ok):
    return context.make_tuple(builder, signature.return_type, [*scalars, ok])


def _ratio_intrinsic(n_parts, n_rows):
    """Product over k of (g_k + w_k q_k); see `complex_ratio`."""

    @intrinsic
    def ratio(typing_context, units, u, rows, first, second, n_units):
        returned = types.Tuple([types.float64] * n_parts + [types.boolean])

        def codegen(context, builder, signature, args):
            emit = Emitter(context, builder, args[5])
            g_w = emit.split(units, args[0], args[1], 2 * n_parts)
            q = [emit.split(rows, args[2], r, n_parts) for r in args[3 : 3 + n_rows]]

            def factor(k):
                values = [emit.load(pointer, k) for pointer in g_w]
                w = values[n_parts:]
                for row in q:
                    w = emit.times(w, [emit.load(pointer, k) for pointer in row])
                return emit.plus(values[:n_parts], w)

            scalars, ok = emit.fold(emit.times(*emit.product(factor, n_parts)))
            return _result(context, builder, signature, scalars, ok)

        return returned(units, types.intp, rows, types.intp, types.intp, types.intp), codegen

    return ratio


def _ratios_intrinsic(n_parts, count):
    """Several products over k of (g_k + w_k q_k) with the same g and w; see `complex_ratios`."""

    @intrinsic
    def ratios(typing_context, units, u, rows, starts, first, n_units, values):
        def codegen(context, builder, signature, args):
            emit = Emitter(context, builder, args[5])
            g_w = emit.split(units, args[0], args[1], 2 * n_parts)
            numbers = emit.split(starts, args[3], args[4], 1)[0]
            out = context.make_array(values)(context, builder, args[6]).data
            at = [ir.IntType(64)(n) for n in range(count * n_parts)]
            firsts = [builder.load(builder.gep(numbers, [n])) for n in at[:count]]
            q = [emit.split(rows, args[2], first, n_parts) for first in firsts]

            def factors(k):
                shared = [emit.load(pointer, k) for pointer in g_w]
                g, w = shared[:n_parts], shared[n_parts:]
                for row in q:
                    yield emit.plus(g, emit.times(w, [emit.load(pointer, k) for pointer in row]))

            every = ir.Constant(ir.IntType(1), 1)
            for n, halves in enumerate(emit.products(factors, n_parts, count)):
                scalars, ok = emit.fold(emit.times(*halves))
                every = builder.and_(every, ok)
                for part, scalar in enumerate(scalars):
                    builder.store(scalar, builder.gep(out, [at[n * n_parts + part]]))
            return every

        index = types.intp
        return types.boolean(units, index, rows, starts, index, index, values), codegen

    return ratios


def _norm_intrinsic(n_parts, n_rows):
    """Product over k of |c_k + z_k q_k|^2 over its value before; see `norm_ratio_of_rows`."""

    @intrinsic
    def norms(typing_context, units, u, rows, first, second, n_units, inverse, num):
        returned = types.Tuple([types.float64, types.boolean])

        def codegen(context, builder, signature, args):
            emit = Emitter(context, builder, args[5])
            c_z = emit.split(units, args[0], args[1], 1 + n_parts)
            q = [emit.split(rows, args[2], r, n_parts) for r in args[3 : 3 + n_rows]]

            def factor(k):
                c, *z = [emit.load(pointer, k) for pointer in c_z]
                for row in q:
                    z = emit.times(z, [emit.load(pointer, k) for pointer in row])
                return emit.norm(emit.plus([c], z))

            halves = emit.product(factor, 1)
            zero = args[5].type(0)
            before = emit.split(inverse, args[6], zero, 1)[0]
            after = emit.split(num, args[7], zero, 1)[0]
            ratios = []
            for half, value in enumerate(halves):
                lane = args[5].type(half * WIDTH)
                value = emit.times(value, value) if n_parts == 1 else value
                emit.store(value[0], after, lane)
                ratios.append(emit.times(value, (emit.load(before, lane),)))
            scalars, ok = emit.fold(emit.times(*ratios))
            return _result(context, builder, signature, scalars, ok)

        index = types.intp
        return returned(units, index, rows, index, index, index, inverse, num), codegen

    return norms


def _image_intrinsic(n_parts, n_rows):
    """Product over k of (c_k + z_k q_k) over its value before; see `complex_image_ratio`."""

    @intrinsic
    def ratio(typing_context, units, u, rows, first, second, n_units, inverse, num, lane):
        returned = types.Tuple([types.float64] * n_parts + [types.boolean])

        def codegen(context, builder, signature, args):
            emit = Emitter(context, builder, args[5])
            c_z = emit.split(units, args[0], args[1], 1 + n_parts)
            q = [emit.split(rows, args[2], r, n_parts) for r in args[3 : 3 + n_rows]]
            index = args[5].type

            def factor(k):
                c, *z = [emit.load(pointer, k) for pointer in c_z]
                for row in q:
                    z = emit.times(z, [emit.load(pointer, k) for pointer in row])
                return emit.plus([c], z)

            lanes = emit.times(*emit.product(factor, n_parts))
            before, after = (emit.split(array, value, args[8], 1)[0] for array, value in
                             ((inverse, args[6]), (num, args[7])))  # fmt: skip
            for part, value in enumerate(lanes):
                emit.store(value, after, index(part * WIDTH))
            old = [emit.load(before, index(part * WIDTH)) for part in range(n_parts)]
            scalars, ok = emit.fold(emit.times(lanes, old))
            ok = builder.and_(ok, emit.moderate(lanes))
            return _result(context, builder, signature, scalars, ok)

        index = types.intp
        return returned(units, index, rows, index, index, index, inverse, num, index), codegen

    return ratio


def _parts_at(array, offset, n_units, count):
    """The parts that a compiled product would read, for runs without a compiler."""
    return array.reshape(-1)[offset : offset + count * n_units].reshape(count, n_units)


def _lane_products(values):
    return values.reshape(-1, LANES).prod(axis=0)


def _is_moderate(lanes):
    halves = lanes[:WIDTH] * lanes[WIDTH:]
    return bool(np.all((abs(halves) > _TINY) & (abs(halves) < 1.0 / _TINY)))


def _python_ratio(n_parts, n_rows):
    def ratio(units, u, rows, first, second, n_units):
        parts = _parts_at(units, u, n_units, 2 * n_parts)
        unit = np.array([1.0, 1j])[:n_parts, None]
        g, w = ((unit * x).sum(axis=0) for x in (parts[:n_parts], parts[n_parts:]))
        for r in (first, second)[:n_rows]:
            w = w * (unit * _parts_at(rows, r, n_units, n_parts)).sum(axis=0)
        lanes = _lane_products(g + w)
        value = complex(lanes.prod())
        scalars = (value.real, value.imag)[:n_parts]
        return (*scalars, _is_moderate(lanes))

    return ratio


def _python_ratios(n_parts, count):
    one = _python_ratio(n_parts, 1)

    def ratios(units, u, rows, starts, first, n_units, values):
        found = [one(units, u, rows, r, 0, n_units) for r in starts[first : first + count]]
        values[: count * n_parts] = [scalar for *scalars, _ in found for scalar in scalars]
        return all(ok for *_, ok in found)

    return ratios


def _python_norms(n_parts, n_rows):
    def norms(units, u, rows, first, second, n_units, inverse, num):
        parts = _parts_at(units, u, n_units, 1 + n_parts)
        unit = np.array([1.0, 1j])[:n_parts, None]
        z = (unit * parts[1:]).sum(axis=0)
        for r in (first, second)[:n_rows]:
            z = z * (unit * _parts_at(rows, r, n_units, n_parts)).sum(axis=0)
        num[:] = _lane_products(abs(parts[0] + z) ** 2)
        return float(np.prod(num * inverse)), _is_moderate(num * inverse)

    return norms


def _python_image(n_parts, n_rows):
    def ratio(units, u, rows, first, second, n_units, inverse, num, lane):
        parts = _parts_at(units, u, n_units, 1 + n_parts)
        unit = np.array([1.0, 1j])[:n_parts, None]
        z = (unit * parts[1:]).sum(axis=0)
        for r in (first, second)[:n_rows]:
            z = z * (unit * _parts_at(rows, r, n_units, n_parts)).sum(axis=0)
        lanes = _lane_products(parts[0] + z)
        after = lanes[:WIDTH] * lanes[WIDTH:]
        _parts_at(num, lane, WIDTH, n_parts)[:] = [after.real, after.imag][:n_parts]
        ratios = after * (unit * _parts_at(inverse, lane, WIDTH, n_parts)).sum(axis=0)
        value = complex(ratios.prod())
        ok = _is_moderate(lanes) and bool(np.all((abs(ratios) > _TINY) & (abs(ratios) < 1 / _TINY)))
        return (*(value.real, value.imag)[:n_parts], ok)

    return ratio


_ratio, _ratios, _norms = _ratio_intrinsic, _ratios_intrinsic, _norm_intrinsic
_image = _image_intrinsic
if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
    _ratio, _ratios, _norms = _python_ratio, _python_ratios, _python_norms
    _image = _python_image

complex_ratio = _ratio(2, 1)
"""(Re, Im, ok) of prod_k (g_k + w_k q_k).

units[u:] holds the parts Re g, Im g, Re w, Im w; rows[first:] the parts Re q, Im q; both have
``n_units`` numbers a part; ``second`` is not used.
"""
complex_pair_ratio = _ratio(2, 2)
"""`complex_ratio` with q the product of the rows at ``first`` and ``second``."""
real_ratio = _ratio(1, 1)
"""(value, ok) of prod_k (g_k + w_k q_k) from the parts g, w and q."""
real_pair_ratio = _ratio(1, 2)
"""`complex_pair_ratio` of real units."""

TOGETHER = (4, 2)
"""Ratios at a time of real and of complex units: they share the loads of g and w."""

real_ratios = _ratios(1, TOGETHER[0])
"""Whether all of `TOGETHER` products prod_k (g_k + w_k q_k) were of moderate size.

units[u:] as for `real_ratio`; the row of product n begins at rows[starts[first + n]:]; ``values``
gets the products.
"""
complex_ratios = _ratios(2, TOGETHER[1])
"""`real_ratios` of complex units; ``values`` gets Re, Im of the first, then of the second."""

complex_norms = _norms(2, 1)
"""(ratio, ok) of prod_k |c_k + z_k q_k|^2 and prod_l 1/inverse_l.

units[u:] holds the parts c, Re z, Im z; rows[first:] the parts of q; ``second`` is not used.
``num`` (LANES,) gets the product of each lane, ``inverse`` (LANES,) holds the inverse of the
same with q = 1.
"""
complex_pair_norms = _norms(2, 2)
"""`complex_norms` with q the product of the rows at ``first`` and ``second``."""
real_norms = _norms(1, 1)
"""`complex_norms` of real units."""
real_pair_norms = _norms(1, 2)
"""`complex_pair_norms` of real units."""

complex_image_ratio = _image(2, 1)
"""(Re, Im, ok) of prod_k (c_k + z_k q_k) over its value before.

units[u:], rows, ``first`` and ``second`` as for `complex_norms`; the parts of the product of each
of `WIDTH` lanes go to num[lane:], and inverse[lane:] holds their inverses with q = 1.
"""
complex_pair_image_ratio = _image(2, 2)
"""`complex_image_ratio` with q the product of the rows at ``first`` and ``second``."""
real_image_ratio = _image(1, 1)
"""`complex_image_ratio` of real units: (value, ok)."""
real_pair_image_ratio = _image(1, 2)
"""`complex_pair_image_ratio` of real units."""
