"""The one place where the project decides how a kernel is compiled.

``kernel`` compiles a serial function, ``parallel_kernel`` one whose ``prange`` loops are shared
between threads, ``exact_kernel`` and ``parallel_exact_kernel`` those whose floating-point
operations keep their written order and their NaNs (acceptance tests, log cosh, finite checks).
``inlined_kernel`` and ``inlined_exact_kernel`` become part of the kernel that calls them: for
bodies of a few ten nanoseconds, which handing over the arguments would double.

The fast-math set leaves out ``nnan`` and ``ninf``: with plain ``fastmath=True`` LLVM may fold
``isnan(nan)`` to false, and every finite check of the project would be void.

Set the environment variable ``RBMQS_CACHE=0`` to keep compiled kernels out of the file cache
(for instance while editing a kernel that other cached kernels inline).
"""

import os
from typing import Any

import numba

FAST_MATH = {"reassoc", "contract", "arcp", "nsz", "afn"}
# Threads that wait must soon sleep: with another process on the cores a spinning pool stalls for
# whole time slices (20 ms a loop measured). A short spin (GNU OpenMP, some 10 us) saves waking them
# between loops that follow each other at once: 16 ms instead of 19 for a solve of 1008 samples.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("GOMP_SPINCOUNT", "10000")

CACHE = os.environ.get("RBMQS_CACHE", "1") != "0"

_COMMON: dict[str, Any] = {
    "error_model": "numpy",
    "nogil": True,
    "cache": CACHE,
    "no_cfunc_wrapper": True,  # nobody calls it, and it takes 5 % of compilation
}

kernel = numba.njit(fastmath=FAST_MATH, **_COMMON)
parallel_kernel = numba.njit(fastmath=FAST_MATH, parallel=True, **_COMMON)
exact_kernel = numba.njit(fastmath=False, **_COMMON)
inlined_kernel = numba.njit(fastmath=FAST_MATH, forceinline=True, **_COMMON)
inlined_exact_kernel = numba.njit(fastmath=False, forceinline=True, **_COMMON)
parallel_exact_kernel = numba.njit(fastmath=False, parallel=True, **_COMMON)
