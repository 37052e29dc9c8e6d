"""Random starts with default settings: what a user gets who names a model and nothing else.

    python benchmarks/random_starts.py            # ten models, ten starts each
    python benchmarks/random_starts.py --quick    # two small models, one start each

A run may end in NaN, or diverge (the optimiser gives up, or the energy ends well above the lowest
of its course), or claim to have converged when its energy is not within `TOLERANCE` of the exact
one. None of the three may happen; a run that has not converged must say so. Errors are those of
the wavefunction, summed over all states, so that chains which miss a part of it cannot hide them.
"""

import argparse
import math
import time
from pathlib import Path

import numpy as np
from choice import chosen
from full_sum import relative_error
from host import host_line
from timing import write_record

import rbmqs
from hamiltonians import chain, heisenberg, ising, j1j2, kagome, square, triangular, xxz, xyz

TOLERANCE = 1e-2  # relative: what "converged" promises where the energy is known
RISE = 0.05  # of the fall of the energy along a run, by which it may end above its lowest window
WINDOW = 20
CLUSTER_12 = [[2, 2], [-2, 4]]

MODELS = {
    "Ising chain 12, h=1": lambda: ising(chain(12), h=1.0),
    "Ising chain 12, h=0.5": lambda: ising(chain(12), h=0.5),
    "Ising 4x4, h=3": lambda: ising(square(4), h=3.0),
    "Ising triangular 12, h=0.5": lambda: ising(triangular(vectors=CLUSTER_12), h=0.5),
    "Heisenberg chain 12": lambda: heisenberg(chain(12), total_sz=0, marshall=True),
    "Heisenberg chain 12, no sign rule": lambda: heisenberg(chain(12), total_sz=0),
    "XXZ chain 12, S_z free": lambda: xxz(chain(12), delta=0.5, marshall=True),
    "XYZ chain 10, S_z free": lambda: xyz(chain(10), Jx=1.0, Jy=0.5, Jz=0.8),
    "J1-J2 4x4, J2=0.5": lambda: j1j2(square(4), J2=0.5, total_sz=0, marshall=True),
    "Heisenberg kagome 12": lambda: heisenberg(kagome((2, 2)), total_sz=0),
}
QUICK = ("Ising chain 12, h=1", "Heisenberg chain 12")


def start(name, seed, n_iterations=None):
    """One run with default settings, and what became of it."""
    started = time.perf_counter()
    result = rbmqs.ground_state(
        MODELS[name](), seed=seed, n_iterations=n_iterations, progress=False
    )
    if result.interrupted is not None:
        raise SystemExit(128 + result.interrupted)
    error = relative_error(result)
    return {
        "model": name,
        "seed": seed,
        "relative_error": error,
        "sampled_error": result.relative_error,
        "error_bar": result.energy.error_of_mean / abs(result.reference.energy),
        "v_score": result.v_score,
        "converged": result.converged,
        "status": list(result.status),
        "undone": sum(bool(record.status) for record in result.history),
        "seconds": time.perf_counter() - started,
        "not_finite": not all(map(math.isfinite, (error, result.energy.mean.real))),
        "diverged": gave_up(result) or has_risen(result.history),
        "wrong_claim": result.converged and not error <= TOLERANCE,
    }


def gave_up(result):
    """Whether the optimiser stopped before its time."""
    return any(text.startswith("stopped at iteration") for text in result.status)


def has_risen(history):
    """Whether the last window lies above the lowest by more than `RISE` of the whole fall."""
    energies = np.array([record.energy.mean.real for record in history])
    if not np.isfinite(energies[-WINDOW:]).all():
        return True
    energies = energies[np.isfinite(energies)]
    windows = np.convolve(energies, np.full(WINDOW, 1 / WINDOW), "valid")
    return bool(windows[-1] - windows.min() > RISE * (energies[0] - windows.min()))


def print_row(name, runs):
    """One model: the spread of the errors, and how the runs ended."""
    errors = sorted(run["relative_error"] for run in runs)
    counts = [sum(run[key] for run in runs) for key in FAULTS]
    claims = sum(run["converged"] for run in runs)
    print(
        f"{name:<34} {errors[0]:>9.1e} {errors[len(errors) // 2]:>9.1e} {errors[-1]:>9.1e} "
        f"{claims:>6}/{len(runs):<3} {counts[0]:>5} {counts[1]:>9} {counts[2]:>12} "
        f"{max(run['seconds'] for run in runs):>6.0f}",
        flush=True,
    )


FAULTS = ("not_finite", "diverged", "wrong_claim")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two models, one start, 60 iterations")
    parser.add_argument("--starts", type=int, default=10, metavar="N", help="of each model")
    parser.add_argument("--model", action="append", help="part of a name (repeatable)")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    machine = host_line()
    print(machine)
    print(
        f"{'model':<34} {'best':>9} {'median':>9} {'worst':>9} {'converged':>10} "
        f"{'NaN':>5} {'diverged':>9} {'wrong claim':>12} {'s/run':>6}"
    )
    starts, n_iterations = (1, 60) if options.quick else (options.starts, None)
    runs = []
    for name in chosen(QUICK if options.quick else MODELS, options.model):
        here = [start(name, seed, n_iterations) for seed in range(starts)]
        print_row(name, here)
        runs += here
        write_record(options.json, {"machine": machine, "runs": runs})
    return 1 if any(run[key] for run in runs for key in FAULTS) else 0


if __name__ == "__main__":
    raise SystemExit(main())
