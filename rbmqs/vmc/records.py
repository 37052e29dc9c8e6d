"""The records that leave the loop; log, checkpoint, plot and report are functions of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from rbmqs.estimators.stats import Stats

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian

# Keys of log lines from before extensions reported by name.
_BEFORE_EXTRAS = {
    "n_outlying": ("probe_chains", "n_outlying"),
    "n_stuck": ("probe_chains", "n_stuck"),
    "restart": ("multistart", "restart"),
}


@dataclass(frozen=True)
class StepRecord:
    """One iteration of a run.

    Parameters
    ----------
    iteration : int
        From 0; the energy is that of the parameters before the step.
    energy : Stats
        Total energy in Pauli units.
    acceptance : float
        Share of accepted proposals.
    solve : dict
        What the solver reports (see `rbmqs.sr.SRSolution.summary`), forces in units of J; empty
        after a bad step.
    learning_rate : float
        In use, in units of 1 / J, after damping and the limit on the length of a step.
    step_length : float
        Fubini-Study distance moved.
    predicted_change : float
        First-order change of the energy.
    damping : float
        1 in a healthy run, less after a step was undone.
    status : str
        Empty, or why the previous step was undone.
    summed : bool
        Whether the energy is a sum over all configurations, see `rbmqs.vmc.full_summation`.
    extras : mapping
        What each extension reports, by its name: plain JSON values by name.
    """

    iteration: int
    energy: Stats
    acceptance: float
    solve: dict[str, Any] = field(default_factory=dict)
    learning_rate: float = 0.0
    step_length: float = 0.0
    predicted_change: float = 0.0
    damping: float = 1.0
    status: str = ""
    summed: bool = False
    extras: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def extra(self, extension: str, key: str) -> Any:
        """A number that an extension reports; 0 where it reports none."""
        return self.extras.get(extension, {}).get(key, 0)

    def in_pauli_units(self, hamiltonian: SpinHamiltonian) -> StepRecord:
        """The record of a loop, which works in units of the couplings without the trace."""
        unit, trace = hamiltonian.coupling_scale, hamiltonian.trace
        if unit == 1 and trace == 0:
            return self
        energy = replace(
            self.energy,
            mean=unit * self.energy.mean + trace,
            error_of_mean=unit * self.energy.error_of_mean,
            error_of_imag=unit * self.energy.error_of_imag,
            variance=unit * unit * self.energy.variance,
        )
        return replace(self, energy=energy, predicted_change=unit * self.predicted_change)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able form: one line of the log."""
        return {**vars(self), "energy": self.energy.to_dict()}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> StepRecord:
        """The record of one line of a log, of an older one too."""
        values = {**data, "energy": stats_from_dict(data["energy"])}
        extras = {name: dict(found) for name, found in values.pop("extras", {}).items()}
        for old, (name, key) in _BEFORE_EXTRAS.items():
            if values.pop(old, 0):
                extras.setdefault(name, {})[key] = data[old]
        return cls(**values, extras=extras)


def stats_from_dict(data: dict[str, Any]) -> Stats:
    """Stats from its JSON form: null becomes nan, two numbers a complex mean."""
    values: dict[str, Any] = {
        key: float("nan") if value is None else value for key, value in data.items()
    }
    mean = values["mean"]
    if isinstance(mean, dict):
        parts = [float("nan") if mean[k] is None else mean[k] for k in ("real", "imag")]
        values["mean"] = complex(*parts)
    return Stats(**values)
