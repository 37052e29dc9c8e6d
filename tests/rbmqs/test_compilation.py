"""What the compiler makes of kernels, and the time that it takes."""

import platform
import re
import time
from dataclasses import replace

import numba
import numpy as np
import pytest
from llvmlite.binding import get_host_cpu_features
from numba import prange

import rbmqs
from hamiltonians import chain, ising
from hamiltonians.core.jit import (
    exact_kernel,
    inlined_kernel,
    parallel_exact_kernel,
    parallel_kernel,
)
from rbmqs.core import simd
from rbmqs.core.simd import LANES
from rbmqs.utils.compilation import compile_timer

HAS_FMA = platform.machine() == "x86_64" and get_host_cpu_features().get("fma", False)
compiled = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")


def instructions(function, *arguments):
    """Names of the vector instructions of a function compiled for these arguments."""
    function(*arguments)
    (assembly,) = function.inspect_asm().values()
    return re.findall(r"\b(v\w+pd)\s[^\n]*%?[yz]mm", assembly)


@compiled
@pytest.mark.skipif(not HAS_FMA, reason="names of instructions of x86 with FMA")
@pytest.mark.parametrize(
    "name",
    ["complex_ratio", "real_ratio", "complex_ratios", "real_ratios", "complex_norms", "real_norms"],
)
def test_products_over_units_are_packed_and_fused(name):
    """Ratios of amplitudes run on whole registers of at least four doubles, with fused adds."""
    product = getattr(simd, name)
    arrays = np.ones(6 * LANES), np.ones(2 * LANES), np.ones(LANES), np.ones(LANES)
    if "norms" in name:

        @numba.njit
        def call(units, rows, inverse, num):
            return product(units, 0, rows, 0, 0, LANES, inverse, num)

    elif "ratios" in name:
        starts = np.zeros(max(simd.TOGETHER), dtype=np.intp)

        @numba.njit
        def call(units, rows, starts, values):
            return product(units, 0, rows, starts, 0, LANES, values)

        arrays = *arrays[:2], starts, arrays[3]
    else:

        @numba.njit
        def call(units, rows, inverse, num):
            return product(units, 0, rows, 0, 0, LANES)

    used = instructions(call, *arrays)
    assert any(re.match(r"vfn?m(add|sub)\w*pd", name) for name in used), used
    assert "vmulpd" in used


@compiled
def test_inlined_kernels_are_called_by_kernels_only():
    """They are never machine code by themselves, and a call from Python is refused."""

    @inlined_kernel
    def double(x, y):
        return 2.0 * (x + y)

    @parallel_kernel
    def fill(out):
        for i in prange(len(out)):
            out[i] = double(i, 1.0)

    out = np.empty(5)
    fill(out)
    assert out.tolist() == [2.0, 4.0, 6.0, 8.0, 10.0]
    with pytest.raises(TypeError):
        double(1, 1.0)


@compiled
def test_a_sum_in_a_parallel_loop_is_that_of_the_serial_kernel():
    """Bodies of parallel loops are optimised with their kernel, to the same bits at any count."""

    def body(x, out):
        for i in prange(x.shape[0]):
            total = 0.0
            for k in range(x.shape[1]):
                total += x[i, k] * x[i, k]
            out[i] = total

    x = np.random.default_rng(1).normal(size=(40, 37))
    serial, parallel = np.empty(40), np.empty(40)
    exact_kernel(body)(x, serial)
    parallel_exact_kernel(body)(x, parallel)
    assert np.array_equal(serial, parallel)


@compiled
def test_seconds_of_compilation_are_those_of_the_compiler():
    @numba.njit
    def double(x):
        return 2 * x

    with compile_timer() as seconds:
        assert seconds() == 0.0
        started = time.perf_counter()
        double(1.5)
        elapsed = time.perf_counter() - started
        first = seconds()
        assert 0 < first <= elapsed
        double(2.5)
        assert seconds() == first


def test_a_run_tells_how_long_it_compiled():
    result = rbmqs.ground_state(ising(chain(6)), alpha=1, n_iterations=2, progress=False)
    assert 0.0 <= result.compile_seconds <= sum(result.seconds.values())
    assert result.to_dict()["compile_seconds"] == result.compile_seconds
    text = str(replace(result, compile_seconds=7.25))
    assert "compiling kernels took 7.2 s of it" in text
    assert "compiling" not in str(replace(result, compile_seconds=0.0))
