"""Studies: many runs from one file, resumable at any moment, ending in a table and figures.

>>> from rbmqs.studies import read_study, run_study, load_table
>>> run_study(read_study("study.toml"), "runs/transition")
>>> table = load_table("runs/transition")
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "Extrapolation": "rbmqs.estimators.fits",
    "Point": "rbmqs.studies.study",
    "Study": "rbmqs.studies.study",
    "StudyError": "rbmqs.studies.study",
    "StudyOutcome": "rbmqs.studies.running",
    "Table": "rbmqs.studies.table",
    "collect": "rbmqs.studies.collecting",
    "extrapolate_sizes": "rbmqs.estimators.fits",
    "extrapolate_variance": "rbmqs.estimators.fits",
    "load_arrays": "rbmqs.studies.points",
    "load_history": "rbmqs.studies.points",
    "load_table": "rbmqs.studies.table_files",
    "load_wavefunction": "rbmqs.studies.points",
    "make_executor": "rbmqs.studies.executors",
    "read_study": "rbmqs.studies.reading",
    "run_study": "rbmqs.studies.running",
    "study_from_table": "rbmqs.studies.reading",
    "write_report": "rbmqs.studies.reports",
    "zero_variance_energy": "rbmqs.runs.zero_variance",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'rbmqs.studies' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
