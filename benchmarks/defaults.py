"""Defaults on every model of the first release: no option but the model and alpha.

    python benchmarks/defaults.py            # 5 seeds each
    python benchmarks/defaults.py --quick    # 1 seed, small systems only

A row passes when every seed ends within the stated relative error of the exact energy.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from choice import chosen
from host import host_line
from timing import write_record

import rbmqs
from hamiltonians import chain, heisenberg, ising, j1j2, square

CASES = {
    "Ising chain 20, h=0.5": (lambda: ising(chain(20), h=0.5), 1e-4, True),
    "Ising chain 20, h=1": (lambda: ising(chain(20), h=1.0), 1e-4, True),
    "Ising chain 20, h=2": (lambda: ising(chain(20), h=2.0), 1e-4, True),
    "Heisenberg chain 20": (lambda: heisenberg(chain(20), total_sz=0, marshall=True), 1e-3, True),
    "J1-J2 4x4, J2=0.5": (lambda: j1j2(square(4), J2=0.5, total_sz=0, marshall=True), 2e-2, True),
    "Heisenberg 6x6": (lambda: heisenberg(square(6), total_sz=0, marshall=True), 1e-2, False),
}
ALPHA = 2


def measure(build, seed):
    """One run with default settings: relative error, its error bar, seconds, whether it claims."""
    started = time.perf_counter()
    result = rbmqs.ground_state(build(), alpha=ALPHA, seed=seed, progress=False)
    if result.interrupted is not None:
        raise SystemExit(128 + result.interrupted)
    bar = result.energy.error_of_mean / abs(result.reference.energy)
    return {
        "seed": seed,
        "relative_error": result.relative_error,
        "error_bar": bar,
        "v_score": result.v_score,
        "seconds": time.perf_counter() - started,
        "status": list(result.status),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="1 seed, small systems")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--case", action="append", help="part of a name (repeatable)")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    print(host_line())
    print(f"{'model':<24} {'limit':>7} {'worst':>9} {'median':>9} {'bar':>8} {'s/run':>6}  passed")
    rows, failed = {}, 0
    names = [name for name, (_, _, small) in CASES.items() if small or not options.quick]
    for name in chosen(names, options.case):
        build, limit, _ = CASES[name]
        seeds = range(1 if options.quick else options.seeds)
        runs = [measure(build, seed) for seed in seeds]
        errors = np.array([run["relative_error"] for run in runs])
        passed = int(np.sum(errors <= limit))
        failed += passed < len(runs)
        seconds = np.median([run["seconds"] for run in runs])
        bar = np.median([run["error_bar"] for run in runs])
        print(
            f"{name:<24} {limit:>7.0e} {errors.max():>9.1e} {np.median(errors):>9.1e} "
            f"{bar:>8.0e} {seconds:>6.0f}  {passed}/{len(runs)}",
            flush=True,
        )
        rows[name] = {"limit": limit, "runs": runs}
    write_record(options.json, {"cases": rows})
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
