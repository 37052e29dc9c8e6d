"""Chains of spins S = 1: energies against exact ones, the Haldane ring, one iteration and NetKet's.

    python benchmarks/spin_one.py chain --case heisenberg   # open chain of 10, exact sums
    python benchmarks/spin_one.py chain --case aklt
    python benchmarks/spin_one.py chain --case uls          # bilinear-biquadratic, angle pi/4
    python benchmarks/spin_one.py ring                      # Heisenberg ring of 40, S_z = 0 and 1
    python benchmarks/spin_one.py netket                    # N = 40, alpha = 4, needs netket
    python benchmarks/spin_one.py chain --quick --json r.json

`chain` prints seconds of wall and processor time until the relative error was below the goal and
the error at the end; `netket` runs both libraries in turn on as many samples.
"""

from __future__ import annotations

import math
import time
from typing import Any, NamedTuple

import hamiltonians as hm
import rbmqs

BULK_ENERGY, GAP = -1.401484038970, 0.41047925  # White & Huse 1993; Nakano & Terai 2009
CORRECTION = 2.0  # sizes of a ring over the correlation length of 6.03: see `ring`


class ChainCase(NamedTuple):
    """A model, the relative error that it must reach, and what it is optimised with."""

    angle: float
    goal: float
    dtype: str
    alpha: float
    units: str


CASES = {
    "heisenberg": ChainCase(0.0, 1e-6, "real", 4, "quadratic"),
    "aklt": ChainCase(math.atan(1 / 3), 5e-6, "real", 4, "quadratic"),
    "uls": ChainCase(math.pi / 4, 4e-4, "complex", 4, "one-hot"),
}


def chain(name: str, n_sites: int, max_seconds: float, **settings: Any) -> dict[str, float]:
    """One run by exact sums over S_z = 0; seconds until the goal, and the error at the end."""
    case = CASES[name]
    signs = None if name == "uls" else "marshall"  # none are known for uls
    lattice = hm.chain(n_sites, periodic=False)
    hamiltonian = hm.bilinear_biquadratic(lattice, case.angle, total_sz=0, signs=signs)
    exact = hm.ground_state(hamiltonian).energy
    start, cpu, reached = time.perf_counter(), time.process_time(), [math.inf, math.inf]

    def watch(record: Any, state: Any) -> None:
        error = (record.energy.mean.real - exact) / abs(exact)
        if error < case.goal and reached[0] == math.inf:
            reached[:] = [time.perf_counter() - start, time.process_time() - cpu]
        if record.iteration % 50 == 0:
            print(
                f"{record.iteration:5d} {error:.2e} {time.process_time() - cpu:.0f} s", flush=True
            )

    settings = {
        "dtype": case.dtype,
        "alpha": case.alpha,
        "tied": "space-group",
        "ansatz_options": {"units": case.units},
    } | settings
    result = rbmqs.ground_state(
        hamiltonian, ansatz="spin-rbm", signs=None, summation=True,
        max_seconds=max_seconds, progress=False, callback=watch, seed=1, **settings,
    )  # fmt: skip
    return {
        "relative error": (result.energy.mean.real - exact) / abs(exact),
        "goal": case.goal,
        "seconds to goal": reached[0],
        "processor seconds to goal": reached[1],
        "iterations": len(result.history),
    }
