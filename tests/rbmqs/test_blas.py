"""BLAS by address, compiled and called from Python."""

import subprocess
import sys

import numba
import numpy as np
import pytest

from hamiltonians.core.jit import kernel
from rbmqs.core.blas import address, call_fortran, fortran_value, row_product
from rbmqs.sr.equations import gram_matrix
from rbmqs.states.jacobian import Jacobian
from rbmqs.states.rows import FactorRows


@kernel
def compiled_product(gemm, a, transpose_a, b, transpose_b, out, shape, alpha, beta):
    row_product(gemm, a, transpose_a, b, transpose_b, out, shape, alpha, beta)


@kernel
def compiled_dot(dot, x, first, n):
    step = np.int32(1)
    return fortran_value(dot, (n, (x, first), step, (x, 0), step))


@kernel
def compiled_scale(scal, x, first):
    call_fortran(scal, (np.int32(2), 3.0, (x, first), np.int32(1)))


@pytest.mark.parametrize("transpose_a", [False, True])
@pytest.mark.parametrize("transpose_b", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
def test_row_product_is_that_of_numpy(transpose_a, transpose_b, dtype):
    rng = np.random.default_rng(0)

    def matrix(*shape):
        values = rng.normal(size=shape)
        if np.dtype(dtype).kind == "c":
            values = values + 1j * rng.normal(size=shape)
        return values.astype(dtype)

    a = matrix(3, *((5, 4) if transpose_a else (4, 5)))
    b = matrix(*((6, 5) if transpose_b else (5, 6)))
    before = matrix(4, 6)
    alpha, beta = dtype(1.5), dtype(-0.5)
    left = a[1].T if transpose_a else a[1]
    expected = alpha * left @ (b.T if transpose_b else b) + beta * before
    out = before.copy()
    compiled_product(
        address("gemm", dtype), ((a, 20), a.shape[2]), transpose_a, (b, b.shape[1]), transpose_b,
        (out, 6), (4, 6, 5), alpha, beta,
    )  # fmt: skip
    np.testing.assert_allclose(out, expected, rtol=0, atol=100 * np.finfo(dtype).eps)


def test_functions_return_their_value_and_subroutines_change_their_arrays():
    x = np.arange(6.0)
    dot, scal = address("dot", float), address("scal", float)
    step = np.int32(1)
    expected = x[2:5] @ x[:3]
    assert compiled_dot(dot, x, 2, np.int32(3)) == expected
    assert fortran_value(dot, (np.int32(3), (x, 2), step, (x, 0), step)) == expected
    compiled_scale(scal, x, 1)
    call_fortran(scal, (np.int32(2), np.float64(2.0), (x, 4), step))
    np.testing.assert_array_equal(x, [0, 3, 6, 3, 8, 10])


def test_an_array_with_an_offset_must_be_contiguous():
    x, scal = np.asfortranarray(np.ones((3, 4))), address("scal", float)
    wanted = (TypeError, numba.core.errors.TypingError)
    for call in (
        lambda: compiled_scale(scal, x, 1),
        lambda: call_fortran(scal, (np.int32(2), np.float64(3.0), (x, 1), np.int32(1))),
    ):
        with pytest.raises(wanted, match="C-contiguous"):
            call()
    assert np.all(x == 1)


@pytest.mark.parametrize("dtype", [float, complex])
def test_gram_of_arrays_in_any_order(dtype):
    rng = np.random.default_rng(1)
    spins = rng.choice([-1.0, 1.0], size=(110, 3))
    tanh = rng.normal(size=(110, 4)).astype(dtype)
    if dtype is complex:
        tanh += 1j * rng.normal(size=(110, 4))
    expected = gram_matrix(Jacobian(FactorRows(spins, tanh, True, True)))
    turned = np.asfortranarray(spins), np.asfortranarray(tanh)
    found = gram_matrix(Jacobian(FactorRows(*turned, True, True)))
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("first", ["rbmqs.core.blas", "scipy.linalg"])
def test_the_library_is_loaded_once_whatever_comes_first(first):
    second = {"rbmqs.core.blas": "scipy.linalg"}.get(first, "rbmqs.core.blas")
    code = (
        f"import sys, {first}\n"
        "from rbmqs.core.blas import address\n"
        "alone = address('gemm', float), 'scipy.linalg' in sys.modules\n"
        f"import {second}, scipy.linalg.cython_blas as module\n"
        "assert sys.modules['scipy.linalg.cython_blas'] is module\n"
        "assert scipy.linalg.inv([[2.0]]) == 0.5\n"
        "print(alone[1])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(first == "scipy.linalg")
