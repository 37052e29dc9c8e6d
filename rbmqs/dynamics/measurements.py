"""Observables along an evolution: sampled with error bars, or summed over all configurations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from hamiltonians import PauliSum, SpinOperator, Sx, Sz, X, Z, entanglement_entropy
from hamiltonians.exact.observables import average_over
from hamiltonians.operators.spin_sectors import sector_of
from hamiltonians.utils.checks import flag, instance
from rbmqs.estimators.drawing import BLIND_SWEEPS
from rbmqs.estimators.error_bars import statistics
from rbmqs.estimators.local import connections_of, local_energies, local_estimators
from rbmqs.estimators.observables.overlap import state_fidelity
from rbmqs.estimators.observables.renyi import checked_region, renyi_entropy
from rbmqs.estimators.stats import Stats
from rbmqs.sampling.chains import ChainState, Sampler, Samples
from rbmqs.vmc.full_summation import Summation, common_symmetry, exact_statistics

if TYPE_CHECKING:
    from hamiltonians import DrivenHamiltonian, SpinHamiltonian
    from rbmqs.states.state import VariationalState

Observable = PauliSum | SpinOperator
ENERGY, ECHO, FIDELITY, RENYI = "energy", "echo", "fidelity", "renyi2"


def default_observables(H: SpinHamiltonian) -> dict[str, Observable]:
    """Magnetisations "mx", "mz" per site, and "zz", <Z_i Z_j> of a bond, means over the lattice.

    Of spins S > 1/2 with S^x and S^z in place of X and Z.
    """
    sites, n, spins = range(H.n_sites), H.n_sites, H.local_space.spins
    total: Any = PauliSum.sum if H.is_spin_half else SpinOperator.sum

    def x(i: int) -> Any:
        return X(i) if H.is_spin_half else Sx(i, spins[i])

    def z(i: int) -> Any:
        return Z(i) if H.is_spin_half else Sz(i, spins[i])

    found = {"mz": total(z(i) / n for i in sites)}
    if H.total_sz is None:
        found = {"mx": total(x(i) / n for i in sites), **found}
    if H.lattice is not None:
        bonds = H.lattice.bonds().tolist()
        found["zz"] = total(z(i) * z(j) / len(bonds) for i, j in bonds)
    return found


def checked_observables(observables: Any, H: SpinHamiltonian) -> dict[str, Observable]:
    """Observables by name; the default ones for None.

    Raises
    ------
    TypeError, ValueError
        No mapping of names to operators on the sites of H, or a name that is taken.
    """
    if observables is None:
        return default_observables(H)
    if not isinstance(observables, Mapping):
        kind = type(observables).__name__
        raise TypeError(f"observables must map names to Pauli sums, got {kind}")
    for name, operator in observables.items():
        wanted = PauliSum if H.is_spin_half else SpinOperator
        if not isinstance(operator, wanted):
            got = type(operator).__name__
            raise TypeError(f"observable {name!r} must be a {wanted.__name__}, got {got}")
        if operator.n_sites_needed > H.n_sites:
            raise ValueError(
                f"observable {name!r} must act on the {H.n_sites} sites of H, got one on "
                f"{operator.n_sites_needed}"
            )
        if name in (ENERGY, ECHO, FIDELITY, RENYI):
            raise ValueError(f"observable {name!r} must have another name, which is taken")
    return dict(observables)


@dataclass(frozen=True)
class StateQuantities:
    """What is measured of states that is no mean of an operator.

    Parameters
    ----------
    echo : bool
        Fidelity with the start.
    fidelity : bool
        With the state at the time before; one at the first.
    renyi : tuple of int
        Sites whose Renyi-2 entropy is measured; empty for none.
    """

    echo: bool = False
    fidelity: bool = False
    renyi: tuple[int, ...] = ()

    @classmethod
    def checked(cls, echo: Any, fidelity: Any, renyi: Any, n_sites: int) -> StateQuantities:
        """From what a caller gave.

        Raises
        ------
        TypeError, ValueError
            No flags, or no region of the lattice.
        """
        flag("echo", echo)
        flag("fidelity", fidelity)
        if renyi is None:
            return cls(echo, fidelity)
        instance("renyi", renyi, Iterable)
        return cls(echo, fidelity, checked_region(renyi, n_sites))

    def describe(self) -> dict[str, Any]:
        """What is measured, plain values."""
        return {name: value for name, value in asdict(self).items() if value or name == ECHO}


@dataclass(frozen=True, eq=False)
class Measurements:
    """What is measured at each of the times, in physical units of the unrotated basis.

    Parameters
    ----------
    driven : DrivenHamiltonian
    observables : mapping of str to PauliSum or SpinOperator
    quantities : StateQuantities
    start : VariationalState
        The echo is |<start|psi>|^2.
    sampler : Sampler
    summation : Summation or None
    n_draws : int
        Of each chain.
    start_chains : ChainState
        Chains of the start, with which samples of another state than the present one begin.
    n_discard : int or None
        Sweeps before the first draw, where chains come from another distribution.
    """

    driven: DrivenHamiltonian
    observables: Mapping[str, Observable]
    quantities: StateQuantities
    start: VariationalState
    sampler: Sampler
    summation: Summation | None
    n_draws: int
    start_chains: ChainState
    n_discard: int | None = None

    def at(
        self, psi: VariationalState, time: float, chains: ChainState, before: VariationalState
    ) -> tuple[dict[str, Stats], ChainState]:
        """Observables by name, and the chains after their samples.

        Parameters
        ----------
        before : VariationalState
            At the time before; psi itself at the first.
        """
        H = self.driven.at(time)
        if self.summation is not None:
            return self._summed(psi, H, before), chains
        samples, chains = self.sampler.sample(psi, chains, self.n_draws, n_discard=self.n_discard)
        cache = psi.prepare(samples.flat)
        energies = samples.of_all(local_energies(psi, H, samples, cache).real)
        found = {ENERGY: statistics(energies)}
        for name, connections in self._connections.items():
            values = samples.of_all(
                local_estimators(
                    psi, connections, samples, cache, fixed_sector=H.total_sz is not None
                )
            )
            is_real = self.observables[name].is_hermitian
            found[name] = statistics(values.real if is_real else values)
        if self.quantities.echo:
            found[ECHO] = state_fidelity(psi, samples, self.start, self._start_samples)
        if self.quantities.fidelity and before is psi:
            found[FIDELITY] = _certain(1.0)
        elif self.quantities.fidelity:
            n_discard = max(self.n_discard or 0, BLIND_SWEEPS)
            others = self.sampler.sample(
                before, self.start_chains, self.n_draws, n_discard=n_discard
            )[0]
            found[FIDELITY] = state_fidelity(psi, samples, before, others)
        if self.quantities.renyi:
            entropy = renyi_entropy(psi, H, samples, self.quantities.renyi)
            found[RENYI] = replace(
                entropy.purity,
                mean=entropy.entropy,
                error_of_mean=entropy.error,
                status=entropy.status,
            )
        return found, chains

    @cached_property
    def _start_samples(self) -> Samples:
        return self.sampler.sample(self.start, self.start_chains, self.n_draws)[0]

    @cached_property
    def _connections(self) -> dict[str, Any]:
        H = self.driven.first
        operators = {name: H.rotate_observable(o) for name, o in self.observables.items()}
        if self.summation is not None:
            # One configuration stands for its orbit, so that only means over the group are right.
            symmetry = common_symmetry(H, self.start)
            operators = {name: average_over(o, symmetry) for name, o in operators.items()}
        space, fixed = H.local_space, H.total_sz is not None
        return {n: connections_of(o, space, fixed) for n, o in operators.items()}

    def _summed(
        self, psi: VariationalState, H: SpinHamiltonian, before: VariationalState
    ) -> dict[str, Stats]:
        assert self.summation is not None
        batch = replace(self.summation, hamiltonian=H).batch(psi)
        assert batch.weights is not None
        samples = Samples(batch.spins[:, None], 1.0)
        found = {ENERGY: batch.energy}
        for name, connections in self._connections.items():
            values = local_estimators(
                psi, connections, samples, batch.cache, fixed_sector=H.total_sz is not None
            )
            found[name] = exact_statistics(values.ravel(), batch.weights)
        if self.quantities.echo:
            found[ECHO] = _certain(self._overlap(psi, self.start))
        if self.quantities.fidelity:
            found[FIDELITY] = _certain(self._overlap(psi, before))
        if self.quantities.renyi:
            sector = sector_of(H.local_space, H.total_sz)
            vector = psi.state_vector(sector)
            found[RENYI] = _certain(entanglement_entropy(vector, self.quantities.renyi, 2, sector))
        return found

    def _overlap(self, psi: VariationalState, other: VariationalState) -> float:
        assert self.summation is not None
        spins, counts = self.summation.spins, self.summation.multiplicities
        vectors = []
        for state in (other, psi):
            log_psi = state.log_psi(spins)
            vector = np.sqrt(counts) * np.exp(log_psi - log_psi.real.max())
            vectors.append(vector / np.linalg.norm(vector))
        return float(abs(np.vdot(*vectors)) ** 2)


def _certain(value: float) -> Stats:
    return exact_statistics(np.array([value]), np.ones(1))
