"""What came out of a run: the data of a result and the numbers that follow from them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rbmqs.estimators.estimate import Estimate
from rbmqs.estimators.stats import Stats
from rbmqs.estimators.verdict import Verdict
from rbmqs.states.state import VariationalState
from rbmqs.vmc.records import StepRecord
from rbmqs.vmc.settings import RunSettings

if TYPE_CHECKING:
    from hamiltonians import Reference, Rotation, SpinHamiltonian

_SPIN_MODELS = ("heisenberg", "xxz", "xyz", "j1j2")


@dataclass(frozen=True, eq=False, repr=False)
class Outcome:
    """A finished or interrupted run; see `rbmqs.RunResult` for the fields."""

    hamiltonian: SpinHamiltonian
    psi: VariationalState
    settings: RunSettings
    history: tuple[StepRecord, ...]
    estimate: Estimate | None
    reference: Reference | None
    verdict: Verdict
    seconds: dict[str, float]
    interrupted: int | None = None
    directory: Path | None = None
    compile_seconds: float = 0.0
    n_refinement: int = 0
    n_iterations: int = 0
    run_id: str = ""
    solved: SpinHamiltonian | None = None

    @property
    def signs(self) -> Rotation | None:
        """The rotation that the run took by itself to know the signs of its ground state."""
        rotation = None if self.solved is None else self.solved.rotation
        return rotation if rotation is not None and rotation.automatic else None

    @property
    def energy(self) -> Stats:
        """Total energy in Pauli units with its error: final estimate, or last iteration."""
        return self.estimate.energy if self.estimate else self.history[-1].energy

    @property
    def acceptance(self) -> float:
        """Accepted share of the proposals: final estimate, or last iteration."""
        return (self.estimate or self.history[-1]).acceptance

    @property
    def v_score(self) -> float:
        """V-score of the final estimate, nan without one."""
        return self.estimate.v_score if self.estimate else math.nan

    @property
    def difference(self) -> float:
        """E - E_reference in Pauli units, nan without a reference."""
        if self.reference is None:
            return math.nan
        return float(self.energy.mean.real) - self.reference.energy

    @property
    def relative_error(self) -> float:
        """(E - E_reference) / |E_reference|, nan without a reference.

        The part of H that is a multiple of the identity does not count, and for levels in the
        middle of the spectrum the denominator is another one, see `SpinHamiltonian.size_of`.
        """
        if self.reference is None:
            return math.nan
        return self.hamiltonian.relative(self.difference, self.reference.energy)

    @property
    def status(self) -> tuple[str, ...]:
        """Reasons not to trust the energy, a sentence each; empty when there is none."""
        return self.verdict.reasons

    @property
    def converged(self) -> bool:
        """Whether there is no reason not to trust the energy."""
        return self.verdict.severity < 2

    @property
    def has_spin_units(self) -> bool:
        """Whether energies are also quoted in S = sigma / 2: two-spin couplings without a field."""
        spec = self.hamiltonian.spec
        if spec is None or spec.model not in _SPIN_MODELS or not has_pauli_units(self.hamiltonian):
            return False
        return all(len(string) in (0, 2) for string in self.hamiltonian.terms.terms)


def has_pauli_units(hamiltonian: SpinHamiltonian) -> bool:
    """Whether H is of Pauli matrices; a model that is given `spin`, 1/2 too, is of S_z and such."""
    spec = hamiltonian.spec
    return hamiltonian.is_spin_half and (spec is None or "spin" not in spec.parameters)
