"""From the files of the points to the table of the study."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rbmqs.studies.provenance import provenance
from rbmqs.studies.schema import COLUMNS
from rbmqs.studies.storage import RECORD, STUDY, StudyDirectory
from rbmqs.studies.table import Table, from_rows
from rbmqs.utils.json_files import read_json
from rbmqs.utils.parsing import DamagedError, describing


def collect(root: str | Path) -> Table:
    """The table of the points that are done, in the order of the study.

    Parameters
    ----------
    root : path
        Directory of a study, or of a single run.

    Returns
    -------
    Table

    Raises
    ------
    DamagedError
        study.json or the record of a point cannot be read, or a file does not match its checksum.
    """
    root = Path(root)
    if not (root / STUDY).exists() and (root / "result.json").exists():
        return _single(root)
    directory = StudyDirectory(root)
    study, provenance = directory.study()
    rows = []
    for point in study:
        if directory.is_published(point.id):
            directory.verify(point.id, point.fingerprint)
            record = directory.point(point.id) / RECORD
            with describing(record):
                rows.append(_row(read_json(record)))
    with describing(root):
        return from_rows(rows, study.axes, {"study": study.name, **provenance}, root)


def _row(record: dict[str, Any]) -> dict[str, Any]:
    """Axes and derived values first, then the columns of the schema, none left out."""
    measured = {"id": record["id"], **record["row"]}
    settings = {
        path: _scalar(value) for path, value in (record["axes"] | record["derived"]).items()
    }
    return {
        "id": record["id"],
        **settings,
        **{column.name: measured.get(column.name) for column in COLUMNS},
    }


def _scalar(value: Any) -> Any:
    """Values of an axis that are lists or tables enter the table as text."""
    return value if isinstance(value, bool | int | float | str | None) else repr(value)


def _single(root: Path) -> Table:
    """A run by itself as a table of one row."""
    from rbmqs.runs.loading import read_files
    from rbmqs.studies.rows import row_of

    files = read_files(root)
    result = files.result
    if not result:
        raise DamagedError(
            f"{root} has no result of its present state: {files.missing[-1]}: resume it"
        )
    if "has_spin_units" not in result:
        raise DamagedError(f"{root / 'result.json'} is not a result of this version of rbmqs")
    with describing(root / "result.json"):
        if files.missing:
            status = [*files.missing, *(x for x in result["status"] if x not in files.missing)]
            result |= {"converged": False, "status": status}
        measured = row_of(result, files.history)
        measured |= {"id": root.name, "seconds": sum(result["seconds"].values())}
        row = {column.name: measured.get(column.name) for column in COLUMNS}
        return from_rows([row], (), {"study": root.name, **provenance()}, root)
