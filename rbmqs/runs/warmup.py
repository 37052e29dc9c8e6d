"""The first run's compilation on two cores.

With no compiled kernels in the file cache, a second process compiles those of the
reconfiguration while the first compiles those of the sampler and the local energies: 13 seconds to
the first iteration instead of 20. What it leaves in the cache is what the first would have left.
It takes somewhat longer than the first, and so begins with what the first iteration needs.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from hamiltonians.core.jit import CACHE

_FEW_SITES = 24  # up to which a first step is likely solved in single precision


@contextmanager
def solvers_compiled_ahead(dtype: type, n_sites: int) -> Iterator[None]:
    """Have the kernels of the reconfiguration compiled meanwhile, unless they are in the cache."""
    if not CACHE or _in_cache():
        yield
        return
    silent = subprocess.DEVNULL
    command = [sys.executable, "-m", __name__, np.dtype(dtype).name, str(n_sites)]
    helper = subprocess.Popen(command, stdin=silent, stdout=silent, stderr=silent)
    try:
        yield
    finally:
        helper.terminate()
        helper.wait()


def _in_cache() -> bool:
    """Whether the last kernel of each solver is in the file cache, or none can be."""
    from rbmqs.core import divided_matrix, jacobian_products

    for kernel in (divided_matrix._products, jacobian_products.weight_products):
        if kernel.stats.cache_path is None:  # no folder can be written
            return True
        folder, name = Path(kernel.stats.cache_path), kernel.py_func.__name__
        if not any(folder.glob(f"*.{name}-*.nbi")):
            return False
    return True


def compile_solvers(dtype: type, n_sites: int) -> None:
    """Solve a small problem by every kernel that a first iteration uses."""
    from rbmqs.sr.solvers import sample_space, single_precision
    from rbmqs.states.jacobian import Jacobian
    from rbmqs.states.rows import FactorRows

    rng = np.random.default_rng(0)
    spins, tanh = rng.choice([-1.0, 1.0], size=(8, 4)), rng.uniform(-1, 1, size=(8, 4))
    jacobian = Jacobian(FactorRows(spins, tanh.astype(dtype), True, True))
    deviations: np.ndarray = rng.normal(size=8).astype(dtype)
    steps = [
        lambda: sample_space(jacobian, deviations, 1.0),
        lambda: single_precision(jacobian, deviations, 1.0, 9),
    ]
    for step in reversed(steps) if n_sites <= _FEW_SITES else steps:
        step()


if __name__ == "__main__":
    compile_solvers(np.dtype(sys.argv[1]).type, int(sys.argv[2]))
