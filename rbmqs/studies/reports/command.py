"""The command line that repeats a run by itself."""

from __future__ import annotations

import itertools
import shlex
from typing import Any

from rbmqs.runs.config import config_from_table
from rbmqs.runs.options import MODEL, RUN
from rbmqs.runs.signs import NONE, with_signs
from rbmqs.states.registry import ANSAETZE
from rbmqs.utils.json_files import plain
from rbmqs.utils.tables import flatten, set_path
from rbmqs.vmc.settings import RunSettings

IN_PYTHON = "rbmqs.ground_state in Python: no command line says all that decides this run"
_NAMES = {option.place: option.name for option in (*MODEL, *RUN)}
_FREE = {"open": ("--open",), "real": ("--real",)}  # without a value, and no key of their own


def command_of(run: dict[str, Any]) -> str:
    """A `rbmqs ground-state` command with every setting of the run.

    Parameters
    ----------
    run : dict
        `hamiltonian`, `ansatz` and `settings` as the first line of its log describes them. The
        result describes the wavefunction after signs were turned back, which may be complex where
        that of the run was real.

    Returns
    -------
    str
        A sentence instead for what the command line cannot say: couplings that vary from bond to
        bond, terms of your own, weights tied over a group, settings without an option.
    """
    try:
        system = _system(run["hamiltonian"])
        places = _ansatz(run["ansatz"], run["settings"]) | _settings(run["settings"])
    except (LookupError, ValueError, TypeError):
        return IN_PYTHON
    words = ["rbmqs", "ground-state", system.pop("model.name")]
    for place, value in (system | places).items():
        key = place.rsplit(".", 1)[-1]
        if place in _FREE:
            words += _FREE[place]
        elif place.startswith("model.parameters."):
            words += ["-p", f"{key}={value}"]
        elif isinstance(value, list) and key == "signs":
            words += [_NAMES[place], ",".join(map(str, value))]
        else:
            words += [_NAMES[place], *(() if value is True else _flat(value))]
    return shlex.join(words)


def _flat(value: Any) -> list[str]:
    """The words of a value: a list and the rows of a list one after the other."""
    return [w for v in value for w in _flat(v)] if isinstance(value, list) else [str(value)]


def _system(described: dict[str, Any]) -> dict[str, Any]:
    """Model and lattice by their keys; a LookupError where none of these make the Hamiltonian."""
    lattice, rotation = described["lattice"], described["rotation"]
    size = "vectors" if lattice["shape"] is None else "shape"
    places = {
        "model.name": described["model"],
        "lattice.kind": lattice["kind"],
        f"lattice.{size}": lattice[size],
        **{f"model.parameters.{name}": v for name, v in described["parameters"].items()},
        "model.total_sz": described["total_sz"],
    }
    if lattice["kind"] == "chain":
        (places["lattice.length"],) = places.pop("lattice.shape")
    # A field of zeros is the default.
    places = {k: v for k, v in places.items() if v is not None and _says_something(v)}
    rules: list[Any] = [None, NONE]
    if rotation is not None:
        sites = [site for site, angle in enumerate(rotation["sixths"]) if angle]
        rules.append(sites if rotation["rule"] == "sites" else rotation["rule"])
    for rule, is_open in itertools.product(rules, (False, True)):
        found = places | ({} if rule is None else {"model.signs": rule})
        if (
            _fingerprint(found | ({"lattice.periodic": False} if is_open else {}))
            == (described["fingerprint"])
        ):
            return found | ({"open": True} if is_open else {})
    raise LookupError("another Hamiltonian")


def _says_something(value: Any) -> bool:
    return not isinstance(value, list) or any(value)


def _fingerprint(places: dict[str, Any]) -> str:
    """Of the Hamiltonian that a run works on; empty where the keys make none."""
    table: dict[str, Any] = {}
    for place, value in places.items():
        set_path(table, place, value)
    try:
        config = config_from_table(table)
        return with_signs(config.hamiltonian(), config.model.run_signs, None)[0].fingerprint
    except (ValueError, TypeError):
        return ""


def _ansatz(described: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
    """The ansatz by its keys; a LookupError for one that takes more than these."""
    places: dict[str, Any] = {}
    if described["ansatz"] == "RBM" and described["visible_bias"] and described["hidden_bias"]:
        places = {} if settings.get("growth") else {"ansatz.n_hidden": described["n_hidden"]}
    else:
        names = {ANSAETZE[name].__name__: name for name in ANSAETZE}
        if described["ansatz"] != "Jastrow":
            raise LookupError("an ansatz with options of its own")
        places = {"ansatz.name": names[described["ansatz"]]}
    return places | ({"real": True} if described["dtype"] == "float64" else {})


def _settings(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings by their keys; a LookupError for one that has no option."""
    given, default = _by_place(settings), _by_place(plain(RunSettings().describe()))
    found = {}
    for place, value in (default | given).items():
        is_default = value == default[place]
        if isinstance(value, dict) and value["decay"] == "constant":
            value = value["initial"]
        has_option = place in _NAMES and not isinstance(value, dict)
        if not (has_option or is_default):
            raise LookupError(place)
        if has_option and value is not None and value is not False and value != []:
            found[place] = value
    return found


def _by_place(settings: dict[str, Any]) -> dict[str, Any]:
    flat = flatten(settings, lambda value: "initial" in value)
    return {place if "." in place else f"run.{place}": value for place, value in flat.items()}
