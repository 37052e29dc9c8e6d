"""The course of a reconstruction: several starts, training with shots held out, all shots at last.

1. Short fits from several random starts; the likeliest goes on.
2. Training on a part of the shots until the others say stop. Where the number of hidden units is
   open it doubles for as long as the shots held out gain by more than chance.
3. All shots, from there: until convergence, or, where training overfitted, until the likelihood of
   those that were held out is what that of the fitted part was at the best step (Goodfellow, Bengio
   & Courville, Deep Learning, section 7.8).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from hamiltonians.utils.checks import number, positive_int
from rbmqs.states.state import VariationalState
from rbmqs.tomography.fit import PATIENCE, Fit, FitRecord, FitState, difference, mean_over
from rbmqs.tomography.objective import Objective
from rbmqs.tomography.starts import (
    grown,
    hidden_units_of,
    phases_of_sites,
    random_state,
    with_phases,
)

START_STEPS = 20  # of each start
GROWTH_SIGMAS = 2.0  # of the gain that doubles the hidden units
MAX_DENSITY = 4  # hidden units a site, up to which their number grows
# Nats that eight steps gain for each real parameter of twice as many hidden units: with less these
# are tried. A ring of 20 gained 0.0006 nats a shot and step with 10 units, and 20 had 0.2 to gain.
LITTLE = 0.5
# Nats that eight steps of the last stage gain for each real parameter: with less it ends. Noise
# costs half a nat each. A ring of 20 with 40 units still gained 2 nats a step after 97 steps.
REST = 0.01
TRAIN, REFIT, DONE = "train", "refit", "done"


@dataclass(frozen=True)
class FitSettings:
    """How a reconstruction is fitted.

    Parameters
    ----------
    model : {"positive", "complex", "amplitude-phase"}
        Of random starts.
    n_hidden : int or None
        None for as many as the shots held out ask for.
    n_starts : int
        The first has phases read off the shots.
    held_out : float
        Fraction of the shots of each basis; 0 for none.
    n_iter : int
        Steps at most, of training at each number of hidden units, and of the last stage.
    learning_rate : float or None
        Of Adam; None for the natural gradient.
    learns_readout : bool
    seed : int
    max_seconds : float or None
    """

    model: str
    n_hidden: int | None = None
    n_starts: int = 1
    held_out: float = 0.1
    n_iter: int = 300
    learning_rate: float | None = None
    learns_readout: bool = False
    seed: int = 0
    max_seconds: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= number("held_out", self.held_out) < 0.9:
            raise ValueError(f"held_out must be from 0 to 0.9, got {self.held_out}")
        positive_int("n_iter", self.n_iter)
        positive_int("seed", self.seed, minimum=0)
        for name in ("learning_rate", "max_seconds"):
            if getattr(self, name) is not None:
                number(name, getattr(self, name), above=0)


@dataclass(frozen=True, eq=False)
class Progressed:
    """How far a reconstruction has come, as a value.

    Parameters
    ----------
    stage : {"train", "refit", "done"}
    fit : FitState
    smaller : FitState or None
        The end of training with half as many hidden units.
    limit : float or None
        Likelihood of the shots once held out, at which the last stage ends.
    history : tuple of FitRecord
    status : str
        Empty, or what did not go well, in a sentence of advice.
    """

    stage: str
    fit: FitState
    smaller: FitState | None = None
    limit: float | None = None
    history: tuple[FitRecord, ...] = ()
    status: str = ""


class Schedule:
    """Runs the stages from wherever they are.

    Parameters
    ----------
    objective : Objective
    settings : FitSettings
    first : VariationalState or None
        The state to start from, instead of random ones.
    confusion : float64 (N, 2, 2) or None
    save : callable
        Gets a `Progressed` after every step.
    must_stop : callable
        Asked before every step.
    """

    def __init__(
        self,
        objective: Objective,
        settings: FitSettings,
        first: VariationalState | None,
        confusion: np.ndarray | None,
        save: Callable[[Progressed], None],
        must_stop: Callable[[], bool],
    ) -> None:
        self._objective, self._settings, self._first = objective, settings, first
        self._confusion, self._save, self._must_stop = confusion, save, must_stop
        shots = objective.shots
        self._held: np.ndarray | None = None
        self._train = shots.counts
        if settings.held_out > 0:
            rng = np.random.default_rng([settings.seed, 1])
            self._held = shots.held_out(settings.held_out, rng)
            self._train = shots.counts - self._held

    def run(self, progressed: Progressed | None) -> Progressed:
        """To the end, or to where it must stop."""
        found = self._begin() if progressed is None else progressed
        while found.stage != DONE and not self._must_stop():
            found = self._trained(found) if found.stage == TRAIN else self._refitted(found)
        return found

    def _fit(self, counts: np.ndarray, held: np.ndarray | None, state: FitState) -> Fit:
        settings = self._settings
        return Fit(
            self._objective, counts, held, state, settings.learns_readout, settings.learning_rate
        )

    def _begin(self) -> Progressed:
        """The likeliest of short fits."""
        settings, shots = self._settings, self._objective.shots
        if self._first is not None:
            return Progressed(TRAIN, FitState(self._first, self._confusion))
        n_hidden = settings.n_hidden or max(2, shots.n_sites // 2)
        phases = None if settings.model == "positive" else phases_of_sites(shots)
        history: tuple[FitRecord, ...] = ()
        best: Fit | None = None
        for k in range(settings.n_starts):
            psi = random_state(settings.model, shots.n_sites, n_hidden, settings.seed + 1000 * k)
            if k == 0 and phases is not None:
                psi = with_phases(psi, phases) or psi
            fit = self._fit(self._train, self._held, FitState(psi, self._confusion))
            for _ in range(START_STEPS if settings.n_starts > 1 else 0):
                if self._must_stop() or fit.has_converged:
                    break
                fit.step()
            history += (fit.record(f"start {k}"),)
            if best is None or fit.value > best.value:
                best = fit
        assert best is not None
        return Progressed(TRAIN, replace(best.state, slow=0), history=history)

    def _steps(
        self, fit: Fit, found: Progressed, ends: Callable[[tuple[FitRecord, ...]], bool]
    ) -> Progressed:
        """Steps of a stage, each saved, until the records so far say that it ends."""
        status = ""
        while not ends(found.history):
            if fit.state.iteration >= self._settings.n_iter:
                status = f"not converged after {fit.state.iteration} steps: raise n_iter"
                break
            if self._must_stop():
                return replace(found, fit=fit.state)
            fit.step()
            record = fit.record(found.stage)
            found = replace(found, fit=fit.state, history=(*found.history, record))
            self._save(found)
        return replace(found, fit=fit.state, status=status)

    def _trained(self, found: Progressed) -> Progressed:
        """Training at one number of hidden units, and what comes next."""
        fit = self._fit(self._train, self._held, found.fit)
        grows = self._settings.n_hidden is None and self._first is None
        n_hidden = 2 * hidden_units_of(found.fit.psi)
        may_grow = grows and n_hidden <= MAX_DENSITY * self._objective.shots.n_sites

        def ends(past: tuple[FitRecord, ...]) -> bool:
            is_little = may_grow and _gain(fit, past, TRAIN) < LITTLE
            return fit.has_converged or fit.has_stalled or is_little

        found = self._steps(fit, found, ends)
        if self._must_stop():
            return found
        state = replace(found.fit, overfits=fit.overfits)
        if grows and self._is_better(state, found.smaller):
            if may_grow and not state.overfits:
                psi = grown(self._best_of(state).psi, n_hidden, self._settings.seed + n_hidden)
                start = FitState(psi, self._best_of(state).confusion)
                return replace(found, fit=start, smaller=state)
        elif grows and found.smaller is not None:
            state = found.smaller
        limit = None
        if state.overfits and state.best is not None:
            limit = mean_over(self._train, state.best[2])
        return replace(found, stage=REFIT, fit=self._best_of(state), smaller=None, limit=limit)

    def _is_better(self, state: FitState, smaller: FitState | None) -> bool:
        """Whether more hidden units are better by more than chance.

        For the shots held out, or, where these do not object, for those that are fitted by Akaike's
        criterion, of which there are ten times as many: 12 of 12 Ising rings of six sites that
        three units describe better gained 27 nats or less with six, for 42 parameters; a ring of
        seven that six units describe better (0.997 and 0.991) gained 190, for 48.
        """
        if self._held is None or state.best is None or smaller is None or smaller.best is None:
            return smaller is None
        gain, error = difference(self._held, state.best[2], smaller.best[2])
        fitted = self._train.sum() * mean_over(self._train, state.best[2] - smaller.best[2])
        more = (state.psi.n_parameters - smaller.psi.n_parameters) * (1 + state.psi.is_complex)
        if gain > GROWTH_SIGMAS * error:
            return True
        return gain > -GROWTH_SIGMAS * error and fitted > more

    @staticmethod
    def _best_of(state: FitState) -> FitState:
        """A new fit from where the shots held out were likeliest."""
        if state.best is None:
            return replace(state, slow=0, iteration=0)
        return FitState(state.best[0], state.best[1], moments=state.moments)

    def _refitted(self, found: Progressed) -> Progressed:
        """All shots; nothing to do where none were held out."""
        if self._held is None:
            return replace(found, stage=DONE)
        held, limit = self._held, np.inf if found.limit is None else found.limit
        fit = self._fit(self._objective.shots.counts, None, found.fit)

        def ends(past: tuple[FitRecord, ...]) -> bool:
            reached = mean_over(held, fit.slope.log_probabilities) >= limit
            is_little = fit.is_precise and _gain(fit, past, REFIT) < REST
            return fit.has_converged or reached or is_little

        found = self._steps(fit, found, ends)
        return found if self._must_stop() else replace(found, stage=DONE)


def _gain(fit: Fit, past: tuple[FitRecord, ...], stage: str) -> float:
    """Nats for each real parameter that the last steps gained; inf before there were so many."""
    before = past[-1 - PATIENCE] if len(past) > PATIENCE else None
    now = fit.record(stage)
    if (
        before is None
        or fit.state.refused
        or (before.stage, before.n_hidden) != (stage, now.n_hidden)
    ):
        return np.inf
    n_real = fit.state.psi.n_parameters * (1 + fit.state.psi.is_complex)
    return (now.log_likelihood - before.log_likelihood) * fit.n_shots / n_real
