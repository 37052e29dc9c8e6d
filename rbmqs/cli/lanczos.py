"""The command `rbmqs lanczos`: Lanczos steps on the result of a run, and what follows from it."""

from __future__ import annotations

import argparse
from pathlib import Path

from hamiltonians.utils.files import check_writable
from rbmqs.cli import exit_codes
from rbmqs.cli.options import add_fail_if_not_converged

FILE = "lanczos.json"
SAMPLES = (4096, 512, 64)  # by the number of steps, whose costs grow as powers of the flips of H


def add_lanczos_options(parser: argparse.ArgumentParser) -> None:
    """Options of `rbmqs lanczos`."""
    parser.add_argument("directory", metavar="DIR", help="of a finished run")
    parser.add_argument(
        "--steps", type=int, default=1, choices=range(1, len(SAMPLES) + 1),
        help="Lanczos steps (default 1)",
    )  # fmt: skip
    parser.add_argument(
        "--samples", type=int, metavar="N",
        help="for the Lanczos steps, of those of the final estimate (default "
        f"{', '.join(map(str, SAMPLES))} for 1, 2, 3); each takes the local energies of all "
        "configurations that so many applications of H connect it with",
    )  # fmt: skip
    parser.add_argument(
        "--first-excited", type=float, metavar="E1",
        help="lower bound of the first level above the ground state in the sector, total, in "
        "Pauli units: proves Weinstein's lower bound and gives Temple's",
    )  # fmt: skip
    parser.add_argument(
        "--confidence", type=float, default=0.99, metavar="P", help="of bounds (default 0.99)"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    add_fail_if_not_converged(parser)
    parser.set_defaults(run=run_lanczos)


def run_lanczos(options: argparse.Namespace) -> int:
    """Analyse, print and write DIR/lanczos.json."""
    from rbmqs.runs.lanczos_analysis import analyse_run
    from rbmqs.utils.json_files import write_json

    directory = Path(options.directory)
    if directory.is_dir():
        check_writable(directory / FILE)  # before the work
    analysis = analyse_run(
        directory,
        n_steps=options.steps,
        max_samples=SAMPLES[options.steps - 1] if options.samples is None else options.samples,
        first_excited=options.first_excited,
        confidence=options.confidence,
        progress=not options.quiet,
    )
    print(analysis)
    write_json(directory / FILE, analysis.to_dict())
    print(f"{'written':<14} {directory / FILE}")
    return exit_codes.of_verdict(not analysis.status, options)
