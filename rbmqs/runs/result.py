"""What a run returns, and how it is read, plotted and written."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rbmqs.estimators.final import Estimate
from rbmqs.estimators.local import Correlations, correlations, expect, magnetisations
from rbmqs.estimators.stats import Stats
from rbmqs.runs.checkpoint import CONVENTION
from rbmqs.runs.log import netket_log
from rbmqs.runs.report import has_spin_units, report
from rbmqs.states.state import VariationalState
from rbmqs.utils.archive import write_atomically
from rbmqs.vmc.extensions.multistart import restart_energies
from rbmqs.vmc.records import StepRecord
from rbmqs.vmc.settings import RunSettings

if TYPE_CHECKING:
    from hamiltonians import PauliSum, Reference, SpinHamiltonian


@dataclass(frozen=True, eq=False)
class RunResult:
    """A finished or interrupted run.

    Parameters
    ----------
    hamiltonian : SpinHamiltonian
    psi : Wavefunction
        Optimised wavefunction.
    settings : RunSettings
    history : tuple of StepRecord
    estimate : Estimate or None
        Final estimate with fresh samples; None for an interrupted run.
    reference : Reference or None
        Best energy known, and where it is from.
    status : tuple of str
        What stands against trusting the energy, a sentence each; empty when nothing does.
    seconds : dict
        Wall-clock time of the parts of the run.
    interrupted : int or None
        Number of the signal that ended the run.
    directory : Path or None
        Where log and checkpoint are.
    compile_seconds : float
        How much of the time was compilation of kernels.
    n_refinement : int
        Iterations after those of the history for what final chains found, see `rbmqs.vmc.extensions.refinement`.
    """

    hamiltonian: SpinHamiltonian
    psi: VariationalState
    settings: RunSettings
    history: tuple[StepRecord, ...]
    estimate: Estimate | None
    reference: Reference | None
    status: tuple[str, ...]
    seconds: dict[str, float]
    interrupted: int | None = None
    directory: Path | None = None
    compile_seconds: float = 0.0
    n_refinement: int = 0

    @property
    def energy(self) -> Stats:
        """Total energy in Pauli units with its error: final estimate, or last iteration."""
        return self.estimate.energy if self.estimate else self.history[-1].energy

    @property
    def v_score(self) -> float:
        """V-score of the final estimate, nan without one."""
        return self.estimate.v_score if self.estimate else float("nan")

    @property
    def relative_error(self) -> float:
        """(E - E_reference) / |E_reference|, nan without a reference."""
        if self.reference is None:
            return float("nan")
        distance = self.energy.mean.real - self.reference.energy
        return distance / abs(self.reference.energy)

    @property
    def converged(self) -> bool:
        """Whether nothing stands against trusting the energy."""
        return not self.status

    def _samples(self) -> Estimate:
        if self.estimate is None:
            raise ValueError("an interrupted run has no final samples: resume it first")
        return self.estimate

    def expect(self, observable: PauliSum) -> Stats:
        """Expectation of any Pauli sum from the samples of the final estimate."""
        return expect(self.psi, self.hamiltonian, self._samples().samples, observable)

    def correlations(self) -> Correlations:
        """All two-point functions from the samples of the final estimate."""
        return correlations(self.psi, self.hamiltonian, self._samples().samples)

    def magnetisations(self) -> dict[str, Stats]:
        """Magnetisations per site from the samples of the final estimate."""
        return dict(magnetisations(self.psi, self.hamiltonian, self._samples().samples))

    def overlap(self) -> float:
        """Fidelity with the exact ground state (small sectors)."""
        from hamiltonians import Sector, ground_state

        sector = Sector(self.hamiltonian.n_sites, self.hamiltonian.total_sz)
        return self.psi.overlap(ground_state(self.hamiltonian).vector, sector)

    def plot(self, path: str | Path | None = None) -> Any:
        """Energy and error against iteration; variance and R-hat below.

        Parameters
        ----------
        path : str or Path, optional
            File to write; the matplotlib figure is returned either way.
        """
        from rbmqs.runs.plotting import plot_run

        return plot_run(self, path)

    def netket_log(self) -> dict[str, Any]:
        """History in the form of NetKet's JSON log."""
        return netket_log(self.history)

    def to_dict(self) -> dict[str, Any]:
        """Summary as plain JSON values."""
        return {
            "format": "rbmqs-result",
            "version": 1,
            "convention": CONVENTION,
            "hamiltonian": self.hamiltonian.describe(),
            "ansatz": self.psi.describe(),
            "settings": self.settings.describe(),
            "n_iterations": len(self.history),
            "energy": self.energy.to_dict(),
            "energy_per_site": self.energy.mean.real / self.hamiltonian.n_sites,
            "has_spin_units": has_spin_units(self.hamiltonian),
            "acceptance": None if self.estimate is None else self.estimate.acceptance,
            "energy_by_start": self._by_start(),
            "n_weightless_chains": 0 if self.estimate is None else self.estimate.n_weightless,
            "swap_rates": None if self.estimate is None else self.estimate.samples.swap_rates,
            "v_score": self.v_score,
            "reference": None if self.reference is None else vars(self.reference),
            "relative_error": self.relative_error,
            "converged": self.converged,
            "status": list(self.status),
            "seconds": self.seconds,
            "compile_seconds": self.compile_seconds,
            "n_refinement": self.n_refinement,
            "restart_energies": restart_energies(self.history, self.settings),
        }

    def _by_start(self) -> dict[str, Any]:
        """Final energies by kind of start, as plain JSON values."""
        by_start = {} if self.estimate is None else self.estimate.by_start
        return {kind: energy.to_dict() for kind, energy in by_start.items()}

    def save(self, directory: str | Path) -> None:
        """Write result.json and netket.log into a directory."""
        directory = Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        for name, content in (("result.json", self.to_dict()), ("netket.log", self.netket_log())):
            text = json.dumps(plain(content), indent=1 if name == "result.json" else None)
            write_atomically(directory / name, lambda file, t=text: file.write(t.encode()))

    def __str__(self) -> str:
        return report(self)


def plain(value: Any) -> Any:
    """The same JSON value with null for nan and infinity, which JSON does not know."""
    if isinstance(value, dict):
        return {key: plain(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
