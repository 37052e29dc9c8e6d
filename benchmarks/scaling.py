"""Time per iteration against N, alpha and the number of samples, as exponents.

The promised exponent is the same fit to the counted operations of the same runs: sums of different
powers, and discarded sweeps that do not grow with the samples, are then promised what they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import operations
from cases import Case
from operations import Work
from timing import seconds
from workload import DIAG_SHIFT, Prepared, run_settings

import rbmqs
from rbmqs.sr import solve
from rbmqs.utils.threads import single_threaded_blas

BASE = Case("ising", "chain", 80, 4)
SMALL = Case("ising", "chain", 12, 2, n_samples=128)


def exponents(*, quick: bool, rounds: int) -> list[dict[str, Any]]:
    """Measure every sweep, print and return measured and promised exponents."""
    print(f"{'against':<10} {'values':<22} {'stage':<16} {'measured':>9} {'promised':>9}")
    rows = []
    for quantity, values in sweeps(quick).items():
        points = [measure(case, rounds) for case in values.values()]
        for stage in points[0]:
            times = [point[stage][0] for point in points]
            counts = [point[stage][1] for point in points]
            row = {
                "against": quantity,
                "values": list(values),
                "stage": stage,
                "seconds": times,
                "operations": counts,
                "measured": slope(list(values), times),
                "promised": slope(list(values), counts),
            }
            rows.append(row)
            print(format_row(row), flush=True)
    return rows


def sweeps(quick: bool) -> dict[str, dict[float, Case]]:
    """The cases of each sweep by the value of its quantity."""
    base = SMALL if quick else BASE
    factors = (1, 2) if quick else (0.5, 1, 2)
    sites = {base.length * f: replace(base, length=round(base.length * f)) for f in factors}
    widths = {base.alpha * f: replace(base, alpha=base.alpha * f) for f in (*factors, 4)}
    samples = {
        base.n_samples * f: replace(base, n_samples=round(base.n_samples * f))
        for f in (*factors, 4)
    }
    return {"N": sites, "alpha": widths, "samples": samples}


def measure(case: Case, rounds: int) -> dict[str, tuple[float, float]]:
    """Fastest seconds and counted operations of each stage and of the whole iteration."""
    p = Prepared(case)
    cache = p.psi.prepare(p.samples.flat)
    energies = rbmqs.local_energies(p.psi, p.hamiltonian, p.samples, cache).ravel()
    jacobian = p.psi.jacobian(p.samples.flat, cache)
    iterations = rbmqs.iterate(p.hamiltonian, p.psi, run_settings(case))
    stages: dict[str, tuple[Callable[[], Any], Work]] = {
        "sampling": (p.sample, p.sampling_work()),
        "local energies": (
            lambda: rbmqs.local_energies(p.psi, p.hamiltonian, p.samples),
            operations.prepare(p.size) + p.local_energy_work(),
        ),
        "solve": (
            lambda: solve(jacobian, energies, DIAG_SHIFT, "sample-space"),
            operations.solve(p.size),
        ),
    }
    total = sum((work for _, work in stages.values()), start=Work(0, 0))
    stages["iteration"] = (lambda: next(iterations), total)
    return {name: (timed(run, rounds), work.operations) for name, (run, work) in stages.items()}


def timed(run: Callable[[], Any], rounds: int) -> float:
    """The fastest of a few calls after a warm-up: a fit to medians follows other programs."""
    with single_threaded_blas():
        run()
        return min(seconds(run) for _ in range(rounds))


def slope(values: list[float], results: list[float]) -> float:
    """Exponent of the least-squares power law."""
    return float(np.polyfit(np.log(values), np.log(results), 1)[0])


def format_row(row: dict[str, Any]) -> str:
    """One line."""
    values = " ".join(f"{value:g}" for value in row["values"])
    return (
        f"{row['against']:<10} {values:<22} {row['stage']:<16} {row['measured']:>9.2f} "
        f"{row['promised']:>9.2f}"
    )
