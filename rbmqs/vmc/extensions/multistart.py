"""Random restarts (multi-start) in one run: each has its iterations, and the best is kept.

Starts end in different minima of the energy, and none is left again: of ten seeds for the 10x10
Heisenberg model, tied over translations with alpha = 2, three or four end at a relative error of
3.7e-3 and the rest near 2.9e-3, whatever is done later (docs/notes/restarts.md). Which minimum it
is shows after some hundred iterations. The features of tied RBMs are centred on sites in all
restarts but the first: one in three of those is on its way to 2.9e-3 after a hundred iterations,
none of eleven others was.

States that are projected onto the symmetric sector are restarted without the projection, and
projected after the restarts. A restart on its way to another sector is the last one: the longer it
goes on, the worse a start it is (docs/notes/projected.md). Still it is better than small random
parameters, which are nearly the ferromagnet: the highest level where no sign rule applies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rbmqs.sampling.chains import ChainState
from rbmqs.states.classical_order import with_classical_order
from rbmqs.states.state import VariationalState
from rbmqs.vmc.batch import Batch
from rbmqs.vmc.clock import Clock
from rbmqs.vmc.extension import EXTENSIONS, Extension, Line, register_extension
from rbmqs.vmc.extensions.distance_shift import DistanceShift
from rbmqs.vmc.recommended import recommended
from rbmqs.vmc.records import StepRecord
from rbmqs.vmc.run_state import OptimiserState, RunState
from rbmqs.vmc.settings import RunSettings

Iterations = Callable[..., Iterator[tuple[StepRecord, RunState]]]

NAME = "multistart"
JUDGED = 0.25  # the last part of a restart, whose mean energy decides
MOST_TIME = 0.25  # of a limited time, that restarts may take
GOOD_SHARE = 0.5  # of a restart in the sector that it will be projected onto, for more of them
MIN_SHARE = 0.02  # below which the projected wavefunction begins with random parameters


@dataclass(frozen=True, eq=False)
class Standing:
    """How the restarts of a run stand.

    Parameters
    ----------
    energies : tuple of float
        Of the restarts that are over; inf where no iteration of the judged part was a good one.
    best : VariationalState or None
        That of the lowest of them.
    chains : ChainState or None
        Where its chains were. Fresh ones may find spurious maxima that these had no need to leave:
        J1-J2 at J2 = 0.6 on 10x10 went from -189 to energies of thousands.
    total : float
        Sum of the energies of the present restart's judged iterations.
    n_judged : int
        Their number.
    """

    energies: tuple[float, ...] = ()
    best: VariationalState | None = None
    chains: ChainState | None = None
    total: float = 0.0
    n_judged: int = 0

    @classmethod
    def of(cls, state: RunState) -> Standing:
        """What a run's state says."""
        values = state.of(NAME)
        if values.get("energies") and (values.get("best") is None or values.get("chains") is None):
            raise ValueError("the state of the best restart is missing")
        return cls(**{**values, "energies": tuple(values.get("energies", ()))})

    def into(self, state: RunState) -> RunState:
        """A run's state with this."""
        return state.with_extension(NAME, vars(self))

    def judged(self, energy: float) -> Standing:
        """With one more iteration."""
        return replace(self, total=self.total + energy, n_judged=self.n_judged + 1)

    def closed(self, psi: VariationalState, chains: ChainState) -> Standing:
        """With the present restart, which ended with these, among those that are over."""
        energy = self.total / self.n_judged if self.n_judged else np.inf
        if self.best is None or energy < min(self.energies):
            return Standing((*self.energies, energy), psi, chains)
        return Standing((*self.energies, energy), self.best, self.chains)


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
    energies = [
        [r.energy.mean.real for r in records if r.extra(NAME, "restart") == k] for k in range(n)
    ]
    return [float(np.mean(found)) if found else np.inf for found in energies]


def with_restarts(settings: RunSettings, psi: VariationalState) -> RunSettings:
    """Settings with the number of restarts filled in, for a run from random parameters."""
    if settings.n_restarts is not None or settings.growth:
        return settings
    affordable = settings.n_iterations // (2 * settings.restart_iterations)
    return replace(settings, n_restarts=max(1, min(recommended(psi).n_restarts, affordable)))


def with_fewer_restarts(
    iterate: Iterations,
    settings: RunSettings,
    state: RunState | None,
    clock: Clock,
) -> Iterator[tuple[StepRecord, RunState, RunSettings]]:
    """Iterations, with the settings that hold behind each of them.

    Between two restarts the best so far is kept where the next one would end beyond a quarter of
    a limited time, and where one without its projection has left the sector. Such a restart ends
    with that time.

    Parameters
    ----------
    iterate : callable
        `rbmqs.vmc.loop.iterate` with all but the settings and the state.
    settings : RunSettings
    state : RunState or None
    clock : Clock
    """
    for record, after in iterate(settings=settings, state=state):
        if _are_over(after, settings, clock):
            lowest, fewer = _without_further(after, settings)
            yield record, lowest, fewer
            yield from ((*step, fewer) for step in iterate(settings=fewer, state=lowest))
            return
        yield record, after, settings


def _are_over(state: RunState, settings: RunSettings, clock: Clock) -> bool:
    """Whether the restart that is to come is of no use, or there is no time for what is left."""
    is_between = settings.iteration_in_restart(state.iteration) == 0
    if not settings.is_restart(state.iteration) or not (is_between or state.target is not None):
        return False
    if is_between and state.target is not None:
        projected = state.target.with_flat(state.psi.flat)
        if not _share(projected, state.psi, state.chains) >= GOOD_SHARE:
            return True
    return has_no_time(clock, settings.restart_iterations if is_between else 0)


def has_no_time(clock: Clock, n_iterations: int) -> bool:
    """Whether so many iterations would end behind the time that restarts may take."""
    if clock.max_seconds is None:
        return False
    return clock.spent() + n_iterations * clock.per_iteration > MOST_TIME * clock.max_seconds


def _without_further(state: RunState, settings: RunSettings) -> tuple[RunState, RunSettings]:
    """The best of the restarts so far, the present one among them, and no more restarts."""
    n_over = max(settings.n_restarts_before(state.iteration), 1)
    return lowest(state, settings), replace(settings, n_restarts=n_over)


@register_extension(NAME)
class MultiStart(Extension):
    """Begins each restart, and continues from the best behind all of them."""

    def first(self, psi: VariationalState) -> VariationalState:
        """What restarts are optimised as."""
        if self.run.settings.n_restarts_in_all == 1:
            return psi
        return recommended(psi).restart_state or psi

    def before(self, state: RunState) -> RunState:
        """The state at the beginning of a restart or behind all; mostly the state itself."""
        n_over = self.run.settings.n_restarts_before(state.iteration)
        standing = Standing.of(state)
        if n_over <= len(standing.energies):
            return state
        if n_over == self.run.settings.n_restarts_in_all:
            return lowest(state, self.run.settings)
        return standing.closed(state.psi, state.chains).into(self.begun(state, n_over))

    def begun(self, state: RunState, n_over: int) -> RunState:
        """The state at the beginning of a restart, `n_over` being over."""
        run, settings = self.run, self.run.settings
        seed = np.random.SeedSequence(settings.seed, spawn_key=(7, n_over))
        shift = DistanceShift.of(run.hamiltonian, settings)
        n_samples = settings.sampling.n_samples_of(state.psi)
        order = np.random.SeedSequence(settings.seed, spawn_key=(9, n_over))
        psi = shift.falling_with_distance(state.psi.randomised(seed.spawn(1)[0]), n_samples)
        psi = with_classical_order(shift.near_centres(psi), run.hamiltonian, order)
        return replace(
            run.start(psi, seed),
            iteration=n_over * settings.restart_iterations,
            target=state.target,
            extensions=outliving(state),
        )

    def adjust(self, batch: Batch, state: RunState) -> tuple[Batch, RunState, Mapping[str, Any]]:
        """Records say how many restarts are over, and where the projection is left out."""
        extras: dict[str, Any] = {}
        n_over = self.run.settings.n_restarts_before(state.iteration)
        if n_over:
            extras["restart"] = n_over
        if state.target is not None:
            extras["unprojected"] = True
        return batch, state, extras

    def after(self, record: StepRecord, state: RunState) -> RunState:
        """The state with the energy of a judged iteration."""
        if not _counts(record, self.run.settings):
            return state
        return Standing.of(state).judged(float(record.energy.mean.real)).into(state)

    @classmethod
    def with_new_chains(cls, state: RunState) -> RunState:
        """Those of the best restart are the fresh ones too."""
        standing = Standing.of(state)
        if standing.best is None:
            return state
        return replace(standing, chains=state.chains).into(state)

    @classmethod
    def report(cls, history: Sequence[StepRecord], settings: RunSettings) -> list[Line]:
        """Energies of the restarts."""
        energies = restart_energies(history, settings)
        if not energies:
            return []
        found = ", ".join(f"{energy:.4f}" for energy in energies)
        projected = any(record.extra(NAME, "unprojected") for record in history)
        how = ", projected" if projected else ""
        return [("restarts", f"{found}: the best was kept{how}")]


def best_so_far(state: RunState, settings: RunSettings) -> RunState:
    """The state to estimate from where a run ends among its restarts: that of the best so far."""
    n_over = len(Standing.of(state).energies)
    is_restart = n_over > 0 or state.target is not None
    return lowest(state, settings) if is_restart and n_over < settings.n_restarts_in_all else state


def lowest(state: RunState, settings: RunSettings) -> RunState:
    """The lowest of the restarts, the present one among them; that one goes on as it is."""
    return kept(Standing.of(state).closed(state.psi, state.chains), state, settings)


def kept(standing: Standing, state: RunState, settings: RunSettings) -> RunState:
    """A run's state with the best of its restarts, projected where that is its target."""
    psi, chains = standing.best, standing.chains
    if psi is None or chains is None or (psi is state.psi and state.target is None):
        return standing.into(state)
    if state.target is not None:
        psi = _projected(state.target, psi, chains, settings)
    optimiser = OptimiserState.fresh(psi)
    found = RunState(state.iteration, psi, chains, optimiser, extensions=outliving(state))
    return standing.into(found)


def outliving(state: RunState) -> dict[str, Mapping[str, Any]]:
    """States of the extensions that a restart leaves as they are."""
    kept = {name for name, kind in EXTENSIONS.items() if kind.outlives_restarts}
    return {name: values for name, values in state.extensions.items() if name in kept}


def _projected(
    target: VariationalState, psi: VariationalState, chains: ChainState, settings: RunSettings
) -> VariationalState:
    """The target with the parameters of psi, or random ones where psi is of another sector."""
    found = target.with_flat(psi.flat)
    if _share(found, psi, chains) > MIN_SHARE:
        return found
    seed = np.random.SeedSequence(settings.seed, spawn_key=(7, 0))
    return target.randomised(seed.spawn(1)[0])


def _share(projected: VariationalState, psi: VariationalState, chains: ChainState) -> float:
    """Share of psi in the sector of its projection Psi: the mean of Psi/psi over |psi|^2."""
    with np.errstate(over="ignore", invalid="ignore"):
        ratios = np.exp(projected.log_psi(chains.spins) - psi.log_psi(chains.spins))
    ratios = ratios if chains.division is None else chains.division.of_all(ratios)
    return float(ratios.real.mean())
