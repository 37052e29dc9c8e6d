"""The content of a report, before it becomes HTML or Markdown."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from rbmqs.runs.log import LOG, read_log
from rbmqs.runs.status import split_reasons, status_word
from rbmqs.studies.collecting import collect
from rbmqs.studies.figures import FIGURES, NothingToDrawError
from rbmqs.studies.numbers import MISSING, known, short, with_error
from rbmqs.studies.reports.command import command_of
from rbmqs.studies.reports.diagnosis import deviation, remark_of, warnings_of
from rbmqs.studies.storage import SOURCE, STUDY, StudyDirectory
from rbmqs.studies.study import Point, Study
from rbmqs.studies.table import Table
from rbmqs.utils.json_files import plain, read_json
from rbmqs.utils.parsing import describing, read_text
from rbmqs.utils.tables import flatten
from rbmqs.vmc.settings import RunSettings

# A level of a verdict in the words of docs/verdicts.md.
LEVELS = {
    "settled": "the energy has stopped falling",
    "still falling": "the energy was still falling, or its noise hides whether it was: run longer",
    "stuck": "steps were undone, or the chains did not move",
    "unfinished": "it was interrupted, or there were too few iterations to judge",
    "measured": "no iterations were asked for",
    "trustworthy": "nothing speaks against it",
    "heavy-tailed": "few samples carry the variance; the bias that this can hide is small",
    "refused": "do not quote it: the warnings say why",
    "accurate": "within 1 % of the reference or, without one, by variance and signs",
    "far": "further than 1 % from the reference, or the error bar allows it",
    "unknown": "nothing tells that this is the lowest level",
}
_FIGURE_ERRORS = (NothingToDrawError, KeyError, ValueError)


@dataclass(frozen=True)
class Report:
    """Everything that a report says.

    Parameters
    ----------
    title, summary : str
    verdicts : list of (part, level, meaning)
        Of a single run: optimisation, error bar and accuracy.
    settings : str
        The study file, or the settings of a single run that were chosen.
    facts : dict of str to str
        Convention, versions, host and the command that reproduces it.
    heads : tuple of str
    rows : list of tuple of str
        The table of energies as shown.
    warnings, remarks, failures : list of (point, sentence)
    figures : dict of str to (caption, PNG bytes)
    """

    title: str
    summary: str
    verdicts: list[tuple[str, str, str]]
    settings: str
    facts: dict[str, str]
    heads: tuple[str, ...]
    rows: list[tuple[str, ...]]
    warnings: list[tuple[str, str]]
    remarks: list[tuple[str, str]]
    failures: list[tuple[str, str]]
    figures: dict[str, tuple[str, bytes]]


def content_of(root: str | Path) -> Report:
    """Gather a report from the directory of a study or of a run."""
    root = Path(root)
    table = collect(root)
    with describing(root):
        return _content(root, table)


def _content(root: Path, table: Table) -> Report:
    study = StudyDirectory(root).study()[0] if (root / STUDY).exists() else None
    points = () if study is None else study.points
    names = [str(name) for name in table["id"]] if len(table) else []
    warnings = [(name, text) for k, name in enumerate(names) for text in warnings_of(table, k)]
    remarks = [(name, text) for k, name in enumerate(names) if (text := remark_of(table, k))]
    failures = _failures(root, points, set(names))
    heads, rows = _without_empty(_heads(table), [_cells(table, k) for k in range(len(table))])
    title, summary = table.meta["study"], _summary(len(points) or 1, table, len(failures))
    verdicts: list[tuple[str, str, str]] = []
    if study is None and len(rows) == 1:  # one value to a line fits a narrow screen
        heads, rows = ("quantity", "value"), list(zip(heads, rows[0], strict=True))
        title, summary = str(table["hamiltonian"][0]), _in_words(table)
        verdicts = [
            (part, level, LEVELS.get(level, ""))
            for part in ("optimisation", "error bar", "accuracy")
            if (level := str(table[part.replace(" ", "_")][0]))
        ]
    return Report(
        title=title,
        summary=summary,
        verdicts=verdicts,
        settings=_settings(root, points),
        facts=_facts(root, study, table),
        heads=heads,
        rows=rows,
        warnings=warnings,
        remarks=remarks,
        failures=failures,
        figures=_figures(table) if len(table) else {},
    )


def _summary(n_all: int, table: Table, n_failed: int) -> str:
    n_converged = int(table["converged"].astype(bool).sum()) if len(table) else 0
    failed = f", {n_failed} failed" if n_failed else ""
    return f"{len(table)} of {n_all} points done{failed}; {n_converged} converged."


def _in_words(table: Table) -> str:
    """What a single run did, and what came out."""
    row = {name: table[name][0] for name in table.columns}
    sector = f", total S_z = {row['total_sz']:g}" if np.isfinite(row["total_sz"]) else ""
    energy = with_error(float(row["energy"]), float(row["energy_error"]))
    form = "a wavefunction with"
    if row["n_hidden"] > 0:
        form = f"an RBM with {row['n_hidden']:.0f} hidden units and"
    text = (
        f"The lowest energy of {row['hamiltonian']} ({row['n_sites']:.0f} sites{sector}) was "
        f"sought by variational Monte Carlo: {form} {row['n_parameters']:.0f} parameters, "
        f"{row['n_iterations']:.0f} iterations. The energy is {energy} in Pauli units"
    )
    if not np.isfinite(row["reference"]):
        return f"{text}; no reference is known."
    return (
        f"{text}, {short(abs(float(row['relative_error'])))} relative to the reference "
        f"{row['reference']:.8g} ({row['reference_source']})."
    )


def _chosen(settings: dict[str, Any]) -> str:
    """Settings that are not the defaults, one a line."""
    by_place = partial(flatten, is_leaf=lambda value: "initial" in value)
    default = by_place(plain(RunSettings().describe()))
    chosen = {k: v for k, v in by_place(settings).items() if v is not None and v != default.get(k)}
    return "\n".join(f"{k} = {json.dumps(v)}" for k, v in chosen.items()) or "all are the defaults"


def _settings(root: Path, points: Sequence[Point]) -> str:
    if (root / SOURCE).exists():
        return read_text(root / SOURCE)
    if points:
        return json.dumps([point.table for point in points[:1]], indent=1)
    return _chosen(read_json(root / "result.json")["settings"])


def _facts(root: Path, study: Study | None, table: Table) -> dict[str, str]:
    facts = {key: value for key, value in table.meta.items() if key != "study"}
    if (root / SOURCE).exists():
        facts["command"] = f"rbmqs study run {SOURCE}"
    elif study is None:
        settings = read_json(root / "result.json")["settings"]
        facts["command"] = command_of({**read_log(root / LOG)[0], "settings": settings})
    return facts


def _heads(table: Table) -> tuple[str, ...]:
    axes = tuple(axis.rsplit(".", 1)[-1] for axis in table.axes)
    energies = (
        "energy per site (Pauli)",
        "energy per site (S = σ/2)",
        "at zero variance",
        "reference per site",
    )
    return (*axes, *energies, "error bars", "V-score", "R-hat", "tau", "acceptance", "status")


def _cells(table: Table, row: int) -> tuple[str, ...]:
    def at(name: str) -> float:
        return float(table[name][row])

    n = at("n_sites")
    return (
        *(known(table[axis][row]) for axis in table.axes),
        with_error(at("energy_per_site"), at("energy_per_site_error")),
        with_error(at("energy_per_site_spin"), at("energy_per_site_spin_error")),
        with_error(at("energy_zero_variance") / n, at("energy_zero_variance_error") / n),
        with_error(at("reference") / n, at("reference_uncertainty") / n),
        short(deviation(table, row)),
        short(at("v_score")),
        short(at("r_hat"), 4),
        short(at("tau")),
        short(at("acceptance")),
        status_word(split_reasons(str(table["status"][row]))),
    )


def _without_empty(
    heads: tuple[str, ...], rows: list[tuple[str, ...]]
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The table without the columns that hold no value at all."""
    kept = [k for k in range(len(heads)) if not rows or any(row[k] != MISSING for row in rows)]
    return tuple(heads[k] for k in kept), [tuple(row[k] for k in kept) for row in rows]


def _failures(root: Path, points: Sequence[Point], done: set[str]) -> list[tuple[str, str]]:
    paths = {point.id: StudyDirectory(root).failure(point.id) for point in points}
    return [
        (name, str(read_json(path)["error"]))
        for name, path in paths.items()
        if name not in done and path.exists()
    ]


def _figures(table: Table) -> dict[str, tuple[str, bytes]]:
    """Every figure of the gallery that the table has data for."""
    found = {}
    for name, (caption, draw) in FIGURES.items():
        try:
            figure = draw(table)
        except _FIGURE_ERRORS:
            continue
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=110)
        found[name] = (caption, buffer.getvalue())
    return found
