"""The command `rbmqs excited`: the lowest states of a sector, a run of each."""

from __future__ import annotations

import argparse

from rbmqs.cli import exit_codes
from rbmqs.cli.options import (
    add_fail_if_not_converged,
    add_model_options,
    add_run_options,
    table_from_options,
)
from rbmqs.utils.interrupts import signals_reported


def add_excited_options(parser: argparse.ArgumentParser) -> None:
    """Options of `rbmqs excited`."""
    add_model_options(parser)
    parser.add_argument(
        "--states", type=int, default=2, metavar="K", help="with the lowest (default 2)"
    )
    parser.add_argument(
        "--margin", type=float, metavar="J",
        help="by which lower states are raised above the one that is looked for (default 2)",
    )  # fmt: skip
    add_run_options(parser)
    parser.add_argument("--output", metavar="DIR", help="directory for a run of each state")
    parser.add_argument("--resume", action="store_true", help="go on with what is in --output")
    add_fail_if_not_converged(parser)
    parser.set_defaults(run=run_excited)


def run_excited(options: argparse.Namespace) -> int:
    """Find the states and print them."""
    from rbmqs.runs.config import config_from_table
    from rbmqs.runs.excited import MARGIN, excited_states

    config = config_from_table(table_from_options(options))
    if config.model.signs == "auto":
        raise ValueError("--signs auto looks for the ground state: name a rule, known or none")
    with signals_reported():
        result = excited_states(
            config.hamiltonian(),
            options.states,
            margin=MARGIN if options.margin is None else options.margin,
            **config.ansatz.options(),
            settings=config.settings(),
            signs=config.model.run_signs,
            output=config.output,
            resume=options.resume,
            progress=not options.quiet,
        )
    print(result)
    interrupted = result.runs[-1].interrupted
    if interrupted is not None:
        return exit_codes.of_interruption(interrupted, options.output)
    return exit_codes.of_verdict(not result.status, options)
