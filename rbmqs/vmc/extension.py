"""What may be added to the loop, each in one file: the protocol of extensions and their registry.

An extension has a name, under which the run's state keeps what it remembers (`RunState.extensions`)
and records keep what it reports (`StepRecord.extras`). Every hook is optional. Registered ones take
part in each run; others are passed to `rbmqs.iterate` and `rbmqs.ground_state` as classes, or named
in the settings by import path ("package.module:Class").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from hamiltonians.utils.registry import Registry
from rbmqs.sampling.chains import ChainState, Sampler
from rbmqs.vmc.batch import Batch
from rbmqs.vmc.clock import Clock
from rbmqs.vmc.records import StepRecord
from rbmqs.vmc.run_state import OptimiserState, RunState
from rbmqs.vmc.settings import RunSettings

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian
    from rbmqs.estimators.estimate import Estimate
    from rbmqs.states.state import VariationalState

Line = tuple[str, str]  # of a report: a label of at most 14 characters, and a text

THERMALISATION_SWEEPS = 100  # before the first iteration, from random configurations


@dataclass(frozen=True, eq=False)
class RunContext:
    """What stays the same along a run.

    Parameters
    ----------
    hamiltonian : SpinHamiltonian
        In units of its couplings, without its trace; so are all energies within the loop.
    settings : RunSettings
    sampler : Sampler
    clock : Clock
        Without a limit where no run of limited time is on.
    """

    hamiltonian: SpinHamiltonian
    settings: RunSettings
    sampler: Sampler
    clock: Clock = field(default_factory=Clock)

    @classmethod
    def of(
        cls,
        hamiltonian: SpinHamiltonian,
        settings: RunSettings,
        sampler: Sampler,
        clock: Clock | None = None,
    ) -> RunContext:
        """That of a run of a Hamiltonian in Pauli units."""
        scaled = hamiltonian.in_units_of(hamiltonian.coupling_scale)
        return cls(scaled, settings, sampler, clock or Clock())

    def fresh_chains(self, psi: VariationalState, seed: np.random.SeedSequence) -> ChainState:
        """Chains from random configurations, thermalised."""
        chains = self.sampler.start(seed)
        return self.sampler.sample(psi, chains, 1, n_discard=THERMALISATION_SWEEPS)[1]

    def start(self, psi: VariationalState, seed: np.random.SeedSequence) -> RunState:
        """State with fresh chains, before the first iteration."""
        return RunState(0, psi, self.fresh_chains(psi, seed), OptimiserState.fresh(psi))


class Ending(NamedTuple):
    """A final estimate, as `Extension.finish` gets it.

    Attributes
    ----------
    estimate : Estimate
    state : RunState
        That the run ended with, before any extension changed it.
    number : int
        Of the estimate, from 1.
    stopped : callable
        Asked before each iteration whether to stop.
    progress : bool
        Whether to show progress on standard error.
    """

    estimate: Estimate
    state: RunState
    number: int
    stopped: Callable[[], object]
    progress: bool


class Extension:
    """An addition to the loop; each hook that is not overridden does nothing.

    Parameters
    ----------
    run : RunContext
    """

    name: ClassVar[str] = ""
    outlives_restarts: ClassVar[bool] = False  # whether a restart leaves its state as it is

    def __init__(self, run: RunContext) -> None:
        self.run = run

    def first(self, psi: VariationalState) -> VariationalState:
        """The wavefunction to begin with; another one than `psi` makes `psi` the run's target."""
        return psi

    def before(self, state: RunState) -> RunState:
        """The state that an iteration starts from."""
        return state

    def adjust(self, batch: Batch, state: RunState) -> tuple[Batch, RunState, Mapping[str, Any]]:
        """The batch that a step uses, the state, and what the record says (plain JSON values)."""
        return batch, state, {}

    def optimiser_options(self, batch: Batch, state: RunState) -> Mapping[str, Any]:
        """Keyword arguments for `Optimiser.update`."""
        return {}

    def after(self, record: StepRecord, state: RunState) -> RunState:
        """The state after an iteration."""
        return state

    def finish(self, ending: Ending, state: RunState) -> RunState:
        """The state after a final estimate; one that differs from `state` is estimated again."""
        return state

    @classmethod
    def with_new_chains(cls, state: RunState) -> RunState:
        """The state of a run that is resumed with another number of chains, which are fresh."""
        return state

    @classmethod
    def report(cls, history: Sequence[StepRecord], settings: RunSettings) -> list[Line]:
        """Lines for a run's report."""
        return []

    @classmethod
    def report_ending(cls, n_iterations: int) -> list[Line]:
        """Lines on the iterations that `finish` made, in all."""
        return []


EXTENSIONS: Registry[type[Extension]] = Registry("extension")


def register_extension(name: str) -> Any:
    """A class decorator that gives an extension its name, and a part in each run.

    Parameters
    ----------
    name : str
        As in settings, logs and reports.

    Returns
    -------
    class decorator
    """

    def decorate(kind: type[Extension]) -> type[Extension]:
        if not (isinstance(kind, type) and issubclass(kind, Extension)):
            raise TypeError(f"extension {name!r} must be a subclass of Extension, got {kind!r}")
        kind.name = name
        return EXTENSIONS.register(name)(kind)

    return decorate
