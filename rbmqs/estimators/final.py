"""The final estimate: fresh chains, many samples, an honest error, and what is wrong with it.

Half of the chains start at random, the others in ordered and domain states of the lattice
(`rbmqs.sampling.initial_configurations`). They are all given time to forget (`rbmqs.estimators.equilibration`). Whether the kinds of
start agree in the draws that count is a test of its own with a fixed rate of false alarms
(`rbmqs.estimators.chain_agreement`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from rbmqs.estimators.chain_agreement import Comparison, compare_starts, statistics_by_start
from rbmqs.estimators.equilibration import thermalised
from rbmqs.estimators.local import evaluator
from rbmqs.estimators.statistics import Stats, statistics, v_score
from rbmqs.sampling.chains import ChainState, ExactSampler, Sampler, Samples, joined
from rbmqs.sampling.initial_configurations import started_chains
from rbmqs.utils.progress import Progress
from rbmqs.utils.threads import single_threaded_blas

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian
    from rbmqs.states.state import VariationalState

MAX_ACCEPTED, MIN_ACCEPTED = 0.995, 0.01
PART = 4096  # samples between two looks at the clock
FEW_CARRIERS = 20  # samples that carry the variance: the error bar itself is then 11 % uncertain


@dataclass(frozen=True, eq=False)
class Estimate:
    """Energy of a wavefunction.

    Parameters
    ----------
    energy : Stats
        Total, in Pauli units; real.
    v_score : float
        N Var / E^2 (Wu et al. 2024), with the infinite-temperature energy subtracted.
    acceptance : float
    samples : Samples
        For observables from the same configurations.
    warnings : tuple of str
        Sentences on what makes the estimate doubtful; empty when nothing does.
    by_start : mapping of str to Stats
        Energy of the chains that started in each kind of state, "random" and others.
    comparison : Comparison or None
        The kind of start that differs most from the others; None for independent draws.
    n_weightless : int
        Chains that had ended where |psi|^2 has no weight, see `rbmqs.estimators.chain_weights`.
    """

    energy: Stats
    v_score: float
    acceptance: float
    samples: Samples
    warnings: tuple[str, ...]
    by_start: Mapping[str, Stats] = field(default_factory=dict)
    comparison: Comparison | None = None
    n_weightless: int = 0


def final_estimate(
    hamiltonian: SpinHamiltonian,
    psi: VariationalState,
    sampler: Sampler,
    n_draws: int,
    seed: int | np.random.SeedSequence,
    progress: bool = False,
    interrupted: Callable[[], object] = lambda: None,
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
    """
    bar = Progress(n_draws, show=progress, unit="final draw")
    with single_threaded_blas(), bar:
        chains, kinds = started_chains(hamiltonian, psi, sampler, seed)
        ready = thermalised(hamiltonian, psi, sampler, chains, kinds, bar)
        samples, values = _drawn(
            hamiltonian, psi, sampler, ready.chains, n_draws, ready.n_discard, bar, interrupted
        )
    complex_energy = statistics(values)
    real = statistics(values.real) if np.isfinite(complex_energy.mean) else complex_energy
    energy = replace(real, variance=complex_energy.variance)
    score = v_score(
        energy.mean, energy.variance, hamiltonian.n_sites, infinite_temperature_energy(hamiltonian)
    ) if np.isfinite(energy.mean) else math.nan  # fmt: skip
    comparison = compare_starts(values.real, kinds)
    warnings: list[str] = []
    if not _is_eigenstate(hamiltonian, energy, samples):
        warnings += _disagreement(comparison, energy)
        warnings += [energy.status] if energy.status else []
        warnings += [
            *_imaginary(complex_energy),
            *_acceptance(samples),
            *carrier_warnings(n_carriers(values.real)),
        ]
    return Estimate(
        energy, score, samples.acceptance, samples, tuple(warnings),
        statistics_by_start(values.real, kinds), comparison, ready.n_weightless,
    )  # fmt: skip


def _drawn(
    hamiltonian: SpinHamiltonian,
    psi: VariationalState,
    sampler: Sampler,
    chains: ChainState,
    n_draws: int,
    n_discard: int,
    bar: Progress,
    interrupted: Callable[[], object],
) -> tuple[Samples, np.ndarray]:
    """Configurations and their local energies, drawn in parts."""
    # An exact sampler enumerates its sector in each call.
    at_once = n_draws if isinstance(sampler, ExactSampler) else max(PART // sampler.n_chains, 1)
    evaluate = evaluator(sampler)
    parts: list[Samples] = []
    energies: list[np.ndarray] = []
    sweeps: list[int] = []
    for done in range(0, n_draws, at_once):
        discarded = 0 if parts else n_discard
        part, chains = sampler.sample(
            psi, chains, min(at_once, n_draws - done), n_discard=discarded
        )
        parts.append(part)
        energies.append(evaluate(psi, hamiltonian, part, psi.prepare(part.flat)))
        sweeps.append(part.shape[1] + discarded)
        bar.advance(done + part.shape[1], "final estimate")
        if interrupted():
            break
    return joined(parts, sweeps), np.concatenate(energies, axis=1)


def _disagreement(comparison: Comparison | None, energy: Stats) -> list[str]:
    """Which kind of start disagrees with the others, if one does."""
    if comparison is None or comparison.agrees:
        return []
    return [comparison.sentence(energy.r_hat)]


def _is_eigenstate(hamiltonian: SpinHamiltonian, energy: Stats, samples: Samples) -> bool:
    """Whether equal local energies mean an eigenstate rather than chains that never move.

    They do where the configurations differ, or where there is only one to be in.
    """
    if energy.variance != 0:
        return False
    return hamiltonian.dimension == 1 or bool(np.any(samples.flat != samples.flat[0]))


def infinite_temperature_energy(hamiltonian: SpinHamiltonian) -> float:
    """Tr H / 2^N: the coefficient of the identity."""
    c = hamiltonian.connections
    constant = np.diff(c.diag_ptr) == 0
    return float(c.diag_coef[constant].sum())


def _imaginary(energy: Stats) -> list[str]:
    """A Hermitian energy is real: an imaginary part beyond its error is a fault."""
    imag = abs(complex(energy.mean).imag)
    if imag > 5 * energy.error_of_imag and imag > 1e-9 * abs(energy.mean):
        return [f"the imaginary part of the energy, {imag:.2g}, exceeds 5 of its errors"]
    return []


def _acceptance(samples: Samples) -> list[str]:
    if samples.acceptance < MIN_ACCEPTED:
        return [
            f"only {samples.acceptance:.2%} of the proposals are accepted: chains hardly move, "
            f"take more sweeps between draws"
        ]
    return []


def n_carriers(values: np.ndarray) -> float:
    """How many samples carry the variance: (sum d^2)^2 / sum d^4 of the deviations d from the mean.

    Near nodes of psi local energies have heavy tails, and a variance that rests on few samples says
    little. The relative error of an error bar is 1 / (2 sqrt(n_carriers)), up to autocorrelation.
    """
    squares = np.abs(values - values.mean()).ravel() ** 2
    largest = squares.max(initial=0.0)
    if not 0 < largest < math.inf:
        return float(squares.size)
    squares = squares / largest
    return float(squares.sum() ** 2 / (squares**2).sum())


def carrier_warnings(carriers: float) -> list[str]:
    """Warn where the variance rests on few samples."""
    if carriers >= FEW_CARRIERS:
        return []
    return [
        f"the variance rests on some {carriers:.0f} of the samples: the error bar may be too small"
    ]
