"""The end of a run: the final estimate, and what extensions do about it before the next one.

The run's own checkpoint stays as it was, so that a resumed run continues as if it had not stopped;
a state that an extension changed is kept beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rbmqs.estimators.final import Estimate, final_estimate
from rbmqs.vmc.clock import Clock
from rbmqs.vmc.extension import Ending, RunContext
from rbmqs.vmc.extensions import extension_kinds
from rbmqs.vmc.run_state import RunState

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian
    from rbmqs.sampling.chains import Sampler
    from rbmqs.states.state import VariationalState
    from rbmqs.vmc.settings import RunSettings

MAX_ROUNDS = 4


@dataclass(frozen=True, eq=False)
class Ended:
    """How a run ended.

    Parameters
    ----------
    state : RunState or None
        After the extensions; None where they changed nothing.
    estimate : Estimate
        The last one.
    n_iterations, n_rounds : int
        Of the extensions.
    """

    state: RunState | None
    estimate: Estimate
    n_iterations: int = 0
    n_rounds: int = 0


def end_run(
    hamiltonian: SpinHamiltonian,
    psi: VariationalState,
    state: RunState | None,
    sampler: Sampler,
    settings: RunSettings,
    stopped: Callable[[], object] = lambda: None,
    progress: bool = False,
    interrupted: Callable[[], object] = lambda: None,
    clock: Clock | None = None,
) -> Ended:
    """Estimate the energy, and again with other seeds while an extension changes the state.

    Parameters
    ----------
    psi : VariationalState
    state : RunState or None
        Of the run that led to it; None for an estimate alone.
    stopped : callable
        Asked before each iteration whether to stop.
    progress : bool
        Show a progress bar of each estimate and round on standard error.
    interrupted : callable
        Asked now and then whether an estimate must do with the draws that it has.
    clock : Clock, optional
        Of a run of limited time: estimates have the draws that there is time for, and extensions
        get none where it would not do for another estimate.
    """
    clock = clock or Clock()

    def estimate(psi: VariationalState, *number: int) -> Estimate:
        seed = np.random.SeedSequence(settings.seed, spawn_key=(2, *number))
        return final_estimate(
            hamiltonian, psi, sampler, settings.sampling.n_final_draws, seed, progress, interrupted,
            clock.n_draws_left, None if state is None else state.chains,
        )  # fmt: skip

    before_estimate = clock.spent()
    found = Ended(None, estimate(psi))
    if state is None:
        return found
    needed = clock.spent() - before_estimate + clock.per_iteration

    def must_stop() -> bool:
        return clock.left() < needed or bool(stopped())

    run = RunContext.of(hamiltonian, settings, sampler)
    added = [kind(run) for kind in extension_kinds(settings)]
    before = state
    for number in range(1, MAX_ROUNDS + 1):
        ending, after = Ending(found.estimate, state, number, must_stop, progress), before
        for extension in added:
            after = extension.finish(ending, after)
        if after is before:
            break
        n_iterations = after.iteration - state.iteration
        found = Ended(after, estimate(after.psi, number), n_iterations, number)
        before = after
    return found
