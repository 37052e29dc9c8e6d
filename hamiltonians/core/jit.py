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
from collections.abc import Callable
from typing import Any

import numba
from numba.core.caching import FunctionCache
from numba.core.runtime import rtsys

FAST_MATH = {"reassoc", "contract", "arcp", "nsz", "afn"}
# Threads that wait must soon sleep: with another process on the cores a spinning pool stalls for
# whole time slices (20 ms a loop measured). A short spin (GNU OpenMP, some 10 us) saves waking them
# between loops that follow each other at once: 16 ms instead of 19 for a solve of 1008 samples.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("GOMP_SPINCOUNT", "10000")

CACHE = os.environ.get("RBMQS_CACHE", "1") != "0"


class KernelCache(FunctionCache):
    """Numba's file cache, without a refresh of the compiler's tables before a kernel is loaded.

    The refresh registers what only compilation needs, and imports the extensions of Numba of all
    packages that are installed: 0.2 to 0.5 s of each start. A kernel that is not in the cache is
    compiled, which refreshes.
    """

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Compiled kernel for a signature, or None; see the class."""
        rtsys.initialize(target_context)
        with self._guard_against_spurious_io_errors():
            return self._load_overload(sig, target_context)


def _nothing() -> None:
    pass


def _decorator(**options: Any) -> Callable[[Callable], Any]:
    # Nobody calls the wrapper for C, and it takes 5 % of compilation.
    common = {"error_model": "numpy", "nogil": True, "no_cfunc_wrapper": True}

    def compiled(function: Callable) -> Any:
        dispatcher: Any = numba.njit(**common, **options)(function)  # type: ignore[call-overload]
        if CACHE:
            dispatcher._cache = KernelCache(function)
            dispatcher._compilation_chain_init_hook = _nothing
        return dispatcher

    return compiled


kernel = _decorator(fastmath=FAST_MATH)
parallel_kernel = _decorator(fastmath=FAST_MATH, parallel=True)
exact_kernel = _decorator(fastmath=False)
inlined_kernel = _decorator(fastmath=FAST_MATH, forceinline=True)
inlined_exact_kernel = _decorator(fastmath=False, forceinline=True)
parallel_exact_kernel = _decorator(fastmath=False, parallel=True)
