"""Where the configurations of an iteration come from: chains, enumeration, or a whole sum."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from rbmqs.estimators.error_bars import quick_statistics
from rbmqs.estimators.local import local_energies
from rbmqs.sampling.chains import Sampler
from rbmqs.sampling.distributed import DistributedSampler
from rbmqs.sampling.exact import ExactSampler
from rbmqs.sampling.metropolis import MetropolisSampler
from rbmqs.sampling.replica_exchange import ReplicaExchangeSampler
from rbmqs.utils.ranks import Ranks
from rbmqs.vmc.batch import Batch
from rbmqs.vmc.extension import RunContext
from rbmqs.vmc.full_summation import Summation
from rbmqs.vmc.run_state import RunState
from rbmqs.vmc.settings import SamplingSettings

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian
    from rbmqs.states.state import VariationalState


class BatchSource(Protocol):
    """What an iteration learns its local energies from."""

    def draw(self, state: RunState) -> tuple[Batch, RunState]:
        """Configurations with local energies, and the state with its chains moved on."""


@dataclass(frozen=True, eq=False)
class MonteCarlo:
    """Samples of a run's sampler.

    Parameters
    ----------
    run : RunContext
    """

    run: RunContext

    def draw(self, state: RunState) -> tuple[Batch, RunState]:
        """See `BatchSource`."""
        settings, sampler, psi = self.run.settings, self.run.sampler, state.psi
        iteration = settings.iteration_in_stage(state.iteration)
        n_draws = settings.sampling.n_draws_at(iteration, psi)
        samples, chains = sampler.sample(psi, state.chains, n_draws)
        cache = psi.prepare(samples.flat)
        energies = local_energies(psi, self.run.hamiltonian, samples, cache)
        by_chain = samples.of_all(energies)
        batch = Batch(
            samples.flat, cache, energies.ravel(), quick_statistics(by_chain), samples.acceptance,
            division=samples.division, series=None if samples.division is None else by_chain,
        )  # fmt: skip
        return batch, replace(state, chains=chains)


def source_of(run: RunContext, psi: VariationalState) -> BatchSource:
    """A sum over all configurations where the settings want one for `psi`, samples elsewhere."""
    division = getattr(run.sampler, "division", None)
    settings = run.settings.sampling
    return Summation.wanted(run.hamiltonian, psi, settings, division) or MonteCarlo(run)


def make_sampler(
    hamiltonian: SpinHamiltonian, settings: SamplingSettings, comm: Any = None
) -> Sampler:
    """The sampler that the settings ask for, in the Hamiltonian's sector; `comm` divides it."""
    sampler = _sampler_here(hamiltonian, settings)
    if comm is None:
        return sampler
    return DistributedSampler(sampler, Ranks(comm))  # type: ignore[arg-type]


def _sampler_here(hamiltonian: SpinHamiltonian, settings: SamplingSettings) -> Sampler:
    if settings.exact:
        from hamiltonians.operators.spin_sectors import sector_of  # start-up time

        sector = sector_of(hamiltonian.local_space, hamiltonian.total_sz)
        return ExactSampler(sector, n_chains=settings.n_chains)
    chains = MetropolisSampler.for_hamiltonian(
        hamiltonian,
        settings.move,
        n_chains=settings.n_chains,
        sweep_size=settings.sweep_size,
        n_discard_per_chain=settings.n_discard_per_chain,
    )
    if settings.n_replicas == 1:
        return chains
    return ReplicaExchangeSampler(chains, settings.n_replicas, settings.beta_min)
