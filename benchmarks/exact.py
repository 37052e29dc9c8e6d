"""Exact diagonalisation beside QuSpin and NetKet: from start to energy, memory, products.

    python benchmarks/exact.py [--quick] [--repeats N] [--limit] [--json FILE]

Every entry of the first tables is a process of its own, timed from its start to its end, with the
compiled kernels in the cache; all programs find the lowest energy of the same matrix. QuSpin
stores it and calls ARPACK, NetKet's `lanczos_ed` does the same on its own matrix. ``--limit`` sets
a product against the bandwidth floor: reading x and y and writing y, 24 bytes a basis state.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

import numpy as np
from first_iteration import WARM

FREE = {"ising": [20, 22], "heisenberg": [20, 24]}
SECTORS = [20, 24, 28]
PRODUCTS = [("ising", 20), ("ising", 22), ("heisenberg", 20), ("heisenberg", 24)]
METHODS = ["rbmqs", "rbmqs auto", "QuSpin", "NetKet"]


def model(name, n_sites):
    """Ising chain at h = 1, or the Heisenberg chain in S_z = 0."""
    from hamiltonians import chain, heisenberg, ising

    return ising(chain(n_sites)) if name == "ising" else heisenberg(chain(n_sites), total_sz=0)


def solve_rbmqs(name, n_sites, symmetric):
    """Without lattice symmetries, or in the sector that `ground_sector` finds."""
    from hamiltonians import ground_state
    from hamiltonians.exact.ground_sector import ground_sector

    H = model(name, n_sites)
    sector = ground_sector(H) if symmetric else None
    return ground_state(H, symmetry=sector, vectors=False).energy


def quspin_hamiltonian(name, n_sites, symmetric=False):
    """The same matrix: Pauli matrices, all symmetries of the ground state if asked for."""
    from quspin.basis import spin_basis_1d
    from quspin.operators import hamiltonian

    ring = [[1.0, i, (i + 1) % n_sites] for i in range(n_sites)]
    blocks = {}
    if symmetric:  # momentum 0 or pi, by the sign rule; both parities follow
        odd = n_sites // 2 % 2
        blocks = {"kblock": odd * n_sites // 2, "pblock": 1, "zblock": 1 - 2 * odd}
    if name == "ising":
        basis = spin_basis_1d(n_sites, pauli=True, **blocks)
        static = [["zz", ring], ["x", [[-1.0, i] for i in range(n_sites)]]]
    else:
        basis = spin_basis_1d(n_sites, Nup=n_sites // 2, pauli=True, **blocks)
        static = [[pair, ring] for pair in ("xx", "yy", "zz")]
    checks = {"check_herm": False, "check_symm": False, "check_pcon": False}
    return hamiltonian(static, [], basis=basis, dtype=np.float64, **checks)


def solve_quspin(name, n_sites, symmetric):
    """Lowest energy by `hamiltonian.eigsh`."""
    H = quspin_hamiltonian(name, n_sites, symmetric)
    return H.eigsh(k=1, which="SA", return_eigenvectors=False)[0]


def solve_netket(name, n_sites):
    """Lowest energy by `nk.exact.lanczos_ed`."""
    import netket as nk

    graph = nk.graph.Chain(n_sites)
    if name == "ising":
        H = nk.operator.Ising(nk.hilbert.Spin(0.5, n_sites), graph, h=1.0, J=1.0)
    else:
        hilbert = nk.hilbert.Spin(0.5, n_sites, total_sz=0)
        H = nk.operator.Heisenberg(hilbert, graph, J=1.0, sign_rule=False)
    return nk.exact.lanczos_ed(H, k=1)[0]


SOLVERS = {
    "rbmqs": lambda name, n: solve_rbmqs(name, n, False),
    "rbmqs auto": lambda name, n: solve_rbmqs(name, n, True),
    "QuSpin": lambda name, n: solve_quspin(name, n, False),
    "QuSpin sector": lambda name, n: solve_quspin(name, n, True),
    "NetKet": solve_netket,
}


def run_one(method, name, n_sites):
    """Body of a process: energy and peak memory as one line of JSON."""
    energy = float(SOLVERS[method](name, n_sites))
    print(json.dumps({"energy": energy, "peak": peak_memory()}))


def peak_memory():
    """Largest resident size of this process; `getrusage` would count its parent's too."""
    with open("/proc/self/status", encoding="ascii") as file:
        line = next(line for line in file if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def timed(method, name, n_sites):
    """Seconds from start to end of a process, its energy and its peak memory."""
    command = [sys.executable, __file__, "--one", method, name, str(n_sites)]
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **WARM})
    seconds = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(f"{method} failed on {name} {n_sites}: {done.stderr[-500:]}")
    return {"seconds": seconds, **json.loads(done.stdout.splitlines()[-1])}


def compare(name, n_sites, methods, repeats):
    """Medians of alternating runs; energies must agree."""
    runs = {method: [] for method in methods}
    for _ in range(repeats):
        for method in methods:
            runs[method].append(timed(method, name, n_sites))
    rows = {}
    for method, results in runs.items():
        seconds = statistics.median(r["seconds"] for r in results)
        rows[method] = {**results[-1], "seconds": seconds}
        apart = abs(rows[method]["energy"] - rows[methods[0]]["energy"])
        if apart > 1e-9:
            raise SystemExit(f"{method} differs by {apart} on {name} {n_sites}")
    return rows


def print_rows(title, rows, ours):
    """One line for each method, with ratios to ours."""
    for method, row in rows.items():
        speed, memory = row["seconds"] / rows[ours]["seconds"], row["peak"] / rows[ours]["peak"]
        print(
            f"{title:<22} {method:<14} {row['energy']:>18.10f} {row['seconds']:>8.2f} s "
            f"{speed:>6.1f}x {row['peak'] / 2**20:>8.0f} MiB {memory:>5.1f}x",
            flush=True,
        )


def product_seconds(name, n_sites, repeats=25):
    """Fastest of alternating products: ours without a stored matrix, QuSpin's with it.

    The fastest, since a product takes milliseconds and another process on a core takes as long.
    """
    from hamiltonians.exact.diagonalisation import compiled

    ours = compiled(model(name, n_sites), None)
    theirs = quspin_hamiltonian(name, n_sites)
    x = np.random.default_rng(0).normal(size=ours.dimension)
    y = np.zeros_like(x)
    matrix = theirs.static
    times = {"rbmqs": [], "QuSpin": []}
    for _ in range(repeats + 1):
        times["rbmqs"].append(_clock(lambda: ours.multiply(x, y)))
        times["QuSpin"].append(_clock(lambda: theirs.dot(x)))
    bytes_stored = matrix.data.nbytes + matrix.indices.nbytes + matrix.indptr.nbytes
    fastest = {method: min(t) for method, t in times.items()}
    return ours.dimension, fastest, bytes_stored


def _clock(work):
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def print_products(quick, limit):
    """Products against QuSpin's, and against the bandwidth floor."""
    from host import triad_rate

    triad = triad_rate()
    rows = []
    for name, n_sites in PRODUCTS[:: 2 if quick else 1]:
        dimension, seconds, stored = product_seconds(name, n_sites)
        line = (
            f"{name:<11} {n_sites:>3}  product {seconds['rbmqs'] * 1e3:>7.2f} ms, QuSpin's stored "
            f"{seconds['QuSpin'] * 1e3:>7.2f} ms, {seconds['QuSpin'] / seconds['rbmqs']:.1f}x"
        )
        if limit:
            floor = 24 * dimension / (triad * 1e9)
            line += (
                f"; moves 24 bytes a state, floor {floor * 1e3:.2f} ms at {triad:.0f} GB/s, "
                f"{seconds['rbmqs'] / floor:.1f} times it; a stored row is "
                f"{stored / dimension + 24:.0f} bytes"
            )
        print(line, flush=True)
        rows.append({"model": name, "n_sites": n_sites, **seconds})
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="smallest sizes, one run each")
    parser.add_argument("--repeats", type=int, default=3, metavar="N", help="runs (default 3)")
    parser.add_argument("--limit", action="store_true", help="products against the bandwidth")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--one", nargs=3, metavar=("METHOD", "MODEL", "N"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        run_one(options.one[0], options.one[1], int(options.one[2]))
        return
    if options.repeats < 1:
        parser.error(f"--repeats must be at least 1, got {options.repeats}")
    from host import host_line  # not in the processes that are timed
    from timing import write_record

    print(host_line())
    tables = {}
    repeats = 1 if options.quick else options.repeats
    for method in ("rbmqs", "rbmqs auto"):  # fills the cache of compiled kernels
        timed(method, "heisenberg", 12)
    print("from start to energy; ratios to rbmqs without lattice symmetries")
    for name, sizes in FREE.items():
        for n_sites in sizes[: 1 if options.quick else None]:
            rows = compare(name, n_sites, METHODS, repeats)
            print_rows(f"{name} chain {n_sites}", rows, "rbmqs")
            tables[f"{name} {n_sites}"] = rows
    print("from start to energy in the sector of all symmetries")
    for n_sites in SECTORS[: 1 if options.quick else None]:
        rows = compare("heisenberg", n_sites, ["rbmqs auto", "QuSpin sector"], repeats)
        print_rows(f"heisenberg chain {n_sites}", rows, "rbmqs auto")
        tables[f"sector {n_sites}"] = rows
    tables["products"] = print_products(options.quick, options.limit)
    write_record(options.json, {"results": tables})


if __name__ == "__main__":
    main()
