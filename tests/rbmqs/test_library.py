"""As a library behaves in a host of any kind: no standard streams, no cache, threads, forks."""

import os
import subprocess
import sys
import threading

import pytest
from threadpoolctl import threadpool_info

from rbmqs.utils.threads import single_threaded_blas

RUN = """
import sys, warnings
import rbmqs
from hamiltonians import chain, ising

def run(seed=0, **options):
    return rbmqs.ground_state(
        ising(chain(6), h=1.0), alpha=1, n_iterations=3, n_samples=64, n_final_samples=64,
        seed=seed, **options
    ).energy.mean
"""
NO_STREAMS = """
from rbmqs.cli.main import main
from rbmqs.utils import progress
progress.LINE_EVERY = -1.0
sys.stderr = None
run()
warnings.warn("heard by nobody")
assert main(["exact", "isin", "--length", "6"]) == 2
sys.stdout = None
assert main(["exact", "ising", "--length", "6"]) == 0
sys.stdout = sys.__stdout__
print("done")
"""
NO_CACHE = """
import warnings

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import rbmqs.core.blas
    from hamiltonians.core.jit import exact_kernel
    twice = [exact_kernel(lambda x: 2 * x), exact_kernel(lambda x: 3 * x)]
assert [kernel(1) for kernel in twice] == [2, 3]
from rbmqs.runs.warmup import _in_cache
assert _in_cache()
print("done", *(w.message for w in caught), sep="\\n")
"""
THREADS = """
from concurrent.futures import ThreadPoolExecutor

with ThreadPoolExecutor(4) as pool:
    together = list(pool.map(lambda seed: run(seed, progress=False), range(4)))
assert together == [run(seed, progress=False) for seed in range(4)]
print("done")
"""
FORK = """
import multiprocessing

run(progress=False)
with multiprocessing.get_context("fork").Pool(1) as pool:
    try:
        print(pool.apply_async(run, kwds={"progress": False}).get(30) and "done")
    except RuntimeError as error:
        assert str(error).startswith("this process was forked after kernels had run"), error
        print("done")
"""


def alone(code: str, **variables: str) -> str:
    """Standard output of a fresh interpreter, in which nothing goes to standard error."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_no_standard_streams():
    """As under pythonw and some services; nothing of what had no place to go lands in stdout."""
    assert alone(RUN + NO_STREAMS) == "done\n"


def test_no_folder_for_compiled_kernels():
    """Neither the package nor the home directory can be written: one warning, all works."""
    said = alone(NO_CACHE, NUMBA_CACHE_LOCATOR_CLASSES="ZipCacheLocator").splitlines()
    assert said[0] == "done"
    assert len([line for line in said if "set NUMBA_CACHE_DIR to one that can" in line]) == 1


def test_first_use_of_a_run_by_four_threads():
    assert alone(RUN + THREADS) == "done\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.parametrize("layer", ["default", "workqueue"])
def test_a_forked_process_works_or_says_that_it_cannot(layer):
    """With the threads of GNU OpenMP Numba would end it, and the pool wait for ever."""
    assert alone(RUN + FORK, NUMBA_THREADING_LAYER=layer) == "done\n"


def test_the_last_thread_to_leave_lifts_the_limit_of_blas():
    def threads_of_blas():
        return {lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"}

    inside, leave = threading.Event(), threading.Event()

    def stay():
        with single_threaded_blas():
            inside.set()
            leave.wait(60)

    before = threads_of_blas()
    other = threading.Thread(target=stay)
    with single_threaded_blas(), single_threaded_blas():
        other.start()
        assert inside.wait(60)
    assert threads_of_blas() == {1}, "another thread is still inside"
    leave.set()
    other.join()
    assert threads_of_blas() == before
