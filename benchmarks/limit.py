"""How close each kernel comes to the machine's matrix-product rate.

    python benchmarks/limit.py            # N = 80 and 100, alpha 4 and 16, complex and real
    python benchmarks/limit.py --quick
    python benchmarks/limit.py --scaling  # time per iteration against N, alpha and samples
    python benchmarks/limit.py --memory   # peak of 10x10, alpha 32, 4096 samples
    python benchmarks/limit.py --projected  # parts of an iteration: J1-J2 6x6 on 288 images

Every kernel is called through the public functions of rbmqs as an iteration calls them, on all
threads of Numba, in turn with a double-precision matrix product on as many threads. The table gives
the operations of the algorithm (counted in `operations.py`, which says how), the median time, the
rate, the median fraction of the matrix-product rate of the same moment, the same fraction of the
fastest kernel call by the fastest product (which other programs disturb less), and the fraction
that the mix of fused and plain instructions would allow.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numba
import numpy as np
import operations
from cases import MODELS, STDDEV, Case
from first_iteration import in_fresh_process
from host import gemm_rate, host_line
from operations import Work
from threadpoolctl import threadpool_limits
from timing import median, seconds_per_call, write_record
from workload import DIAG_SHIFT, Prepared, antiparallel_share

import hamiltonians
import rbmqs
from rbmqs.sr import solve
from rbmqs.sr.equations import gram_matrix
from rbmqs.states.factory import AnsatzSpec
from rbmqs.utils.threads import single_threaded_blas

MEMORY = Case("heisenberg", "square", 10, 32, n_samples=4096)
BLAS_SPIN = 0.1  # seconds; OpenBLAS's threads keep their cores busy for 30 ms after a product
QUICK_MEMORY = Case("heisenberg", "chain", 12, 2, n_samples=64)


@dataclass(frozen=True)
class Kernel:
    """A piece of an iteration: what it needs and how to run it."""

    name: str
    work: Work
    run: Callable[[], Any]


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    size: str
    kernel: str
    operations: float
    seconds: float
    rate: float
    gemm: float
    fraction: float
    fraction_of_fastest: float
    ceiling: float


def model_kernels(case: Case) -> Iterator[Kernel]:
    """What depends on the model: sampling and local energies."""
    p = Prepared(case)
    cache = p.psi.prepare(p.samples.flat)
    move = "exchanges" if p.exchange else "flips"
    yield Kernel(f"sampling, {move}", p.sampling_work(), p.sample)
    yield Kernel(
        f"local energies, {case.model}",
        p.local_energy_work(),
        lambda: rbmqs.local_energies(p.psi, p.hamiltonian, p.samples, cache),
    )


def common_kernels(case: Case) -> Iterator[Kernel]:
    """What does not: hidden units, products with the Jacobian, the solve."""
    p = Prepared(case)
    spins = p.samples.flat
    cache = p.psi.prepare(spins)
    energies = rbmqs.local_energies(p.psi, p.hamiltonian, p.samples, cache).ravel()
    jacobian = p.psi.jacobian(spins, cache)
    vector = p.psi.flat
    values = jacobian.times(vector)
    product = operations.jacobian_product(p.size)
    yield Kernel("hidden units", operations.prepare(p.size), lambda: p.psi.prepare(spins))
    yield Kernel("Jacobian times vector", product, lambda: jacobian.times(vector))
    yield Kernel("adjoint times vector", product, lambda: jacobian.adjoint_times(values))
    yield Kernel("Gram matrix", operations.gram(p.size), lambda: gram_matrix(jacobian))
    yield Kernel(
        "whole solve, Cholesky",
        operations.solve(p.size),
        lambda: solve(jacobian, energies, DIAG_SHIFT, "sample-space"),
    )


def projected_kernels(length: int) -> Iterator[Kernel]:
    """Parts of an iteration of J1-J2, J2 = 0.5, alpha = 2, projected onto the whole space group."""
    hamiltonian = hamiltonians.j1j2(hamiltonians.square(length), J2=0.5, total_sz=0, marshall=True)
    psi: Any = AnsatzSpec(alpha=2, project="symmetric").create(hamiltonian, seed=1)
    psi = psi.with_flat(STDDEV * np.random.default_rng(1).normal(size=(len(psi.flat), 2)) @ [1, 1j])
    sampler = rbmqs.MetropolisSampler.for_hamiltonian(hamiltonian)
    _, chains = sampler.sample(psi, sampler.start(1), 1, n_discard=10)
    n_draws = 1024 // sampler.n_chains
    samples, _ = sampler.sample(psi, chains, n_draws)
    spins, cache = samples.flat, psi.prepare(samples.flat)
    energies = rbmqs.local_energies(psi, hamiltonian, samples, cache).ravel()
    jacobian = psi.jacobian(spins, cache)
    size = operations.Size(psi.n_sites, psi.n_images * psi.n_hidden, len(spins), True)
    sweeps = sampler.n_chains * (n_draws + sampler.n_discard_per_chain) * psi.n_sites
    share = antiparallel_share(sampler.bonds, spins)
    flips = len(hamiltonian.connections.flip_ptr) - 1
    parts = {
        "sampling, exchanges": (
            operations.projected_sampling(size, sweeps * share, sweeps * samples.acceptance),
            lambda: sampler.sample(psi, chains, n_draws),
        ),
        "amplitudes of images": (operations.prepare(size), lambda: psi.prepare(spins)),
        "local energies": (
            operations.prepare(size) + operations.local_energies(size, len(spins) * flips * share),
            lambda: rbmqs.local_energies(psi, hamiltonian, samples, cache),
        ),
        "Jacobian": (operations.image_gradients(size), lambda: psi.jacobian(spins, cache)),
        "solve, Cholesky": (
            len(spins) ** 2 / 2 * psi.n_parameters * operations.MULTIPLY_ADD[0]
            + operations.cholesky(size),
            lambda: solve(jacobian, energies, DIAG_SHIFT, "sample-space"),
        ),
    }
    for name, (work, run) in parts.items():
        yield Kernel(name, work, run)


def machine_rate() -> float:
    """GFLOP/s of one matrix product on as many threads as Numba has."""
    with threadpool_limits(numba.get_num_threads(), user_api="blas"):
        return gemm_rate(repeats=1)


def measure(kernel: Kernel, size: str, rounds: int) -> Row:
    """Kernel and matrix product in turn; medians."""
    times, gemm = [], []
    with single_threaded_blas():
        kernel.run()
    for _ in range(rounds):
        gemm.append(machine_rate())
        time.sleep(BLAS_SPIN)
        with single_threaded_blas():
            times.append(seconds_per_call(kernel.run))
    work = kernel.work
    rates = [work.operations / t / 1e9 for t in times]
    fraction = median([rate / peak for rate, peak in zip(rates, gemm, strict=True)])
    return Row(
        size=size,
        kernel=kernel.name,
        operations=work.operations,
        seconds=median(times),
        rate=median(rates),
        gemm=median(gemm),
        fraction=fraction,
        fraction_of_fastest=max(rates) / max(gemm),
        ceiling=work.ceiling,
    )


def measure_size(
    lattice: str, length: int, alpha: float, is_complex: bool, rounds: int
) -> list[Row]:
    """All kernels at one size, printed as they come."""
    cases = [Case(model, lattice, length, alpha, is_complex) for model in MODELS]
    name = cases[0].size_name
    print(name)
    rows = []
    for kernel in chain(*map(model_kernels, cases), common_kernels(cases[0])):
        rows.append(measure(kernel, name, rounds))
        print(format_row(rows[-1]), flush=True)
    return rows


def table(options: argparse.Namespace) -> list[Row]:
    """Measure and print every row."""
    print(
        f"{'kernel':<28} {'Gflop':>8} {'ms':>9} {'GFLOP/s':>8} {'GEMM':>6} {'fraction':>9} "
        f"{'fastest':>8} {'ceiling':>8}"
    )
    rows = []
    if options.projected:
        length = options.length or (4 if options.quick else 6)
        for kernel in projected_kernels(length):
            rows.append(measure(kernel, f"J1-J2 {length}x{length}, projected", options.rounds))
            print(format_row(rows[-1]), flush=True)
        return rows
    for lattice, length in options.sizes:
        for alpha in options.alpha:
            for is_complex in options.kinds:
                rows += measure_size(lattice, length, alpha, is_complex, options.rounds)
    return rows


def format_row(row: Row) -> str:
    """One line."""
    return (
        f"  {row.kernel:<26} {row.operations / 1e9:>8.3f} {row.seconds * 1e3:>9.2f} "
        f"{row.rate:>8.1f} {row.gemm:>6.0f} {row.fraction:>9.2f} "
        f"{row.fraction_of_fastest:>8.2f} {row.ceiling:>8.2f}"
    )


def peak_memory(quick: bool) -> list[dict[str, Any]]:
    """Of one whole iteration in a fresh process, printed."""
    case = QUICK_MEMORY if quick else MEMORY
    elapsed, memory = in_fresh_process({"library": "rbmqs", "case": asdict(case)}, {})
    print(f"{case.name}, {case.n_samples} samples: {memory:.0f} MB at most, {elapsed:.1f} s")
    return [{"case": case.name, "samples": case.n_samples, "memory": memory, "seconds": elapsed}]


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Options, with the sizes that they mean."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="N = 16, alpha 2, 2 rounds")
    parser.add_argument("--scaling", action="store_true", help="exponents instead of rates")
    parser.add_argument("--memory", action="store_true", help="peak memory of a large system")
    parser.add_argument("--projected", action="store_true", help="a projected RBM, part by part")
    parser.add_argument("--alpha", type=float, action="append", help="default 4 and 16")
    parser.add_argument("--length", type=int, help="this chain instead of chain 80 and 10x10")
    parser.add_argument("--kind", choices=("complex", "real"), help="default both")
    parser.add_argument("--rounds", type=int, help="timings of each kernel (default 7)")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    options.sizes = [("chain", 80), ("square", 10)]
    if options.quick or options.length:
        options.sizes = [("chain", options.length or 16)]
    options.alpha = options.alpha or ([2.0] if options.quick else [4.0, 16.0])
    options.kinds = [True, False] if options.kind is None else [options.kind == "complex"]
    options.rounds = options.rounds or (2 if options.quick else 7)
    return options


def main(arguments: list[str] | None = None) -> None:
    options = parse(arguments)
    machine = host_line()
    print(machine)
    if options.scaling:
        from scaling import exponents

        rows: list[dict] = exponents(quick=options.quick, rounds=options.rounds)
    elif options.memory:
        rows = peak_memory(options.quick)
    else:
        rows = [asdict(row) for row in table(options)]
    write_record(options.json, {"machine": machine, "rows": rows})


if __name__ == "__main__":
    main()
