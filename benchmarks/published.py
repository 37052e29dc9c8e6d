"""Published ground-state energies of clusters by exact diagonalisation: digits, time, memory.

    python benchmarks/published.py [--quick] [--case NAME] [--json FILE]

Energies per site in units of J for S = sigma / 2, as papers print them. Every cluster is a process
of its own. --quick leaves out those of more than 20 sites. Where no published value is at hand the
column says so: tilted squares, and the triangle of 12.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

from choice import chosen
from exact import peak_memory
from host import host_line
from timing import write_record

from hamiltonians import (
    ground_sector,
    ground_state,
    heisenberg,
    j1j2,
    kagome,
    rectangle,
    shuriken,
    square,
    tilted_square,
    triangular,
    with_smallest_sz,
)
from hamiltonians.references.lookup import published

CASES = {
    "Heisenberg 4x4": lambda: heisenberg(square(4)),
    "J1-J2 4x4, J2 = 0.5": lambda: j1j2(square(4), J2=0.5),
    "Heisenberg triangular 12": lambda: heisenberg(triangular(vectors=((2, 2), (-2, 4)))),
    "Heisenberg triangular 16": lambda: heisenberg(triangular(4)),
    "Heisenberg kagome 18": lambda: heisenberg(kagome((2, 3))),
    "Heisenberg tilted square 20": lambda: heisenberg(tilted_square(4, 2)),
    "J1-J2 4x6, J2 = 0.5": lambda: j1j2(rectangle(4, 6), J2=0.5),
    "Heisenberg shuriken 24": lambda: heisenberg(shuriken(2)),
    "Heisenberg kagome 24": lambda: heisenberg(kagome((4, 2))),
    "Heisenberg tilted square 26": lambda: heisenberg(tilted_square(5, 1)),
    "Heisenberg tilted square 32": lambda: heisenberg(tilted_square(4, 4)),
    "Heisenberg 6x6": lambda: heisenberg(square(6)),
    "J1-J2 6x6, J2 = 0.5": lambda: j1j2(square(6), J2=0.5),
    "Heisenberg triangular 36": lambda: heisenberg(triangular(6)),
}
# Frustrated and too large for all of S_z = 0: their ground state is in k = 0, A1, even.
SYMMETRIC = ("J1-J2 6x6, J2 = 0.5", "Heisenberg triangular 36")
QUICK = 20  # sites


def solve(name):
    """Body of a process: energy per site, peak memory and the published value as JSON."""
    H = with_smallest_sz(CASES[name]())
    sector = ground_sector(H)
    if name in SYMMETRIC:
        sector = H.lattice.sector((0, 0), "A1", spin_inversion=1)
    energy = float(ground_state(H, symmetry=sector, vectors=False).energy)
    unit, reference = 4 * H.n_sites, published(H)
    row = {"sites": H.n_sites, "per_site": energy / unit, "peak": peak_memory()}
    if reference is not None:
        row |= {"published": reference.energy / unit, "last_digit": reference.uncertainty / unit}
    print(json.dumps(row))


def measured(name):
    """The row of a cluster, with the seconds of its process."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, __file__, "--one", name], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{name}: {done.stderr[-500:]}")
    return json.loads(done.stdout.splitlines()[-1]) | {"seconds": time.perf_counter() - started}


def print_row(name, row):
    """Both energies, to the digits that were printed."""
    theirs, agree = "none at hand", ""
    if "published" in row:
        theirs = f"{row['published']:.12f}"
        agree = "yes" if abs(row["per_site"] - row["published"]) <= row["last_digit"] else "NO"
    print(f"{name:<30} {row['per_site']:>17.12f} {theirs:>17} {agree:>5} {row['seconds']:>8.1f} "
          f"{row['peak'] / 1e9:>6.2f}", flush=True)  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--case", action="append", help="part of a name (repeatable)")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        solve(options.one)
        return
    names = [n for n in CASES if not options.quick or CASES[n]().n_sites <= QUICK]
    names = chosen(names, options.case)
    print(host_line())
    print(f"{'cluster':<30} {'E / N':>17} {'published':>17} {'agree':>5} {'seconds':>8} {'GB':>6}")
    rows = {}
    for name in names:
        rows[name] = measured(name)
        print_row(name, rows[name])
    write_record(options.json, {"rows": rows})


if __name__ == "__main__":
    main()
