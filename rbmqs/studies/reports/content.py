"""The content of a report, before it becomes HTML or Markdown."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

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
from rbmqs.utils.json_files import read_json
from rbmqs.utils.parsing import describing, read_text

_FIGURE_ERRORS = (NothingToDrawError, KeyError, ValueError)


@dataclass(frozen=True)
class Report:
    """Everything that a report says.

    Parameters
    ----------
    title, summary : str
    settings : str
        The study file, or the settings of a single run.
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
    return Report(
        title=table.meta["study"],
        summary=_summary(len(points) or 1, table, len(failures)),
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


def _settings(root: Path, points: Sequence[Point]) -> str:
    if (root / SOURCE).exists():
        return read_text(root / SOURCE)
    if points:
        return json.dumps([point.table for point in points[:1]], indent=1)
    return json.dumps(read_json(root / "result.json")["settings"], indent=1)


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
