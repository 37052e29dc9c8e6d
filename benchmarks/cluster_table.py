"""Seconds of a whole iteration of the square Heisenberg model, by size, density and samples.

    python benchmarks/cluster_table.py [--quick] [--threads T] [--json FILE]
    mpirun -n K python benchmarks/cluster_table.py --threads T

The fastest of the iterations after the first, which compiles; at most `LONGEST` seconds a line.
"""

import argparse
import time
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

from host import host_line
from timing import write_record

import rbmqs
from hamiltonians import heisenberg, square
from hamiltonians.utils.ranks import decided_by_first, launched_ranks
from rbmqs.utils.threads import use_threads

CASES = [
    (length, alpha, n_samples)
    for length in (10, 16, 20)
    for alpha in (1, 4)
    for n_samples in (1024, 4096)
]
LONGEST, MOST = 20.0, 4  # seconds and iterations of a line


class Enough(Exception):
    """The iterations that are timed are done."""


def seconds(length: int, alpha: float, n_samples: int, comm) -> float:
    """Of the fastest iteration."""
    times = [time.perf_counter()]

    def note(record, state):
        times.append(time.perf_counter())
        done = len(times) > MOST or (len(times) > 2 and times[-1] - times[0] > LONGEST)
        if decided_by_first(done, comm):
            raise Enough

    H = heisenberg(square(length), total_sz=0)
    with suppress(Enough):
        rbmqs.ground_state(
            H, alpha=alpha, n_samples=n_samples, seed=1, progress=False, callback=note, comm=comm
        )
    return min(after - before for before, after in pairwise(times[1:]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="the smallest case only")
    parser.add_argument("--lengths", type=int, nargs="+", default=[10, 16, 20], metavar="L")
    parser.add_argument("--threads", type=int, metavar="T", help="of each rank")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    comm = launched_ranks()
    n_threads = use_threads(options.threads, comm)
    n_ranks, is_first = (1, True) if comm is None else (comm.size, comm.rank == 0)
    if is_first:
        print(f"{host_line()}; {n_ranks} ranks of {n_threads} threads")
        print(f"{'lattice':<8} {'alpha':>5} {'samples':>8} {'s an iteration':>15}")
    rows = []
    for length, alpha, n_samples in CASES[: 1 if options.quick else None]:
        if length not in options.lengths:
            continue
        found = seconds(length, alpha, n_samples, comm)
        rows.append({"length": length, "alpha": alpha, "n_samples": n_samples, "seconds": found})
        if is_first:
            print(f"{length}x{length:<5} {alpha:>5} {n_samples:>8} {found:>15.3f}", flush=True)
    if is_first:
        write_record(options.json, {"ranks": n_ranks, "threads": n_threads, "rows": rows})


if __name__ == "__main__":
    main()
