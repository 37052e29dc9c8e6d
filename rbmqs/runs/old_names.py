"""Names and units that files of earlier versions use, and what they are now."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian
    from rbmqs.vmc.run_state import RunState

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
REMOVED = {"relative_shift": 0.0, "min_snr": 0.0}  # of the optimiser, with what says "none"


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
    if "max_step" in table and "diag_shift" in table:  # all settings of an optimiser
        table = {k: v for k, v in table.items() if k not in REMOVED or v != REMOVED[k]}
    return {RENAMED.get(key, key): with_new_names(value, note=note) for key, value in table.items()}


def state_in_units_of_couplings(state: RunState, hamiltonian: SpinHamiltonian) -> RunState:
    """The state of a run whose loop worked in Pauli units, in those of `rbmqs.vmc.loop`."""
    unit, trace = hamiltonian.coupling_scale, hamiltonian.trace
    if unit == 1 and trace == 0:
        return state
    optimiser, good = state.optimiser, state.last_good
    squares = None if optimiser.squares is None else optimiser.squares / unit**2
    optimiser = replace(optimiser, direction=optimiser.direction / unit, squares=squares)
    if good is not None:
        energy = replace(
            good.energy,
            mean=(good.energy.mean - trace) / unit,
            error_of_mean=good.energy.error_of_mean / unit,
            variance=good.energy.variance / unit**2,
        )
        good = replace(good, energy=energy)
    state = replace(state, optimiser=optimiser, last_good=good)
    starts = dict(state.of("multistart"))
    if starts:
        starts["energies"] = [(energy - trace) / unit for energy in starts["energies"]]
        starts["total"] = (starts["total"] - trace * starts["n_judged"]) / unit
        state = state.with_extension("multistart", starts)
    return state
