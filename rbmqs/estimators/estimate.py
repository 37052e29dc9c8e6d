"""An estimate: the energy of a state from samples, what is doubtful about it, and observables.

All of an `Estimate` comes from the same configurations. `rbmqs.estimators.measurement`
draws them for a state at hand; `rbmqs.estimators.final` for the state that a run ends with.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from hamiltonians.operators.spin_sectors import AnySector, sector_of
from hamiltonians.utils.brief import Rows, Tabled
from hamiltonians.utils.checks import short
from rbmqs.estimators.chain_diagnostics import Comparison, compare_starts, statistics_by_start
from rbmqs.estimators.doubts import configurations_differ, doubts_about, judge_error_bar
from rbmqs.estimators.drawing import equilibrated_samples, sampler_for
from rbmqs.estimators.error_bars import statistics
from rbmqs.estimators.local import expect, local_energies
from rbmqs.estimators.neighbours import neighbour_variance
from rbmqs.estimators.observables import (
    Correlations,
    DimerCorrelations,
    RenyiEntropy,
    StructureFactor,
    correlations,
    dimer_correlations,
    fidelity,
    magnetisations,
    renyi_entropy,
    staggered_magnetisation,
    state_fidelity,
    structure_factor,
)
from rbmqs.estimators.snapshot_noise import SnapshotNoise
from rbmqs.estimators.stats import Stats, v_score
from rbmqs.estimators.verdict import Judgement
from rbmqs.states.state import VariationalState

if TYPE_CHECKING:
    from hamiltonians import PauliSum, SpinHamiltonian
    from rbmqs.sampling.chains import Samples


CONTINUED = "run"  # the kind of start of chains that went on from those of a run


@dataclass(frozen=True, eq=False, repr=False)
class Estimate(Tabled):
    """Energy and observables of a state from samples of |psi|^2.

    Parameters
    ----------
    psi : VariationalState
    hamiltonian : SpinHamiltonian
    samples : Samples
        Drawn from |psi|^2 in the sector of the Hamiltonian.
    local_energies : complex array (n_chains, n_draws), optional
        Of the samples, those of other ranks too, where they are known already.
    kinds : tuple of str
        The kind of state in which each chain started; empty where it does not matter.
    n_weightless : int
        Chains that had ended where |psi|^2 has no weight, see `rbmqs.estimators.chain_diagnostics`.

    Attributes
    ----------
    differ : bool
        Whether the chains, those of other ranks too, have been in more than one configuration.
        Found at once, since all ranks must ask.

    Raises
    ------
    ValueError
        State, Hamiltonian and samples of different sizes or sectors.

    Examples
    --------
    >>> Estimate(psi, hamiltonian, samples).expect(Z(0) * Z(1))
    """

    psi: VariationalState
    hamiltonian: SpinHamiltonian
    samples: Samples
    local_energies: np.ndarray = None  # type: ignore[assignment]
    kinds: tuple[str, ...] = ()
    n_weightless: int = 0
    differ: bool = field(init=False)

    def __post_init__(self) -> None:
        if self.local_energies is None:
            found = local_energies(self.psi, self.hamiltonian, self.samples)
            values = self.samples.of_all(found)
            object.__setattr__(self, "local_energies", values)
        object.__setattr__(self, "differ", configurations_differ(self.samples))

    @cached_property
    def energy(self) -> Stats:
        """Total energy in Pauli units, its real part; `variance` is that of H."""
        found = self._complex_energy
        real = statistics(self.local_energies.real) if np.isfinite(found.mean) else found
        return SnapshotNoise(self.psi, self.samples).added(
            replace(real, variance=found.variance),
            self.local_energies,
            lambda state, draws: local_energies(state, self.hamiltonian, draws),
        )

    @cached_property
    def _complex_energy(self) -> Stats:
        return statistics(self.local_energies)

    @property
    def variance(self) -> float:
        """<H^2> - <H>^2 in Pauli units."""
        return self.energy.variance

    @cached_property
    def v_score(self) -> float:
        """N Var / E^2 (Wu et al. 2024), with the infinite-temperature energy subtracted."""
        energy = self.energy
        if not np.isfinite(energy.mean):
            return math.nan
        return v_score(
            energy.mean, energy.variance, self.hamiltonian.n_sites, self.hamiltonian.trace
        )

    @cached_property
    def neighbour_variance(self) -> float:
        """The variance that configurations next to the samples tell, which sees nodes of psi."""
        energy = float(self.energy.mean.real)
        return neighbour_variance(self.psi, self.hamiltonian, self.samples, energy)

    @property
    def acceptance(self) -> float:
        """Accepted share of the proposals of the chains."""
        return self.samples.acceptance

    @cached_property
    def by_start(self) -> Mapping[str, Stats]:
        """Energy of the chains that started in each kind of state, "random" and others."""
        return statistics_by_start(self.local_energies.real, self.kinds)

    @cached_property
    def comparison(self) -> Comparison | None:
        """The kind of start that differs most from the others; None for independent draws."""
        return compare_starts(self.local_energies.real, self.kinds)

    @cached_property
    def doubts(self) -> Mapping[str, float]:
        """Sentences on what makes the energy doubtful, each with a bound on the bias."""
        # Equal local energies mean an eigenstate, not chains that never move, where configurations
        # differ, where there is only one, or where chains that started differently are in one.
        if self.energy.variance == 0 and (
            self.hamiltonian.dimension == 1 or self.differ or len(set(self.kinds)) > 1
        ):
            return {}
        found = self.comparison
        sentence = "" if found is None or found.agrees else found.sentence(self.energy.r_hat)
        if CONTINUED in self.kinds:
            sentence = "no time was left for fresh chains: those of the run went on"
        values, both = self.local_energies.real, self._complex_energy
        acceptance = self.samples.acceptance
        return doubts_about(acceptance, self.differ, self.energy, both, values, sentence)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences on what makes the energy doubtful; empty when nothing does."""
        return tuple(self.doubts)

    @property
    def bias(self) -> float:
        """A bound on the bias that the doubts stand for: 0 without any, inf for no bound."""
        return max(self.doubts.values(), default=0.0)

    @property
    def error_bar(self) -> Judgement:
        """Whether the error bar may be trusted, or what bounds the bias that it may hide."""
        return judge_error_bar(self.doubts, self.hamiltonian.size_of(self.energy.mean.real))

    def expect(self, observable: PauliSum) -> Stats:
        """Expectation of any Pauli sum, given in the unrotated basis."""
        return expect(self.psi, self.hamiltonian, self.samples, observable)

    def correlations(self) -> Correlations:
        """All two-point functions <sigma^c_i sigma^c_j>."""
        return correlations(self.psi, self.hamiltonian, self.samples)

    def magnetisations(self) -> dict[str, Stats]:
        """Magnetisations per site, see `rbmqs.magnetisations`."""
        return magnetisations(self.psi, self.hamiltonian, self.samples)

    def structure_factor(
        self, wave_vectors: ArrayLike | None = None, *, spin: bool = True, progress: bool = False
    ) -> StructureFactor:
        """Static structure factor, see `rbmqs.structure_factor`."""
        return structure_factor(
            self.psi, self.hamiltonian, self.samples, wave_vectors, spin=spin, progress=progress
        )

    def staggered_magnetisation(self, *, spin: bool = True) -> dict[str, Stats]:
        """Squared staggered magnetisation per site, see `rbmqs.staggered_magnetisation`."""
        return staggered_magnetisation(self.psi, self.hamiltonian, self.samples, spin=spin)

    def dimers(
        self, bonds: np.ndarray | None = None, *, component: str = "spin"
    ) -> DimerCorrelations:
        """Dimer correlations, see `rbmqs.dimer_correlations`."""
        return dimer_correlations(
            self.psi, self.hamiltonian, self.samples, bonds, component=component
        )

    def renyi(self, sites: Iterable[int], order: int = 2) -> RenyiEntropy:
        """Renyi entropy of a region, of order 2; see `rbmqs.renyi_entropy`."""
        if order != 2:
            raise ValueError(f"order must be 2, the only one that samples give, got {short(order)}")
        return renyi_entropy(self.psi, self.hamiltonian, self.samples, sites)

    def fidelity(
        self,
        other: VariationalState | Estimate | ArrayLike,
        sector: AnySector | None = None,
        *,
        seed: int | np.random.SeedSequence = 1,
    ) -> Stats:
        """|<psi|phi>|^2 of normalised states, with its error.

        Parameters
        ----------
        other : VariationalState, Estimate or array
            Another state of any size in the same basis, which is sampled as often as psi was; an
            estimate of it, whose samples are taken; or a vector over a sector.
        sector : Sector, optional
            Of a vector; that of the Hamiltonian by default.
        seed : int or SeedSequence
            Of the samples of another state; not that of the samples of psi.
        """
        if isinstance(other, Estimate):
            self._check_same_basis(other)
            return state_fidelity(self.psi, self.samples, other.psi, other.samples)
        if isinstance(other, VariationalState):
            n_chains, n_draws = self.samples.n_chains, self.samples.shape[1]
            if other.n_sites != self.psi.n_sites:
                raise ValueError(
                    f"the other state has {other.n_sites} sites, this one {self.psi.n_sites}"
                )
            sampler = sampler_for(self.hamiltonian, n_chains, self.samples.division)
            drawn = equilibrated_samples(other, self.hamiltonian, sampler, n_draws, seed)
            return state_fidelity(self.psi, self.samples, other, drawn)
        if sector is None:
            sector = sector_of(self.hamiltonian.local_space, self.hamiltonian.total_sz)
        return fidelity(self.psi, self.samples, other, sector)

    def _check_same_basis(self, other: Estimate) -> None:
        for name in ("n_sites", "total_sz", "rotation"):
            mine, its = getattr(self.hamiltonian, name), getattr(other.hamiltonian, name)
            if mine != its:
                raise ValueError(
                    f"states of different {name} cannot be compared, got {mine} and {its}"
                )

    def summary(self) -> tuple[str, Rows]:
        """Energy, V-score, samples, and what is doubtful."""
        return f"estimate for {self.hamiltonian.name}", [
            ("energy", str(self.energy)),
            ("per site", f"{self.energy.mean.real / self.hamiltonian.n_sites:.8f}"),
            ("V-score", f"{self.v_score:.3g}"),
            ("samples", f"{self.samples.n_chains} chains of {self.samples.shape[1]} draws"),
            *(("doubtful", sentence) for sentence in self.warnings),
        ]
