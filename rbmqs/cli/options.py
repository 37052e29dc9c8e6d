"""Options of the command line, and the table of a configuration that they make.

An option stands for a key of a configuration file, whose type hint says how its text is read.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

import hamiltonians
from hamiltonians.utils.checks import short
from hamiltonians.utils.files import check_writable
from rbmqs.runs.config import shape
from rbmqs.runs.options import MODEL, RUN, Option
from rbmqs.utils.parsing import parse_toml, read_toml
from rbmqs.utils.tables import set_path
from rbmqs.utils.typed_tables import members, shape_of

_EITHER = (("ansatz", "alpha", "n_hidden"), ("model", "marshall", "signs"))  # of one meaning


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Model, lattice and sector; with --config the options override the file."""
    parser.add_argument("model", nargs="?", metavar="MODEL", help=", ".join(hamiltonians.MODELS))
    parser.add_argument("--config", metavar="FILE", help="TOML file; options override it")
    _add(parser, MODEL)
    parser.add_argument("--open", action="store_true", help="open boundaries")
    parser.add_argument("--field", type=float, metavar="H", help="transverse field h of ising")
    add_values(
        parser, "-p", "--parameter", help="any parameter of the model, such as J2=0.5 (repeatable)"
    )


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Ansatz, length, sampling and optimiser."""
    _add(parser, RUN)
    parser.add_argument("--real", action="store_true", help="real parameters")
    add_values(
        parser, "--ansatz-option", help="a keyword of --ansatz, such as n_filters=4 (repeatable)"
    )
    add_quiet(parser)


def add_values(parser: argparse.ArgumentParser, *names: str, help: str) -> None:
    """An option that reads NAME=VALUE, as often as it is given."""
    parser.add_argument(*names, action="append", default=[], metavar="NAME=VALUE", help=help)


def add_quiet(parser: argparse.ArgumentParser) -> None:
    """The option --quiet."""
    parser.add_argument("--quiet", action="store_true", help="no progress bar")


def add_fail_if_not_converged(parser: argparse.ArgumentParser) -> None:
    """The option --fail-if-not-converged."""
    parser.add_argument(
        "--fail-if-not-converged", action="store_true",
        help="exit with status 3 where there is a reason not to trust the result (mpirun and "
        "schedulers take any status but 0 for a failed job)",
    )  # fmt: skip


def _add(parser: argparse.ArgumentParser, options: tuple[Option, ...]) -> None:
    for option in options:
        form = _form(option.place)
        if form.get("action") != "store_const":
            form["metavar"] = option.metavar
        parser.add_argument(option.name, dest=option.place, help=option.help, **form)


def _form(place: str) -> dict[str, Any]:
    """How argparse reads an option whose key has this type hint: one word, several, or none."""
    section, key = place.split(".")
    kind = next(m for m in members((shape_of(shape()[section]) or {})[key]) if not shape_of(m))
    if kind is bool:
        return {"action": "store_const", "const": True}
    if get_origin(kind) not in (list, tuple):
        return {"type": kind}
    while get_origin(kind) in (list, tuple):
        kind = get_args(kind)[0]
    return {"type": kind, "nargs": "+"}


def table_from_options(options: argparse.Namespace) -> dict[str, Any]:
    """Configuration table: the file of --config, overridden by the options given."""
    table = read_toml(options.config) if options.config else {}
    given = {place: value for place, value in _given(options).items() if value is not None}
    for section, *pair in _EITHER:
        for name, other in (pair, reversed(pair)):
            if f"{section}.{name}" in given and isinstance(table.get(section), dict):
                table[section].pop(other, None)  # the option replaces the file's other spelling
    for place, value in given.items():
        set_path(table, place, value)
    if not isinstance(table.get("model", {}), dict) or "name" not in table.get("model", {}):
        raise ValueError("name a MODEL, or give --config FILE with a [model] table")
    return table


def _given(options: argparse.Namespace) -> dict[str, Any]:
    """Values of the options by their places in the table, None where nothing was given."""
    places = {place: value for place, value in vars(options).items() if "." in place}
    found = dict.fromkeys(["model.name"], options.model) | places
    if (numbers := places.get("lattice.vectors")) is not None:
        found["lattice.vectors"] = _rows(numbers)
    if (rule := places.get("model.signs")) is not None:
        found["model.signs"] = _sign_rule(rule)
    found["lattice.periodic"] = False if options.open else None
    found["ansatz.dtype"] = "real" if getattr(options, "real", False) else None
    found |= {name: getattr(options, name, None) or None for name in ("output", "start_from")}
    keywords = changes_from_options(getattr(options, "ansatz_option", []), "--ansatz-option")
    found |= {f"ansatz.keywords.{name}": value for name, value in keywords.items()}
    parameters = numbers_from_options("--parameter", options.parameter)
    return found | {
        f"model.parameters.{name}": value
        for name, value in ({"h": options.field} | parameters).items()
    }


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


def add_output_file(parser: argparse.ArgumentParser, name: str, text: str) -> None:
    """An option that names a file to write."""

    def output_file(path: str) -> str:
        try:
            check_output(path, is_picture=name == "--plot")
        except (OSError, ValueError) as error:
            raise argparse.ArgumentTypeError(str(error)) from None
        return path

    parser.add_argument(name, type=output_file, metavar="FILE", help=text)


def check_output(path: str, *, is_picture: bool = False) -> None:
    """Refuse a file that cannot be written, before the work and not after it."""
    check_writable(path)
    if is_picture:
        from matplotlib.backend_bases import FigureCanvasBase  # reading takes half a second

        endings = FigureCanvasBase.get_supported_filetypes()
        if Path(path).suffix.removeprefix(".") not in endings:
            raise ValueError(f"{path} must end in one of .{', .'.join(sorted(endings))}")


def named_values(
    option: str, texts: Iterable[str], form: str = "NAME=VALUE"
) -> Iterator[tuple[str, str]]:
    """Names and values of an option that reads NAME=VALUE."""
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator or not name or not value:
            raise ValueError(f"{option} must read {form}, got {short(text)}")
        yield name, value


def numbers_from_options(option: str, texts: Iterable[str]) -> dict[str, float]:
    """Values of an option that reads NAME=NUMBER."""
    values = {}
    for name, value in named_values(option, texts):
        try:
            values[name] = float(value)
        except ValueError:
            raise ValueError(f"{option} {name} must be a number, got {short(value)}") from None
    return values


def changes_from_options(texts: Iterable[str], option: str = "--set") -> dict[str, Any]:
    """Values of an option that reads NAME=VALUE: TOML, or text where it is no TOML."""
    changes: dict[str, Any] = {}
    for name, value in named_values(option, texts):
        try:
            changes[name] = parse_toml(f"value = {value}", option)["value"]
        except ValueError:
            changes[name] = value
    return changes
