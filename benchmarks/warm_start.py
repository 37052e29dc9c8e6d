"""Projected machines from random parameters, or from those of the same machine trained plain.

    python benchmarks/warm_start.py                        # six models, a minute each way
    python benchmarks/warm_start.py --case "J1-J2 6x6" --seconds 300
    python benchmarks/warm_start.py --quick                # one small chain, ten seconds

The same seed, machine (alpha = 1, without biases where the sector is even), samples and time for
all ways; "plain first" spends a part of the time on the machine without its projection, whose
iterations are cheaper by the number of images. Energies are means of the last eighth of the
iterations, relative to the exact one, with the variance there. Compilation is not counted.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from accuracy_cases import SUITES, Case
from choice import chosen
from host import host_line
from timing import write_record
from training import outcome, train

import hamiltonians as hm
from hamiltonians import best_reference
from rbmqs.states.factory import initial_wavefunction
from rbmqs.states.projected_rbm import ProjectedRBM
from rbmqs.vmc.settings import RunSettings, SamplingSettings

# Of the suite of benchmarks/accuracy.py, here projected and with alpha = 1 throughout.
PUBLISHED = ("kagome_18", "rectangular_24", "J1J2 square_36_P_0.5", "Heisenberg square_36_P")
OTHERS = [
    Case("", "Ising 6x6, h = 3", lambda: hm.ising(hm.square(6), h=3.0), exact=-115.232707303718),
    Case("", "XXZ chain 24, delta = 0.5",
         lambda: hm.xxz(hm.chain(24), delta=0.5, total_sz=0, marshall=True),
         exact=-36.113667361814),
]  # fmt: skip
SMALL = Case(
    "", "Heisenberg chain 12", lambda: hm.heisenberg(hm.chain(12), total_sz=0, marshall=True)
)
PLAIN_SHARES = (0.0, 0.25, 0.5)


def problems(options: argparse.Namespace) -> list[Case]:
    """Those whose names were asked for."""
    published = chosen(SUITES["varbench"](), list(PUBLISHED), lambda case: case.name)
    known = [SMALL] if options.quick else [*published, *OTHERS]
    return chosen(known, options.case, lambda case: case.name)


def trained(case: Case, share: float, seconds: float, n_samples: int) -> dict[str, float]:
    """What a wavefunction came to that is plain for a share of the time, and then projected."""
    settings = RunSettings(sampling=SamplingSettings(n_samples=n_samples, summation=False))
    hamiltonian = case.build()
    psi = initial_wavefunction(hamiltonian, settings.seed, alpha=1, project="symmetric")
    assert isinstance(psi, ProjectedRBM)
    if share > 0.0:
        _, base, _ = train(hamiltonian, psi.base, settings, share * seconds)
        psi = psi.with_flat(base.flat)
    records, _, _ = train(hamiltonian, psi, settings, (1.0 - share) * seconds)
    reference = best_reference(hamiltonian)
    exact = case.exact if reference is None else reference.energy
    assert exact is not None, case.name
    found = outcome(records)
    return {**found, "relative_error": (found["energy"] - exact) / abs(exact)}


def _cell(run: dict[str, float]) -> str:
    return f"{run['relative_error']:.1e} ({run['variance']:.2g})".rjust(22)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one small chain, ten seconds")
    parser.add_argument("--case", action="append", help="part of a name (repeatable)")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each run")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    seconds, n_samples = (3.0, 128) if options.quick else (options.seconds, 1024)
    cases = problems(options)
    print(host_line())
    headers = ["projected at once", *(f"plain for {share:.0%}" for share in PLAIN_SHARES[1:])]
    print(f"{'model':<28} " + " ".join(f"{header:>22}" for header in headers))
    rows = {}
    for case in cases:
        rows[case.name] = [trained(case, share, seconds, n_samples) for share in PLAIN_SHARES]
        print(f"{case.name:<28} " + " ".join(map(_cell, rows[case.name])), flush=True)
    record = {"machine": host_line(), "seconds": seconds, "shares": PLAIN_SHARES, "rows": rows}
    write_record(options.json, record)


if __name__ == "__main__":
    main()
