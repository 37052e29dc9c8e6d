"""Studies: many runs from one file, resumable at any moment, ending in a table and figures.

>>> from rbmqs.studies import read_study, run_study, load_table
>>> run_study(read_study("study.toml"), "runs/transition")
>>> table = load_table("runs/transition")
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "Extrapolation": "fits",
    "Point": "study",
    "Study": "study",
    "StudyError": "study",
    "StudyOutcome": "running",
    "Table": "table",
    "collect": "collecting",
    "extrapolate_sizes": "fits",
    "extrapolate_variance": "fits",
    "load_arrays": "points",
    "load_history": "points",
    "load_table": "table_files",
    "load_wavefunction": "points",
    "make_executor": "executors",
    "read_study": "reading",
    "run_study": "running",
    "study_from_table": "reading",
    "write_report": "reports",
    "zero_variance_energy": "zero_variance",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"rbmqs.studies.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'rbmqs.studies' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
