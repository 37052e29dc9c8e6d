"""Options of the command line, and the table of a configuration that they make."""

from __future__ import annotations

import argparse
import math
import tomllib
from collections.abc import Iterable, Iterator
from typing import Any

import hamiltonians
from hamiltonians.lattices.registry import LATTICES
from rbmqs.runs.config import read_toml


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Model, lattice and sector; with --config the options override the file."""
    parser.add_argument("model", nargs="?", metavar="MODEL", help=", ".join(hamiltonians.MODELS))
    parser.add_argument("--config", metavar="FILE", help="TOML file; options override it")
    parser.add_argument(
        "--lattice", metavar="KIND",
        help=f"{', '.join(LATTICES)} or package.module:function; default: chain",
    )  # fmt: skip
    parser.add_argument("--length", type=int, metavar="L", help="cells along each direction")
    parser.add_argument(
        "--shape", type=int, nargs="+", metavar="L",
        help="cells along the directions, rungs and legs of a ladder, a and b of a tilted square",
    )  # fmt: skip
    parser.add_argument(
        "--vectors", type=int, nargs="+", metavar="M",
        help="rows of integers that span a cluster, as 2 2 -2 4 for the triangular one of 12",
    )  # fmt: skip
    parser.add_argument("--open", action="store_true", help="open boundaries")
    parser.add_argument("--field", type=float, metavar="H", help="transverse field h of ising")
    parser.add_argument(
        "-p",
        "--parameter",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="any parameter of the model, such as J2=0.5 (repeatable)",
    )
    parser.add_argument("--total-sz", type=float, metavar="SZ", help="sector; default: free")
    parser.add_argument("--marshall", action="store_true", help="the same as --signs marshall")
    parser.add_argument(
        "--signs", metavar="RULE",
        help="sign rule: marshall, stripe-x, stripe-y, sublattice, sites to rotate as 0,3,5, or "
        "(ground-state) auto: the best of short runs with each",
    )  # fmt: skip


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Ansatz, length, sampling and optimiser."""
    parser.add_argument("--alpha", type=float, help="hidden units per site (default 2)")
    parser.add_argument("--n-hidden", type=int, metavar="M", help="hidden units")
    parser.add_argument("--real", action="store_true", help="real parameters")
    parser.add_argument(
        "--tied", metavar="GROUP", help="tie the weights over translations or space-group"
    )
    parser.add_argument("--n-features", type=int, metavar="F", help="features of tied weights")
    parser.add_argument(
        "--ansatz",
        metavar="NAME",
        help="jastrow, jastrow-rbm, or package.module:Class; else an RBM",
    )
    parser.add_argument(
        "--ansatz-option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a keyword of --ansatz, such as n_filters=4 (repeatable)",
    )
    parser.add_argument(
        "--project", metavar="SECTOR",
        help="project onto a symmetry sector: symmetric, or a label that "
        "'rbmqs exact --symmetry all' prints, such as 'k=(0,0) A1 +'",
    )  # fmt: skip
    parser.add_argument("--seed", type=int)
    parser.add_argument("--iterations", type=int, metavar="N")
    parser.add_argument("--max-seconds", type=float, metavar="S", help="stop after this time")
    parser.add_argument(
        "--growth", type=float, nargs="+", metavar="ALPHA",
        help="densities of hidden units of the stages of the run, such as 1 2 4",
    )  # fmt: skip
    parser.add_argument(
        "--restarts", type=int, metavar="N", help="random restarts, of which the best is kept"
    )
    parser.add_argument("--samples", type=int, metavar="N", help="per iteration")
    parser.add_argument("--final-samples", type=int, metavar="N", help="of the final estimate")
    parser.add_argument("--chains", type=int, metavar="N")
    parser.add_argument("--replicas", type=int, metavar="R", help="replica exchange, R to a chain")
    parser.add_argument("--beta-min", type=float, metavar="B", help="of the last replica (0.1)")
    parser.add_argument("--move", metavar="MOVE", help="flip, exchange, pair-exchange or mixed")
    parser.add_argument(
        "--optimiser", metavar="KIND", help="sr, adam, sgd or package.module:Class (default sr)"
    )
    parser.add_argument("--learning-rate", type=float, metavar="RATE", help="constant")
    parser.add_argument("--diag-shift", type=float, metavar="SHIFT", help="constant")
    parser.add_argument("--solver", metavar="NAME", help="sample-space, matrix-free or dense")
    parser.add_argument("--stop-when-converged", action="store_true")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")


_PLACES = {
    "model": ("model", "name"),
    "total_sz": ("model", "total_sz"),
    "marshall": ("model", "marshall"),
    "signs": ("model", "signs"),
    "lattice": ("lattice", "kind"),
    "length": ("lattice", "length"),
    "shape": ("lattice", "shape"),
    "vectors": ("lattice", "vectors"),
    "ansatz": ("ansatz", "name"),
    "alpha": ("ansatz", "alpha"),
    "n_hidden": ("ansatz", "n_hidden"),
    "n_features": ("ansatz", "n_features"),
    "tied": ("ansatz", "tied"),
    "project": ("ansatz", "project"),
    "seed": ("run", "seed"),
    "iterations": ("run", "n_iterations"),
    "max_seconds": ("run", "max_seconds"),
    "stop_when_converged": ("run", "stop_when_converged"),
    "growth": ("run", "growth"),
    "restarts": ("run", "n_restarts"),
    "samples": ("sampling", "n_samples"),
    "final_samples": ("sampling", "n_final_samples"),
    "chains": ("sampling", "n_chains"),
    "replicas": ("sampling", "n_replicas"),
    "beta_min": ("sampling", "beta_min"),
    "move": ("sampling", "move"),
    "optimiser": ("optimiser", "kind"),
    "learning_rate": ("optimiser", "learning_rate"),
    "diag_shift": ("optimiser", "diag_shift"),
    "solver": ("optimiser", "solver"),
}


_SPELLINGS = (
    ("ansatz", "alpha", "n_hidden"),
    ("ansatz", "n_hidden", "alpha"),
    ("model", "marshall", "signs"),
    ("model", "signs", "marshall"),
)


def table_from_options(options: argparse.Namespace) -> dict[str, Any]:
    """Configuration table: the file of --config, overridden by the options given."""
    table = read_toml(options.config) if options.config else {}
    _check_tables(table)
    for section, given, other in _SPELLINGS:
        if getattr(options, given, None) not in (None, False) and section in table:
            table[section].pop(other, None)  # the option replaces the file's other spelling
    for name, (section, key) in _PLACES.items():
        value = getattr(options, name, None)
        if name == "vectors" and value is not None:
            value = _rows(value)
        if name == "signs" and value is not None:
            value = _sign_rule(value)
        if value is not None and value is not False:
            table.setdefault(section, {})[key] = value
    if options.open:
        table.setdefault("lattice", {})["periodic"] = False
    if getattr(options, "real", False):
        table.setdefault("ansatz", {})["dtype"] = "real"
    for name in ("output", "start_from"):
        if getattr(options, name, None):
            table[name] = getattr(options, name)
    keywords = changes_from_options(getattr(options, "ansatz_option", []), "--ansatz-option")
    if keywords:
        table.setdefault("ansatz", {}).setdefault("keywords", {}).update(keywords)
    parameters = _parameters(options)
    if parameters:
        table.setdefault("model", {}).setdefault("parameters", {}).update(parameters)
    if "name" not in table.get("model", {}):
        raise ValueError("name a MODEL, or give --config FILE with a [model] table")
    return table


def _rows(numbers: list[int]) -> list[list[int]]:
    """As many rows as columns."""
    side = math.isqrt(len(numbers))
    if side**2 != len(numbers):
        raise ValueError(f"--vectors must be 4 or 9 integers, row by row, got {len(numbers)}")
    return [numbers[row * side : (row + 1) * side] for row in range(side)]


def _sign_rule(text: str) -> str | list[int]:
    """A rule by its name, or the sites of a list such as ``0,3,5``."""
    words = text.split(",")
    return [int(word) for word in words] if all(w.strip().isdecimal() for w in words) else text


def _check_tables(table: dict[str, Any]) -> None:
    """Refuse a file whose sections are not tables, before options are written into them."""
    for section in {section for section, _ in _PLACES.values()}:
        if not isinstance(table.get(section, {}), dict):
            raise ValueError(f"{section} must be a table, got {table[section]!r}")
    parameters = table.get("model", {}).get("parameters", {})
    if not isinstance(parameters, dict):
        raise ValueError(f"parameters in [model] must be a table, got {parameters!r}")


def _parameters(options: argparse.Namespace) -> dict[str, float]:
    values = {} if options.field is None else {"h": options.field}
    for name, value in named_values("--parameter", options.parameter):
        try:
            values[name] = float(value)
        except ValueError:
            raise ValueError(f"--parameter {name} must be a number, got {value!r}") from None
    return values


def named_values(option: str, texts: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Names and values of an option that reads NAME=VALUE."""
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator:
            raise ValueError(f"{option} must read NAME=VALUE, got {text!r}")
        yield name, value


def changes_from_options(texts: list[str], option: str = "--set") -> dict[str, Any]:
    """Values of an option that reads NAME=VALUE: TOML, or text where it is no TOML."""
    changes: dict[str, Any] = {}
    for name, value in named_values(option, texts):
        try:
            changes[name] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            changes[name] = value
    return changes
