"""The final estimate: fresh chains, many samples, an honest error, and what is wrong with it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from rbmqs.estimators import local_energies
from rbmqs.sampler import Sampler, Samples
from rbmqs.statistics import Stats, statistics, v_score
from rbmqs.threads import single_threaded_blas

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian
    from rbmqs.ansatz import Wavefunction

FINAL_SWEEPS = 300  # discarded by the fresh chains of a final estimate
MAX_ACCEPTED, MIN_ACCEPTED = 0.995, 0.01
HEAVY_TAIL = 0.8  # share of the variance in a hundredth of the samples
_TAIL = 0.01


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
    """

    energy: Stats
    v_score: float
    acceptance: float
    samples: Samples
    warnings: tuple[str, ...]


def final_estimate(
    hamiltonian: SpinHamiltonian,
    psi: Wavefunction,
    sampler: Sampler,
    n_draws: int,
    seed: int | np.random.SeedSequence,
) -> Estimate:
    """Energy with its error from chains started afresh at random configurations.

    Parameters
    ----------
    n_draws : int
        Per chain.
    """
    with single_threaded_blas():
        chains = sampler.start(seed)
        samples, _ = sampler.sample(psi, chains, n_draws, n_discard=FINAL_SWEEPS)
        values = local_energies(psi, hamiltonian, samples)
    complex_energy = statistics(values)
    real = statistics(values.real) if np.isfinite(complex_energy.mean) else complex_energy
    energy = replace(real, variance=complex_energy.variance)
    score = v_score(
        energy.mean, energy.variance, hamiltonian.n_sites, infinite_temperature_energy(hamiltonian)
    ) if np.isfinite(energy.mean) else math.nan  # fmt: skip
    warnings: list[str] = []
    if not _is_eigenstate(hamiltonian, energy, samples):
        warnings += [energy.status] if energy.status else []
        warnings += [*_imaginary(complex_energy), *_acceptance(samples), *_heavy_tail(values.real)]
    return Estimate(energy, score, samples.acceptance, samples, tuple(warnings))


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


def _heavy_tail(values: np.ndarray) -> list[str]:
    """Warn where one sample in a hundred carries most of the variance."""
    share = tail_share(values)
    return [tail_warning(share)] if share > HEAVY_TAIL else []


def tail_share(values: np.ndarray) -> float:
    """Share of the variance that comes from the largest hundredth of the deviations."""
    deviations = np.sort(np.abs(values - values.mean()).ravel() ** 2)
    total = deviations.sum()
    if total <= 0 or not math.isfinite(total):
        return 0.0
    top = max(1, int(_TAIL * deviations.size))
    return float(deviations[-top:].sum() / total)


def tail_warning(share: float) -> str:
    """What a heavy tail means."""
    return (
        f"{share:.0%} of the variance comes from {_TAIL:.0%} of the samples: the error bar "
        f"may be too small"
    )
