"""One run over MPI ranks: what ranks measure, and a model of it to 1,024 ranks.

Kernels of an iteration are timed on one rank, messages and bytes counted as `rbmqs.utils.ranks`
sends them, and both turned into seconds with a latency and a bandwidth between ranks.

    python benchmarks/mpi_scaling.py --quick
    mpirun -n 2 python benchmarks/mpi_scaling.py --measure heisenberg-10x10
    mpirun -n 8 python benchmarks/mpi_scaling.py --measure heisenberg-16x16-large --memory

Measured ranks print what the model says of them too. Memory is the largest resident size of a rank.
"""

from __future__ import annotations

import argparse
import resource
import time
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from host import host_line
from timing import seconds_per_call, write_record

import rbmqs
from hamiltonians import chain, heisenberg, ising, square
from hamiltonians.utils.ranks import launched_ranks
from rbmqs.estimators.error_bars import quick_statistics
from rbmqs.sr import costs
from rbmqs.states.rows import FactorRows
from rbmqs.utils.threads import single_threaded_blas, use_threads
from rbmqs.vmc.batch import Batch
from rbmqs.vmc.run_state import OptimiserState, RunState
from rbmqs.vmc.sources import make_sampler
from rbmqs.vmc.step import step

RANKS = (1, 2, 4, 8, 16, 64, 256, 1024)
LATENCY, BANDWIDTHS = 2e-6, (10e9, 100e9)
TIMED = 512  # samples that kernels are timed with; times grow in proportion to their number
SHIFT = 1e-3  # that a run ends with; conjugate gradients take the iterations of the cost model
CHAINS_A_RANK = 4
CASES = {
    "heisenberg-10x10": (lambda: heisenberg(square(10), total_sz=0, marshall=True), 4, 4096),
    "heisenberg-16x16": (lambda: heisenberg(square(16), total_sz=0, marshall=True), 4, 8192),
    "heisenberg-16x16-large": (lambda: heisenberg(square(16), total_sz=0, marshall=True), 8, 16384),
    "ising-200": (lambda: ising(chain(200), h=1.0), 1, 4096),
}


@dataclass(frozen=True)
class Kernels:
    """Seconds of one rank's kernels for each sample, and the sizes behind them.

    Parameters
    ----------
    sampling, energies, rough, exact : float
        Seconds a sample: draws with their share of discarded sweeps, local energies, and a product
        with O and one with O^dagger in single and in double precision.
    statistics : float
        Of the series of all local energies, which every rank repeats; seconds a sample.
    rows : FactorRows
        Log-derivatives behind them.
    """

    sampling: float
    energies: float
    rough: float
    exact: float
    statistics: float
    rows: FactorRows

    def seconds(
        self, name: str, problem: costs.Problem, n_iterations: int | None, bandwidth: float
    ) -> float:
        """An iteration of a run with this solver."""
        own = problem.n_samples / problem.n_ranks
        # Force, slope and length of the direction: three products.
        around = own * (self.sampling + self.energies + 1.5 * self.exact)
        around += problem.n_samples * self.statistics
        sent = costs.gathered(16 * problem.n_samples, problem.n_ranks)
        for part, count in costs.parts_of(name, problem, n_iterations).items():
            if name == "matrix-free" and part == "cg":  # timed, where others have a general rate
                around += own * (n_iterations * self.rough + 3.5 * self.exact)
                count = replace(count, multiply_adds=0.0)
            sent += count
        rate = costs.RATE_COMPLEX if problem.is_complex else costs.RATE_REAL
        return around + sent.seconds(rate, LATENCY, bandwidth)

    def problem(self, n_samples: int, n_ranks: int) -> costs.Problem:
        """Equations of a step, all samples different."""
        rows = self.rows
        ends = np.arange(n_ranks + 1) * n_samples // n_ranks
        product = rows.product_cost / rows.n_rows * n_samples
        return costs.Problem(
            n_samples, tuple(np.diff(ends).tolist()), rows.n_parameters, rows.width,
            rows.factor_bytes, product, rows.is_complex, SHIFT,
        )  # fmt: skip


def kernels(hamiltonian: Any, alpha: float) -> Kernels:
    """Times on this host, one thread."""
    psi = rbmqs.RBM.random(hamiltonian.n_sites, alpha=alpha, seed=1)
    sampler = rbmqs.MetropolisSampler.for_hamiltonian(hamiltonian, n_chains=CHAINS_A_RANK)
    chains, n_draws = sampler.start(1), TIMED // CHAINS_A_RANK
    samples, chains = sampler.sample(psi, chains, n_draws)
    cache = psi.prepare(samples.flat)
    values = rbmqs.local_energies(psi, hamiltonian, samples, cache)
    rows = psi.jacobian(samples.flat, cache).own
    vector, deviations = psi.flat, values.ravel() - values.mean()
    series = np.tile(values, (64, 1))

    def of_products(rows: FactorRows, vector: np.ndarray, values: np.ndarray) -> float:
        rows.adjoint_product(values), rows.product(vector)  # loads or compiles the kernels
        own = seconds_per_call(lambda: rows.product(vector))
        return (own + seconds_per_call(lambda: rows.adjoint_product(values))) / TIMED

    with single_threaded_blas():
        quick_statistics(series)
        single = (array.astype(np.complex64) for array in (vector, deviations))
        return Kernels(
            seconds_per_call(lambda: sampler.sample(psi, chains, n_draws)) / TIMED,
            seconds_per_call(lambda: rbmqs.local_energies(psi, hamiltonian, samples, cache))
            / TIMED,
            of_products(rows.in_single(), *single),
            of_products(rows, vector, deviations),
            seconds_per_call(lambda: quick_statistics(series)) / series.size,
            rows,
        )


def modelled(length: int, alpha: float, n_samples: int, samples_a_rank: int) -> dict[str, Any]:
    """Strong and weak scaling for both bandwidths."""
    found = kernels(heisenberg(square(length), total_sz=0, marshall=True), alpha)

    def seconds(n_samples: int, n_ranks: int, bandwidth: float) -> float:
        problem = found.problem(n_samples, n_ranks)
        return found.seconds("matrix-free", problem, problem.n_iterations, bandwidth)

    rows = []
    for bandwidth in BANDWIDTHS:
        one, small = seconds(n_samples, 1, bandwidth), seconds(samples_a_rank, 1, bandwidth)
        for n_ranks in RANKS:
            strong = seconds(n_samples, n_ranks, bandwidth)
            weak = seconds(samples_a_rank * n_ranks, n_ranks, bandwidth)
            rows.append(
                {
                    "GB/s": bandwidth / 1e9, "ranks": n_ranks, "seconds": strong,
                    "speed-up": one / strong, "weak seconds": weak, "weak efficiency": small / weak,
                }
            )  # fmt: skip
    times = {name: value for name, value in vars(found).items() if name != "rows"}
    n_iterations = found.problem(n_samples, 1).n_iterations
    return {"kernels": times, "iterations": n_iterations, "rows": rows}


def measured(
    case: str, solver: str | None, n_iterations: int, n_samples: int | None
) -> dict[str, Any]:
    """Seconds of an iteration on the ranks that started this, and what they sent by part."""
    make, alpha, usual = CASES[case]
    comm, hamiltonian, n_samples = launched_ranks(), make(), n_samples or usual
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
    ranks, found = getattr(sampler, "ranks", None), {"case": case, "samples": n_samples}
    memory = peak_memory() if comm is None else max(comm.allgather(peak_memory()))
    found |= {
        "ranks": 1 if comm is None else comm.size, "is_first": comm is None or comm.rank == 0,
        "solver": solve["method"], "iterations of the solver": solve["n_iterations"],
        "seconds": float(np.median(seconds[1:] or seconds)), "MiB of a rank": memory // 2**20,
        "sent": {} if ranks is None else ranks.traffic,
    }  # fmt: skip
    if ranks is not None:
        timed = kernels(hamiltonian, alpha)
        problem = timed.problem(n_samples, comm.size)
        n = solve["n_iterations"] or None
        found["model: seconds"] = timed.seconds(solve["method"], problem, n, BANDWIDTHS[0])
    return found


def step_memory(case: str, solver: str | None, n_samples: int | None) -> dict[str, Any]:
    """Memory of a rank in a step that is too short in time to be of use.

    All that grows with samples is there: spins, amplitudes, log-derivatives, matrices, and what
    solvers make of them; but configurations are random, and the shift is so large that conjugate
    gradients take a few iterations.
    """
    make, alpha, usual = CASES[case]
    from mpi4py import MPI  # of one rank too

    hamiltonian, n_samples, comm = make(), n_samples or usual, MPI.COMM_WORLD
    psi = rbmqs.RBM.random(hamiltonian.n_sites, alpha=alpha, seed=1)
    settings = rbmqs.RunSettings()
    optimiser = replace(settings.optimiser, solver=solver, diag_shift=1e4)
    settings = replace(settings, optimiser=optimiser)
    sampling = rbmqs.SamplingSettings(n_samples=n_samples, n_chains=n_samples // 2)
    sampler, before = make_sampler(hamiltonian, sampling, comm), peak_memory()
    chains = sampler.start(1)
    spins = np.concatenate([chains.spins, -chains.spins])
    values = np.random.default_rng(0).normal(size=(n_samples // 2, 2)).astype(complex)
    own = values[sampler.division.mine].ravel()
    energy = quick_statistics(values)
    batch = Batch(spins, psi.prepare(spins), own, energy, 1.0, division=sampler.division)
    with single_threaded_blas():
        record, _ = step(batch, RunState(0, psi, chains, OptimiserState.fresh(psi)), settings)
    before, most = (max(comm.allgather(n)) // 2**20 for n in (before, peak_memory()))
    return {
        "case": case, "samples": n_samples, "ranks": comm.size, "is_first": comm.rank == 0,
        "solver": record.solve["method"], "iterations": record.solve["n_iterations"],
        "MiB before": before, "MiB of a rank": most,
    }  # fmt: skip


def peak_memory() -> int:
    """Largest resident size of this process, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a smaller lattice")
    parser.add_argument("--json", type=Path, help="write the figures to a file")
    parser.add_argument("--measure", choices=tuple(CASES), help="an iteration on these ranks")
    parser.add_argument("--solver", help="in place of the one that costs least")
    parser.add_argument("--iterations", type=int, default=4)
    parser.add_argument("--samples", type=int, help="in place of the case's")
    parser.add_argument("--memory", action="store_true", help="of a step, without its sampling")
    parser.add_argument("--threads", type=int, default=1, help="of each rank")
    options = parser.parse_args()
    use_threads(options.threads, launched_ranks())
    if options.measure:
        case, solver, n_samples = options.measure, options.solver, options.samples
        if options.memory:
            found = step_memory(case, solver, n_samples)
        else:
            found = measured(case, solver, options.iterations, n_samples)
        if found.pop("is_first"):
            print(found)
            write_record(options.json, found)
        return
    length, alpha, n_samples = (4, 2, 4096) if options.quick else (10, 8, 65536)
    found = modelled(length, alpha, n_samples, 1024)
    print(host_line())
    print(f"Heisenberg {length}x{length}, alpha = {alpha}, {n_samples} samples, or 1024 a rank")
    print(f"{found['iterations']} iterations of conjugate gradients; kernels: {found['kernels']}")
    print(
        f"{'GB/s':>5} {'ranks':>6} {'seconds':>9} {'speed-up':>9} {'weak: s':>9} {'efficiency':>11}"
    )
    for row in found["rows"]:
        bandwidth, ranks, seconds, speed_up, weak, efficiency = row.values()
        print(f"{bandwidth:>5.0f} {ranks:>6} {seconds:>9.3f} {speed_up:>9.1f}", end=" ")
        print(f"{weak:>9.3f} {efficiency:>11.2f}")
    write_record(options.json, found)


if __name__ == "__main__":
    main()
