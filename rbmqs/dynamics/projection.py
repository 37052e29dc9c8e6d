"""Projected evolution (p-tVMC): a step as a maximisation of fidelity with its exact result.

For each stage of a scheme (`rbmqs.dynamics.schemes`), phi = (1 + a Lambda) psi is known at any
configuration by local energies, and the new parameters maximise its fidelity F with psi'. With
r = phi / psi' over |psi'|^2,

    1 - F = 1 - |<r>|^2 / <|r|^2> = <|y|^2> / (1 + <|y|^2>),    y = r / <r> - 1.

Taken from one set of samples, the fluctuations of numerator and denominator cancel: the error of
1 - F vanishes with it, which is what the control variates of Sinibaldi, Giuliani, Carleo &
Vicentini (Quantum 7, 1131 (2023), arXiv:2305.14294) and of Gravina, Savona & Vicentini
(arXiv:2410.10720) are for. To first order in the parameters 1 - F = <|O dtheta - y|^2>, so that a
step of the natural gradient is the least-squares solution of O dtheta = y by the solver of
`rbmqs.dynamics.equations`; a few converge. Where psi' is to be divided by (1 + b Lambda), the O are
log-derivatives of (1 + b Lambda) psi'.

One step draws once, as in `rbmqs.dynamics.batches`. r^2 of its record is the infidelity that is
left over the one that there was, both added up over the stages: as in the time-dependent
variational principle the part of the change of psi that is missed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from rbmqs.core.local_energy import diagonal_values
from rbmqs.dynamics.batches import Point, SampledBatch, StepBatch, SummedBatch
from rbmqs.dynamics.equations import Solution, solve
from rbmqs.dynamics.response import rows_and_h_rows
from rbmqs.dynamics.schemes import SCHEMES, Stage
from rbmqs.estimators.local import local_energies
from rbmqs.sampling.chains import Samples
from rbmqs.states.jacobian import Jacobian
from rbmqs.vmc.full_summation import NEGLIGIBLE, exact_statistics

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian
    from rbmqs.dynamics.settings import EvolutionSettings
    from rbmqs.states.state import VariationalState

MAX_ITERATIONS = 12
_ENOUGH = 0.97  # of the infidelity before, from which no more iterations are worth it
_EXACT = 1e-15  # infidelity that is rounding
_HALVINGS = 4
_MORE, _MOST = 1e3, 1e-3  # what a cut-off grows by where no step helps, and how far


@dataclass(frozen=True, eq=False)
class ProjectedStep:
    """What a step came to.

    Parameters
    ----------
    psi : VariationalState
    solution : Solution
        Of the last solve; its `r2` and `r2_probe` are those of the step.
    length : float
        Fubini-Study distance to the exact result, to lowest order.
    share : float
        Effective samples behind the step, as a part of their number.
    """

    psi: VariationalState
    solution: Solution
    length: float
    share: float


def projected_step(
    psi: VariationalState,
    hamiltonian: SpinHamiltonian,
    step: float,
    settings: EvolutionSettings,
    batch: StepBatch,
    probe: StepBatch | None,
    energy: float,
) -> ProjectedStep:
    """The wavefunction after a step.

    Parameters
    ----------
    energy : float
        Mean energy, which is subtracted from H: a phase, and a smaller step for the product.

    Raises
    ------
    FloatingPointError
        Amplitudes or log-derivatives that are not finite.
    """
    unit = -step if settings.imaginary else -1j * step
    left, start, probed, probed_start = 0.0, 0.0, 0.0, 0.0
    for stage in SCHEMES[settings.scheme]:
        problem = _Problem(psi, hamiltonian, stage, unit, energy, _Configurations.of(batch))
        other = None
        if probe is not None:
            other = replace(problem, places=_Configurations.of(probe))
        psi, solution = _maximised(problem, other, settings)
        left, start = left + problem.infidelity(psi), start + problem.infidelity(problem.old)
        if other is not None:
            probed += other.infidelity(psi)
            probed_start += other.infidelity(other.old)
    r2_probe = np.nan if probe is None else _over(probed, probed_start)
    solution = replace(solution, r2=_over(left, start), r2_probe=r2_probe)
    weights = problem.places.weights(psi.log_psi(problem.places.spins).real)
    share = 1.0 if isinstance(batch, SummedBatch) else float(1 / np.mean(weights**2))
    return ProjectedStep(psi, solution, start**0.5, share)


def _over(left: float, start: float) -> float:
    return left / start if start > _EXACT else 0.0


def _maximised(
    problem: _Problem, other: _Problem | None, settings: EvolutionSettings
) -> tuple[VariationalState, Solution]:
    """Natural-gradient steps until the fidelity rises no more, with a larger cut-off if need be."""
    psi, infidelity = problem.old, problem.infidelity(problem.old)
    cutoff = settings.cutoff
    for _ in range(MAX_ITERATIONS):
        probe = None if other is None or cutoff is not None else other.point(psi)
        solution = solve(problem.point(psi), True, cutoff, settings.min_snr, probe)
        found, after = _descent(problem, psi, solution.velocity, infidelity)
        if not after < infidelity:
            if infidelity < _EXACT or solution.cutoff >= _MOST:
                break
            cutoff = solution.cutoff * _MORE
            continue
        enough = after > _ENOUGH * infidelity or after < _EXACT
        psi, infidelity, cutoff = found, after, settings.cutoff
        if enough:
            break
    return psi, solution


def _descent(
    problem: _Problem, psi: VariationalState, direction: np.ndarray, infidelity: float
) -> tuple[VariationalState, float]:
    """The first of ever shorter steps along a direction that lowers the infidelity, or the last."""
    for halvings in range(_HALVINGS):
        found = psi.with_flat(psi.flat + 0.5**halvings * direction)
        try:
            after = problem.infidelity(found)
        except FloatingPointError:
            after = np.inf
        if after < infidelity:
            break
    return found, after


@dataclass(frozen=True, eq=False)
class _Configurations:
    """Where amplitudes are compared, drawn from a density or all there are.

    Parameters
    ----------
    spins : int8 (n, N)
    log_density : float64 (n,)
        Samples count with |chi|^2 over its exponential.
    summed : bool
    """

    spins: np.ndarray
    log_density: np.ndarray
    summed: bool

    @classmethod
    def of(cls, batch: StepBatch) -> _Configurations:
        """Those of the batch of a step."""
        if isinstance(batch, SampledBatch):
            log_psi = batch.drawn_from.log_psi(batch.samples.flat).real
            return cls(batch.samples.flat, batch.exponent * log_psi, False)
        assert isinstance(batch, SummedBatch)
        summation = batch.summation
        return cls(summation.spins, -np.log(summation.multiplicities), True)

    def weights(self, log_chi: np.ndarray) -> np.ndarray:
        """|chi|^2 over the density, with mean one."""
        logs = 2 * log_chi - self.log_density
        weights = np.exp(logs - logs.max())
        return weights / weights.mean()


@dataclass(frozen=True, eq=False)
class _Problem:
    """Fidelity of (1 + b Lambda) psi' with the result of a stage from psi, `old`."""

    old: VariationalState
    hamiltonian: SpinHamiltonian
    stage: Stage
    unit: complex
    energy: float
    places: _Configurations

    @cached_property
    def _target(self) -> np.ndarray:
        """log phi."""
        log_old = self.old.log_psi(self.places.spins).astype(complex)
        stage = self.stage
        if not stage.split:
            return log_old + np.log(1 + stage.factor * self._lambda(self.old))
        return log_old + np.log(self._split()) + stage.left * self.unit * self._diagonal()

    def _lambda(self, psi: VariationalState) -> np.ndarray:
        """Local values of Lambda."""
        spins = self.places.spins
        values = local_energies(psi, self.hamiltonian, Samples(spins[:, None], 1.0)).ravel()
        return self.unit * (values - self.energy)

    def _diagonal(self, spins: np.ndarray | None = None) -> np.ndarray:
        """Diagonal elements less their mean, as exponents stay small."""
        c = self.hamiltonian.connections
        here = self.places.spins
        mean = diagonal_values(here, c.diag_coef, c.diag_ptr, c.diag_sites).real.mean()
        spins = here if spins is None else spins
        return diagonal_values(spins, c.diag_coef, c.diag_ptr, c.diag_sites).real - mean

    def _split(self) -> np.ndarray:
        """(1 + a X) exp(right Z) psi over psi."""
        c, spins = self.hamiltonian.connections, self.places.spins
        ratios = self.old.flip_ratios(spins, c, self.hamiltonian.total_sz is not None)
        right = self.stage.right * self.unit
        found = np.exp(right * self._diagonal())
        for flip, (first, last) in enumerate(zip(c.flip_ptr[:-1], c.flip_ptr[1:], strict=True)):
            there = spins.copy()
            there[:, c.flip_sites[first:last]] *= -1
            phases = np.exp(right * self._diagonal(there))
            found += self.stage.factor * self.unit * ratios[:, flip] * phases
        return found

    def _compared(self, psi: VariationalState) -> tuple[np.ndarray, np.ndarray]:
        """Weights |chi|^2, and y."""
        log_chi = psi.log_psi(self.places.spins).astype(complex)
        if self.stage.inverse:
            log_chi = log_chi + np.log(1 + self.stage.inverse * self._lambda(psi))
        weights = self.places.weights(log_chi.real)
        logs = self._target - log_chi
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            ratios = np.exp(logs - np.nanmax(logs.real))
            ratios[weights == 0] = 0.0
            y = ratios / np.mean(weights * ratios) - 1
        if not np.isfinite(y).all():
            raise FloatingPointError("ratios of amplitudes are not finite")
        return weights, y

    def infidelity(self, psi: VariationalState) -> float:
        """1 - F."""
        weights, y = self._compared(psi)
        with np.errstate(over="ignore"):
            square = float(np.mean(weights * abs(y) ** 2))
        return square / (1 + square) if np.isfinite(square) else 1.0

    def point(self, psi: VariationalState) -> Point:
        """The equations O dtheta = y."""
        weights, y = self._compared(psi)
        kept = weights > NEGLIGIBLE * weights.max()
        spins, y, weights = self.places.spins[kept], y[kept], weights[kept]
        weights = weights / weights.mean()
        if self.stage.inverse:
            b, H = self.stage.inverse * self.unit, self.hamiltonian
            rows, moved = rows_and_h_rows(H, psi, spins)
            factor = 1 + self.stage.inverse * self._lambda(psi)[kept]
            rows = (rows + b * (moved - self.energy * rows)) / factor[:, None]
            jacobian = Jacobian.of_rows(rows, weights, psi.is_complex)
        else:
            jacobian = psi.jacobian(spins, None, weights)
        return Point(jacobian, -y, exact_statistics(-y, weights), weights, self.places.summed)
