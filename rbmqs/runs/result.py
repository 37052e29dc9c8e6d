"""What a run returns, and how it is read, measured, plotted and written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hamiltonians.utils.brief import Rows, Tabled
from rbmqs.estimators.estimate import Estimate
from rbmqs.estimators.observables import Correlations
from rbmqs.estimators.stats import Stats
from rbmqs.runs.checkpoint import CONVENTION
from rbmqs.runs.log import netket_log
from rbmqs.runs.outcome import Outcome
from rbmqs.runs.report import summary_of
from rbmqs.utils.json_files import write_json
from rbmqs.vmc.extensions.multistart import restart_energies

if TYPE_CHECKING:
    from hamiltonians import PauliSum
    from rbmqs.estimators.observables.renyi import RenyiEntropy
    from rbmqs.estimators.observables.structure import StructureFactor


RESULT = "result.json"


@dataclass(frozen=True, eq=False, repr=False)
class RunResult(Tabled, Outcome):
    """A finished or interrupted run.

    Parameters
    ----------
    hamiltonian : SpinHamiltonian
    psi : VariationalState
        Optimised wavefunction.
    settings : RunSettings
    history : tuple of StepRecord
    estimate : Estimate or None
        Final estimate with fresh samples; None for an interrupted run.
    reference : Reference or None
        Best energy known, and where it is from.
    verdict : Verdict
        On the optimisation, the error bar and the accuracy; `status` has the reasons in it not to
        trust the energy.
    seconds : dict
        Wall-clock time of the parts of the run.
    interrupted : int or None
        Number of the signal that ended the run.
    directory : Path or None
        Where log and checkpoint are.
    compile_seconds : float
        How much of the time was compilation of kernels.
    n_refinement : int
        Iterations after those of the history, with chains of the final estimate that were stuck
        (`rbmqs.vmc.extensions.refinement`).
    n_iterations : int
        Those done, the history's unless its log was damaged.
    run_id : str
        What log, checkpoint and result of one run have in common; without meaning.
    solved : SpinHamiltonian or None
        The Hamiltonian in the basis in which the run worked, which may be that of known signs.
    """

    @property
    def final(self) -> Estimate:
        """The final estimate; every observable comes from its samples.

        Raises
        ------
        ValueError
            The run was interrupted.
        """
        if self.estimate is None:
            raise ValueError(
                "an interrupted run has no final samples: resume it first, or measure what it "
                "saved with rbmqs.load"
            )
        return self.estimate

    def expect(self, observable: PauliSum) -> Stats:
        """Expectation of any Pauli sum from the samples of the final estimate."""
        return self.final.expect(observable)

    def correlations(self) -> Correlations:
        """All two-point functions from the samples of the final estimate."""
        return self.final.correlations()

    def magnetisations(self) -> dict[str, Stats]:
        """Magnetisations per site from the samples of the final estimate."""
        return self.final.magnetisations()

    def structure_factor(self, **options: Any) -> StructureFactor:
        """Static structure factor, see `rbmqs.Estimate.structure_factor`."""
        return self.final.structure_factor(**options)

    def renyi(self, sites: Iterable[int]) -> RenyiEntropy:
        """Renyi entropy of order 2 of a region of sites."""
        return self.final.renyi(sites)

    def overlap(self) -> float:
        """Fidelity with the exact ground state (small sectors)."""
        from hamiltonians import ground_state
        from hamiltonians.operators.spin_sectors import sector_of

        sector = sector_of(self.hamiltonian.local_space, self.hamiltonian.total_sz)
        return self.psi.overlap(ground_state(self.hamiltonian).vector, sector)

    def plot(self, path: str | Path | None = None, *, ax: Any = None) -> Any:
        """Energy and error against iteration; variance and R-hat below.

        Parameters
        ----------
        path : str or Path, optional
            File to write; the matplotlib figure is returned either way.
        ax : sequence of three Axes, optional
            To draw into, in place of a new figure.
        """
        from rbmqs.runs.plotting import plot_run

        return plot_run(self, path, ax=ax)

    def netket_log(self) -> dict[str, Any]:
        """History in the form of NetKet's JSON log."""
        return netket_log(self.history)

    def to_dict(self) -> dict[str, Any]:
        """Summary as plain JSON values."""
        return {
            "format": "rbmqs-result",
            "version": 1,
            "convention": CONVENTION,
            "hamiltonian": (self.solved or self.hamiltonian).describe(),
            "ansatz": self.psi.describe(),
            "settings": self.settings.describe(),
            "run_id": self.run_id,
            "n_iterations": self.n_iterations,
            "energy": self.energy.to_dict(),
            "energy_per_site": self.energy.mean.real / self.hamiltonian.n_sites,
            "has_spin_units": self.has_spin_units,
            "acceptance": None if self.estimate is None else self.estimate.acceptance,
            "energy_by_start": self._by_start(),
            "n_weightless_chains": 0 if self.estimate is None else self.estimate.n_weightless,
            "swap_rates": None if self.estimate is None else self.estimate.samples.swap_rates,
            "v_score": self.v_score,
            "reference": None if self.reference is None else vars(self.reference),
            "relative_error": self.relative_error,
            "converged": self.converged,
            "status": list(self.status),
            "verdict": self.verdict.to_dict(),
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
        write_json(directory / RESULT, self.to_dict())
        write_json(directory / "netket.log", self.netket_log(), indent=None)

    def summary(self) -> tuple[str, Rows]:
        """See `rbmqs.runs.report`."""
        return summary_of(self)
