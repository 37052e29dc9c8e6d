"""Random restarts on groups of MPI ranks, each of which has one restart at a time.

Each time ranks are divided into as many groups as there are restarts to come, or ranks where these
are fewer, or as memory has room for. Between two times the run stands at the beginning of its next
restart, as a run whose restarts follow each other does: what is saved there goes on on any number
of ranks, or in one process. In between each group saves its own restart in a file, from which ranks
go on, while one process begins it again.

A restart draws what it draws in one process, so that its energy differs by rounding that has grown.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hamiltonians.utils.memory import available_memory
from hamiltonians.utils.ranks import all_of, decided_by_first, smallest_share
from rbmqs.runs.checkpoint import load_checkpoint
from rbmqs.runs.resume import state_for
from rbmqs.runs.writer import RunWriter
from rbmqs.sampling.chains import ChainState, Division
from rbmqs.sampling.distributed import DistributedSampler
from rbmqs.utils.ranks import Ranks
from rbmqs.utils.threads import single_threaded_blas
from rbmqs.vmc.clock import Clock
from rbmqs.vmc.extension import RunContext
from rbmqs.vmc.extensions import extension_kinds
from rbmqs.vmc.extensions.multistart import MultiStart, Standing, has_no_time, kept, outliving
from rbmqs.vmc.loop import first_state, iterate
from rbmqs.vmc.records import StepRecord
from rbmqs.vmc.run_state import DivergedError, RunState
from rbmqs.vmc.settings import RunSettings
from rbmqs.vmc.sources import MonteCarlo, source_of

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian
    from rbmqs.states.state import VariationalState

RESTART = "restart-{}.npz"  # in the directory of a run, while it is at its restarts
SMALL = 2**28  # bytes of a restart that any rank has room for


@dataclass(frozen=True, eq=False)
class Groups:
    """Ranks in groups of neighbours, as even as it goes.

    Parameters
    ----------
    sampler : DistributedSampler
        Of all ranks.
    n_groups : int
    """

    sampler: DistributedSampler
    n_groups: int

    @cached_property
    def firsts(self) -> list[int]:
        """First rank of each group, and the number of ranks."""
        return [g * self.sampler.ranks.size // self.n_groups for g in range(self.n_groups + 1)]

    @property
    def mine(self) -> int:
        """The group of this rank."""
        return bisect_right(self.firsts, self.sampler.ranks.rank) - 1

    def division(self, group: int) -> Division:
        """All chains on the ranks of one group, and none on the others."""
        first, last = self.firsts[group : group + 2]
        n, size = self.sampler.n_chains, last - first
        lengths = np.zeros(self.sampler.ranks.size, int)
        lengths[first:last] = np.diff([k * n // size for k in range(size + 1)])
        return Division(self.sampler.ranks, tuple(lengths.tolist()))

    def handed_over(self, state: RunState, own: Division) -> RunState:
        """A state of all ranks with the chains that ranks of the first group have of it."""
        lengths = self.division(0).lengths

        def spins(rows: np.ndarray) -> np.ndarray:
            return self.sampler.division.moved(rows, lengths)

        def chains(found: ChainState) -> ChainState:
            if found.division is None:
                return found
            return ChainState(spins(found.spins), spins(found.rng), own)

        return state.with_chains(chains, spins)

    def taken_back(self, group: int, own: ChainState) -> ChainState:
        """The chains of a group, divided between all ranks."""
        division, everyone = self.division(group), self.sampler.division
        held = len(own.spins) if group == self.mine else 0
        spins, rng = (
            division.moved(rows[:held], everyone.lengths) for rows in (own.spins, own.rng)
        )
        return ChainState(spins, rng, everyone)


class Reached(NamedTuple):
    """How far restarts came.

    Attributes
    ----------
    state : RunState
        At the beginning of the next restart or behind all; the best so far where they were stopped.
    settings : RunSettings
        With fewer restarts where time was too short for all.
    trouble : list of str
        What ended a restart before its time, and the run with it.
    stopped : bool
        Whether the run ends among its restarts.
    """

    state: RunState
    settings: RunSettings
    trouble: list[str]
    stopped: bool = False


@dataclass(frozen=True, eq=False)
class RestartsOnGroups:
    """The restarts of a run on several ranks, which call this together.

    Parameters
    ----------
    hamiltonian : SpinHamiltonian
    settings : RunSettings
    sampler : DistributedSampler
    writer : RunWriter
    clock : Clock
    signalled : callable
        The signal that ends the run, None for none.
    show : callable
        Gets a record of each iteration, for a line of progress.
    callback : callable, optional
        Of the run; gets records and states of the restart that its rank is at.
    """

    hamiltonian: SpinHamiltonian
    settings: RunSettings
    sampler: DistributedSampler
    writer: RunWriter
    clock: Clock
    signalled: Callable[[], object]
    show: Callable[[StepRecord], None]
    callback: Callable[[StepRecord, RunState], Any] | None = None

    def are_wanted(self, state: RunState | None) -> bool:
        """Whether restarts are left that all come to their end and leave nothing to the next.

        One in the midst of which a run is that comes from one process goes on as there.
        """
        settings, done = self.settings, 0 if state is None else state.iteration
        in_all = settings.n_restarts_in_all * settings.restart_iterations
        is_begun = settings.iteration_in_restart(done) > 0
        fit = settings.is_restart(done) and not is_begun and in_all < settings.n_iterations
        leaves = state is not None and bool(outliving(state))
        return fit and self.sampler.ranks.size > 1 and not leaves

    def first(self, psi: VariationalState) -> RunState:
        """The state before the first iteration, saved."""
        run = RunContext.of(self.hamiltonian, self.settings, self.sampler)
        samples = isinstance(source_of(run, psi), MonteCarlo)
        added = [kind(run) for kind in extension_kinds(self.settings)] if samples else []
        state = first_state(run, psi, added)
        self.writer.begin(state)
        return state

    def run(self, state: RunState) -> Reached:
        """The run behind its restarts, or where it was stopped among them."""
        settings, is_first = self.settings, True
        while settings.is_restart(state.iteration):
            if not is_first and has_no_time(self.clock, settings.restart_iterations):
                n_over = settings.n_restarts_before(state.iteration)
                fewer = replace(settings, n_restarts=n_over)
                return Reached(kept(Standing.of(state), state, fewer), fewer, [])
            found = self._at_once(state)
            if found.stopped or found.settings is not settings:
                return found
            state, is_first = found.state, False
        return Reached(state, settings, [])

    def _n_groups(self, psi: VariationalState, n_left: int) -> int:
        ranks, memory = self.sampler.ranks, self.settings.sampling.memory(psi)
        if memory > SMALL:
            room = ranks.size * smallest_share(available_memory(), ranks.comm)
            n_left = min(n_left, int(room // memory))
        return max(1, min(n_left, ranks.size))

    def _at_once(self, state: RunState) -> Reached:
        """As many restarts as there are groups, from the present one on, to their end."""
        settings, ranks, writer = self.settings, self.sampler.ranks, self.writer
        n_over = settings.n_restarts_before(state.iteration)
        n_left = settings.n_restarts_in_all - n_over
        groups = Groups(self.sampler, self._n_groups(state.psi, n_left))
        number = n_over + groups.mine
        directory = decided_by_first(writer.directory, ranks.comm)
        path = None if directory is None else directory / RESTART.format(number)
        comm = ranks.comm.Split(groups.mine, ranks.rank)
        own = _Restart(self, DistributedSampler(self.sampler.whole, Ranks(comm)), number, path)
        own.begin(groups.handed_over(state, own.sampler.division), is_present=groups.mine == 0)
        ends, is_cut, troubles = False, False, list[str]()
        last = int(ranks.largest(own.n_left))
        for done in range(1, last + 1):
            self.clock.begin(groups.n_groups)
            own.advance()
            troubles = [text for text in all_of(own.trouble, ranks.comm) if text]
            if not troubles:
                n_done = state.iteration + done * groups.n_groups
                self.show(replace(own.history[-1], iteration=n_done - 1))
            ends = bool(troubles) or not ranks.everywhere(not own.ends)
            ends = self.clock.is_over() or self.signalled() is not None or ends
            if path is not None and (ends or writer.is_due()):
                writer.keep_restart(path if comm.rank == 0 else None, own.state, own.history)
            is_cut = state.target is not None and has_no_time(self.clock, 0) and done < last
            if ends or is_cut:
                break
        standing, best = self._with_the_best(groups, state, own.state)
        histories = all_of(own.history if comm.rank == 0 else [], ranks.comm)
        histories = [histories[first] for first in groups.firsts[:-1]]
        comm.Free()
        if ends:
            return self._stopped(state, standing, list(chain(*histories)), troubles)
        if is_cut:
            earlier = best * settings.restart_iterations
            history = [replace(r, iteration=r.iteration - earlier) for r in histories[best]]
            energies = (*standing.energies[:n_over], standing.energies[n_over + best])
            settings = replace(settings, n_restarts=max(n_over, 1))
            standing = replace(standing, energies=energies)
        else:
            history = list(chain(*histories))
        return Reached(self._behind(state, standing, history, settings), settings, [])

    def _with_the_best(
        self, groups: Groups, state: RunState, own: RunState
    ) -> tuple[Standing, int]:
        """How the restarts stand, those that groups are at among them; the best group."""
        ranks, before = self.sampler.ranks, Standing.of(state)
        energy = Standing.of(own).closed(own.psi, own.chains).energies[-1]
        everyone = all_of(energy, ranks.comm)
        energies = [everyone[first] for first in groups.firsts[:-1]]
        best, after = int(np.argmin(energies)), (*before.energies, *energies)
        if before.best is not None and min(before.energies) <= energies[best]:
            return Standing(after, before.best, before.chains), best
        flat = ranks.broadcast(np.array(own.psi.flat), groups.firsts[best])
        psi, chains = own.psi.with_flat(flat), groups.taken_back(best, own.chains)
        return Standing(after, psi, chains), best

    def _behind(
        self,
        state: RunState,
        standing: Standing,
        history: list[StepRecord],
        settings: RunSettings,
    ) -> RunState:
        """At the beginning of the next restart, or with the best of all."""
        n_over, n_done = len(standing.energies), state.iteration + len(history)
        more = n_over < settings.n_restarts_in_all
        if more:
            after = standing.into(_begun(self, self.sampler, state, n_over))
        else:
            after = kept(standing, replace(state, iteration=n_done), settings)
        self.writer.write_restarts(history, after)
        if self.writer.directory is not None:
            for path in self.writer.directory.glob(RESTART.format("*")):
                if not more or int(path.stem.split("-")[1]) < n_over:
                    path.unlink()
        return after

    def _stopped(
        self,
        state: RunState,
        standing: Standing,
        history: list[StepRecord],
        troubles: list[str],
    ) -> Reached:
        """With the best so far; what is saved is the state before, and each restart by itself."""
        self.writer.close(state)
        self.writer.history.extend(history)
        n_missing = self.settings.n_restarts_in_all - len(standing.energies)
        standing = replace(standing, energies=standing.energies + n_missing * (np.inf,))
        there = replace(state, iteration=state.iteration + len(history))
        best = kept(standing, there, self.settings)
        return Reached(best, self.settings, troubles[:1], stopped=True)


class _Restart:
    """The restart that a group of ranks is at.

    Parameters
    ----------
    run : RestartsOnGroups
    sampler : DistributedSampler
        Of the group.
    number : int
        Restarts before it.
    path : Path or None
        Where it is saved.
    """

    state: RunState

    def __init__(
        self, run: RestartsOnGroups, sampler: DistributedSampler, number: int, path: Path | None
    ) -> None:
        self.run, self.sampler, self.number, self.path = run, sampler, number, path
        self.history: list[StepRecord] = []
        self.trouble, self.ends = "", False

    def begin(self, present: RunState, is_present: bool) -> None:
        """From its file, or from random parameters where it is not the present one."""
        run = self.run
        self.state = present
        if not is_present:
            found = _begun(run, self.sampler, present, self.number)
            before = (np.inf,) * self.number  # those of other groups, which do not matter here
            self.state = Standing(before, found.psi, found.chains).into(found)
        if self.path is not None and self.sampler.ranks.agreed(self.path.exists()):
            saved = load_checkpoint(self.path)
            if (
                saved.meta.get("run_id") == run.writer.run_id
                and self.state.iteration < saved.state.iteration <= self._end
            ):
                state = state_for(saved.state, run.hamiltonian, run.settings)
                self.state = state.divided(self.sampler.division)
                self.history = [StepRecord.from_dict(each) for each in saved.meta["records"]]
        self._steps = iterate(
            run.hamiltonian, self.state.psi, run.settings, sampler=self.sampler, state=self.state
        )

    @property
    def _end(self) -> int:
        return (self.number + 1) * self.run.settings.restart_iterations

    @property
    def n_left(self) -> int:
        """Iterations to come."""
        return self._end - self.state.iteration

    def advance(self) -> None:
        """One more iteration, where one is left."""
        if not self.n_left:
            return
        try:
            record, self.state = next(self._steps)
        except DivergedError as error:
            self.trouble = str(error)
            return
        self.history.append(record)
        self.ends = self.run.callback is not None and bool(self.run.callback(record, self.state))


def _begun(
    run: RestartsOnGroups, sampler: DistributedSampler, state: RunState, number: int
) -> RunState:
    """A restart at its beginning, with the chains of a sampler."""
    context = RunContext.of(run.hamiltonian, run.settings, sampler)
    with single_threaded_blas():
        return MultiStart(context).begun(state, number)
