"""The records that leave the loop; log, checkpoint, plot and report are functions of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rbmqs.estimators.stats import Stats


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
        What the solver reports (see `rbmqs.sr.SRSolution.summary`).
    learning_rate : float
        In use, after damping and the limit on the length of a step.
    step_length : float
        Fubini-Study distance moved.
    predicted_change : float
        First-order change of the energy.
    damping : float
        1 in a healthy run, less after a step was undone.
    status : str
        Empty, or why the previous step was undone.
    n_outlying : int
        Configurations of probe chains that joined the equations, see `rbmqs.vmc.extensions.probe_chains`.
    summed : bool
        Whether the energy is a sum over all configurations, see `rbmqs.vmc.full_summation`.
    restart : int
        Restarts that were over before, see `rbmqs.vmc.extensions.multistart`.
    n_stuck : int
        Chains that the energy is without, see `rbmqs.estimators.outlier_chains`.
    """

    iteration: int
    energy: Stats
    acceptance: float
    solve: dict[str, Any]
    learning_rate: float
    step_length: float
    predicted_change: float
    damping: float
    status: str = ""
    n_outlying: int = 0
    summed: bool = False
    restart: int = 0
    n_stuck: int = 0

    def to_dict(self) -> dict[str, Any]:
        """JSON-able form: one line of the log."""
        return {
            "iteration": self.iteration,
            "energy": self.energy.to_dict(),
            "acceptance": self.acceptance,
            "solve": self.solve,
            "learning_rate": self.learning_rate,
            "step_length": self.step_length,
            "predicted_change": self.predicted_change,
            "damping": self.damping,
            "status": self.status,
            "n_outlying": self.n_outlying,
            "summed": self.summed,
            "restart": self.restart,
            "n_stuck": self.n_stuck,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> StepRecord:
        """The record of one line of a log."""
        return cls(**{**data, "energy": stats_from_dict(data["energy"])})


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
