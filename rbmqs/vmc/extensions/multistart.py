"""Several random starts within one run: each has its iterations, and the lowest energy goes on.

Starts end in different minima of the energy, and none is left again: of ten seeds for the 10x10
Heisenberg model, tied over translations with alpha = 2, three or four end at a relative error of
3.7e-3 and the rest near 2.9e-3, whatever is done later (docs/optimisers.md). Which minimum it is
shows after some hundred iterations. The features of tied RBMs start near a site in all restarts
but the first: of those one in three is on its way to 2.9e-3 after a hundred iterations, of the
others none of eleven was.

Wavefunctions that are projected onto the symmetric sector are tried without the projection, and
projected behind the restarts, unless less than half of the lowest restart lies in the sector: then the
projected RBM starts from random parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from rbmqs.states.state import VariationalState
from rbmqs.vmc.extensions.growth import small_random
from rbmqs.vmc.step import OptimiserState

if TYPE_CHECKING:
    from rbmqs.sampling.chains import ChainState
    from rbmqs.vmc.extensions.local_shift import DistanceShift
    from rbmqs.vmc.loop import RunState
    from rbmqs.vmc.records import StepRecord
    from rbmqs.vmc.settings import RunSettings

Fresh = Callable[[VariationalState, np.random.SeedSequence], "RunState"]
Iterations = Callable[..., Iterator[tuple["StepRecord", "RunState"]]]

JUDGED = 0.25  # the last part of a restart, whose mean energy decides
MOST_TIME = 0.25  # of a limited time, that restarts may take
MIN_SHARE = 0.5  # of the lowest restart in the sector that it is projected onto


@dataclass(frozen=True, eq=False)
class MultiStart:
    """How the restarts of a run stand.

    Parameters
    ----------
    energies : tuple of float
        Of the restarts that are over; inf where no iteration of the judged part was a good one.
    best : Wavefunction or None
        That of the lowest of them.
    chains : ChainState or None
        Where its chains were. Fresh ones may find spurious maxima that these had no need to leave:
        J1-J2 at J2 = 0.6 on 10x10 went from -189 to energies of thousands.
    total : float
        Sum of the energies of the present restart's judged iterations.
    n_judged : int
        Their number.
    goal : Wavefunction or None
        The wavefunction that the lowest goes on as, where restarts are held with another.
    """

    energies: tuple[float, ...] = ()
    best: VariationalState | None = None
    chains: ChainState | None = None
    total: float = 0.0
    n_judged: int = 0
    target: VariationalState | None = None

    def judged(self, record: StepRecord, settings: RunSettings) -> MultiStart:
        """With one more iteration."""
        if not _counts(record, settings):
            return self
        total = self.total + float(record.energy.mean.real)
        return replace(self, total=total, n_judged=self.n_judged + 1)

    def closed(self, psi: VariationalState, chains: ChainState) -> MultiStart:
        """With the present restart, which ended with these, among those that are over."""
        energy = self.total / self.n_judged if self.n_judged else np.inf
        if self.best is None or energy < min(self.energies):
            return MultiStart((*self.energies, energy), psi, chains, target=self.target)
        return MultiStart((*self.energies, energy), self.best, self.chains, target=self.target)


def _counts(record: StepRecord, settings: RunSettings) -> bool:
    """Whether an iteration is one of those that decide on its restart."""
    if record.status or not settings.is_restart(record.iteration):
        return False
    return (
        settings.iteration_in_restart(record.iteration)
        >= (1 - JUDGED) * settings.restart_iterations
    )


def restart_energies(history: Sequence[StepRecord], settings: RunSettings) -> list[float]:
    """Energy of each restart of a run that had several and got through them, else nothing."""
    n = settings.n_restarts_in_all
    if n == 1 or len(history) < n * settings.restart_iterations:
        return []
    records = [record for record in history if _counts(record, settings)]
    energies = [[r.energy.mean.real for r in records if r.restart == k] for k in range(n)]
    return [float(np.mean(found)) if found else np.inf for found in energies]


def with_restarts(settings: RunSettings, psi: VariationalState) -> RunSettings:
    """Settings with the number of restarts filled in, for a run from random parameters."""
    if settings.n_restarts is not None or settings.growth:
        return settings
    affordable = settings.n_iterations // (2 * settings.restart_iterations)
    return replace(settings, n_restarts=max(1, min(psi.n_restarts, affordable)))


def with_fewer_restarts(
    iterate: Iterations,
    settings: RunSettings,
    state: RunState | None,
    is_late: Callable[[float | None], bool],
) -> Iterator[tuple[StepRecord, RunState, RunSettings]]:
    """Iterations, with the settings that hold behind each of them.

    Between two restarts of a run of limited time, the lowest so far goes on where the next one would
    end beyond a quarter of that time.

    Parameters
    ----------
    iterate : callable
        `rbmqs.vmc.loop.iterate` with all but the settings and the state.
    settings : RunSettings
    state : RunState or None
    is_late : callable
        Whether the run has taken more than so many seconds.
    """
    first = 0 if state is None else state.iteration
    for record, after in iterate(settings=settings, state=state):
        n_done = after.iteration - first
        if _is_between(after.iteration, settings) and is_late(_latest(settings, n_done)):
            lowest, fewer = _without_further(after, settings)
            yield record, lowest, fewer
            yield from ((*step, fewer) for step in iterate(settings=fewer, state=lowest))
            return
        yield record, after, settings


def _is_between(iteration: int, settings: RunSettings) -> bool:
    """Whether a restart is over and another one is to come."""
    return settings.is_restart(iteration) and settings.iteration_in_restart(iteration) == 0


def _latest(settings: RunSettings, n_done: int) -> float | None:
    """Seconds after `n_done` iterations at which one more restart would take too long."""
    if settings.max_seconds is None:
        return None
    return MOST_TIME * settings.max_seconds * n_done / (n_done + settings.restart_iterations)


def _without_further(state: RunState, settings: RunSettings) -> tuple[RunState, RunSettings]:
    """The lowest of the restarts that are over, the present one among them, and no more restarts."""
    n_over = settings.n_restarts_before(state.iteration)
    return _lowest(state, settings), replace(settings, n_restarts=n_over)


def target_of(state: RunState) -> VariationalState:
    """The wavefunction that a run is about, whatever its restarts are held with."""
    return state.psi if state.restarts.target is None else state.restarts.target


def first_restart(
    psi: VariationalState, settings: RunSettings, fresh: Fresh, seed: np.random.SeedSequence
) -> RunState:
    """The state at the beginning of a run."""
    rbm = psi.restart_state
    if settings.n_restarts_in_all == 1 or rbm is psi:
        return fresh(psi, seed)
    return replace(fresh(rbm, seed), restarts=MultiStart(target=psi))


def next_restart(
    state: RunState, settings: RunSettings, fresh: Fresh, distance_shift: DistanceShift
) -> RunState:
    """The state at the beginning of a restart or behind all of them; mostly the state itself.

    Parameters
    ----------
    state : RunState
    settings : RunSettings
    fresh : callable
        Makes the state of a wavefunction with chains of its own from a seed.
    locality : Locality
        Shapes the random parameters.
    """
    n_over = settings.n_restarts_before(state.iteration)
    if n_over <= len(state.restarts.energies):
        return state
    if n_over == settings.n_restarts_in_all:
        return _lowest(state, settings)
    seed = np.random.SeedSequence(settings.seed, spawn_key=(7, n_over))
    restarts = state.restarts.closed(state.psi, state.chains)
    n_samples = settings.sampling.n_samples_of(state.psi)
    start = distance_shift.falling_with_distance(randomised(state.psi, seed), n_samples)
    found = fresh(distance_shift.near_centres(start), seed)
    return replace(found, iteration=state.iteration, restarts=restarts)


def best_so_far(state: RunState, settings: RunSettings) -> RunState:
    """The state to estimate from where a run ends among its restarts: that of the lowest so far."""
    n_over = len(state.restarts.energies)
    is_restart = n_over > 0 or state.restarts.target is not None
    return _lowest(state, settings) if is_restart and n_over < settings.n_restarts_in_all else state


def _lowest(state: RunState, settings: RunSettings) -> RunState:
    """The lowest of the restarts, the present one among them; that one goes on as it is."""
    restarts = state.restarts.closed(state.psi, state.chains)
    psi, chains = restarts.best, restarts.chains
    if psi is None or chains is None or (psi is state.psi and restarts.target is None):
        return replace(state, restarts=restarts)
    if restarts.target is not None:
        psi, restarts = (
            _projected(restarts.target, psi, chains, settings),
            replace(restarts, target=None),
        )
    return replace(
        state, psi=psi, chains=chains, optimiser=OptimiserState.fresh(psi), last_good=None,
        n_rollbacks=0, probes=None, restarts=restarts,
    )  # fmt: skip


def _projected(
    target: VariationalState, psi: VariationalState, chains: ChainState, settings: RunSettings
) -> VariationalState:
    """The goal with the parameters of psi, or random ones where psi is of another sector.

    The mean of Psi/psi over |psi|^2 is the share of psi in the sector of its projection Psi.
    """
    found = target.with_flat(psi.flat)
    with np.errstate(over="ignore", invalid="ignore"):
        ratios = np.exp(found.log_psi(chains.spins) - psi.log_psi(chains.spins))
    if ratios.real.mean() > MIN_SHARE:
        return found
    return randomised(target, np.random.SeedSequence(settings.seed, spawn_key=(7, 0)))


def randomised(psi: VariationalState, seed: np.random.SeedSequence) -> VariationalState:
    """The same wavefunction with the small random parameters of a start."""
    return psi.with_flat(small_random((psi.n_parameters,), psi.is_complex, seed.spawn(1)[0]))
