"""A shift that grows with distance, or not: plain machines with more parameters than samples.

    python benchmarks/local_shift.py                         # eight models, a minute each way
    python benchmarks/local_shift.py --case "chain 200" --seconds 300
    python benchmarks/local_shift.py --quick                 # one small chain, ten seconds

The same seed and the same time for both, one after the other; defaults but for `local_shift`.
Energies are means of the last eighth of the iterations, with the variance there. "published" is
the RBM with alpha = 1 of VarBench (arXiv:2302.04919) after 10^4 steps, where it has one.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from timing import write_json

import hamiltonians as hm
import rbmqs
from rbmqs.initial import initial_wavefunction
from rbmqs.machine import machine_line
from rbmqs.settings import OptimiserSettings, RunSettings, SamplingSettings

Build = Callable[[], hm.SpinHamiltonian]


def heisenberg(lattice: hm.Lattice, **options: Any) -> hm.SpinHamiltonian:
    """In S_z = 0."""
    return hm.heisenberg(lattice, total_sz=0, **options)


def graph(n_sites: int, probability: float) -> hm.Lattice:
    """A path through all sites, and every other edge with this probability."""
    rng = np.random.default_rng(0)
    pairs = [(i, j) for i in range(n_sites) for j in range(i)]
    return hm.from_edges([(i, j) for i, j in pairs if j == i - 1 or rng.random() < probability])


CASES: dict[str, tuple[Build, float | None]] = {
    "Heisenberg chain 200, open": (
        lambda: heisenberg(hm.chain(200, periodic=False), marshall=True), -350.2717),
    "Heisenberg 10x10, open": (
        lambda: heisenberg(hm.square(10, periodic=False), marshall=True), -249.1033),
    "Heisenberg triangular 10x10, open": (
        lambda: heisenberg(hm.triangular(10, periodic=False), signs="sublattice"), -193.8193),
    "Ising 12x12, open, h = 3": (
        lambda: hm.ising(hm.square(12, periodic=False), h=3.0), -457.02705),
    "XXZ chain 60, open, delta = 0.5": (
        lambda: hm.xxz(hm.chain(60, periodic=False), delta=0.5, total_sz=0, marshall=True), None),
    "Ising 4x4x4, open, h = 3": (
        lambda: hm.ising(hm.cubic(4, periodic=False), h=3.0), None),
    "Heisenberg graph of 40, p = 0.1": (lambda: heisenberg(graph(40, 0.1)), None),
    "Ising graph of 40, p = 0.5": (
        lambda: hm.ising(graph(40, 0.5), J=2 / 40**0.5, h=1.0), None),
}  # fmt: skip
SMALL: dict[str, tuple[Build, float | None]] = {
    "Heisenberg chain 24, open": (
        lambda: heisenberg(hm.chain(24, periodic=False), marshall=True), None)
}  # fmt: skip


def trained(build: Build, seconds: float, local: bool | None, n_samples: int) -> dict[str, float]:
    """Energy and variance at the end of so many seconds, and what an iteration took."""
    settings = RunSettings(
        sampling=SamplingSettings(n_samples=n_samples),
        optimiser=OptimiserSettings(local_shift=local),
    )
    hamiltonian = build()
    psi = initial_wavefunction(hamiltonian, settings.seed, alpha=1, settings=settings)
    steps = rbmqs.iterate(hamiltonian, psi, settings)
    records = [next(steps)[0]]  # compiles
    started = time.perf_counter()
    while time.perf_counter() - started < seconds:
        records.append(next(steps)[0])
    last = records[-max(1, len(records) // 8) :]
    return {
        "energy": float(np.mean([record.energy.mean.real for record in last])),
        "variance": float(np.mean([record.energy.variance for record in last])),
        "n_iterations": len(records),
        "seconds_per_iteration": seconds / (len(records) - 1),
    }


def _cell(run: dict[str, float]) -> str:
    milliseconds = 1e3 * run["seconds_per_iteration"]
    return f"{run['energy']:.3f} ({run['variance']:.2g}) {milliseconds:.0f} ms".rjust(26)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one small chain, ten seconds")
    parser.add_argument("--case", action="append", help="part of a name (repeatable)")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each run")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    cases, n_samples = (SMALL, 128) if options.quick else (CASES, 1024)
    seconds = 5.0 if options.quick else options.seconds
    wanted = [part.lower() for part in options.case or [""]]
    print(machine_line())
    print(f"{'model':<34} {'same shift for all':>26} {'local shift':>26} {'published':>10}")
    rows = {}
    for name, (build, published) in cases.items():
        if not any(part in name.lower() for part in wanted):
            continue
        same, local = (trained(build, seconds, asked, n_samples) for asked in (False, None))
        rows[name] = {"same": same, "local": local, "published": published}
        known = "" if published is None else f"{published:.2f}"
        print(f"{name:<34} {_cell(same)} {_cell(local)} {known:>10}", flush=True)
    write_json(options.json, {"machine": machine_line(), "seconds": seconds, "rows": rows})


if __name__ == "__main__":
    main()
