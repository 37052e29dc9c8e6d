"""The commands `rbmqs ground-state` and `rbmqs resume`: a run, from its start or onwards."""

from __future__ import annotations

import argparse
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hamiltonians.utils.files import goes_on_without
from rbmqs.cli import exit_codes
from rbmqs.cli.options import (
    add_fail_if_not_converged,
    add_model_options,
    add_output_file,
    add_quiet,
    add_run_options,
    add_values,
    changes_from_options,
    table_from_options,
)
from rbmqs.cli.ranks import divides_work, ranks_of
from rbmqs.utils.interrupts import signals_reported
from rbmqs.utils.progress import say

if TYPE_CHECKING:
    from rbmqs.runs.config import Config


def add_ground_state_options(parser: argparse.ArgumentParser) -> None:
    """Options of `rbmqs ground-state`."""
    add_model_options(parser)
    add_run_options(parser)
    parser.add_argument("--output", metavar="DIR", help="directory for log, checkpoint, result")
    parser.add_argument(
        "--from", dest="start_from", metavar="DIR",
        help="start with the wavefunction of this run; --alpha adds units, --project projects it",
    )  # fmt: skip
    add_output_file(parser, "--plot", "picture of the run (default: in DIR)")
    divides_work(parser)
    add_fail_if_not_converged(parser)
    parser.set_defaults(run=run_ground_state)


def add_resume_options(parser: argparse.ArgumentParser) -> None:
    """Options of `rbmqs resume`."""
    parser.add_argument("directory", metavar="DIR")
    parser.add_argument("--iterations", type=int, metavar="N", help="new total")
    text = "change a setting, such as optimiser.momentum=0.5 (repeatable)"
    add_values(parser, "--set", help=text)
    add_quiet(parser)
    divides_work(parser)
    add_fail_if_not_converged(parser)
    parser.set_defaults(run=run_resume)


def run_ground_state(options: argparse.Namespace) -> int:
    """Optimise, print and draw; returns the exit status."""
    from rbmqs.runs.config import config_from_table
    from rbmqs.runs.resume import starting_point
    from rbmqs.runs.run import ground_state
    from rbmqs.runs.warmup import solvers_compiled_ahead

    comm = ranks_of(options)
    config = config_from_table(table_from_options(options))
    if config.model.signs == "auto":
        config = _with_chosen_signs(config, not options.quiet, comm)
    hamiltonian = config.hamiltonian()
    ahead = (
        nullcontext()
        if comm is not None
        else solvers_compiled_ahead(config.ansatz.options()["dtype"], hamiltonian.n_sites)
    )
    with ahead, signals_reported():
        result = ground_state(
            hamiltonian,
            **config.ansatz.options(),
            settings=config.settings(),
            psi=starting_point(config),
            signs=config.model.run_signs,
            output=config.output,
            progress=not options.quiet,
            comm=comm,
        )
    if comm is not None and comm.rank > 0:
        return 0  # rank 0 reports
    return _finish(result, options.plot, options)


def _with_chosen_signs(config: Config, progress: bool, comm: Any) -> Config:
    """The configuration with the sign rule of lowest energy in short runs, which ranks share."""
    from dataclasses import replace

    from rbmqs.runs.sign_search import choose_signs

    plain = replace(config, model=replace(config.model, signs="none"))
    is_first = comm is None or comm.rank == 0
    search = choose_signs(plain.hamiltonian(), progress=progress and is_first, comm=comm)
    if is_first:
        print(f"{search}\n")
    best = search.best.signs
    return replace(config, model=replace(config.model, signs="none" if best is None else best))


def run_resume(options: argparse.Namespace) -> int:
    """Go on with a run; returns the exit status."""
    from rbmqs.runs.run import resume

    comm = ranks_of(options)
    with signals_reported():
        result = resume(
            options.directory,
            n_iterations=options.iterations,
            changes=changes_from_options(options.set),
            progress=not options.quiet,
            comm=comm,
        )
    if comm is not None and comm.rank > 0:
        return 0  # rank 0 reports
    return _finish(result, None, options)


def _finish(result: Any, plot: str | None, options: argparse.Namespace) -> int:
    """Print the report, draw the picture, say how to go on."""
    print(result)
    own = None if result.directory is None else Path(result.directory) / "energy.png"
    path = own if plot is None else Path(plot)
    if path is not None and result.history:
        with nullcontext() if plot is not None else goes_on_without(path):
            result.plot(path)
            print(f"{'picture':<14} {path}")
    if result.interrupted is not None:
        if result.directory is not None:
            say(f"saved; go on with: rbmqs resume {result.directory}")
        else:
            say("not saved: give --output DIR to be able to resume")
        return exit_codes.INTERRUPTED + result.interrupted
    return exit_codes.of_verdict(result.converged, options)
