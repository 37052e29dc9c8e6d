"""Names that files of earlier versions use, and what they are called now."""

from __future__ import annotations

import warnings
from typing import Any

RENAMED = {
    "scout_share": "probe_share",
    "n_trials": "n_restarts",
    "trial_iterations": "restart_iterations",
    "n_astray": "n_outlying",
    "n_lost": "n_stuck",
    "trial": "restart",
    "n_settling": "n_refinement",
    "trial_energies": "restart_energies",
}


def with_new_names(table: Any, *, note: bool = False) -> Any:
    """A nested table with its old keys renamed.

    Parameters
    ----------
    note : bool
        Tell about each renamed key by a `FutureWarning`: for files that people write.
    """
    if not isinstance(table, dict):
        return table
    for old in RENAMED.keys() & table.keys() if note else ():
        text = f"the setting {old} is now called {RENAMED[old]}: please rename it"
        warnings.warn(text, FutureWarning, stacklevel=2)
    return {RENAMED.get(key, key): with_new_names(value, note=note) for key, value in table.items()}
