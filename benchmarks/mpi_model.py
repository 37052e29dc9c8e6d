"""Strong and weak scaling of one run over MPI ranks: measured parts, modelled to 1,024 ranks.

The parts of an iteration are timed here on one rank: sampling and local energies, which ranks
share, and the rest (hidden units, solving), which every rank repeats. An allgather of B bytes over
K ranks is taken as (K - 1) / K B / bandwidth + log2(K) latency.

    python benchmarks/mpi_model.py --quick
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from host import host_line
from timing import write_json

import rbmqs
from hamiltonians import chain, ising
from rbmqs.estimators.error_bars import quick_statistics
from rbmqs.utils.threads import single_threaded_blas
from rbmqs.vmc.batch import Batch
from rbmqs.vmc.optimisers import StochasticReconfiguration
from rbmqs.vmc.run_state import OptimiserState

RANKS = (1, 2, 4, 16, 64, 256, 1024)
REPEATS = 5


def parts(n_sites: int, alpha: float, n_samples: int, n_chains: int) -> dict[str, float]:
    """Median seconds of sampling, local energies and the part that is repeated on every rank."""
    H = ising(chain(n_sites), h=1.0)
    psi = rbmqs.RBM.random(n_sites, alpha=alpha, seed=1)
    sampler = rbmqs.MetropolisSampler.for_hamiltonian(H, n_chains=n_chains)
    state, n_draws = sampler.start(1), n_samples // n_chains
    samples, _ = sampler.sample(psi, state, n_draws)
    cache = psi.prepare(samples.flat)
    energies = rbmqs.local_energies(psi, H, samples)
    optimiser = StochasticReconfiguration(rbmqs.OptimiserSettings())
    remembered, energy = OptimiserState.fresh(psi), quick_statistics(energies)

    def repeated() -> None:
        found = psi.prepare(samples.flat)
        batch = Batch(samples.flat, found, energies.ravel(), energy, 1.0)
        optimiser.update(psi, batch, remembered, iteration=0)

    with single_threaded_blas():
        return {
            "sampling": median(lambda: sampler.sample(psi, state, n_draws)),
            "local energies": median(lambda: rbmqs.local_energies(psi, H, samples, cache)),
            "repeated": median(repeated),
        }


def median(work: Callable[[], Any]) -> float:
    """Seconds of a call, after one that compiles."""
    work()
    seconds = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return float(np.median(seconds))


def exchanged(n_sites: int, n_samples: int, n_chains: int) -> int:
    """Bytes that the ranks gather per iteration."""
    return n_samples * (n_sites + 16) + n_chains * (n_sites + 32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a smaller system")
    parser.add_argument("--json", type=Path, help="write the figures to a file")
    parser.add_argument("--latency", type=float, default=2e-6, help="seconds (default 2e-6)")
    parser.add_argument("--bandwidth", type=float, default=10e9, help="bytes/s (default 10e9)")
    options = parser.parse_args()
    n_sites, n_samples = (40, 1024) if options.quick else (100, 4096)
    n_chains = 1024
    found = parts(n_sites, 2, n_samples, n_chains)
    print(host_line())
    print(f"Ising chain, N = {n_sites}, alpha = 2, {n_samples} samples from {n_chains} chains")
    print("one rank: " + ", ".join(f"{name} {s * 1e3:.1f} ms" for name, s in found.items()))
    size = exchanged(n_sites, n_samples, n_chains)
    shared = found["sampling"] + found["local energies"]
    print(f"bytes gathered per iteration: {size}")
    print(f"{'ranks':>6} {'strong: ms':>11} {'speed-up':>9} {'efficiency':>11} {'weak: ms':>9}")
    rows = []
    for k in RANKS:
        gather = (k - 1) / k * size / options.bandwidth + 3 * math.log2(k) * options.latency
        strong = shared / k + found["repeated"] + gather
        # Each rank brings n_samples more; what is repeated grows at least in proportion to them.
        weak = shared + k * found["repeated"] + gather * k
        speed_up = (shared + found["repeated"]) / strong
        rows.append({"ranks": k, "strong": strong, "speed_up": speed_up, "weak": weak})
        print(f"{k:>6} {strong * 1e3:>11.1f} {speed_up:>9.2f} {speed_up / k:>11.2f}", end=" ")
        print(f"{weak * 1e3:>9.1f}")
    write_json(options.json, {"parts": found, "bytes": size, "rows": rows})


if __name__ == "__main__":
    main()
