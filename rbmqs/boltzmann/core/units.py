"""Units of classical RBMs: from total inputs to probabilities and samples, one fused pass.

A binary unit with total input x is on with probability 1/(1 + exp(-x)). Every kernel takes the
inputs without their biases, as a matrix product leaves them, in rows (samples, units), and works
in place. Random numbers come from `core.philox`, addressed by row and column: results do
not depend on the number of threads. In single precision a pass takes 0.5 ns a unit and core
(exp as a packed polynomial), against 4 ns with the library's exp.
"""

import math

import numba
import numpy as np
from numba import types
from numba.extending import intrinsic, overload

from hamiltonians.core.jit import exact_kernel, kernel, parallel_exact_kernel
from rbmqs.boltzmann.core.philox import fill_row, padded

_LOG2_E = np.float32(1.4426950408889634)
_LN2_HIGH, _LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
_LIMIT = np.float32(87.0)  # exp of it is still a normal single
_C = tuple(np.float32(c) for c in (1 / 5040, 1 / 720, 1 / 120, 1 / 24, 1 / 6, 0.5))
_HALF, _ONE, _ZERO = np.float32(0.5), np.float32(1), np.float32(0)
FOLDS = 6  # 2^6 factors between 1/2 and 2 stay within the range of singles
GROUP = 8  # products of 64 such factors stay within the range of doubles
_UNIT_32, _UNIT_64 = np.float32(2.0**-24), 2.0**-32


def _bits_as_single(bits):
    return np.int32(bits).view(np.float32)


@intrinsic
def _bitcast(typing_context, bits):
    def generate(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], context.get_value_type(types.float32))

    return types.float32(types.int32), generate


@overload(_bits_as_single, inline="always")
def _bits_as_single_compiled(bits):
    return lambda bits: _bitcast(bits)


@kernel
def exp_single(x):
    """exp of a single, relative error 2e-7: 2^n times a polynomial on |r| <= ln 2 / 2."""
    x = min(max(x, -_LIMIT), _LIMIT)
    n = np.float32(math.floor(x * _LOG2_E + _HALF))
    r = x - n * _LN2_HIGH - n * _LN2_LOW
    y = ((((_C[0] * r + _C[1]) * r + _C[2]) * r + _C[3]) * r + _C[4]) * r + _C[5]
    power = _bits_as_single(np.int32((np.int32(n) + np.int32(127)) << np.int32(23)))
    return (y * r * r + r + _ONE) * power


def exp_of(x):
    """exp(x) in the precision of x."""
    return type(x)(math.exp(x))


@overload(exp_of, inline="always")
def _exp_of_compiled(x):
    return (lambda x: exp_single(x)) if x == types.float32 else (lambda x: math.exp(x))


def logistic(x):
    """1/(1 + exp(-x)) in the precision of x, without overflow."""
    return type(x)(1.0 / (1.0 + math.exp(-x))) if x > -700 else type(x)(math.exp(x))


@overload(logistic, inline="always")
def _logistic_compiled(x):
    if x == types.float32:
        return lambda x: _ONE / (_ONE + exp_single(-x))
    return lambda x: 1.0 / (1.0 + math.exp(-x))


def unit_interval(word, like):
    """A uniform number in [0, 1) from a word of 32 bits, in the precision of `like`."""
    if isinstance(like, np.float32):
        return np.float32(int(word) >> 8) * _UNIT_32
    return float(word) * _UNIT_64


@overload(unit_interval, inline="always")
def _unit_interval_compiled(word, like):
    if like == types.float32:
        return lambda word, like: np.float32(np.uint32(word >> np.uint32(8))) * _UNIT_32
    return lambda word, like: np.float64(word) * _UNIT_64


def type_one(x):
    """The number 1 in the precision of x."""
    return type(x)(1)


@overload(type_one, inline="always")
def _type_one_compiled(x):
    return (lambda x: _ONE) if x == types.float32 else (lambda x: 1.0)


@exact_kernel
def mean_row(x, bias, scale, base):
    """x <- logistic(scale (x + bias) + (1 - scale) base) for one row."""
    rest = type_one(scale) - scale
    for j in range(numba.uint64(x.size)):
        x[j] = logistic(scale * (x[j] + bias[j]) + rest * base[j])


@exact_kernel
def sample_row(x, bias, scale, base, words):
    """x <- 1 with probability logistic(scale (x + bias) + (1 - scale) base), else 0."""
    rest = type_one(scale) - scale
    for j in range(numba.uint64(x.size)):
        p = logistic(scale * (x[j] + bias[j]) + rest * base[j])
        x[j] = unit_interval(words[j], p) < p


@exact_kernel
def mean_and_sample_row(x, bias, scale, base, words, sample):
    """x <- probabilities as in `mean_row`, and ``sample`` drawn from them, for one row."""
    rest = type_one(scale) - scale
    for j in range(numba.uint64(x.size)):
        p = logistic(scale * (x[j] + bias[j]) + rest * base[j])
        x[j] = p
        sample[j] = unit_interval(words[j], p) < p


@parallel_exact_kernel
def mean_units(x, bias, scale):
    """x (n, units) <- logistic(scale (x + bias)), probabilities that the units are on."""
    for i in numba.prange(x.shape[0]):
        mean_row(x[i], bias, scale, bias)


@parallel_exact_kernel
def sample_units(x, bias, scale, stream):
    """x (n, units) <- samples 0 and 1; ``stream`` as in `rbmqs.boltzmann.core.philox.fill_row`."""
    for i in numba.prange(x.shape[0]):
        words = np.empty(padded(x.shape[1]), np.uint32)
        fill_row(words, stream, 0, i)
        sample_row(x[i], bias, scale, bias, words)


@exact_kernel
def softplus(x):
    """log(1 + exp(x)) without overflow."""
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


@exact_kernel
def log_product_and_sum(factors, terms):
    """sum_j [log(factors_j) + terms_j], factors between 1/2 and 2; destroys both.

    Back halves are folded onto front halves, which the compiler turns into packed operations (a
    running product it may not reorder), until each number left is a product of 64 at most; 8 of
    those make one logarithm: 0.6 ns a unit in single precision, against 5.4.
    """
    left, folds = numba.uint64(factors.size), 0
    while left > numba.uint64(GROUP) and folds < FOLDS:
        half = (left + numba.uint64(1)) // numba.uint64(2)
        for j in range(left - half):
            factors[j] *= factors[half + j]
            terms[j] += terms[half + j]
        left, folds = half, folds + 1
    total, product = 0.0, 1.0
    for j in range(left):
        total += np.float64(terms[j])
        product *= np.float64(factors[j])
        if j % numba.uint64(GROUP) == numba.uint64(GROUP - 1):
            total += math.log(product)
            product = 1.0
    return total + math.log(product)


@exact_kernel
def sum_softplus_row(x, bias, scale, work):
    """sum_j log(1 + exp(scale (x_j + bias_j))) for one row; ``work`` (2, units) is overwritten.

    softplus(y) = max(y, 0) + log(1 + exp(-|y|)), whose factors lie between 1 and 2.
    """
    factors, terms = work[0], work[1]
    for j in range(numba.uint64(x.size)):
        y = scale * (x[j] + bias[j])
        factors[j] = type_one(scale) + exp_of(-abs(y))
        terms[j] = max(y, y - y)
    return log_product_and_sum(factors, terms)


@parallel_exact_kernel
def sum_softplus(x, bias, scale):
    """sum_j log(1 + exp(scale (x_ij + bias_j))) for each row i, (n,) in double precision."""
    out = np.empty(x.shape[0])
    for i in numba.prange(x.shape[0]):
        work = np.empty((2, x.shape[1]), x.dtype)
        out[i] = sum_softplus_row(x[i], bias, scale, work)
    return out


@parallel_exact_kernel
def uniform_units(out, stream):
    """Fill ``out`` (n, units) with uniform numbers in [0, 1)."""
    for i in numba.prange(out.shape[0]):
        words = np.empty(padded(out.shape[1]), np.uint32)
        fill_row(words, stream, 0, i)
        for j in range(numba.uint64(out.shape[1])):
            out[i, j] = unit_interval(words[j], out[i, j])


@parallel_exact_kernel
def mean_and_sample_tempered(x, bias, scales, stream, sample):
    """x (n, units) <- probabilities, ``sample`` (n, units) <- 0 and 1 drawn from them.

    ``scales`` (n,) are inverse temperatures of the rows.
    """
    no_base = np.zeros_like(bias)
    for i in numba.prange(x.shape[0]):
        words = np.empty(padded(x.shape[1]), np.uint32)
        fill_row(words, stream, 0, i)
        mean_and_sample_row(x[i], bias, scales[i], no_base, words, sample[i])
