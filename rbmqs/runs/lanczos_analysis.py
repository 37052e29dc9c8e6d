"""All that a finished run says about the exact energy: Lanczos steps, extrapolations, bounds."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hamiltonians.utils.brief import Rows, Tabled
from hamiltonians.utils.checks import number
from rbmqs.estimators.lanczos.bounds import (
    CONFIDENCE,
    Bound,
    check_confidence,
    temple_lower_bound,
    variational_upper_bound,
    weinstein_lower_bound,
)
from rbmqs.estimators.lanczos.extrapolation import extrapolate_step
from rbmqs.estimators.lanczos.powers import local_powers
from rbmqs.estimators.lanczos.state import EnergyVariance, energy_variance
from rbmqs.estimators.lanczos.step import LanczosStep, check_steps, step_from_powers, thinned
from rbmqs.runs.loading import load
from rbmqs.runs.zero_variance import zero_variance_energy

if TYPE_CHECKING:
    from hamiltonians import Reference, SpinHamiltonian


@dataclass(frozen=True, eq=False, repr=False)
class Analysis(Tabled):
    """What is known about the ground-state energy; total energies in Pauli units.

    Parameters
    ----------
    hamiltonian : SpinHamiltonian
    plain : EnergyVariance
        Of psi, from all samples of the final estimate.
    step : LanczosStep or None
        From some of them; None for an eigenstate.
    extrapolated : dict of str to (float, float)
        Value and error at zero variance: "from the step" and "along the run", where possible.
    bounds : tuple of Bound
        Upper ones from psi and psi', lower ones from psi.
    reference : Reference or None
    missing : tuple of str
        Why a number could not be had.
    status : tuple of str
        Reasons not to trust the numbers that there are.
    """

    hamiltonian: SpinHamiltonian
    plain: EnergyVariance
    step: LanczosStep | None
    extrapolated: dict[str, tuple[float, float]]
    bounds: tuple[Bound, ...]
    reference: Reference | None
    missing: tuple[str, ...]
    status: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-able form."""
        found = self.extrapolated.items()
        return {
            "format": "rbmqs-lanczos",
            "version": 1,
            **vars(self),
            "hamiltonian": self.hamiltonian.describe(),
            "plain": self.plain.to_dict(),
            "step": None if self.step is None else self.step.to_dict(),
            "extrapolated": {name: {"energy": e, "error": error} for name, (e, error) in found},
            "bounds": [bound.to_dict() for bound in self.bounds],
            "reference": None if self.reference is None else vars(self.reference),
        }

    def summary(self) -> tuple[str, Rows]:
        """Every energy, bound and sentence."""
        states = {"psi": self.plain}
        if self.step:
            n_steps = len(self.step.coefficients)
            states["Lanczos step" if n_steps == 1 else f"{n_steps} Lanczos steps"] = self.step.after
        rows = [(name, self._state(state)) for name, state in states.items()]
        rows += [(name, self._energy(*energy)) for name, energy in self.extrapolated.items()]
        if self.reference is None:
            rows.append(("reference", "none known for this Hamiltonian and sector"))
        else:
            known = self.reference
            rows.append((known.kind, f"{self._energy(known.energy, None)}  ({known.source})"))
        rows += [("bound", str(bound)) for bound in self.bounds]
        rows += [("not to be had", sentence) for sentence in self.missing]
        rows += [("status", sentence) for sentence in self.status or ("good",)]
        return f"{self.hamiltonian.name}\n", rows

    def _state(self, state: EnergyVariance) -> str:
        energy, variance = state.energy, state.variance
        return (
            self._energy(energy.mean.real, energy.error_of_mean)
            + f"  variance {variance.mean.real:.4g} +- {variance.error_of_mean:.1g}"
        )

    def _energy(self, value: float, error: float | None) -> str:
        """Total, per site, and how far from the reference."""
        bar = "" if error is None else f" +- {error:.1e}"
        text = f"{value:.8f}{bar}  ({value / self.hamiltonian.n_sites:.8f} per site)"
        if error is None or self.reference is None:
            return text
        exact = self.reference.energy
        relative = self.hamiltonian.relative(value - exact, exact)
        return f"{text}  {relative:+.1e} relative"


def analyse_run(
    directory: str | Path,
    *,
    n_steps: int = 1,
    max_samples: int | None = None,
    first_excited: float | None = None,
    confidence: float = CONFIDENCE,
    progress: bool = True,
) -> Analysis:
    """Read a run's wavefunction, sample it afresh and draw the conclusions.

    Parameters
    ----------
    directory : path
        Of a finished run.
    n_steps : int
        Lanczos steps, 1 to 3; see `lanczos_step`.
    max_samples : int, optional
        For the Lanczos steps, out of those of the final estimate; see `lanczos_step`.
    first_excited : float, optional
        Lower bound of the first level above the ground state, for lower bounds.
    confidence : float
        Of the bounds.
    progress : bool
        Show a progress bar on standard error.

    Raises
    ------
    FileNotFoundError, CheckpointError
        As in `rbmqs.resume`.
    ValueError
        `max_samples` below the number of chains, `confidence` beyond 0.5 to 1, more steps than 3.
    """
    check_confidence(confidence)
    check_steps(n_steps)
    if first_excited is not None:
        number("first_excited", first_excited)
    run = load(directory, progress=progress)
    psi, hamiltonian, estimate = run.psi, run.hamiltonian, run.final
    plain = energy_variance(psi, hamiltonian, estimate.samples)
    notes = _Notes()
    samples = estimate.samples if max_samples is None else thinned(estimate.samples, max_samples)
    powers = local_powers(psi, hamiltonian, samples, progress, n_steps + 1)
    step = notes.attempt(step_from_powers, powers)
    extrapolated = {}
    along = zero_variance_energy(run.history, plain.energy, estimate.v_score)
    if math.isfinite(along[0]):
        extrapolated["along the run"] = along
    if step is not None:
        fit = notes.attempt(extrapolate_step, step)
        if fit is not None:
            extrapolated["from the step"] = (fit.value, fit.error)
    states = [plain] if step is None else [plain, step.after]
    bounds = _bounds(states, first_excited, confidence, notes)
    status = (*estimate.warnings, *(() if step is None else step.status))
    missing = tuple(notes.sentences)
    return Analysis(hamiltonian, plain, step, extrapolated, bounds, run.reference, missing, status)


class _Notes:
    """Collects why something could not be had."""

    def __init__(self) -> None:
        self.sentences: list[str] = []

    def attempt(self, make: Callable[..., Any], *arguments: Any) -> Any:
        """The value, or None and a note."""
        try:
            return make(*arguments)
        except ValueError as error:
            if str(error) not in self.sentences:
                self.sentences.append(str(error))
            return None


def _bounds(
    states: list[EnergyVariance],
    first_excited: float | None,
    confidence: float,
    notes: _Notes,
) -> tuple[Bound, ...]:
    """The lowest upper bound of all states, and the lower bounds of the first, psi.

    Sampled variances behind a Lanczos step may miss rare configurations that carry most of them: of
    24 sets of 4,096 samples of a chain of 8 sites, 3 were more than 3 bars too low.
    """
    each = 1 - (1 - confidence) / len(states)
    upper = [notes.attempt(variational_upper_bound, state.energy, each) for state in states]
    found = [min((bound for bound in upper if bound), key=lambda bound: bound.value, default=None)]
    found = [replace(bound, confidence=confidence) for bound in found if bound]
    lower = [notes.attempt(weinstein_lower_bound, states[0], first_excited, confidence)]
    if first_excited is not None:
        lower.append(notes.attempt(temple_lower_bound, states[0], first_excited, confidence))
    return (*found, *(bound for bound in lower if bound))
