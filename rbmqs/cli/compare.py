"""The command `rbmqs compare`: methods side by side over sizes, couplings and sectors."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from copy import deepcopy
from pathlib import Path

from hamiltonians.utils.brief import brief
from hamiltonians.utils.checks import positive_int, short
from rbmqs.cli.options import (
    add_model_options,
    add_output_file,
    add_run_options,
    named_values,
    table_from_options,
)
from rbmqs.utils.progress import say

_PLACES = {"length": "lattice.length", "total_sz": "model.total_sz"}  # others are parameters


def add_compare_options(parser: argparse.ArgumentParser) -> None:
    """Options of `rbmqs compare`."""
    add_model_options(parser)
    add_run_options(parser)
    parser.add_argument(
        "--scan", action="append", default=[], metavar="NAME=V1,V2,...",
        help="length, total_sz or any parameter of the model, such as h=0.5,1,2 (repeatable)",
    )  # fmt: skip
    parser.add_argument(
        "--methods", metavar="M1,M2,...",
        help="of: closed form, exact, published, rbmqs, NetKet (default: all)",
    )  # fmt: skip
    parser.add_argument("--no-netket", action="store_true", help="leave NetKet out")
    parser.add_argument(
        "--max-dimension", type=int, metavar="N", help="basis states to diagonalise up to"
    )
    add_output_file(parser, "--plot", "picture along the first --scan")
    add_output_file(parser, "--json", "the table as JSON")
    parser.set_defaults(run=run_compare)


def run_compare(options: argparse.Namespace) -> int:
    """Compare all cases; returns the exit status."""
    from rbmqs.runs.config import config_from_table
    from rbmqs.studies.axes import product
    from rbmqs.studies.comparison import EXACT_STATES, METHODS, compare, plot_comparison, table
    from rbmqs.utils.json_files import write_json
    from rbmqs.utils.tables import set_path

    asked = METHODS if options.methods is None else options.methods.split(",")
    methods = [m.strip() for m in asked if not (options.no_netket and m.strip() == "NetKet")]
    limit = EXACT_STATES if options.max_dimension is None else options.max_dimension
    positive_int("--max-dimension", limit)
    base, problems = table_from_options(options), []
    for case in product(scanned(options.scan)):
        changed = deepcopy(base)
        for name, value in case.items():
            number = int(value) if name == "length" and value.is_integer() else value
            set_path(changed, _PLACES.get(name, f"model.parameters.{name}"), number)
        config = config_from_table(changed)
        problems.append((case, config, config.hamiltonian()))
    rows = []
    for case, config, hamiltonian in problems:
        if len(problems) > 1 and not options.quiet:
            say(f"{hamiltonian.name}")
        rows += compare(
            hamiltonian, config.ansatz.options(), config.settings(), signs=config.model.run_signs,
            case=case, methods=methods,
            max_dimension=limit, progress=not options.quiet,
        )  # fmt: skip
    print(table(rows))
    if options.json:
        write_json(Path(options.json), [vars(row) for row in rows])
    if options.plot:
        plot_comparison(rows, options.plot)
    return 0


def scanned(texts: Iterable[str]) -> dict[str, list[float]]:
    """``["h=0.5,1"]`` -> ``{"h": [0.5, 1.0]}``.

    Raises
    ------
    ValueError
        If a text does not read so, or names an axis again.
    """
    axes: dict[str, list[float]] = {}
    for name, values in named_values("--scan", texts, "NAME=V1,V2,..."):
        if name in axes:
            raise ValueError(f"--scan must name each axis once, got {name} again")
        try:
            axes[name] = [float(value) for value in values.split(",")]
        except ValueError:
            raise ValueError(f"--scan {name} must list numbers, got {short(values)}") from None
        if len(set(axes[name])) < len(axes[name]):
            raise ValueError(f"--scan {name} has a value twice: {brief(values)}")
    return axes
