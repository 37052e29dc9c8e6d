"""The command `rbmqs reconstruct`: a state from a file of measured shots."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from hamiltonians.utils.files import goes_on_without
from rbmqs.cli import exit_codes
from rbmqs.cli.options import add_fail_if_not_converged, add_quiet
from rbmqs.utils.interrupts import signals_reported

EXAMPLES = """rbmqs reconstruct counts.csv --output runs/ghz
  rbmqs reconstruct shots.txt --bases bases.txt --target psi.txt
  rbmqs reconstruct qiskit_result.json --readout learn
  rbmqs reconstruct counts.h5 --table ions --entry 0 --shots 200 --model mixed"""


def add_reconstruct_options(parser: argparse.ArgumentParser) -> None:
    """Options of `rbmqs reconstruct`."""
    parser.add_argument("file", metavar="FILE", help=".txt, .csv, .json, .npz, .h5: see the docs")
    parser.add_argument("--bases", metavar="FILE", help="file of bases, or one Pauli string")
    parser.add_argument("--table", metavar="NAME", help="data set of an HDF5 file")
    parser.add_argument("--entry", type=int, metavar="K", help="along its first axis")
    parser.add_argument(
        "--shots", type=int, metavar="N", help="of each basis, where a table holds frequencies"
    )
    parser.add_argument("--up", type=int, default=0, metavar="BIT", help="of +1 (default 0)")
    parser.add_argument(
        "--site-0", metavar="END", help="left or right end of outcomes (default left; Qiskit right)"
    )
    parser.add_argument("--basis-site-0", metavar="END", help="the same of bases, if it differs")
    parser.add_argument(
        "--model", default="auto", metavar="NAME",
        help="positive, complex, amplitude-phase or mixed (default: by the bases)",
    )  # fmt: skip
    parser.add_argument("--hidden", type=int, metavar="M", help="hidden units (default: by shots)")
    parser.add_argument("--readout", metavar="E", help="readout error of every site, or 'learn'")
    parser.add_argument("--target", metavar="FILE", help="state to compare with: .txt or .npy")
    parser.add_argument("--held-out", type=float, default=0.1, metavar="X", help="(default 0.1)")
    parser.add_argument("--starts", type=int, metavar="N", help="random starts")
    parser.add_argument("--iterations", type=int, default=300, metavar="N", help="at most (300)")
    parser.add_argument("--optimiser", default="natural", metavar="NAME", help="natural or adam")
    parser.add_argument("--method", default="auto", metavar="NAME", help="auto, exact or sampled")
    parser.add_argument(
        "--incomplete", action="store_true", help="go on where bases leave phases open"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--max-seconds", type=float, metavar="T", help="then save and stop")
    parser.add_argument("--output", metavar="DIR", help="directory for log, checkpoint, result")
    parser.add_argument("--resume", action="store_true", help="go on with what is in --output")
    add_quiet(parser)
    add_fail_if_not_converged(parser)
    parser.set_defaults(run=run_reconstruct)


def run_reconstruct(options: argparse.Namespace) -> int:
    """Reconstruct and print."""
    from rbmqs.tomography.reading import read_shots, read_target
    from rbmqs.tomography.reconstruct import reconstruct

    shots = read_shots(
        options.file, options.bases, up=options.up, site_0=options.site_0,
        basis_site_0=options.basis_site_0, table=options.table, entry=options.entry,
        n_shots=options.shots,
    )  # fmt: skip
    chosen: dict[str, Any] = {"n_hidden": options.hidden, "n_starts": options.starts}
    with signals_reported():
        result = reconstruct(
            shots,
            model=options.model,
            readout=_readout(options.readout),
            target=None if options.target is None else read_target(options.target),
            incomplete=options.incomplete,
            held_out=options.held_out,
            n_iter=options.iterations,
            optimiser=options.optimiser,
            method=options.method,
            seed=options.seed,
            output=options.output,
            resume=options.resume,
            max_seconds=options.max_seconds,
            progress=not options.quiet,
            **{name: value for name, value in chosen.items() if value is not None},
        )
    print(result)
    if options.output is not None:
        with goes_on_without(Path(options.output)):
            pictures = result.plot(options.output)
            print(f"{'pictures':<14} {', '.join(map(str, pictures))}")
    if result.interrupted is not None:
        return exit_codes.of_interruption(result.interrupted, options.output)
    return exit_codes.of_verdict(not result.status, options)


def _readout(text: str | None) -> str | float | None:
    """A number, or a word that the call judges."""
    try:
        return None if text is None else float(text)
    except ValueError:
        return text
