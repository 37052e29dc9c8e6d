"""The final estimate: fresh chains, many samples, an error bar, and reasons not to trust it.

Half of the chains start at random, the others in ordered and domain states of the lattice
(`rbmqs.sampling.initial_configurations`). All are equilibrated first
(`rbmqs.estimators.equilibration`). Whether the kinds of start agree in the draws that count is
tested with a fixed rate of false alarms (`rbmqs.estimators.chain_diagnostics`). Where time is left
for so few sweeps that fresh chains would not forget their starts, the chains of the run go on, and
the estimate says so.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from rbmqs.estimators.equilibration import (
    FINAL_SWEEPS,
    PROBE_DRAWS,
    Thermalised,
    thermalised,
)
from rbmqs.estimators.estimate import CONTINUED, Estimate
from rbmqs.estimators.local import local_energies
from rbmqs.sampling.chains import ChainState, Sampler, Samples, joined
from rbmqs.sampling.distributed import DistributedSampler, undivided
from rbmqs.sampling.exact import ExactSampler
from rbmqs.sampling.initial_configurations import started_chains
from rbmqs.utils.progress import Progress
from rbmqs.utils.threads import single_threaded_blas

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian
    from rbmqs.states.state import VariationalState

PART = 4096  # samples between two looks at the clock
PARTS = 16  # of the draws that there is time for, at least
MIN_DRAWS = 4  # whatever the time


def final_estimate(
    hamiltonian: SpinHamiltonian,
    psi: VariationalState,
    sampler: Sampler,
    n_draws: int,
    seed: int | np.random.SeedSequence,
    progress: bool = False,
    interrupted: Callable[[], object] = lambda: None,
    n_draws_left: Callable[[], float] = lambda: math.inf,
    chains_of_run: ChainState | None = None,
) -> Estimate:
    """Energy with its error from chains started afresh, at random and in ordered states.

    Parameters
    ----------
    n_draws : int
        Per chain.
    progress : bool
        Show a progress bar on standard error.
    interrupted : callable
        Asked now and then whether to be content with the draws that there are.
    n_draws_left : callable
        Draws of a chain, with local energies, that there is time for.
    chains_of_run : ChainState, optional
        That go on where time is short.
    """
    bar = Progress(n_draws, show=progress, unit="final draw")
    with single_threaded_blas(), bar:
        chains, kinds = started_chains(hamiltonian, psi, undivided(sampler), seed)
        if isinstance(sampler, DistributedSampler):
            chains = sampler.division.own(chains)
        n_left = n_draws_left()
        if chains_of_run is not None and n_left < 2 * (FINAL_SWEEPS + PROBE_DRAWS):
            ready = Thermalised(replace(chains, spins=chains_of_run.spins), 0)
            kinds = (CONTINUED,) * len(kinds)
        else:
            ready = thermalised(hamiltonian, psi, sampler, chains, kinds, bar, n_draws_left)
        samples, values = _drawn(
            hamiltonian, psi, sampler, ready.chains, n_draws, ready.n_discard, bar, interrupted,
            n_draws_left,
        )  # fmt: skip
    return Estimate(psi, hamiltonian, samples, values, kinds, ready.n_weightless)


def _drawn(
    hamiltonian: SpinHamiltonian,
    psi: VariationalState,
    sampler: Sampler,
    chains: ChainState,
    n_draws: int,
    n_discard: int,
    bar: Progress,
    interrupted: Callable[[], object],
    n_draws_left: Callable[[], float],
) -> tuple[Samples, np.ndarray]:
    """Configurations and their local energies, drawn in parts."""
    # An exact sampler enumerates its sector in each call.
    at_once = n_draws if isinstance(sampler, ExactSampler) else max(PART // sampler.n_chains, 1)
    n_draws = int(max(min(n_draws, n_draws_left() - n_discard), MIN_DRAWS))
    if n_draws_left() < PARTS * at_once:
        at_once = max(n_draws // PARTS, 1)
    parts: list[Samples] = []
    energies: list[np.ndarray] = []
    sweeps: list[int] = []
    for done in range(0, n_draws, at_once):
        discarded = 0 if parts else n_discard
        part, chains = sampler.sample(
            psi, chains, min(at_once, n_draws - done), n_discard=discarded
        )
        parts.append(part)
        values = local_energies(psi, hamiltonian, part, psi.prepare(part.flat))
        energies.append(part.of_all(values))
        sweeps.append(part.shape[1] + discarded)
        bar.advance(done + part.shape[1], "final estimate")
        if interrupted() or (done + part.shape[1] >= MIN_DRAWS and n_draws_left() < at_once / 2):
            break
    return joined(parts, sweeps), np.concatenate(energies, axis=1)
