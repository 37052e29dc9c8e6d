"""The variational loop: draw a batch, adjust it, step.

Inside, H is (H - trace) / J with J its `coupling_scale`: a run of s H + c takes the steps of that
of H, and every threshold is a plain number. Records are in Pauli units.

`iterate` is a generator of one record per iteration; `rbmqs.runs.run.run` is a loop over it that
writes files. State goes in and comes out, so a run can be cut anywhere and continued bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from rbmqs.sampling.chains import Sampler
from rbmqs.states.state import VariationalState
from rbmqs.utils.threads import single_threaded_blas
from rbmqs.vmc.clock import Clock
from rbmqs.vmc.extension import Extension, RunContext
from rbmqs.vmc.extensions import extension_kinds
from rbmqs.vmc.records import StepRecord
from rbmqs.vmc.run_state import RunState, target_of
from rbmqs.vmc.settings import RunSettings
from rbmqs.vmc.sources import MonteCarlo, make_sampler, source_of
from rbmqs.vmc.step import step

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian


def iterate(
    hamiltonian: SpinHamiltonian,
    psi: VariationalState,
    settings: RunSettings | None = None,
    *,
    sampler: Sampler | None = None,
    state: RunState | None = None,
    extensions: Sequence[str | type[Extension]] = (),
    on_start: Callable[[RunState], None] | None = None,
    remembered: Mapping[str, Mapping[str, Any]] | None = None,
    clock: Clock | None = None,
) -> Iterator[tuple[StepRecord, RunState]]:
    """Optimise without end: one record and the state after it per iteration.

    Parameters
    ----------
    hamiltonian : SpinHamiltonian
    psi : VariationalState
        Initial wavefunction; ignored when `state` is given.
    settings : RunSettings, optional
    sampler : Sampler, optional
        In place of the one that the settings describe.
    state : RunState, optional
        Where to go on.
    extensions : sequence of class or str, optional
        Beside the registered ones, see `rbmqs.vmc.extension`; a str is an import path.
    on_start : callable, optional
        Gets the state before the first iteration; not called when `state` is given.
    remembered : mapping, optional
        State of extensions by their names to begin with.
    clock : Clock, optional
        Of a run of limited time, with which its schedules end; the caller ends the run.

    Yields
    ------
    record : StepRecord
    state : RunState
        After the iteration.

    Raises
    ------
    ValueError
        Wavefunction and Hamiltonian of different size.
    DivergedError
        More than `rbmqs.vmc.step.MAX_ROLLBACKS` bad steps in a row.
    """
    settings = settings or RunSettings()
    check_sizes(hamiltonian, psi)
    run = RunContext.of(
        hamiltonian, settings, sampler or make_sampler(hamiltonian, settings.sampling), clock
    )
    added = [kind(run) for kind in extension_kinds(settings, extensions)]
    source = source_of(run, psi if state is None else target_of(state))
    if state is None:
        state = first_state(run, psi, added if isinstance(source, MonteCarlo) else [], remembered)
        if on_start is not None:
            on_start(state)
    while True:
        with single_threaded_blas():
            for extension in added:
                state = extension.before(state)
            run.clock.begin((type(state.psi), state.psi.n_parameters))
            batch, state = source.draw(state)
            if not batch.summed:
                run.clock.drew(batch.energy.n_draws)
            extras: dict[str, Any] = {}
            options: dict[str, Any] = {}
            for extension in added:
                batch, state, found = extension.adjust(batch, state)
                if found:
                    extras[extension.name] = dict(found)
            for extension in added:
                options |= extension.optimiser_options(batch, state)
            record, state = step(batch, state, settings, extras, options)
            for extension in added:
                state = extension.after(record, state)
        yield record.in_pauli_units(hamiltonian), state


def first_state(
    run: RunContext,
    psi: VariationalState,
    added: Sequence[Extension],
    remembered: Mapping[str, Mapping[str, Any]] | None = None,
) -> RunState:
    """The state before the first iteration, of the wavefunction that extensions begin with."""
    first = psi
    for extension in added:
        first = extension.first(first)
    with single_threaded_blas():
        state = run.start(first, np.random.SeedSequence(run.settings.seed, spawn_key=(1,)))
    target = None if first is psi else psi
    return replace(state, target=target, extensions=dict(remembered or {}))


def check_sizes(hamiltonian: SpinHamiltonian, psi: VariationalState) -> None:
    """Refuse a wavefunction on another number of sites than the Hamiltonian."""
    if psi.n_sites != hamiltonian.n_sites:
        raise ValueError(
            f"psi has {psi.n_sites} sites, the Hamiltonian {hamiltonian.n_sites}: they must agree"
        )
