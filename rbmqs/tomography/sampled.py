"""The likelihood where 2^N is too many: sums over rotated sites, and the norm by Markov chains.

The outcomes of a basis with k rotated sites need 2^k configurations for each pattern of the others,
which are summed over exactly. The log-partition function log Z = log sum |psi|^2 has the gradient
2 <O>, a mean over chains on |psi|^2; its value follows from step to step by ratios of |psi|^2 on
the chains before and after, and at first by annealing from the uniform distribution. Control
variates take off the part of the noise of <O> that is linear in the spins: sigma_i less its mean
given all other spins has zero mean.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import numpy as np

from hamiltonians.operators.local_space import LocalSpace
from rbmqs.estimators.drawing import sampler_of_sector
from rbmqs.sampling.chains import ChainState, random_chains
from rbmqs.sampling.metropolis import MetropolisSampler
from rbmqs.states.generic import in_chunks
from rbmqs.states.state import VariationalState
from rbmqs.tomography.objective import Slope, force_of
from rbmqs.tomography.rotations import BasisSum
from rbmqs.tomography.shots import Shots

MAX_ROTATED = 16  # sites of a basis
MAX_CONFIGURATIONS = 2**24  # of all bases
N_CHAINS, N_DRAWS, SWEEPS = 512, 16, 5
RUNGS = 100  # of annealing


@dataclass(frozen=True, eq=False)
class _Chains:
    """Samples of a wavefunction with the norm that was estimated for it."""

    psi: VariationalState
    state: ChainState
    samples: np.ndarray
    log_psi: np.ndarray
    log_z: float
    noise: float


@dataclass(eq=False)
class SampledObjective:
    """The likelihood by sums over rotated sites and samples; see `Objective`.

    It remembers the chains of the last wavefunction.

    Parameters
    ----------
    shots : Shots
    seed : int

    Raises
    ------
    ValueError
        Bases that rotate too many sites.
    """

    shots: Shots
    seed: int = 0
    _last: _Chains | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        rotated = self.shots.bases.rotated.sum(axis=1)
        worst = int(rotated.argmax())
        if rotated[worst] > MAX_ROTATED:
            raise ValueError(
                f"bases must rotate at most {MAX_ROTATED} sites where all configurations are too "
                f"many, got {rotated[worst]} in basis {self.shots.bases.name(worst)}"
            )
        total = sum(len(sums.configurations) for sums in self._sums)
        if total > MAX_CONFIGURATIONS:
            raise ValueError(
                f"shots need {total} configurations of rotated sites, at most {MAX_CONFIGURATIONS} "
                f"are allowed: use fewer bases, or bases with fewer letters X and Y"
            )

    @cached_property
    def _sums(self) -> list[BasisSum]:
        shots = self.shots
        return [
            BasisSum.of(unitaries, shots.outcomes[shots.rows(basis)])
            for basis, unitaries in enumerate(shots.bases.unitaries)
        ]

    def slope(
        self,
        psi: VariationalState,
        counts: np.ndarray,
        confusion: np.ndarray | None = None,
        draw: int = 0,
    ) -> Slope:
        """See `Objective.slope`; readout errors are refused."""
        if confusion is not None:
            raise ValueError("readout errors need sums over all configurations: method='exact'")
        chains = self._moved(psi)
        self._last = chains
        weights = counts / counts.sum()
        log_probabilities = np.empty(len(counts))
        force: np.ndarray | float = 0.0
        for basis, sums in enumerate(self._sums):
            rows = self.shots.rows(basis)
            log_psi = in_chunks(psi.log_psi, sums.configurations)
            scale = log_psi.real.max(initial=-np.inf)
            values = np.exp(log_psi - scale)
            amplitudes = sums.amplitudes(values)
            log_probabilities[rows] = 2 * (np.log(abs(amplitudes) + 1e-290) + scale) - chains.log_z
            back = sums.back(weights[rows] / np.conj(amplitudes))
            force = force + force_of(psi, sums.configurations.__getitem__, np.conj(values) * back)
        negative = -control_weights(psi, chains.samples, chains.log_psi).astype(complex)
        force = force + force_of(psi, chains.samples.__getitem__, negative)
        jacobian = psi.jacobian(chains.samples)
        return Slope(log_probabilities, np.asarray(force), jacobian, None, chains.noise)

    @cached_property
    def _sampler(self) -> MetropolisSampler:
        found = sampler_of_sector(LocalSpace(self.shots.n_sites), None, N_CHAINS)
        if isinstance(found, MetropolisSampler):
            return found
        return MetropolisSampler(self.shots.n_sites, n_chains=N_CHAINS)

    def _moved(self, psi: VariationalState) -> _Chains:
        """Chains of a wavefunction near the last one, and the change of the norm."""
        last = self._last
        if last is None:
            return self._annealed(psi)
        found, state = self._sampler.sample(psi, last.state, N_DRAWS, n_discard=SWEEPS)
        samples = found.flat
        log_psi = in_chunks(psi.log_psi, samples)
        forwards = 2 * (in_chunks(psi.log_psi, last.samples) - last.log_psi).real
        backwards = 2 * (in_chunks(last.psi.log_psi, samples) - log_psi).real
        ahead, behind = _log_mean(forwards), _log_mean(backwards)
        change, noise = (ahead[0] - behind[0]) / 2, np.hypot(ahead[1], behind[1]) / 2
        return _Chains(psi, state, samples, log_psi, last.log_z + change, float(noise))

    def _annealed(self, psi: VariationalState) -> _Chains:
        """From uniform configurations to |psi|^2 (Neal, Stat. Comput. 11, 125 (2001))."""
        start = random_chains(psi.hilbert, None, N_CHAINS, self.seed)
        spins, rng = start.spins.copy(), start.rng.copy()
        log_weights = np.zeros(N_CHAINS)
        room = np.empty((N_CHAINS, 1, psi.n_sites), np.int8)
        betas = np.linspace(0, 1, RUNGS + 1)
        for before, beta in pairwise(betas):
            log_weights += 2 * (beta - before) * in_chunks(psi.log_psi, spins).real
            self._sampler.advance(psi, spins, rng, np.full(N_CHAINS, beta), 0, room)
        log_mean, noise = _log_mean(log_weights)
        # chains by their weights are in equilibrium, whatever annealing did not reach
        weights = np.exp(log_weights - log_weights.max())
        chosen = np.random.default_rng(self.seed).choice(
            N_CHAINS, N_CHAINS, p=weights / weights.sum()
        )
        spins = spins[chosen]
        found, state = self._sampler.sample(psi, ChainState(spins, rng), N_DRAWS, n_discard=RUNGS)
        samples = found.flat
        log_z = psi.n_sites * np.log(2) + log_mean
        return _Chains(psi, state, samples, in_chunks(psi.log_psi, samples), log_z, noise)


def control_weights(psi: VariationalState, samples: np.ndarray, log_psi: np.ndarray) -> np.ndarray:
    """Weights of samples whose sums replace means, with less noise; float64 (n,), of sum one.

    The mean of f over samples of |psi|^2 is corrected by its regression on the controls
    sigma_i - <sigma_i | all other spins>, whose means are known to be zero.
    """
    n, n_sites = samples.shape
    controls = np.empty((n, n_sites))
    for site in range(n_sites):
        flipped = samples.copy()
        flipped[:, site] *= -1
        log_ratio = 2 * (in_chunks(psi.log_psi, flipped) - log_psi).real
        # <sigma_i | rest> = sigma_i (1 - r) / (1 + r), so that the control is sigma_i 2 r / (1 + r)
        controls[:, site] = samples[:, site] * (1 + np.tanh(log_ratio / 2))
    mean = controls.mean(axis=0)
    deviations = controls - mean
    coefficients = np.linalg.lstsq(deviations.T @ deviations, mean, rcond=1e-10)[0]
    return 1 / n - deviations @ coefficients


def _log_mean(log_values: np.ndarray) -> tuple[float, float]:
    """Logarithm of the mean of exp, and its error from means over chains."""
    top = log_values.max()
    means = np.exp(log_values - top).reshape(N_CHAINS, -1).mean(axis=1)
    mean = means.mean()
    return float(top + np.log(mean)), float(means.std() / mean / np.sqrt(N_CHAINS))
