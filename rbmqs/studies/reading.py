"""From a study file to a validated study, with everything that is wrong said at once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from hamiltonians.models.known_signs import known_signs
from hamiltonians.utils.brief import brief
from hamiltonians.utils.checks import instance
from rbmqs.runs.config import config_from_table
from rbmqs.runs.signs import KNOWN
from rbmqs.studies.axes import MAX_POINTS, axes_of, product
from rbmqs.studies.expressions import evaluate
from rbmqs.studies.header import Header, header_of
from rbmqs.studies.study import QUENCH, Point, Study, StudyError
from rbmqs.studies.validation import problems_of
from rbmqs.utils.parsing import parse_toml, read_text
from rbmqs.utils.tables import digest, flatten, set_path

SECTIONS = ("model", "lattice", "ansatz", "run", "sampling", "optimiser", QUENCH)
TABLES = ("study", "grid", "list", "derived", "reference", *SECTIONS)
FORMAT = 1  # of the fingerprint; raised when the same table comes to mean another run
SIGNED = 3  # where a run takes the known signs of its ground state, which it once left alone
OPENED = 2  # where `prepare` decides on restarts or a first density, which studies once left alone


def read_study(path: str | Path) -> Study:
    """A study from a TOML file.

    Parameters
    ----------
    path : path

    Returns
    -------
    Study

    Raises
    ------
    StudyError
        Everything that is wrong with it, before anything runs.
    """
    path, text = Path(path), read_text(path)
    return replace(study_from_table(parse_toml(text, path), name=path.stem), source=text)


def study_from_table(table: Mapping[str, Any], name: str = "study") -> Study:
    """A study from a nested table, as a TOML file would give it.

    Parameters
    ----------
    table : mapping
        Tables study, grid, list, derived, reference, and those of a run.
    name : str
        Used where [study] has no name.

    Returns
    -------
    Study

    Raises
    ------
    StudyError
    """
    instance("table", table, Mapping)
    problems = [
        f"unknown table [{key}]; known: {', '.join(TABLES)}" for key in table if key not in TABLES
    ]
    header = header_of(table, name, problems)
    axes = _attempt(problems, axes_of, table.get("grid", {}))
    rows = _list_rows(table, problems)
    derived = table.get("derived", {})
    if not isinstance(derived, Mapping):
        problems.append(f"[derived] must be a table of expressions, got {brief(derived)}")
        table = {**table, "derived": {}}
    problems += _clashes(axes or {}, rows, table.get("derived", {}))
    points = [] if axes is None else _points(table, header, axes, rows, problems)
    problems += problems_of(points, header.reference)
    if problems:
        raise StudyError(list(dict.fromkeys(problems)))
    paths = dict.fromkeys([*(path for row in rows for path in row), *axes])
    return Study(points=tuple(points), axes=tuple(paths), **vars(header))


def _attempt(problems: list[str], function: Any, *arguments: Any) -> Any:
    """The value of a call, or None and one more problem."""
    try:
        return function(*arguments)
    except (ValueError, TypeError) as error:
        problems.append(str(error))
        return None


def _list_rows(table: Mapping[str, Any], problems: list[str]) -> list[dict[str, Any]]:
    rows = table.get("list", [{}])
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows) or not rows:
        problems.append("[[list]] must be an array of tables")
        return []
    return [flatten(row) for row in rows]


def _clashes(
    axes: Mapping[str, Any], rows: list[dict[str, Any]], derived: Mapping[str, Any]
) -> Iterator[str]:
    """Keys that are set twice, so that one of their values would be lost."""
    listed = dict.fromkeys(path for row in rows for path in row)
    rules = [path for path in flatten(derived) if "." in path]
    for name, paths, other, others in (
        ("[[list]]", listed, "[grid]", axes),
        ("[derived]", rules, "[[list]] or [grid]", {**listed, **axes}),
    ):
        for path in paths:
            if any(f"{path}.".startswith(f"{p}.") or p.startswith(f"{path}.") for p in others):
                yield f"{path!r} is in both {name} and {other}: give it in one of them"


def _points(
    table: Mapping[str, Any],
    header: Header,
    axes: dict[str, list[Any]],
    rows: list[dict[str, Any]],
    problems: list[str],
) -> list[Point]:
    n_points = len(rows)
    for values in axes.values():
        n_points *= len(values)
    if n_points > MAX_POINTS:
        problems.append(f"the study has {n_points} points, at most {MAX_POINTS} are allowed")
        return []
    points: list[Point] = []
    previous: dict[str, Point] = {}
    for row in rows:
        for combination in product(axes):
            point = _attempt(problems, _point, table, header, row | combination, previous)
            if point is not None:
                points.append(point)
    doubled = len(points) - len({point.id for point in points})
    if doubled:
        problems.append(f"{doubled} points are the same as others: check [[list]] and [grid]")
    return points


def _point(
    table: Mapping[str, Any],
    header: Header,
    chosen: dict[str, Any],
    previous: dict[str, Point],
) -> Point:
    """One point; `previous` holds the last point of every line along the warm-start axis."""
    config = deepcopy({key: value for key, value in table.items() if key in SECTIONS})
    for path, value in chosen.items():
        set_path(config, path, value)
    derived = _derive(table.get("derived", {}), config)
    parent = None
    if header.warm_start is not None:
        line = digest({path: v for path, v in chosen.items() if path != header.warm_start})
        parent = previous.get(line)
    fingerprint = digest(
        {
            "format": _format(config),
            "table": config,
            "parent": None if parent is None else parent.fingerprint,
            "observables": header.observables,
            "reference": [header.reference.method, header.reference.values],
        }
    )
    point_id = _identifier(chosen, fingerprint)
    point = Point(
        point_id, chosen, derived, config, None if parent is None else parent.id, fingerprint
    )
    if header.warm_start is not None:
        previous[line] = point
    return point


def _format(config: dict[str, Any]) -> int:
    if _takes_signs(json.dumps([config.get("model"), config.get("lattice")], default=str)):
        return SIGNED
    return OPENED if _is_open(config) else FORMAT


@lru_cache
def _takes_signs(tables: str) -> bool:
    """Whether a run on the model and lattice of these tables turns spins by itself."""
    model, lattice = json.loads(tables)
    table = {"model": model} | ({} if lattice is None else {"lattice": lattice})
    try:
        config = config_from_table(table)
        return config.model.run_signs == KNOWN and (
            known_signs(config.hamiltonian()).rotation is not None
        )
    except (ValueError, TypeError):
        return False  # which validation refuses


def _is_open(config: Mapping[str, Any]) -> bool:
    """Whether a run's table leaves the number of restarts or the first density to `prepare`."""
    ansatz, run = (config.get(name, {}) for name in ("ansatz", "run"))
    if not isinstance(ansatz, Mapping) or not isinstance(run, Mapping):
        return False  # which validation refuses
    restarts = "n_restarts" not in run and "n_trials" not in run
    return "growth" in run or (restarts and ("tied" in ansatz or "project" in ansatz))


def _derive(rules: Mapping[str, Any], config: dict[str, Any]) -> dict[str, Any]:
    """Compute derived values in order and put settings among them into the configuration."""
    derived: dict[str, Any] = {}
    for path, text in flatten(rules).items():
        try:
            value = evaluate(text, flatten(config) | derived)
        except ValueError as error:
            raise ValueError(f"derived {path!r}: {error}") from None
        derived[path] = value
        if "." in path:
            set_path(config, path, value)
    return derived


def _identifier(chosen: dict[str, Any], fingerprint: str) -> str:
    """Such as `length=8_h=0.5_1f3a90c2`: readable, and safe as a file name."""
    words = [f"{path.rsplit('.', 1)[-1]}={value}" for path, value in chosen.items()]
    readable = "_".join(re.sub(r"[^A-Za-z0-9._=+-]+", "-", word) for word in words) or "point"
    return f"{readable[:80].strip('.-')}_{fingerprint[:10]}"
