"""What the directory of a finished point holds, read back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hamiltonians.utils.archive import read_arrays
from rbmqs.studies.quenches import read_curves
from rbmqs.studies.storage import StudyDirectory
from rbmqs.studies.work import CORRELATIONS

if TYPE_CHECKING:
    from rbmqs.states.state import VariationalState
    from rbmqs.vmc.records import StepRecord


def load_wavefunction(root: str | Path, point_id: str) -> VariationalState:
    """Optimised parameters of a point.

    Parameters
    ----------
    root : path
        Directory of the study.
    point_id : str
        The point, as in the column `id` of the table.

    Returns
    -------
    VariationalState
    """
    from rbmqs.runs.resume import wavefunction_of

    return wavefunction_of(_directory(root, point_id))


def load_history(root: str | Path, point_id: str) -> list[StepRecord]:
    """Every iteration of a point.

    Parameters
    ----------
    root : path
        Directory of the study.
    point_id : str
        The point, as in the column `id` of the table.

    Returns
    -------
    list of StepRecord
    """
    from rbmqs.runs.log import LOG, read_log

    return read_log(_directory(root, point_id) / LOG)[1]


def load_arrays(root: str | Path, point_id: str) -> dict[str, np.ndarray]:
    """Correlation functions and structure factor of a point; empty where not measured.

    Parameters
    ----------
    root : path
        Directory of the study.
    point_id : str
        The point, as in the column `id` of the table.

    Returns
    -------
    dict of str to array
    """
    path = _directory(root, point_id) / CORRELATIONS
    if not path.exists():
        return {}
    return read_arrays(path)


def load_quench(root: str | Path, point_id: str) -> dict[str, np.ndarray]:
    """Curves of the observables along the evolution of a study point.

    Parameters
    ----------
    root : str or Path
        Directory of the study.
    point_id : str

    Returns
    -------
    dict of str to array (n_times,)
        ``times``, each observable with its ``_error``, and its ``_exact`` where exact values are
        known; empty where the point has no table [quench].

    Raises
    ------
    FileNotFoundError
        There is no such study.
    """
    return read_curves(_directory(root, point_id))


def _directory(root: str | Path, point_id: str) -> Path:
    """Directory of a point, or of a run by itself."""
    directory = StudyDirectory(root).point(point_id)
    if not directory.exists() and not Path(root).exists():
        raise FileNotFoundError(f"no study or run in {root}")
    return directory if directory.exists() else Path(root)
