"""The command `rbmqs`: from one ground state to studies, classical models and their reports."""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
import warnings
from collections.abc import Sequence
from typing import Any, NoReturn, TextIO

from hamiltonians.utils.failures import end_job, failed_alone, is_reporting
from rbmqs import __version__
from rbmqs.cli import boltzmann as boltzmann_cli
from rbmqs.cli import exit_codes
from rbmqs.cli.compare import add_compare_options
from rbmqs.cli.completion import add_completion_options
from rbmqs.cli.evolve import EXAMPLES as EVOLVE_EXAMPLES
from rbmqs.cli.evolve import add_evolve_options
from rbmqs.cli.exact import add_exact_options
from rbmqs.cli.excited import add_excited_options
from rbmqs.cli.ground_state import add_ground_state_options, add_resume_options
from rbmqs.cli.lanczos import add_lanczos_options
from rbmqs.cli.ranks import refuse_copies
from rbmqs.cli.reconstruct import EXAMPLES as RECONSTRUCT_EXAMPLES
from rbmqs.cli.reconstruct import add_reconstruct_options
from rbmqs.cli.response import add_response_options
from rbmqs.cli.studies import add_study_commands
from rbmqs.utils.progress import say

_EXAMPLES = """examples:
  rbmqs ground-state ising --length 20 --field 1.0 --alpha 2
  rbmqs ground-state heisenberg --lattice square --length 6 --total-sz 0
  rbmqs ground-state --config run.toml --output runs/first
  mpirun -n 4 rbmqs ground-state ising --length 64 --chains 64
  rbmqs resume runs/first --iterations 800 --set sampling.n_samples=4096
  rbmqs exact j1j2 --lattice square --length 4 --total-sz 0 --states 3
  rbmqs exact heisenberg --lattice square --length 6 --checkpoint 6x6.npz
  rbmqs excited heisenberg --length 12 --total-sz 0 --states 3 --alpha 3
  rbmqs compare ising --length 16 --field 0.5 --alpha 1
  rbmqs lanczos runs/first
  rbmqs evolve ising --length 20 --field 1.0 --from runs/first --until 1 --output runs/quench
  rbmqs reconstruct counts.csv --target psi.txt --output runs/ghz
  rbmqs train data.npy --hidden 64 --output model.npz
  rbmqs score model.npz test.npy
  rbmqs study run study.toml
  rbmqs report runs/first
"""

# What `rbmqs` alone prints: a newcomer's first commands.
_BEGIN = """rbmqs: restricted Boltzmann machines as states of spin systems and as models of data.

A first energy, in ten seconds, with the exact one beside it:
  rbmqs ground-state ising --length 12 --field 1.0 --iterations 150

Keep a run, continue it, and read a page about it:
  rbmqs ground-state ising --length 12 --field 1.0 --iterations 150 --output runs/first
  rbmqs resume runs/first --iterations 300
  rbmqs report runs/first

All commands: rbmqs --help. One of them: rbmqs ground-state --help.
Completion in this shell: source <(rbmqs completion bash)
"""


COMMANDS = (
    (
        "ground-state", "optimise an RBM and print its energy beside the exact one",
        "rbmqs ground-state ising --length 20 --field 1.0 --alpha 2 --seed 1",
        add_ground_state_options,
    ),
    (
        "resume", "continue an interrupted or finished run",
        "rbmqs resume runs/first --iterations 800", add_resume_options,
    ),
    (
        "exact", "lowest energies by exact diagonalisation",
        "rbmqs exact heisenberg --length 20 --total-sz 0 --states 2", add_exact_options,
    ),
    (
        "excited", "the lowest states of a sector, each orthogonal to those below it",
        "rbmqs excited heisenberg --length 12 --total-sz 0 --states 3 --alpha 3",
        add_excited_options,
    ),
    (
        "compare", "the RBM beside exact and published energies and, where installed, NetKet",
        "rbmqs compare ising --length 16 --field 0.5 --alpha 1 --iterations 200",
        add_compare_options,
    ),
    (
        "lanczos",
        "improve the energy of a run by a Lanczos step, extrapolate it and bound the exact one",
        "rbmqs lanczos runs/first --samples 8192 --first-excited -34.5", add_lanczos_options,
    ),
    (
        "response", "excitations of the ground state of a run in its tangent space",
        "rbmqs response runs/first --wave-vector 3.14159", add_response_options,
    ),
    (
        "evolve", "evolve a run or a product state in time, after a quench or under a drive",
        EVOLVE_EXAMPLES, add_evolve_options,
    ),
    (
        "reconstruct", "learn a state from measured shots in any bases",
        RECONSTRUCT_EXAMPLES, add_reconstruct_options,
    ),
)  # fmt: skip


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
    parser.set_defaults(run=_begin)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name, text, example, add_options in COMMANDS:
        add_options(_command(commands, name, text, example))
    boltzmann_cli.add_commands(commands, _command)
    add_study_commands(commands, _command)
    info = _command(commands, "info", "versions, threads, memory and conventions", "rbmqs info")
    info.set_defaults(run=_info)
    example = "source <(rbmqs completion bash)"
    completion = _command(commands, "completion", "completion of commands in a shell", example)
    add_completion_options(completion, build_parser)
    return parser


class _Parser(argparse.ArgumentParser):
    """argparse with the same one-line errors as everywhere else."""

    def error(self, message: str) -> NoReturn:
        said = f"rbmqs: error: {message}\n" if is_reporting() else None
        self.exit(exit_codes.BAD_INPUT, said)


def _command(commands: Any, name: str, text: str, example: str) -> argparse.ArgumentParser:
    return commands.add_parser(
        name,
        help=text,
        description=text[0].upper() + text[1:] + ".",
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status.

    0 for a finished run, 2 for bad input, 3 for a run that has not converged if
    --fail-if-not-converged is set, 128 + signal for an interrupted one.
    """
    if arguments is None:  # the command itself, not a call from Python
        warnings.showwarning = _say_warning
        # For "my_models:chain" in the current folder; last, so that no file there hides a library.
        sys.path.append(os.getcwd())
    options = build_parser().parse_args(arguments)
    # Compiling kernels makes millions of objects that stay: looking through them for garbage every
    # 700 allocations is 8 % of a first run.
    gc.set_threshold(100_000)
    try:
        refuse_copies(options)
        return options.run(options)
    except (
        ValueError, TypeError, OSError, ImportError, ArithmeticError, MemoryError, RecursionError
    ) as error:  # fmt: skip
        words = " ".join(str(error).split()) or type(error).__name__
        shown = "".join(letter if letter.isprintable() else "?" for letter in words)
        if failed_alone():
            end_job(shown, exit_codes.BAD_INPUT)
        if is_reporting():
            say(f"rbmqs: error: {shown}")
        return exit_codes.BAD_INPUT
    except KeyboardInterrupt:
        say("rbmqs: interrupted")
        return exit_codes.INTERRUPTED + signal.SIGINT


def _say_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """One line for whoever types commands, to whom files of the package mean nothing."""
    say(f"rbmqs: warning: {message}")


def _begin(options: argparse.Namespace) -> int:
    print(_BEGIN, end="")
    return 0


def _info(options: argparse.Namespace) -> int:
    from rbmqs.runs.info import info

    print(info())
    return 0
