"""The one place where the project decides how a kernel is compiled.

``kernel`` compiles a serial function, ``parallel_kernel`` one whose ``prange`` loops are shared
between threads, ``exact_kernel`` and ``parallel_exact_kernel`` those whose floating-point
operations keep their written order and their NaNs (acceptance tests, log cosh, finite checks).
``inlined_kernel`` and ``inlined_exact_kernel`` become part of the kernel that calls them: for
bodies of a few ten nanoseconds, which handing over the arguments would double. Python cannot call
them (`TypeError`).

Numba optimises every function on its own, generates machine code for it, and does both again in
each kernel that calls it. Here only whole kernels are optimised as modules and become machine code;
inlined ones and the bodies of parallel loops stay LLVM code until they are part of one: half the
time (`python benchmarks/startup.py`).

The fast-math set leaves out ``nnan`` and ``ninf``: with plain ``fastmath=True`` LLVM may fold
``isnan(nan)`` to false, and every finite check of the project would be void.

Set the environment variable ``RBMQS_CACHE=0`` to keep compiled kernels out of the file cache
(for instance while editing a kernel that other cached kernels inline). Where no folder for them can
be written, one warning says so.

A process forked after kernels ran on threads of GNU OpenMP cannot run them: Numba would end it, and
``multiprocessing`` wait for it for ever. There each kernel raises a RuntimeError instead.
"""

import os
import warnings
from collections.abc import Callable
from functools import cache
from threading import RLock
from typing import Any, NoReturn

import numba
from numba.core import typed_passes
from numba.core.caching import FunctionCache
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler, DefaultPassBuilder
from numba.core.compiler_machinery import register_pass
from numba.core.runtime import rtsys
from numba.parfors.parfor import Parfor

FAST_MATH = {"reassoc", "contract", "arcp", "nsz", "afn"}
# Threads that wait must soon sleep: with another process on the cores a spinning pool stalls for
# whole time slices (20 ms a loop measured). A short spin (GNU OpenMP, some 10 us) saves waking them
# between loops that follow each other at once: 16 ms instead of 19 for a solve of 1008 samples.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("GOMP_SPINCOUNT", "10000")

CACHE = os.environ.get("RBMQS_CACHE", "1") != "0"
# Parts are joined before they are optimised with the releases of Numba whose compiler is known to
# allow it; with others kernels are compiled as Numba does, which takes twice as long, once.
JOINED = numba.version_info.short in {(0, 68)}
FIRST_USE = RLock()  # held by whoever makes something that all threads share and that is made once
_dispatchers: list[Any] = []


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


class _PartLibrary(JITCodeLibrary):
    """LLVM code that is linked into kernels and optimised there; machine code where asked for.

    The passes over each single function remain: without them sums come out in another order.
    """

    _is_machine_code = False

    def get_pointer_to_function(self, name: str) -> int:
        """Address of a function, as of helpers of Numba that are compiled with a loop's body."""
        self._ensure_finalized()
        if not self._is_machine_code:
            self._is_machine_code = True
            super()._optimize_final_module()
            super()._finalize_final_module()
        return super().get_pointer_to_function(name)

    def _optimize_final_module(self) -> None:
        pass

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True


@register_pass(mutates_CFG=True, analysis_only=False)
class _ParallelLowering(typed_passes.NativeParforLowering):
    """Numba's lowering of parallel loops, whose bodies stay parts of their kernel."""

    _name = "parallel_lowering_of_parts"

    def run_pass(self, state: Any) -> bool:
        """Lower the kernel with the library that was made for it, and its loops with others."""
        codegen = state.targetctx.codegen()
        for block in state.func_ir.blocks.values():
            for loop in block.find_insts(Parfor):
                loop.flags = loop.flags.copy()
                loop.flags.no_compile = loop.flags.no_cpython_wrapper = True
        codegen._library_class = _PartLibrary
        try:
            return super().run_pass(state)
        finally:
            del codegen._library_class


class _Kernel(Compiler):
    """Compilation to machine code."""

    def __init__(self, typing_context: Any, target_context: Any, library: Any, *rest: Any) -> None:
        library = JITCodeLibrary(target_context.codegen(), "kernel")
        library.enable_object_caching()
        super().__init__(typing_context, target_context, library, *rest)

    def define_pipelines(self) -> list[Any]:
        """Numba's passes, with `_ParallelLowering` among them."""
        passes = DefaultPassBuilder.define_nopython_pipeline(self.state)
        for n, (lowering, description) in enumerate(passes.passes):
            if lowering is typed_passes.NativeParforLowering:
                passes.passes[n] = (_ParallelLowering, description)
        passes.finalize()
        return [passes]


class _Part(Compiler):
    """Compilation to LLVM code only."""

    def __init__(
        self, typing_context: Any, target_context: Any, library: Any, args: Any, returned: Any,
        flags: Any, names: Any,
    ) -> None:  # fmt: skip
        flags.no_compile = flags.no_cpython_wrapper = True
        library = _PartLibrary(target_context.codegen(), "part")
        super().__init__(typing_context, target_context, library, args, returned, flags, names)

    def compile_extra(self, function: Callable) -> Any:
        """Numba's result, entered where kernels look for it.

        Each entry is known by what Python would call, so that this has to be some other built-in
        function every time; that of a string refuses what a kernel takes.
        """
        result = super().compile_extra(function)
        result = result._replace(entry_point=f"{result.fndesc.qualname} is inlined".index)
        self.state.targetctx.insert_user_function(
            result.entry_point, result.fndesc, [result.library]
        )
        return result


def _nothing() -> None:
    pass


def _decorator(**options: Any) -> Callable[[Callable], Any]:
    # Nobody calls the wrapper for C, and it takes 5 % of compilation.
    common: dict[str, Any] = {"error_model": "numpy", "nogil": True, "no_cfunc_wrapper": True}

    is_part = options.get("forceinline", False)

    def compiled(function: Callable) -> Any:
        if JOINED:
            common["pipeline_class"] = _Part if is_part else _Kernel
        dispatcher: Any = numba.njit(**common, **options)(function)
        if CACHE and not (JOINED and is_part):
            try:
                dispatcher._cache = KernelCache(function)
                dispatcher._compilation_chain_init_hook = _nothing
            except RuntimeError:
                _warn_of_no_cache()
        _dispatchers.append(dispatcher)
        return dispatcher

    return compiled


@cache
def _warn_of_no_cache() -> None:
    # A shared temporary folder is no substitute: what others write there would be run.
    warnings.warn(
        "kernels are compiled anew in each process (some 20 s): neither the folder of the package "
        "nor the cache folder of the user can be written; set NUMBA_CACHE_DIR to one that can",
        RuntimeWarning,
        stacklevel=2,
    )


def _refuse(*arguments: Any, **named: Any) -> NoReturn:
    raise RuntimeError(
        "this process was forked after kernels had run, and threads of GNU OpenMP do not outlive "
        "a fork: start processes by multiprocessing.get_context('spawn')"
    )


def _after_fork() -> None:
    try:
        if numba.threading_layer() != "omp":
            return
    except ValueError:  # no threads yet: the child starts its own
        return
    for dispatcher in _dispatchers:
        if hasattr(dispatcher, "_clear"):  # not where nothing is compiled
            dispatcher._clear()
            dispatcher._compile_for_args = _refuse


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

kernel = _decorator(fastmath=FAST_MATH)
parallel_kernel = _decorator(fastmath=FAST_MATH, parallel=True)
exact_kernel = _decorator(fastmath=False)
inlined_kernel = _decorator(fastmath=FAST_MATH, forceinline=True)
inlined_exact_kernel = _decorator(fastmath=False, forceinline=True)
parallel_exact_kernel = _decorator(fastmath=False, parallel=True)
