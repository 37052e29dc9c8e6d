"""The command `rbmqs evolve`: evolution in time from a run or from a product state."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from rbmqs.cli import exit_codes
from rbmqs.cli.options import (
    add_fail_if_not_converged,
    add_model_options,
    add_output_file,
    add_quiet,
    add_values,
    named_values,
    table_from_options,
)
from rbmqs.cli.ranks import divides_work, ranks_of
from rbmqs.utils.interrupts import signals_reported

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian
    from rbmqs.states.state import VariationalState

EXAMPLES = """rbmqs evolve ising --length 20 -p J=-1 --field 1.0 --from runs/h05 --until 1 --echo
  rbmqs evolve ising --length 12 -p J=-1 --start +x --drive 'h=0.5+0.2*sin(4*t)' --until 2
  rbmqs evolve heisenberg --length 12 --total-sz 0 --start neel --until 0.25 --every 0.05
  rbmqs evolve ising --length 20 --from runs/h05 --until 2 --output runs/quench --resume"""


class Start(NamedTuple):
    """A wavefunction and the Hamiltonian whose ground state it approximates."""

    psi: VariationalState
    hamiltonian: SpinHamiltonian


def add_evolve_options(parser: argparse.ArgumentParser) -> None:
    """Options of `rbmqs evolve`."""
    add_model_options(parser)
    parser.add_argument(
        "--from", dest="run_directory", metavar="DIR", help="start with the state of this run"
    )
    parser.add_argument(
        "--start", metavar="DIRECTION",
        help="start with the product state of spins along +x, -x, +y, -y, +z, -z or neel",
    )  # fmt: skip
    parser.add_argument(
        "--density", type=float, default=2.0, metavar="ALPHA",
        help="hidden units per site of a product state (default 2)",
    )  # fmt: skip
    add_values(
        parser, "--drive",
        help="a parameter of the model as an expression of t, such as h=1+0.2*sin(t) (repeatable)",
    )  # fmt: skip
    parser.add_argument("--until", type=float, required=True, metavar="T", help="last time")
    parser.add_argument(
        "--every", type=float, metavar="DT", help="between times of output (default T/20)"
    )
    parser.add_argument("--imaginary", action="store_true", help="imaginary time")
    parser.add_argument("--echo", action="store_true", help="fidelity with the start too")
    parser.add_argument(
        "--fidelity", action="store_true", help="that with the state at the time before too"
    )
    parser.add_argument(
        "--renyi", type=int, nargs="+", metavar="SITE", help="Renyi-2 entropy of these sites too"
    )
    parser.add_argument(
        "--method", metavar="NAME",
        help="tdvp (default), or projected: steps that maximise the fidelity with their result",
    )  # fmt: skip
    parser.add_argument("--scheme", metavar="NAME", help="of projected steps: lpe3 (default), ...")
    parser.add_argument("--integrator", metavar="NAME", help="rk45 (default), rk23, midpoint, ...")
    parser.add_argument("--tolerance", type=float, metavar="EPS", help="error of a step (1e-5)")
    parser.add_argument("--step", type=float, metavar="DT", help="of integrators of fixed steps")
    parser.add_argument("--cutoff", type=float, metavar="X", help="of the eigenvalues of S")
    parser.add_argument("--max-r2", type=float, metavar="R2", help="stop where r^2 exceeds this")
    parser.add_argument(
        "--samples", dest="n_samples", type=int, metavar="N", help="per step (4096)"
    )
    parser.add_argument(
        "--exponent", type=float, metavar="A", help="of |psi|^A, which is sampled (default 2)"
    )
    parser.add_argument("--chains", dest="n_chains", type=int, metavar="N", help="(32)")
    parser.add_argument("--seed", type=int, metavar="SEED")
    parser.add_argument(
        "--sum", dest="summation", action="store_true", default=None,
        help="sum over all configurations instead of sampling",
    )  # fmt: skip
    parser.add_argument("--output", metavar="DIR", help="directory for log, checkpoint, result")
    parser.add_argument("--resume", action="store_true", help="go on with what is in --output")
    add_output_file(parser, "--plot", "picture of the evolution (default: in DIR)")
    add_quiet(parser)
    divides_work(parser)
    add_fail_if_not_converged(parser)
    parser.set_defaults(run=run_evolve)


_SETTINGS = (
    "imaginary", "method", "scheme", "integrator", "tolerance", "step", "cutoff", "max_r2",
    "exponent", "n_samples", "n_chains", "seed", "summation",
)  # fmt: skip


def run_evolve(options: argparse.Namespace) -> int:
    """Evolve, print, draw."""
    from rbmqs.dynamics.evolution import evolve
    from rbmqs.runs.config import config_from_table
    from rbmqs.studies.quenches import evolved_model, output_times

    if (options.run_directory is None) == (options.start is None):
        raise ValueError("give either --from DIR or --start DIRECTION")
    config = config_from_table(table_from_options(options))
    H = evolved_model(config, dict(named_values("--drive", options.drive, "NAME=EXPRESSION")))
    times = output_times(options.until, options.every, "--").tolist()
    comm = ranks_of(options)
    given = {name: getattr(options, name) for name in _SETTINGS}
    with signals_reported():
        result = evolve(
            H,
            _start(options, config.hamiltonian()),
            times,
            echo=options.echo,
            fidelity=options.fidelity,
            renyi=options.renyi,
            output=options.output,
            resume=options.resume,
            progress=not options.quiet,
            comm=comm,
            **{name: value for name, value in given.items() if value is not None},
        )
    if comm is not None and comm.rank > 0:
        return exit_codes.OK  # rank 0 reports
    print(result)
    if options.plot is not None:
        result.plot(options.plot)
        print(f"{'picture':<14} {options.plot}")
    if result.interrupted is not None:
        return exit_codes.of_interruption(result.interrupted, options.output)
    return exit_codes.of_verdict(not result.status, options)


def _start(options: argparse.Namespace, H: SpinHamiltonian) -> Any:
    from rbmqs.dynamics.starts import product_state
    from rbmqs.states.rbm import RBM

    if options.run_directory is None:
        psi = RBM.random(H.n_sites, options.density, seed=options.seed or 0)
        return product_state(psi, options.start, total_sz=H.total_sz, seed=options.seed or 0)
    from rbmqs.runs.resume import read_run, wavefunction_of

    directory = Path(options.run_directory)
    return Start(wavefunction_of(directory), read_run(directory)[1])
