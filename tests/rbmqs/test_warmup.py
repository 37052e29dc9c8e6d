"""Compilation of the first run's kernels by a second process."""

import subprocess
import sys

import naive
import numba
import numpy as np
import pytest

from hamiltonians.core.jit import CACHE
from rbmqs.core import cholesky, divided_matrix, jacobian_products, single_descent
from rbmqs.runs import warmup
from rbmqs.sr.solvers import sample_space, single_precision

KERNELS = (
    cholesky._factorise, divided_matrix._gram_tiles, divided_matrix._centre,
    divided_matrix._products,
    jacobian_products.weight_adjoint, jacobian_products.weight_products, single_descent._descend,
)  # fmt: skip


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")
@pytest.mark.parametrize("dtype", [float, complex])
@pytest.mark.parametrize("n_sites", [6, 80])
def test_a_run_finds_every_kernel_of_the_solver_compiled(dtype, n_sites):
    warmup.compile_solvers(dtype, n_sites)
    known = [set(kernel.signatures) for kernel in KERNELS]
    psi = naive.random_rbm(6, 9, dtype)
    sigma = np.repeat(naive.all_spins(6).astype(np.int8)[:20], 3, axis=0)
    jacobian = psi.jacobian(sigma)
    assert jacobian.repeats() is not None
    deviations = np.arange(60).astype(dtype)
    jacobian.times(sample_space(jacobian, deviations, 0.1).x)
    single_precision(jacobian, deviations, 0.1, 100)
    assert [set(kernel.signatures) for kernel in KERNELS] == known


@pytest.mark.skipif(not CACHE or numba.config.DISABLE_JIT, reason="there is no cache")
def test_a_warm_start_neither_compiles_nor_imports_what_only_others_need():
    code = (
        "import sys, rbmqs\n"
        "from hamiltonians import chain, ising\n"
        "next(rbmqs.iterate(ising(chain(20)), rbmqs.RBM.random(20, alpha=2, seed=1)))\n"
        "print(*sys.modules)"
    )
    run = [sys.executable, "-c", code]
    subprocess.run(run, check=True, capture_output=True)
    modules = subprocess.run(run, check=True, capture_output=True, text=True).stdout.split()
    heavy = {"scipy.linalg", "scipy.fft", "scipy.sparse", "scipy.special", "matplotlib", "netket"}
    refreshed = {"numba.np.linalg"}  # one of those that the compiler imports
    assert not (heavy | refreshed) & set(modules)


@pytest.mark.parametrize("in_cache", [False, True])
def test_a_process_is_started_for_an_empty_cache_alone_and_ended(monkeypatch, in_cache):
    started = []

    class Recorded(subprocess.Popen):
        def __init__(self, *arguments, **options):
            started.append(self)
            super().__init__(*arguments, **options)

    monkeypatch.setattr(warmup.subprocess, "Popen", Recorded)
    monkeypatch.setattr(warmup, "_in_cache", lambda: in_cache)
    monkeypatch.setattr(warmup, "CACHE", True)
    with warmup.solvers_compiled_ahead(complex, 20):
        assert len(started) == (not in_cache)
    assert all(process.returncode is not None for process in started)
