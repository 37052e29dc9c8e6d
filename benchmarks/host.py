"""The host's own rates, printed beside every measured figure."""

from __future__ import annotations

import time

import numpy as np


def gemm_rate(size: int = 1500, repeats: int = 3) -> float:
    """Double-precision matrix-product rate in GFLOP/s, best of a few."""
    a = np.random.default_rng(0).random((size, size))
    best = min(_seconds(lambda: a @ a) for _ in range(repeats))
    return 2 * size**3 / best / 1e9


def triad_rate(size: int = 20_000_000, repeats: int = 3) -> float:
    """Bandwidth of a = b + s c in GB/s (two passes, 40 bytes an element), best of a few."""
    b, c = np.ones(size), np.ones(size)
    out = np.empty(size)

    def triad() -> None:
        np.multiply(c, 2.0, out=out)
        np.add(out, b, out=out)

    return 40 * size / min(_seconds(triad) for _ in range(repeats)) / 1e9


def host_line() -> str:
    """One line: kind of processor as LLVM names it, threads, GEMM and triad rates."""
    import numba
    from llvmlite.binding import get_host_cpu_name

    return (
        f"host: {get_host_cpu_name()}, {numba.get_num_threads()} threads, "
        f"GEMM {gemm_rate():.0f} GFLOP/s, triad {triad_rate():.0f} GB/s"
    )


def _seconds(work: object) -> float:
    started = time.perf_counter()
    work()  # type: ignore[operator]
    return time.perf_counter() - started
