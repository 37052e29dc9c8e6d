"""Matrix products on Numba's threads (see `rbmqs.core.products`).

Products run under `one_pool`, which keeps the threads of BLAS out of the way.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import local

import numba
import numpy as np

from rbmqs.core import products
from rbmqs.core.blas import address
from rbmqs.utils.threads import single_threaded_blas

SMALL = 2_000_000  # multiplications of one product below which one thread is as fast as more

_thread = local()


@contextmanager
def one_pool(work: int | None = None) -> Iterator[None]:
    """BLAS on one thread inside the block; Numba too where the products are small.

    Parameters
    ----------
    work : int, optional
        Multiplications of one product. Below 2 million, waking a second thread costs more than it
        gives (and on a busy host it waits for a core).
    """
    if getattr(_thread, "is_inside", False):
        yield
        return
    threads = numba.get_num_threads()
    if work is not None and work < SMALL:
        numba.set_num_threads(1)
    _thread.is_inside = True
    try:
        with single_threaded_blas():
            yield
    finally:
        _thread.is_inside = False
        numba.set_num_threads(threads)


def multiply(
    a: np.ndarray,
    b: np.ndarray,
    out: np.ndarray | None = None,
    *,
    transpose_a: bool = False,
    transpose_b: bool = False,
    alpha: float = 1.0,
    beta: float = 0.0,
) -> np.ndarray:
    """out <- alpha op(a) op(b) + beta out, the same bytes for any number of threads.

    Parameters
    ----------
    a, b : array (n, k), (k, m), or transposed
        float32 or float64, all of one type, contiguous rows.
    out : array (n, m), optional
        Allocated when missing; must not overlap a or b.
    """
    if out is None:
        shape = (a.shape[transpose_a], b.shape[1 - transpose_b])
        out = np.zeros(shape, dtype=a.dtype)
    gemm = address("gemm", out.dtype)
    products.product(gemm, a, transpose_a, b, transpose_b, out, float(alpha), float(beta))
    return out
