"""The command `rbmqs compare`: methods side by side over sizes, couplings and sectors."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from rbmqs.cli.options import add_model_options, add_run_options, table_from_options

_SIZES = {"length": ("lattice", "length"), "total_sz": ("model", "total_sz")}


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
    parser.add_argument("--plot", metavar="FILE", help="picture along the first --scan")
    parser.add_argument("--json", metavar="FILE", help="the table as JSON")
    parser.set_defaults(run=run_compare)


def run_compare(options: argparse.Namespace) -> int:
    """Compare all cases; returns the exit status."""
    from rbmqs.runs.compare import EXACT_STATES, METHODS, as_json, cases, compare, table
    from rbmqs.runs.config import config_from_table

    methods = METHODS if options.methods is None else _words(options.methods)
    chosen = [m for m in methods if not (options.no_netket and m == "NetKet")]
    base = table_from_options(options)
    axes = scanned(options.scan)
    configs = [(case, config_from_table(_with_values(base, case))) for case in cases(axes)]
    problems = [(case, config, config.hamiltonian()) for case, config in configs]
    rows = []
    for case, config, hamiltonian in problems:
        if len(problems) > 1 and not options.quiet:
            print(f"{hamiltonian.name}", file=sys.stderr, flush=True)
        rows += compare(
            hamiltonian, config.ansatz.options(), config.settings(), case=case, methods=chosen,
            max_dimension=options.max_dimension or EXACT_STATES, progress=not options.quiet,
        )  # fmt: skip
    print(table(rows))
    if options.json:
        Path(options.json).write_text(json.dumps(as_json(rows), indent=1) + "\n", encoding="utf-8")
    if options.plot:
        from rbmqs.runs.compare_plot import plot_comparison

        plot_comparison(rows, options.plot)
    return 0


def scanned(texts: list[str]) -> dict[str, list[float]]:
    """``["h=0.5,1"]`` -> ``{"h": [0.5, 1.0]}``.

    Raises
    ------
    ValueError
        If a text does not read so, or names an axis again.
    """
    axes: dict[str, list[float]] = {}
    for text in texts:
        name, separator, values = text.partition("=")
        if not separator or not values or name in axes:
            raise ValueError(f"--scan must read NAME=V1,V2,... with each NAME once, got {text!r}")
        try:
            axes[name] = [float(value) for value in values.split(",")]
        except ValueError:
            raise ValueError(f"--scan {name} must list numbers, got {values!r}") from None
    return axes


def _with_values(base: dict[str, Any], case: Mapping[str, float]) -> dict[str, Any]:
    """The configuration with the values of one case written into it."""
    table = deepcopy(base)
    for name, value in case.items():
        if name in _SIZES:
            section, key = _SIZES[name]
            whole = name == "length" and value.is_integer()
            table.setdefault(section, {})[key] = int(value) if whole else value
        else:
            table["model"].setdefault("parameters", {})[name] = value
    return table


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",")]
