"""One step of an evolution: state goes in, a record and the state after it come out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from rbmqs.dynamics.batches import Point, SampledBatch, StepBatch, SummedBatch, drawn
from rbmqs.dynamics.equations import Solution, length, solve
from rbmqs.dynamics.integrators import METHODS, StepError, Velocity, increment, next_step
from rbmqs.dynamics.projection import projected_step
from rbmqs.dynamics.records import EvolutionRecord
from rbmqs.dynamics.settings import EvolutionSettings
from rbmqs.dynamics.starts import check_symmetry
from rbmqs.sampling.chains import ChainState, Division, Sampler
from rbmqs.vmc.full_summation import Summation

if TYPE_CHECKING:
    from hamiltonians import DrivenHamiltonian
    from rbmqs.states.state import VariationalState

STEP, MAX_STEP, MIN_STEP = 1e-2, 0.1, 1e-9  # in units of 1 / J
MIN_SHARE = 0.3  # effective samples at the end of a step, as a part of those at its start
ROUNDING = 1e-9  # of a step, by which the way to the next time may exceed it
MAX_REPEATS = 40


@dataclass(frozen=True, eq=False)
class EvolutionState:
    """All that an evolution needs to go on.

    Parameters
    ----------
    psi : VariationalState
    time : float
    step : float
        The next one to try.
    chains, probe_chains : ChainState
        Of the samples of the equations, and of those that test the solution.
    integrated_r2 : float
    first_energy : (float, float)
        Mean and error at the start.
    """

    psi: VariationalState
    time: float
    step: float
    chains: ChainState
    probe_chains: ChainState
    integrated_r2: float = 0.0
    first_energy: tuple[float, float] = (np.nan, np.nan)

    def divided(self, division: Division | None) -> EvolutionState:
        """With the chains of this rank alone, from those of all."""
        if division is None:
            return self
        chains, probe_chains = division.own(self.chains), division.own(self.probe_chains)
        return replace(self, chains=chains, probe_chains=probe_chains)


@dataclass(frozen=True, eq=False)
class _Tried:
    """A step that is good enough, see `EvolutionRecord`."""

    psi: VariationalState
    step: float
    n_rejected: int
    error: float
    length: float
    share: float


@dataclass(frozen=True, eq=False)
class Stepper:
    """What stays the same along an evolution.

    Parameters
    ----------
    driven : DrivenHamiltonian
    settings : EvolutionSettings
    sampler : Sampler
    summation : Summation or None
        Where all configurations are summed over.
    scale : float
        J, the inverse of the unit of times.
    """

    driven: DrivenHamiltonian
    settings: EvolutionSettings
    sampler: Sampler
    summation: Summation | None
    scale: float = 1.0

    @property
    def step(self) -> float:
        """The first step, or each where they are fixed."""
        return STEP / self.scale if self.settings.step is None else self.settings.step

    @property
    def max_step(self) -> float:
        """The longest step."""
        return MAX_STEP / self.scale if self.settings.max_step is None else self.settings.max_step

    @property
    def n_draws(self) -> int:
        """Draws of each chain for the equations."""
        n_samples = self.settings.sampling.n_samples or 0
        return max(4, -(-n_samples // self.sampler.n_chains))

    def draw(
        self, state: EvolutionState
    ) -> tuple[StepBatch, StepBatch | None, float, EvolutionState]:
        """Configurations of a step, those that test its solution, and the acceptance."""
        if self.summation is not None:
            return SummedBatch(self.summation), None, 1.0, state
        exponent = self.settings.exponent
        batch, chains = drawn(state.psi, self.sampler, state.chains, self.n_draws, exponent)
        n_probe = max(4, self.n_draws // 2)
        probe, probe_chains = drawn(state.psi, self.sampler, state.probe_chains, n_probe, exponent)
        after = replace(state, chains=chains, probe_chains=probe_chains)
        return batch, probe, batch.samples.acceptance, after

    def advance(
        self, state: EvolutionState, until: float
    ) -> tuple[EvolutionRecord, EvolutionState]:
        """One step, not beyond a time.

        Raises
        ------
        StepError
            No step of at least `MIN_STEP` has the accuracy asked for, or the implicit equation was
            not solved; or `max_r2` is exceeded.
        FloatingPointError
            The equations are not finite where the step starts.
        """
        settings, psi, time = self.settings, state.psi, state.time
        if settings.method == "projected":
            return self._projected(state, until)
        method = METHODS[settings.integrator]
        batch, probe_batch, acceptance, state = self.draw(state)
        H = self.driven.at(time)
        point = batch.at(psi, H)
        probe = None if probe_batch is None else probe_batch.at(psi, H)
        solution = solve(
            point, settings.imaginary, settings.cutoff, settings.min_snr, probe, noise=True
        )
        r2 = self._checked_r2(solution, probe is not None, time)

        def velocity(theta: np.ndarray, at: float) -> np.ndarray:
            if at == time and theta is psi.flat:
                return solution.velocity
            theta = _finite(theta)
            if not self.driven.is_fixed:
                check_symmetry(self.driven, psi, at)
            there = batch.at(psi.with_flat(theta), self.driven.at(at))
            return solve(there, settings.imaginary, solution.cutoff, settings.min_snr).velocity

        longest = min(self.max_step, state.step) if method.is_adaptive else self.step
        left = until - time
        wanted = left if left <= longest * (1 + ROUNDING) else longest
        tried = self._accepted(batch, point, psi, velocity, time, wanted)
        proposed = tried.step
        if method.is_adaptive:
            proposed = next_step(method, tried.step, tried.error, settings.tolerance)
        if tried.step < longest and tried.n_rejected == 0:  # cut to end at a time asked for
            proposed = max(proposed, state.step)
        after = replace(
            state,
            psi=tried.psi,
            time=until if tried.step == left else time + tried.step,
            step=proposed,
            integrated_r2=state.integrated_r2 + r2 * tried.step * self.scale,
            first_energy=_first(state, point),
        )
        return self._record(point, solution, tried, after, time, acceptance), after

    def _projected(
        self, state: EvolutionState, until: float
    ) -> tuple[EvolutionRecord, EvolutionState]:
        """A step by projection; equal ones lead to the next time asked for."""
        settings, psi, time = self.settings, state.psi, state.time
        n_steps = int(np.ceil((until - time) / self.step - ROUNDING))
        step = (until - time) / max(n_steps, 1)
        batch, probe, acceptance, state = self.draw(state)
        point = batch.at(psi, self.driven.at(time))
        if not self.driven.is_fixed:
            check_symmetry(self.driven, psi, time + step / 2)
        H = self.driven.at(time + step / 2)
        mean = point.energy.mean.real
        found = projected_step(psi, H, step, settings, batch, probe, mean)
        solution = found.solution
        r2 = self._checked_r2(solution, probe is not None, time)
        if not found.share >= MIN_SHARE * _share(batch, psi):
            raise StepError(
                f"stopped at t = {time:.6g}: only {found.share:.0%} of the samples count after a "
                f"step of {step:.2g}: take a shorter step"
            )
        after = replace(
            state,
            psi=found.psi,
            time=until if n_steps <= 1 else time + step,
            step=step,
            integrated_r2=state.integrated_r2 + r2 * step * self.scale,
            first_energy=_first(state, point),
        )
        tried = _Tried(found.psi, step, 0, np.nan, found.length, found.share)
        return self._record(point, solution, tried, after, time, acceptance), after

    def _checked_r2(self, solution: Solution, is_probed: bool, time: float) -> float:
        """The relative error of the equations, on other samples where there are any."""
        r2, most = solution.r2_probe if is_probed else solution.r2, self.settings.max_r2
        if most is not None and not r2 <= most:
            relation = "exceeds" if np.isfinite(r2) else "is not finite, against"
            raise StepError(
                f"stopped at t = {time:.6g}: r^2 = {r2:.3g} {relation} max_r2 = {most:g}"
            )
        return r2

    def _accepted(
        self,
        batch: StepBatch,
        point: Point,
        psi: VariationalState,
        velocity: Velocity,
        time: float,
        step: float,
    ) -> _Tried:
        """The first step, of ever shorter ones on the same samples, that is good enough."""
        settings, method = self.settings, METHODS[self.settings.integrator]
        trouble = ""
        least = MIN_SHARE * _share(batch, psi)
        for n_rejected in range(MAX_REPEATS):
            shorter, error = step / 4, np.nan
            try:
                change, estimate = increment(method, velocity, psi.flat, time, step)
                after = psi.with_flat(_finite(psi.flat + change))
                share, error = _share(batch, after), length(point, estimate)
                if not share >= least:
                    trouble = f"only {share:.0%} of the samples count after a step of {step:.2g}"
                elif error <= settings.tolerance or not method.is_adaptive:
                    return _Tried(after, step, n_rejected, error, length(point, change), share)
                else:
                    trouble = f"a step of {step:.2g} has the error {error:.2g}"
                    if np.isfinite(error):
                        shorter = next_step(method, step, error, settings.tolerance)
            except FloatingPointError as failure:
                trouble = f"{failure} after a step of {step:.2g}"
            if not method.is_adaptive:
                raise StepError(f"stopped at t = {time:.6g}: {trouble}: take a shorter step")
            step = shorter
            if step < MIN_STEP / self.scale:
                break
        raise StepError(
            f"stopped at t = {time:.6g}: {trouble}: take more samples, a larger cutoff or tolerance"
        )

    def _record(
        self,
        point: Point,
        solution: Solution,
        tried: _Tried,
        after: EvolutionState,
        time: float,
        acceptance: float,
    ) -> EvolutionRecord:
        drift = np.nan
        if self.driven.is_fixed and not point.summed:
            mean, error = after.first_energy
            both = float(np.hypot(error, point.energy.error_of_mean))
            drift = (point.energy.mean.real - mean) / both if both > 0 else np.nan
        return EvolutionRecord(
            time=time,
            step=after.time - time,
            n_rejected=tried.n_rejected,
            energy=point.energy,
            drift=drift,
            r2=solution.r2,
            r2_probe=solution.r2_probe,
            integrated_r2=after.integrated_r2,
            residual=solution.residual,
            rank=solution.rank,
            cutoff=solution.cutoff,
            error=tried.error,
            length=tried.length,
            effective_share=tried.share,
            acceptance=acceptance,
            eigenvalues=solution.eigenvalues,
            snr=solution.snr,
        )


def _first(state: EvolutionState, point: Point) -> tuple[float, float]:
    if np.isnan(state.first_energy[0]):
        return point.energy.mean.real, point.energy.error_of_mean
    return state.first_energy


def _finite(theta: np.ndarray) -> np.ndarray:
    if not np.isfinite(theta).all():
        raise FloatingPointError("parameters are not finite")
    return theta


def _share(batch: StepBatch, psi: VariationalState) -> float:
    return batch.share(psi) if isinstance(batch, SampledBatch) else 1.0
