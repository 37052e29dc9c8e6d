"""One run over MPI ranks: what ranks measure, and a model of it to 1,024 ranks.

Kernels of an iteration are timed on one rank, messages and bytes counted as `rbmqs.utils.ranks`
sends them, and both turned into seconds with a latency and a bandwidth between ranks.

    python benchmarks/mpi_scaling.py --quick
    mpirun -n 2 python benchmarks/mpi_scaling.py --measure heisenberg-10x10
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from host import host_line
from timing import seconds_per_call, write_json

import rbmqs
from hamiltonians import chain, heisenberg, ising, square
from hamiltonians.utils.ranks import launched_ranks
from rbmqs.estimators.error_bars import quick_statistics
from rbmqs.sr.divided import costs
from rbmqs.utils.threads import single_threaded_blas
from rbmqs.vmc.sources import make_sampler

RANKS = (1, 2, 4, 8, 16, 64, 256, 1024)
LATENCY, BANDWIDTHS = 2e-6, (10e9, 100e9)
TIMED = 512  # samples that kernels are timed with; times grow in proportion to their number
CG_ITERATIONS = 350
CHAINS_A_RANK = 4
CASES = {
    "heisenberg-10x10": (lambda: heisenberg(square(10), total_sz=0, marshall=True), 4, 4096),
    "heisenberg-16x16": (lambda: heisenberg(square(16), total_sz=0, marshall=True), 4, 8192),
    "ising-200": (lambda: ising(chain(200), h=1.0), 1, 4096),
}


@dataclass(frozen=True)
class Kernels:
    """Seconds of one rank's kernels for each sample, and the sizes behind them.

    Parameters
    ----------
    sampling, energies, product, adjoint : float
        Seconds a sample: draws with their share of discarded sweeps, local energies, O v and
        O^dagger y.
    statistics : float
        Of the series of all local energies, which every rank repeats; seconds a sample.
    n_parameters : int
    """

    sampling: float
    energies: float
    product: float
    adjoint: float
    statistics: float
    n_parameters: int


def kernels(length: int, alpha: float) -> Kernels:
    """Times on this host, one thread."""
    H = heisenberg(square(length), total_sz=0, marshall=True)
    psi = rbmqs.RBM.random(H.n_sites, alpha=alpha, seed=1)
    sampler = rbmqs.MetropolisSampler.for_hamiltonian(H, n_chains=CHAINS_A_RANK)
    chains, n_draws = sampler.start(1), TIMED // CHAINS_A_RANK
    samples, chains = sampler.sample(psi, chains, n_draws)
    cache = psi.prepare(samples.flat)
    values = rbmqs.local_energies(psi, H, samples, cache)
    jacobian = psi.jacobian(samples.flat, cache)
    vector, deviations = psi.flat, values.ravel() - values.mean()
    series = np.tile(values, (64, 1))
    with single_threaded_blas():
        return Kernels(
            seconds_per_call(lambda: sampler.sample(psi, chains, n_draws)) / TIMED,
            seconds_per_call(lambda: rbmqs.local_energies(psi, H, samples, cache)) / TIMED,
            seconds_per_call(lambda: jacobian.times(vector)) / TIMED,
            seconds_per_call(lambda: jacobian.adjoint_times(deviations)) / TIMED,
            seconds_per_call(lambda: quick_statistics(series)) / series.size,
            psi.n_parameters,
        )


def iteration(k: Kernels, n_samples: int, n_ranks: int, bandwidth: float) -> float:
    """Seconds of an iteration by conjugate gradients over samples without the Gram matrix."""
    sums = costs.summed(16 * k.n_parameters, n_ranks)
    own = n_samples / n_ranks
    work = own * (k.sampling + k.energies + (CG_ITERATIONS + 3) * (k.product + k.adjoint))
    work += n_samples * k.statistics
    sent = costs.gathered(16 * n_samples, n_ranks) + sums * (CG_ITERATIONS + 3)
    sent += costs.summed(16, n_ranks) * (3 * CG_ITERATIONS + 8)
    return work + sent.seconds(1.0, LATENCY, bandwidth)


def modelled(length: int, alpha: float, n_samples: int, samples_a_rank: int) -> dict[str, Any]:
    """Strong and weak scaling for both bandwidths."""
    found = kernels(length, alpha)
    rows = []
    for bandwidth in BANDWIDTHS:
        one = iteration(found, n_samples, 1, bandwidth)
        small = iteration(found, samples_a_rank, 1, bandwidth)
        for n_ranks in RANKS:
            strong = iteration(found, n_samples, n_ranks, bandwidth)
            weak = iteration(found, samples_a_rank * n_ranks, n_ranks, bandwidth)
            rows.append(
                {
                    "GB/s": bandwidth / 1e9, "ranks": n_ranks, "seconds": strong,
                    "speed-up": one / strong, "weak seconds": weak, "weak efficiency": small / weak,
                }
            )  # fmt: skip
    return {"kernels": vars(found), "rows": rows}


def measured(case: str, solver: str | None, n_iterations: int) -> dict[str, Any]:
    """Seconds of an iteration on the ranks that started this, and what they sent by part."""
    make, alpha, n_samples = CASES[case]
    comm, hamiltonian = launched_ranks(), make()
    psi = rbmqs.RBM.random(hamiltonian.n_sites, alpha=alpha, seed=1)
    sampling = rbmqs.SamplingSettings(n_samples=n_samples, n_chains=64, summation=False)
    settings = rbmqs.RunSettings(sampling=sampling)
    settings = replace(settings, optimiser=replace(settings.optimiser, solver=solver))
    sampler = make_sampler(hamiltonian, sampling, comm)
    seconds, started = [], time.perf_counter()
    steps = rbmqs.iterate(hamiltonian, psi, settings, sampler=sampler)
    solve: dict[str, Any] = {}
    for record, _ in islice(steps, n_iterations):
        solve = record.solve
        seconds.append(time.perf_counter() - started)
        started = time.perf_counter()
    ranks = getattr(sampler, "ranks", None)
    return {
        "case": case, "ranks": 1 if comm is None else comm.size,
        "is_first": comm is None or comm.rank == 0,
        "solver": solve["method"], "iterations of the solver": solve["n_iterations"],
        "seconds": float(np.median(seconds[1:])), "sent": {} if ranks is None else ranks.traffic,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a smaller lattice")
    parser.add_argument("--json", type=Path, help="write the figures to a file")
    parser.add_argument("--measure", choices=tuple(CASES), help="an iteration on these ranks")
    parser.add_argument("--solver", help="in place of the one that costs least")
    parser.add_argument("--iterations", type=int, default=4)
    options = parser.parse_args()
    if options.measure:
        found = measured(options.measure, options.solver, options.iterations)
        if found.pop("is_first"):
            print(found)
            write_json(options.json, found)
        return
    length, alpha, n_samples = (4, 2, 4096) if options.quick else (10, 8, 65536)
    found = modelled(length, alpha, n_samples, 1024)
    print(host_line())
    print(f"Heisenberg {length}x{length}, alpha = {alpha}, {n_samples} samples, or 1024 a rank")
    print(
        f"{'GB/s':>5} {'ranks':>6} {'seconds':>9} {'speed-up':>9} {'weak: s':>9} {'efficiency':>11}"
    )
    for row in found["rows"]:
        bandwidth, ranks, seconds, speed_up, weak, efficiency = row.values()
        print(f"{bandwidth:>5.0f} {ranks:>6} {seconds:>9.3f} {speed_up:>9.1f}", end=" ")
        print(f"{weak:>9.3f} {efficiency:>11.2f}")
    write_json(options.json, found)


if __name__ == "__main__":
    main()
