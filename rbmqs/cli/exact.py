"""The command `rbmqs exact`: energies, low spectra and correlations by exact diagonalisation."""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

from hamiltonians.utils.checks import number
from rbmqs.cli import exit_codes
from rbmqs.cli.exact_response import check_response, print_response
from rbmqs.cli.options import (
    add_fail_if_not_converged,
    add_model_options,
    add_output_file,
    table_from_options,
)
from rbmqs.cli.ranks import divides_work, ranks_of
from rbmqs.utils.interrupts import Interrupts
from rbmqs.utils.progress import announce, is_terminal, say

if TYPE_CHECKING:
    import numpy as np

    from hamiltonians import SpinHamiltonian, SymmetrySector
    from hamiltonians.exact.diagonalisation import ExactResult, MemoryPlan
    from hamiltonians.exact.spectrum import Spectrum


def add_exact_options(parser: argparse.ArgumentParser) -> None:
    """Options of `rbmqs exact`."""
    add_model_options(parser)
    parser.add_argument("--states", type=int, default=1, metavar="K", help="how many (default 1)")
    parser.add_argument(
        "--symmetry", default="auto", metavar="SECTOR",
        help="auto: the ground state's sector where it is known (default); none; all: the low "
        "spectrum over all sectors; or a label that 'all' prints, such as 'k=(0,0) A1 +'",
    )  # fmt: skip
    parser.add_argument("--correlations", action="store_true", help="<Z_i Z_j> by distance too")
    parser.add_argument(
        "--temperature", type=float, nargs="+", metavar="T",
        help="energy, specific heat, entropy, susceptibility at these temperatures, by typical "
        "states of all sectors",
    )  # fmt: skip
    parser.add_argument(
        "--dynamical",
        type=float,
        nargs="+",
        metavar="Q",
        help="poles of S^zz(q, omega) at this wave vector, its components in units of pi",
    )
    parser.add_argument(
        "--vectors-per-sector", type=int, default=10, metavar="R", help="of --temperature"
    )
    add_output_file(parser, "--plot", "picture of --temperature or --dynamical")
    parser.add_argument("--checkpoint", metavar="FILE", help="save Lanczos vectors, and resume")
    parser.add_argument(
        "--max-seconds", type=float, metavar="S",
        help="save the checkpoint and end after this time, as a signal does; the same command "
        "goes on",
    )  # fmt: skip
    parser.add_argument("--memory-limit", type=float, metavar="GB", help="default: what is free")
    parser.add_argument("--seed", type=int, default=0, help="of the start vector")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    add_fail_if_not_converged(parser)
    divides_work(parser)
    parser.set_defaults(run=run_exact)


def run_exact(options: argparse.Namespace) -> int:
    """Solve and print; returns the exit status."""
    from hamiltonians.exact.checkpoints import StoppedError
    from hamiltonians.exact.diagonalisation import checked_plan, ground_state
    from hamiltonians.exact.sector_choice import choose_sector
    from rbmqs.runs.config import config_from_table

    comm = ranks_of(options)
    is_first = comm is None or comm.rank == 0
    if options.max_seconds is not None:
        number("--max-seconds", options.max_seconds, above=0)
        if options.checkpoint is None:
            raise ValueError("--max-seconds needs --checkpoint FILE, in which vectors are saved")
    options.quiet = options.quiet or not is_first
    H = config_from_table(table_from_options(options)).hamiltonian()
    limit = None if options.memory_limit is None else int(options.memory_limit * 1e9)
    if check_response(options):
        if comm is not None:
            raise ValueError("--temperature and --dynamical run in one process, got several ranks")
        return print_response(H, options, limit)
    if options.symmetry == "all":
        return _print_spectrum(H, options, limit, comm)
    H, sector, why = choose_sector(H, options.symmetry, options.states)
    vectors = options.correlations or options.states > 1
    kind: dict[str, Any] = {
        "symmetry": sector, "vectors": vectors, "memory_limit": limit, "comm": comm,
    }  # fmt: skip
    plan = checked_plan(H, options.states, **kind)
    if is_first:
        _print_plan(H, sector, plan, why)
    started = time.perf_counter()
    with Interrupts(comm) if options.checkpoint is not None else nullcontext() as interrupts:
        stop = (
            None
            if interrupts is None
            else partial(interrupts.must_stop, started, options.max_seconds)
        )
        try:
            result = ground_state(
                H, options.states, **kind, checkpoint=options.checkpoint, seed=options.seed,
                progress=None if options.quiet else Ticker(), stop=stop,
            )  # fmt: skip
        except StoppedError as stopped:
            if is_first:
                say(f"{stopped}; the same command goes on")
            signalled = interrupts and interrupts.received
            if signalled:
                return exit_codes.INTERRUPTED + signalled
            return exit_codes.of_verdict(False, options)
    zz = result.correlations() if options.correlations else None
    if is_first:
        _print_energies(H, result)
        if zz is not None:
            _print_correlations(H, zz)
    return 0


def _print_plan(
    H: SpinHamiltonian, sector: SymmetrySector | None, plan: MemoryPlan, why: str
) -> None:
    print(H.name)
    where = "all total S_z" if H.total_sz is None else f"total S_z {H.total_sz:g}"
    named = f", {sector.label}" if sector is not None else ""
    print(f"{'sector':<10} {where}{named}" + (f"  ({why})" if why else ""))
    print(f"{'memory':<10} {plan}", flush=True)


def _print_energies(H: SpinHamiltonian, result: ExactResult) -> None:
    from rbmqs.runs.outcome import has_pauli_units

    pauli = has_pauli_units(H)  # else spin operators, one unit of energy
    quoted = f" {'per site, S.S':>16}" if pauli else ""
    print(f"{'state':>5} {'energy':>20} {'per site':>16}{quoted} {'residual':>10}")
    for k, (energy, residual) in enumerate(zip(result.energies, result.residuals, strict=True)):
        per_site = energy / H.n_sites
        quoted = f" {per_site / 4:>16.12f}" if pauli else ""
        print(f"{k:>5} {energy:>20.12f} {per_site:>16.12f}{quoted} {residual:>10.1e}")
    units = "energies in Pauli units, S.S for spins S = sigma/2; " if pauli else ""
    print(
        f"{units}residual |Hv - Ev|; "
        f"{result.n_products} products, {result.seconds:.2f} s, peak {_peak_memory()}"
        f"{'' if result.operator.comm is None else ' on the first rank'}"
    )


def _print_correlations(H: SpinHamiltonian, zz: np.ndarray) -> None:
    """Mean <Z_i Z_j> over each shell of neighbours."""
    if H.lattice is None:
        return
    name = "<Z_i Z_j>" if H.local_space.values == (1, -1) else "<Sz_i Sz_j>"
    print(f"{'shell':>5} {'bonds':>7} {name:>18}")
    for shell in range(1, H.lattice.n_shells + 1):
        bonds = H.lattice.bonds(shell)
        mean = zz[bonds[:, 0], bonds[:, 1]].mean()
        print(f"{shell:>5} {len(bonds):>7} {mean:>18.12f}")


def _print_spectrum(
    H: SpinHamiltonian, options: argparse.Namespace, limit: int | None, comm: Any
) -> int:
    from hamiltonians.exact.spectrum import low_spectrum

    started = time.perf_counter()
    progress = None if options.quiet else announce
    spectrum = low_spectrum(
        H, options.states, memory_limit=limit, progress=progress, seed=options.seed, comm=comm
    )
    if comm is not None and comm.rank > 0:
        return 0
    print(H.name)
    print(_spectrum_table(H, spectrum))
    print(
        f"gap {spectrum.gap:.12f}; the {options.states} lowest of every sector; "
        f"{time.perf_counter() - started:.2f} s, peak {_peak_memory()}"
    )
    return 0


def _spectrum_table(H: SpinHamiltonian, spectrum: Spectrum) -> str:
    lines = [f"{'energy':>20} {'per site':>16} {'degeneracy':>10}  sectors (S_z, symmetry, copies)"]
    for energy, degeneracy, states in spectrum.levels()[: 4 * spectrum.per_sector + 16]:
        names = sorted(
            f"[{'free' if s.total_sz is None else f'{s.total_sz:g}'} {s.label} x{s.copies}]"
            for s in states
        )
        shown = " ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
        lines.append(f"{energy:>20.12f} {energy / H.n_sites:>16.12f} {degeneracy:>10}  {shown}")
    return "\n".join(lines)


class Ticker:
    """One line on standard error every few seconds, rewritten in a terminal."""

    def __init__(self, every: float = 2.0) -> None:
        self._every, self._last = every, time.monotonic()

    def __call__(self, n_products: int, energy: float, residual: float) -> None:
        now = time.monotonic()
        if now - self._last < self._every:
            return
        self._last = now
        line = f"{n_products} products: energy {energy:.12f}, residual {residual:.1e}"
        if is_terminal():
            say(f"\r{line}", end="")
        else:
            say(line)


def _peak_memory() -> str:
    """Largest resident size of the process so far."""
    try:
        import resource
    except ImportError:  # Windows has no such count
        return "unknown"
    peak: Any = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return f"{peak * (1 if sys.platform == 'darwin' else 1024) / 2**20:.0f} MiB"
