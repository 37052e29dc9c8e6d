"""Several random starts within one run: each has its iterations, and the lowest energy goes on.

Starts end in different minima of the energy, and none is left again: of ten seeds for the 10x10
Heisenberg model, tied over translations with alpha = 2, three or four end at a relative error of
3.7e-3 and the rest near 2.9e-3, whatever is done later (docs/optimisers.md). Which minimum it is
shows after some hundred iterations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from rbmqs.ansatz import Wavefunction
from rbmqs.growth import small_random
from rbmqs.optimiser import OptimiserState

if TYPE_CHECKING:
    from rbmqs.records import StepRecord
    from rbmqs.sampler import ChainState
    from rbmqs.settings import RunSettings
    from rbmqs.vmc import RunState

Fresh = Callable[[Wavefunction, np.random.SeedSequence], "RunState"]

JUDGED = 0.25  # the last part of a trial, whose mean energy decides


@dataclass(frozen=True, eq=False)
class Trials:
    """How the trials of a run stand.

    Parameters
    ----------
    energies : tuple of float
        Of the trials that are over; inf where no iteration of the judged part was a good one.
    best : Wavefunction or None
        That of the lowest of them.
    chains : ChainState or None
        Where its chains were. Fresh ones may find spurious maxima that these had no need to leave:
        J1-J2 at J2 = 0.6 on 10x10 went from -189 to energies of thousands.
    total : float
        Sum of the energies of the present trial's judged iterations.
    n_judged : int
        Their number.
    """

    energies: tuple[float, ...] = ()
    best: Wavefunction | None = None
    chains: ChainState | None = None
    total: float = 0.0
    n_judged: int = 0

    def judged(self, record: StepRecord, settings: RunSettings) -> Trials:
        """With one more iteration."""
        if not _counts(record, settings):
            return self
        total = self.total + float(record.energy.mean.real)
        return replace(self, total=total, n_judged=self.n_judged + 1)

    def closed(self, psi: Wavefunction, chains: ChainState) -> Trials:
        """With the present trial, which ended with these, among those that are over."""
        energy = self.total / self.n_judged if self.n_judged else np.inf
        if self.best is None or energy < min(self.energies):
            return Trials((*self.energies, energy), psi, chains)
        return Trials((*self.energies, energy), self.best, self.chains)


def _counts(record: StepRecord, settings: RunSettings) -> bool:
    """Whether an iteration is one of those that decide on its trial."""
    if record.status or not settings.is_trial(record.iteration):
        return False
    return settings.iteration_in_trial(record.iteration) >= (1 - JUDGED) * settings.trial_iterations


def trial_energies(history: Sequence[StepRecord], settings: RunSettings) -> list[float]:
    """Energy of each trial of a run that had several and got through them, else nothing."""
    n = settings.n_trials_in_all
    if n == 1 or len(history) < n * settings.trial_iterations:
        return []
    records = [record for record in history if _counts(record, settings)]
    energies = [[r.energy.mean.real for r in records if r.trial == k] for k in range(n)]
    return [float(np.mean(found)) if found else np.inf for found in energies]


def with_trials(settings: RunSettings, psi: Wavefunction) -> RunSettings:
    """Settings with the number of trials filled in, for a run from random parameters."""
    if settings.n_trials is not None or settings.growth:
        return settings
    affordable = settings.n_iterations // (2 * settings.trial_iterations)
    return replace(settings, n_trials=max(1, min(psi.n_trials, affordable)))


def next_trial(state: RunState, settings: RunSettings, fresh: Fresh) -> RunState:
    """The state at the beginning of a trial or behind all of them; mostly the state itself.

    Parameters
    ----------
    state : RunState
    settings : RunSettings
    fresh : callable
        Makes the state of a wavefunction with chains of its own from a seed.
    """
    n_over = settings.n_trials_before(state.iteration)
    if n_over <= len(state.trials.energies):
        return state
    if n_over == settings.n_trials_in_all:
        return _lowest(state)
    seed = np.random.SeedSequence(settings.seed, spawn_key=(7, n_over))
    trials = state.trials.closed(state.psi, state.chains)
    found = fresh(randomised(state.psi, seed), seed)
    return replace(found, iteration=state.iteration, trials=trials)


def standing(state: RunState, settings: RunSettings) -> RunState:
    """The state to estimate from where a run ends among its trials: that of the lowest so far."""
    n_over = len(state.trials.energies)
    return _lowest(state) if 0 < n_over < settings.n_trials_in_all else state


def _lowest(state: RunState) -> RunState:
    """The lowest of the trials, the present one among them; that one goes on as it is."""
    trials = state.trials.closed(state.psi, state.chains)
    if trials.best is None or trials.chains is None or trials.best is state.psi:
        return replace(state, trials=trials)
    return replace(
        state, psi=trials.best, chains=trials.chains, optimiser=OptimiserState.fresh(trials.best),
        last_good=None, n_rollbacks=0, scouts=None, trials=trials,
    )  # fmt: skip


def randomised(psi: Wavefunction, seed: np.random.SeedSequence) -> Wavefunction:
    """The same machine with the small random parameters of a start."""
    return psi.with_flat(small_random((psi.n_parameters,), psi.is_complex, seed.spawn(1)[0]))
