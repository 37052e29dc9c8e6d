"""Excited states: levels of a chain in random fields, and the gap of the Heisenberg ring.

    python benchmarks/excited.py [levels | sectors | penalty ...] [--quick] [--json FILE]

levels    three lowest states of a Heisenberg chain of 14 in random fields, summed, against exact
sectors   gap of the ring of 40 between total S_z = 0 and 1, against the Bethe ansatz
penalty   the same gap within total S_z = 0, weights tied over every second translation
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import numpy as np
from timing import write_record

import rbmqs
from hamiltonians import SymmetryGroup, chain, heisenberg, heisenberg_chain_energy

QUIET = {"progress": False}


def levels(quick: bool) -> dict[str, Any]:
    """Energies less the exact ones."""
    n = 10 if quick else 14
    fields = np.outer(2 * np.random.default_rng(1).uniform(-1, 1, n), [0, 0, 1])
    H = heisenberg(chain(n), field=fields, total_sz=0)
    n_iterations = 300 if quick else 500
    found = rbmqs.excited_states(H, 3, alpha=3, n_iterations=n_iterations, **QUIET)
    return {
        "sites": n,
        "deviations": (found.energies - found.exact).tolist(),
        "errors": found.errors.tolist(),
        "status": list(found.status),
    }


def sectors(quick: bool) -> dict[str, Any]:
    """Deviation of the gap in Pauli units, four of which are J of spins S."""
    n, n_iterations = (16, 200) if quick else (40, 400)
    runs = [
        rbmqs.ground_state(
            heisenberg(chain(n), total_sz=m), tied="translations", n_features=4,
            n_iterations=n_iterations, n_final_samples=65536, **QUIET,
        )
        for m in (0, 1)
    ]  # fmt: skip
    gap = runs[1].energy.mean.real - runs[0].energy.mean.real
    error = float(np.hypot(*(run.energy.error_of_mean for run in runs)))
    return _gap(n, gap, error)


def penalty(quick: bool) -> dict[str, Any]:
    """The same from the two lowest states of one sector."""
    n, n_iterations = (16, 200) if quick else (40, 400)
    rows = [[(i + 2 * k) % n for i in range(n)] for k in range(n // 2)]
    found = rbmqs.excited_states(
        heisenberg(chain(n), total_sz=0), 2, tied=SymmetryGroup(np.array(rows)), n_features=8,
        n_iterations=n_iterations, n_restarts=1, n_final_samples=65536, **QUIET,
    )  # fmt: skip
    return _gap(n, float(found.gaps[1]), float(found.gap_errors[1]))


def _gap(n: int, gap: float, error: float) -> dict[str, Any]:
    exact = heisenberg_chain_energy(n, 1) - heisenberg_chain_energy(n)
    return {"sites": n, "gap": gap, "error": error, "exact": exact, "deviation": gap - exact}


SECTIONS = {"levels": levels, "sectors": sectors, "penalty": penalty}


def main() -> None:
    """Run the sections and print what they found."""
    parser = argparse.ArgumentParser(description="Excited states against exact levels.")
    parser.add_argument("sections", nargs="*", choices=[[], *SECTIONS])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json")
    options = parser.parse_args()
    found = {}
    for name in options.sections or SECTIONS:
        started = time.process_time()
        found[name] = SECTIONS[name](options.quick)
        found[name]["cpu_seconds"] = time.process_time() - started
        print(name, json.dumps(found[name], indent=1), flush=True)
    write_record(options.json, found)


if __name__ == "__main__":
    main()
