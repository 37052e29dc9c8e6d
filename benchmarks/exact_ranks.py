"""Exact diagonalisation on MPI ranks of one thread each: energy, seconds, memory of a rank.

    python benchmarks/exact_ranks.py [--quick] [--ranks 1 2 4] [--json FILE]

Each line is a run of its own by mpirun. Its memory is the largest resident size of a rank, less
what it had after imports, the start of MPI and a chain of 14 that loads all kernels. Seconds are
those of the solution. More ranks than cores count for energy and memory, not for time.

A rank holds 2/K vectors, and 2^19 amplitudes that come and go. A product moves at least x and y
and y again, 24 bytes a state, between processor and memory, and what crosses once more through
the buffers of both ranks.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from host import host_line
from timing import write_record

MODELS = {"heisenberg": (26, 18), "ising": (24, 16)}
MPIRUN = shutil.which("mpirun", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
ONE_THREAD = {"NUMBA_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def resident(field: str) -> int:
    """VmRSS or VmHWM of this process, in bytes."""
    with open("/proc/self/status", encoding="ascii") as file:
        line = next(line for line in file if line.startswith(field))
    return int(line.split()[1]) * 1024


def solve(name: str, n_sites: int) -> None:
    """Body of a rank; the first prints one line of JSON."""
    from mpi4py import MPI

    from hamiltonians import chain, ground_state, heisenberg, ising

    def model(n):
        return ising(chain(n)) if name == "ising" else heisenberg(chain(n), total_sz=0)

    comm = MPI.COMM_WORLD if MPI.COMM_WORLD.size > 1 else None
    ground_state(model(14), vectors=False, comm=comm)
    before = resident("VmRSS")
    result = ground_state(model(n_sites), vectors=False, comm=comm)
    memory = MPI.COMM_WORLD.gather(resident("VmHWM") - before, root=0)
    if memory:
        found = {"energy": result.energy, "seconds": result.seconds, "memory": max(memory)}
        print(json.dumps({**found, "products": result.n_products}))


def on_ranks(n_ranks: int, name: str, n_sites: int) -> dict:
    """What `solve` prints on some ranks."""
    launcher = [MPIRUN, "--allow-run-as-root", "--oversubscribe", "-n", str(n_ranks)]
    command = [*launcher, sys.executable, __file__, "--one", name, str(n_sites)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **ONE_THREAD})
    if done.returncode:
        raise SystemExit(f"{n_ranks} ranks failed: {done.stderr[-800:]}")
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small chains")
    parser.add_argument("--ranks", type=int, nargs="+", default=[1, 2, 4], metavar="K")
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=MODELS)
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        solve(options.one[0], int(options.one[1]))
        return
    print(host_line())
    print(
        f"{'chain':<14} {'ranks':>5} {'energy':>20} {'s':>7} {'times':>6} {'MiB':>7} {'of one':>6}"
    )
    rows = []
    for name in options.models:
        n_sites, first = MODELS[name][options.quick], None
        for n_ranks in options.ranks:
            row = on_ranks(n_ranks, name, n_sites)
            first = first or row
            print(
                f"{name + ' ' + str(n_sites):<14} {n_ranks:>5} {row['energy']:>20.12f} "
                f"{row['seconds']:>7.2f} {first['seconds'] / row['seconds']:>6.2f} "
                f"{row['memory'] / 2**20:>7.1f} {row['memory'] / first['memory']:>6.2f}",
                flush=True,
            )
            rows.append({"model": name, "n_sites": n_sites, "ranks": n_ranks, **row})
    write_record(options.json, {"rows": rows})


if __name__ == "__main__":
    main()
