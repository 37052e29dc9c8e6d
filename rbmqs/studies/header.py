"""The tables [study] and [reference] of a study file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hamiltonians.utils.checks import choice, short
from rbmqs.studies.axes import is_range
from rbmqs.studies.study import OBSERVABLES, REFERENCE_METHODS, ReferenceRule
from rbmqs.utils.tables import flatten

_STUDY_KEYS = ("name", "output", "observables", "warm_start", "ranks")
_RULE_KEYS = ("where", "energy_per_site", "source", "uncertainty")
_NO_WARM_START = ("lattice.", "ansatz.")


@dataclass(frozen=True)
class Header:
    """What a study says about itself rather than about its points; see `Study`."""

    name: str
    output: str
    observables: tuple[str, ...]
    warm_start: str | None
    reference: ReferenceRule
    ranks: int


def header_of(table: Mapping[str, Any], name: str, problems: list[str]) -> Header:
    """Read [study] and [reference], adding to `problems` what is wrong with them."""
    study = section_of(table, "study", _STUDY_KEYS, problems)
    title, output = names_of(study, name, problems)
    observables = study.get("observables", ["magnetisations"])
    if not isinstance(observables, list) or any(o not in OBSERVABLES for o in observables):
        problems.append(
            f"observables in [study] must be a list of {', '.join(OBSERVABLES)}, "
            f"got {short(observables)}"
        )
        observables = []
    warm_start = _warm_start(study.get("warm_start"), table, problems)
    ranks = study.get("ranks", 1)
    if type(ranks) is not int or ranks < 1:
        problems.append(f"ranks in [study] must be a whole number from 1 on, got {short(ranks)}")
    rule = _reference(table, problems)
    return Header(title, output, tuple(observables), warm_start, rule, ranks)


def section_of(
    table: Mapping[str, Any], name: str, known: tuple[str, ...], problems: list[str]
) -> Mapping[str, Any]:
    """A table within a study's, empty where it is none; its unknown keys are problems."""
    section = table.get(name, {})
    if not isinstance(section, Mapping):
        problems.append(f"{name} must be a table, got {short(section)}")
        return {}
    problems += [
        f"unknown key {key!r} in [{name}]; known: {', '.join(known)}"
        for key in section
        if key not in known
    ]
    return section


def names_of(study: Mapping[str, Any], name: str, problems: list[str]) -> tuple[str, str]:
    """Name of a study and the directory of its results, by default both that of its file."""
    title, output = study.get("name", name), study.get("output", name)
    for key, value in (("name", title), ("output", output)):
        if not isinstance(value, str) or not value:
            problems.append(f"{key} in [study] must be a text, got {short(value)}")
    return title, output


def _warm_start(axis: Any, table: Mapping[str, Any], problems: list[str]) -> str | None:
    if axis is None:
        return None
    grid = table.get("grid", {})
    axes = flatten(grid, is_range) if isinstance(grid, Mapping) else {}
    if not isinstance(axis, str) or axis not in axes:
        problems.append(f"warm_start in [study] must name an axis of [grid], got {short(axis)}")
        return None
    if axis.startswith(_NO_WARM_START):
        problems.append(f"warm_start cannot go along {axis!r}: the parameters would not fit")
    return axis


def _reference(table: Mapping[str, Any], problems: list[str]) -> ReferenceRule:
    section = section_of(table, "reference", ("method", "values"), problems)
    try:
        method = choice("method in [reference]", section.get("method", "best"), REFERENCE_METHODS)
    except ValueError as error:
        problems.append(str(error))
        method = "none"
    rules = section.get("values", [])
    if not isinstance(rules, list) or not all(isinstance(rule, Mapping) for rule in rules):
        problems.append("[[reference.values]] must be an array of tables")
        return ReferenceRule(method)
    for rule in rules:
        problems += [
            f"unknown key {key!r} in [[reference.values]]; known: {', '.join(_RULE_KEYS)}"
            for key in rule
            if key not in _RULE_KEYS
        ]
        if "energy_per_site" not in rule or not isinstance(rule.get("source"), str):
            problems.append("each of [[reference.values]] needs energy_per_site and a source")
    return ReferenceRule(method, tuple(dict(rule) for rule in rules))
