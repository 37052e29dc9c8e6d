"""The command `rbmqs`: from one ground state to studies, classical models and their reports."""

from __future__ import annotations

import argparse
import gc
import signal
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from rbmqs import __version__
from rbmqs.cli import boltzmann as boltzmann_cli
from rbmqs.cli import exit_codes
from rbmqs.cli.compare import add_compare_options
from rbmqs.cli.exact import add_exact_options
from rbmqs.cli.lanczos import add_lanczos_options
from rbmqs.cli.options import (
    add_model_options,
    add_run_options,
    changes_from_options,
    table_from_options,
)
from rbmqs.cli.studies import add_study_commands

if TYPE_CHECKING:
    from rbmqs.runs.config import Config

_EXAMPLES = """examples:
  rbmqs ground-state ising --length 20 --field 1.0 --alpha 2
  rbmqs ground-state heisenberg --lattice square --length 6 --total-sz 0 --marshall
  rbmqs ground-state --config run.toml --output runs/first
  mpirun -n 4 rbmqs ground-state ising --length 64 --chains 64
  rbmqs resume runs/first --iterations 800 --set sampling.n_samples=4096
  rbmqs exact j1j2 --lattice square --length 4 --total-sz 0 --states 3
  rbmqs exact heisenberg --lattice square --length 6 --checkpoint 6x6.npz
  rbmqs compare ising --length 16 --field 0.5 --alpha 1
  rbmqs lanczos runs/first
  rbmqs train data.npy --hidden 64 --output model.npz
  rbmqs score model.npz test.npy
  rbmqs study run study.toml
  rbmqs report runs/first
"""


def build_parser() -> argparse.ArgumentParser:
    """The command line with all its options."""
    parser = _Parser(
        prog="rbmqs",
        description="Restricted Boltzmann machines: ground states of spin Hamiltonians, and "
        "models of data.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"rbmqs {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_ground_state(commands)
    _add_resume(commands)
    _add_exact(commands)
    _add_compare(commands)
    _add_lanczos(commands)
    boltzmann_cli.add_commands(commands, _command)
    add_study_commands(commands, _command)
    info = _command(commands, "info", "versions, threads, memory and conventions", "rbmqs info")
    info.set_defaults(run=_info)
    return parser


class _Parser(argparse.ArgumentParser):
    """argparse with the same one-line errors as everywhere else."""

    def error(self, message: str) -> NoReturn:
        self.exit(exit_codes.BAD_INPUT, f"rbmqs: error: {message}\n")


def _command(commands: Any, name: str, text: str, example: str) -> argparse.ArgumentParser:
    return commands.add_parser(
        name,
        help=text,
        description=text[0].upper() + text[1:] + ".",
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _add_ground_state(commands: Any) -> None:
    parser = _command(
        commands,
        "ground-state",
        "optimise an RBM and print its energy beside the exact one",
        "rbmqs ground-state ising --length 20 --field 1.0 --alpha 2 --seed 1",
    )
    add_model_options(parser)
    add_run_options(parser)
    parser.add_argument("--output", metavar="DIR", help="directory for log, checkpoint, result")
    parser.add_argument(
        "--from",
        dest="start_from",
        metavar="DIR",
        help="start with the wavefunction of this run; --alpha adds units, --project projects it",
    )
    parser.add_argument("--plot", metavar="FILE", help="picture of the run (default: in DIR)")
    parser.set_defaults(run=_ground_state)


def _add_resume(commands: Any) -> None:
    parser = _command(
        commands,
        "resume",
        "continue an interrupted or finished run",
        "rbmqs resume runs/first --iterations 800",
    )
    parser.add_argument("directory", metavar="DIR")
    parser.add_argument("--iterations", type=int, metavar="N", help="new total")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="change a setting, such as optimiser.momentum=0.5 (repeatable)",
    )
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.set_defaults(run=_resume)


def _add_exact(commands: Any) -> None:
    parser = _command(
        commands,
        "exact",
        "lowest energies by exact diagonalisation",
        "rbmqs exact heisenberg --length 20 --total-sz 0 --states 2",
    )
    add_exact_options(parser)


def _add_compare(commands: Any) -> None:
    parser = _command(
        commands,
        "compare",
        "the RBM beside exact and published energies and, where installed, NetKet",
        "rbmqs compare ising --length 16 --field 0.5 --alpha 1 --iterations 200",
    )
    add_compare_options(parser)


def _add_lanczos(commands: Any) -> None:
    parser = _command(
        commands,
        "lanczos",
        "improve the energy of a run by a Lanczos step, extrapolate it and bound the exact one",
        "rbmqs lanczos runs/first --samples 8192 --first-excited -34.5",
    )
    add_lanczos_options(parser)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status.

    0 when all is well, 2 for bad input, 3 for a run that has not converged, 128 + signal for an
    interrupted one.
    """
    options = build_parser().parse_args(arguments)
    # Compiling kernels makes millions of objects that stay: looking through them for garbage every
    # 700 allocations is 8 % of a first run.
    gc.set_threshold(100_000)
    try:
        return options.run(options)
    except (ValueError, TypeError, OSError, ImportError) as error:
        print(f"rbmqs: error: {' '.join(str(error).split())}", file=sys.stderr)
        return exit_codes.BAD_INPUT
    except KeyboardInterrupt:
        print("rbmqs: interrupted", file=sys.stderr)
        return exit_codes.INTERRUPTED + signal.SIGINT


def _ground_state(options: argparse.Namespace) -> int:
    from rbmqs.runs.config import config_from_table
    from rbmqs.runs.resume import starting_point
    from rbmqs.runs.run import ground_state
    from rbmqs.runs.warmup import solvers_compiled_ahead
    from rbmqs.sampling.distributed import launched_ranks

    comm = launched_ranks()
    config = config_from_table(table_from_options(options))
    if config.model.signs == "auto":
        config = _with_chosen_signs(config, not options.quiet, comm is None or comm.rank == 0)
    hamiltonian = config.hamiltonian()
    ahead = (
        nullcontext()
        if comm is not None
        else solvers_compiled_ahead(config.ansatz.options()["dtype"], hamiltonian.n_sites)
    )
    with ahead:
        result = ground_state(
            hamiltonian,
            **config.ansatz.options(),
            settings=config.settings(),
            psi=starting_point(config),
            output=config.output,
            progress=not options.quiet,
            comm=comm,
        )
    if comm is not None and comm.rank > 0:
        return 0  # rank 0 reports
    return _finish(result, options.plot)


def _with_chosen_signs(config: Config, progress: bool, is_first: bool) -> Config:
    """The configuration with the sign rule of lowest energy in short runs, which rank 0 shows."""
    from dataclasses import replace

    from rbmqs.runs.sign_search import choose_signs

    plain = replace(config, model=replace(config.model, signs=None))
    search = choose_signs(plain.hamiltonian(), progress=progress and is_first)
    if is_first:
        print(f"{search}\n")
    return replace(config, model=replace(config.model, signs=search.best.signs))


def _resume(options: argparse.Namespace) -> int:
    from rbmqs.runs.run import resume
    from rbmqs.sampling.distributed import launched_ranks

    if launched_ranks() is not None:
        raise ValueError("resume goes on with the same bits on one rank: start it without mpirun")
    result = resume(
        options.directory,
        n_iterations=options.iterations,
        changes=changes_from_options(options.set),
        progress=not options.quiet,
    )
    return _finish(result, None)


def _finish(result: Any, plot: str | None) -> int:
    """Print the report, draw the picture, say how to go on."""
    print(result)
    if plot is None and result.directory is not None:
        plot = str(Path(result.directory) / "energy.png")
    if plot is not None and result.history:
        result.plot(plot)
        print(f"{'picture':<14} {plot}")
    if result.interrupted is not None:
        if result.directory is not None:
            print(f"saved; go on with: rbmqs resume {result.directory}", file=sys.stderr)
        else:
            print("not saved: give --output DIR to be able to resume", file=sys.stderr)
        return exit_codes.INTERRUPTED + result.interrupted
    return exit_codes.OK if result.converged else exit_codes.NOT_CONVERGED


def _info(options: argparse.Namespace) -> int:
    from rbmqs.runs.info import info

    print(info())
    return 0
