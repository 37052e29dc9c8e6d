"""A shift that grows with distance, or not: plain machines with more parameters than samples.

    python benchmarks/local_shift.py                         # eight models, a minute each way
    python benchmarks/local_shift.py --case chain_200 --seconds 300
    python benchmarks/local_shift.py --quick                 # one small chain, ten seconds

The same seed and the same time for both, one after the other; defaults but for `local_shift`, which
the small chain would not have by default.
Energies are means of the last eighth of the iterations, with the variance there. "published" is
the RBM with alpha = 1 of VarBench (arXiv:2302.04919) after 10^4 steps, where it has one.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from accuracy_cases import SUITES, Case
from choice import chosen
from host import host_line
from timing import write_record
from training import outcome, train

import hamiltonians as hm
from rbmqs.runs.prepare import prepare
from rbmqs.vmc.settings import OptimiserSettings, RunSettings, SamplingSettings


def graph(n_sites: int, probability: float) -> hm.Lattice:
    """A path through all sites, and every other edge with this probability."""
    rng = np.random.default_rng(0)
    pairs = [(i, j) for i in range(n_sites) for j in range(i)]
    return hm.from_edges([(i, j) for i, j in pairs if j == i - 1 or rng.random() < probability])


# Of the suite of benchmarks/accuracy.py, here with plain weights throughout.
PUBLISHED = ("chain_200_O", "square_100_O", "triangular_100_O", "square_144_O_3")
OTHERS = [
    Case("", "XXZ chain 60, open, delta = 0.5",
         lambda: hm.xxz(hm.chain(60, periodic=False), delta=0.5, total_sz=0, marshall=True)),
    Case("", "Ising 4x4x4, open, h = 3", lambda: hm.ising(hm.cubic(4, periodic=False), h=3.0)),
    Case("", "Heisenberg graph of 40, p = 0.1",
         lambda: hm.heisenberg(graph(40, 0.1), total_sz=0)),
    Case("", "Ising graph of 40, p = 0.5",
         lambda: hm.ising(graph(40, 0.5), J=2 / 40**0.5, h=1.0)),
]  # fmt: skip
SMALL = Case(
    "", "Heisenberg chain 24, open",
    lambda: hm.heisenberg(hm.chain(24, periodic=False), total_sz=0, marshall=True),
)  # fmt: skip


def problems(options: argparse.Namespace) -> list[Case]:
    """Those whose names were asked for."""
    published = chosen(SUITES["varbench-more"](), list(PUBLISHED), lambda case: case.name)
    known = [SMALL] if options.quick else [*published, *OTHERS]
    return chosen(known, options.case, lambda case: case.name)


def trained(case: Case, seconds: float, local: bool, n_samples: int) -> dict[str, float]:
    """Energy and variance at the end of so many seconds, and what an iteration took."""
    settings = RunSettings(
        sampling=SamplingSettings(n_samples=n_samples),
        optimiser=OptimiserSettings(local_shift=local),
    )
    hamiltonian = case.build()
    psi = prepare(hamiltonian, {"alpha": 1}, settings).psi
    records, _, elapsed = train(hamiltonian, psi, settings, seconds)
    return {**outcome(records), "seconds_per_iteration": elapsed / (len(records) - 1)}


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
    seconds, n_samples = (5.0, 128) if options.quick else (options.seconds, 1024)
    cases = problems(options)
    print(host_line())
    print(f"{'model':<34} {'same shift for all':>26} {'local shift':>26} {'published':>10}")
    rows = {}
    for case in cases:
        same, local = (trained(case, seconds, asked, n_samples) for asked in (False, True))
        rows[case.name] = {"same": same, "local": local, "published": case.published}
        known = "" if case.published is None else f"{case.published:.2f}"
        print(f"{case.name:<34} {_cell(same)} {_cell(local)} {known:>10}", flush=True)
    write_record(options.json, {"seconds": seconds, "rows": rows})


if __name__ == "__main__":
    main()
