"""States below: orthogonality to them by a penalty, which is how a run finds an excited state.

With lower states phi_k and penalties w_k, the run goes to the ground state of

    H' = H + sum_k w_k |phi_k><phi_k| / <phi_k|phi_k>,

which is the next level of H where the phi_k are the levels below it and each w_k exceeds its
distance from them (Choo, Carleo, Regnault & Neupert, PRL 121, 167204 (2018), arXiv:1807.10325;
Pathak, Busemeyer, Rodrigues & Wagner, J. Chem. Phys. 154, 034101 (2021), arXiv:2009.09556). At any
time E_k + w_k is to exceed <H'>, lest psi move towards phi_k: w_k = (<H> - E_k + margin) / (1 - F),
F being their fidelity. With fixed w = 4 J, or without 1 - F, starts from random parameters fell to
the lowest state, whose raised energy was below theirs, and stayed on that eigenstate of H'. The
local value of a penalty is w <phi|psi> phi(sigma) / psi(sigma), both states being normalised: all
of stochastic reconfiguration stays as it is. Energies of records are those of H'.

An excited state has nodes, next to which its samples see local energies and log-derivatives
without bound: on a Heisenberg chain of 10 sites in random fields, by 1024 samples, the second level
was left with a variance of 3. So an iteration takes as many samples of the states below, which have
no nodes there, and counts all of them as samples of the mixture

    P = a p + sum_k a_k q_k,    p = |psi|^2,  q_k = |phi_k|^2, each over its norm,

with the weights p / P (Owen & Zhou, J. Am. Stat. Assoc. 95, 135 (2000)), which left 0.02 there. The
ratios of norms follow from the samples of both states
(`rbmqs.estimators.observables.overlap`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from rbmqs.estimators.error_bars import quick_statistics
from rbmqs.estimators.local import local_energies
from rbmqs.estimators.observables.overlap import overlap_from
from rbmqs.states.serialization import Rebuild, parameter_arrays, structure_arrays, structure_table
from rbmqs.vmc.batch import Batch
from rbmqs.vmc.extension import Extension, Line, RunContext, register_extension
from rbmqs.vmc.full_summation import exact_statistics
from rbmqs.vmc.records import StepRecord
from rbmqs.vmc.run_state import RunState
from rbmqs.vmc.settings import RunSettings

if TYPE_CHECKING:
    from rbmqs.states.state import VariationalState

NAME = "states_below"
MOST = 0.9  # fidelity from which a penalty grows no more


def remembered(
    levels: Sequence[VariationalState], energies: Sequence[float], margin: float
) -> dict[str, dict[str, Any]]:
    """What a run remembers that is to stay orthogonal to some states, for `vmc.iterate`.

    Parameters
    ----------
    levels : sequence of VariationalState
        In the basis in which the run works.
    energies : sequence of float
        (E - trace) / J of each.
    margin : float
        In units of J, `SpinHamiltonian.coupling_scale`, by which they are raised above the state.
    """
    values: dict[str, Any] = {"margin": margin, "n_levels": len(levels), "energies": list(energies)}
    for k, phi in enumerate(levels):
        arrays = {**structure_arrays(phi), **parameter_arrays("psi", phi)}
        values |= {f"level{k}.{name}": array for name, array in arrays.items()}
        values[f"level{k}"] = structure_table(phi)
    return {NAME: values} if levels else {}


def n_lower(state: RunState | None) -> int:
    """Number of states that a run stays orthogonal to."""
    return 0 if state is None else int(state.of(NAME).get("n_levels", 0))


@register_extension(NAME)
class StatesBelow(Extension):
    """Adds the penalties to local energies."""

    outlives_restarts = True

    def __init__(self, run: RunContext) -> None:
        super().__init__(run)
        self._levels: list[VariationalState] = []

    def adjust(self, batch: Batch, state: RunState) -> tuple[Batch, RunState, Mapping[str, Any]]:
        """See `Extension.adjust`; the record has the fidelity with each lower state."""
        values = dict(state.of(self.name))
        n_levels = n_lower(state)
        if n_levels == 0 or not np.isfinite(batch.energy.mean):
            return batch, state, {}
        if not self._levels:
            self._levels = [_level(values, k) for k in range(n_levels)]
        if batch.summed:
            batch, values, fidelities = self._summed(batch, state.psi, values)
        else:
            batch, values, fidelities = self._sampled(batch, state.psi, values)
        return batch, state.with_extension(self.name, values), {"fidelities": fidelities}

    def _summed(
        self, batch: Batch, psi: VariationalState, values: dict[str, Any]
    ) -> tuple[Batch, dict[str, Any], list[float]]:
        """All configurations."""
        weights = np.asarray(batch.weights)
        log_ratios = _log_ratios(self._levels, psi, batch.spins)
        log_norms = [
            2 * log.real.max() + np.log(np.mean(weights * np.exp(2 * (log.real - log.real.max()))))
            for log in log_ratios
        ]
        penalties, fidelities = _penalties(
            batch.local_energies, weights, log_ratios, log_norms, values, weights > 0
        )
        energies = batch.local_energies + penalties
        energy = exact_statistics(energies, weights)
        return replace(batch, local_energies=energies, energy=energy), values, fidelities

    def _sampled(
        self, batch: Batch, psi: VariationalState, values: dict[str, Any]
    ) -> tuple[Batch, dict[str, Any], list[float]]:
        """Samples of psi, perhaps with others of probe chains behind them, and of all levels."""
        run, levels = self.run, self._levels
        n_chains, n_draws = batch.energy.n_chains, batch.energy.n_draws
        n_each = max(4, n_draws // len(levels))
        added = []
        for k, phi in enumerate(levels):
            name = f"level{k}.chains"
            seed = np.random.SeedSequence(run.settings.seed, spawn_key=(8, k))
            chains = values.get(name) or run.fresh_chains(phi, seed)
            samples, values[name] = run.sampler.sample(phi, chains, n_each)
            added.append(samples)
        log_ratios = _log_ratios(levels, psi, batch.spins)
        more = [_log_ratios(levels, psi, samples.flat) for samples in added]
        n = n_chains * n_draws
        log_norms = [
            overlap_from(log_ratios[k][:n], more[k][k]).log_norms for k in range(len(levels))
        ]
        counts = [n, *(len(samples.flat) for samples in added)]
        shares = np.array(counts) / sum(counts)

        def weights_of(logs: np.ndarray) -> np.ndarray:
            with np.errstate(over="ignore"):  # where psi vanishes a sample counts nothing
                q = np.exp(2 * logs.real - np.array(log_norms)[:, None])
            return np.asarray(1 / (shares[0] + shares[1:] @ q))

        own = np.ones(len(batch.spins)) if batch.weights is None else batch.weights.copy()
        own[:n] *= weights_of(log_ratios[:, :n])
        weights = np.concatenate([own, *(weights_of(logs) for logs in more)])
        weights /= weights.mean()
        measured = weights.copy()
        measured[n : len(own)] = 0.0  # of probe chains: these are no samples
        local = [local_energies(psi, run.hamiltonian, samples).ravel() for samples in added]
        energies = np.concatenate([batch.local_energies, *local])
        energies[weights == 0] = 0.0  # where psi vanishes there is no local energy
        logs = np.concatenate([log_ratios, *more], axis=1)
        penalties, fidelities = _penalties(energies, measured, logs, log_norms, values, weights > 0)
        spins = np.concatenate([samples.flat for samples in added])
        joined = batch.joined_by(psi, spins, energies[len(own) :], weights)
        shapes = [(n_chains, n_draws), *(samples.shape for samples in added)]
        energy = replace(batch.energy, **_energy(energies, penalties, measured, shapes))
        joined = replace(joined, local_energies=energies + penalties, energy=energy)
        return joined, values, fidelities

    @classmethod
    def with_new_chains(cls, state: RunState) -> RunState:
        """Chains of lower states are fresh ones too."""
        values = {k: v for k, v in state.of(cls.name).items() if not k.endswith(".chains")}
        return state.with_extension(cls.name, values) if values else state

    @classmethod
    def report(cls, history: Sequence[StepRecord], settings: RunSettings) -> list[Line]:
        """Fidelities with lower states in the last iteration."""
        found = history[-1].extra(cls.name, "fidelities") if history else None
        if not found:
            return []
        return [("lower states", f"fidelities {', '.join(f'{f:.1e}' for f in found)}")]


def _level(values: Mapping[str, Any], k: int) -> VariationalState:
    """A lower state from what `remembered` made of it."""
    prefix = f"level{k}."
    arrays = {n.removeprefix(prefix): a for n, a in values.items() if n.startswith(prefix)}
    return Rebuild(arrays, values[f"level{k}"])(arrays, "psi")


def _log_ratios(
    levels: Sequence[VariationalState], psi: VariationalState, spins: np.ndarray
) -> np.ndarray:
    """ln(phi_k / psi), complex (n_levels, n), without the phases of vanishing amplitudes."""
    log_psi = psi.log_psi(spins)
    found = np.array([phi.log_psi(spins) - log_psi for phi in levels], dtype=complex)
    found.imag[np.isnan(found.imag)] = 0.0
    return found


def _penalties(
    energies: np.ndarray,
    weights: np.ndarray,
    log_ratios: np.ndarray,
    log_norms: Sequence[float],
    values: Mapping[str, Any],
    counts: np.ndarray,
) -> tuple[np.ndarray, list[float]]:
    """Local values of the penalties, and the fidelity with each level.

    Parameters
    ----------
    energies, weights : complex (n,), float64 (n,)
        Local values of H, and weights in the overlaps.
    log_ratios : complex (n_levels, n)
        ln(phi_k / psi).
    log_norms : sequence of float
        ln(<phi_k|phi_k> / <psi|psi>).
    values : mapping
        Of the extension.
    counts : bool (n,)
        Where psi does not vanish.
    """
    found, fidelities = np.zeros(len(energies), dtype=complex), []
    weights = weights / weights.sum()
    now = float((weights @ energies).real)
    for logs, log_norm, level in zip(log_ratios, log_norms, values["energies"], strict=True):
        ratios = np.zeros(len(found), dtype=complex)
        ratios[counts] = np.exp(logs[counts] - log_norm / 2)
        overlap = complex(weights @ ratios)
        fidelity = min(abs(overlap) ** 2, 1.0)
        raised = (values["margin"] + max(now - level, 0.0)) / (1 - min(fidelity, MOST))
        found += raised * np.conj(overlap) * ratios
        fidelities.append(fidelity)
    return found, fidelities


def _energy(
    energies: np.ndarray,
    penalties: np.ndarray,
    weights: np.ndarray,
    shapes: Sequence[tuple[int, int]],
) -> dict[str, Any]:
    """Mean, error and variance over the samples of several states, of so many chains and draws.

    A penalty is the square of an overlap, which is itself a mean: its deviations count twice.
    """
    weights = weights * (len(weights) / weights.sum())
    values, doubled = energies + penalties, energies + 2 * penalties
    mean = complex(np.mean(weights * values))
    deviations = (weights * (doubled - np.mean(weights * doubled))).real
    errors, start, stop = [], 0, len(values) - sum(int(np.prod(s)) for s in shapes[1:])
    for shape in shapes:  # samples of psi come first, those of the levels last
        size = shape[0] * shape[1]
        error = quick_statistics(deviations[start : start + size].reshape(shape)).error_of_mean
        errors.append(error * size / len(values))
        start = max(start + size, stop)
    variance = float(np.mean(weights * abs(values - mean) ** 2))
    return {"mean": mean, "error_of_mean": float(np.linalg.norm(errors)), "variance": variance}
