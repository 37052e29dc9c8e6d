"""Lanczos steps, |psi'> = sum_k c_k (H - E0)^k |psi> for k up to their number p, from samples.

With the local values h_k of `rbmqs.estimators.lanczos.powers` and phi = sum_k c_k h_k, psi' has the
energy

    E0 + <phi^* sum_k c_k h_(k+1)> / <|phi|^2>.

It is the mean of the local energies of psi' with the weights |phi|^2, so its error falls with the
variance of the improved state and vanishes where that state is exact. The best c solves an
eigenproblem of p + 1 dimensions of sampled moments. Chosen on the samples that give the energy, it
shifts the energy by a term of order 1/n, which the jackknife removes.

The variance of psi' is of order 2 p + 2 in H, so configurations that are hardly ever drawn may
carry it: its bar is the first to be too small. On an Ising chain of 8 sites with p = 3 it was off
by more than 3 bars in 14 of 24 sets of 4096 samples, too low on average; in 2 of 24 with p = 2.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hamiltonians.utils.brief import Brief
from hamiltonians.utils.checks import positive_int
from rbmqs.estimators.consistency import check_kinds
from rbmqs.estimators.doubts import carrier_warnings, n_carriers
from rbmqs.estimators.error_propagation import function_statistics, jackknife
from rbmqs.estimators.lanczos.powers import LocalPowers, local_powers
from rbmqs.estimators.lanczos.state import EnergyVariance, from_local_energies
from rbmqs.estimators.many_series import batch_means
from rbmqs.sampling.chains import Samples

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian
    from rbmqs.states.state import VariationalState

_EIGENSTATE = 1e-12  # relative spread of local energies that is rounding
_DEPENDENT = 1e-13  # of powers of H in a metric whose largest elements are 1
MOST_STEPS = 3


@dataclass(frozen=True, eq=False, repr=False)
class LanczosStep(Brief):
    """The wavefunction before and after Lanczos steps, from the same samples.

    Parameters
    ----------
    before, after : EnergyVariance
        Of psi and of psi'.
    coefficients : tuple of float
        c_1 ... c_p of 1 + sum_k c_k (H - E0)^k.
    bias : float
        Of the energy, from choosing them on the same samples (jackknife); already taken out of it.
    carriers : float
        How many samples carry the statistical variance of the improved energy.
    moments : float array (n_chains, n_draws, n_series)
        Series whose means are <h_i^* h_j>, 0 <= i <= j <= p + 1 without i = j = 0, i first.
    shift : float
        E0.
    """

    before: EnergyVariance
    after: EnergyVariance
    coefficients: tuple[float, ...]
    bias: float
    carriers: float
    moments: np.ndarray = field(repr=False)
    shift: float

    @property
    def status(self) -> tuple[str, ...]:
        """Reasons not to trust the improved energy; empty when there are none."""
        parts = {"energy": self.after.energy, "variance": self.after.variance}
        found = [f"improved {k}: {v.status}" for k, v in parts.items() if v.status]
        found += [f"improved energy: {w}" for w in carrier_warnings(self.carriers)]
        return tuple(found)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able form, without the series."""
        return {
            "before": self.before.to_dict(),
            "after": self.after.to_dict(),
            "coefficients": list(self.coefficients),
            "bias": self.bias,
            "carriers": self.carriers,
            "n_samples": self.moments.shape[0] * self.moments.shape[1],
            "status": list(self.status),
        }


def lanczos_step(
    psi: VariationalState,
    hamiltonian: SpinHamiltonian,
    samples: Samples,
    *,
    n_steps: int = 1,
    max_samples: int | None = None,
    progress: bool = False,
) -> LanczosStep:
    """The best state among psi, H psi, ... H^p psi and their sums, with energy and variance.

    Parameters
    ----------
    psi : VariationalState
    hamiltonian : SpinHamiltonian
    samples : Samples
        Drawn from |psi|^2.
    n_steps : int
        p, at most 3: each step multiplies the cost by up to the number of flips of H.
    max_samples : int, optional
        Use only so many, evenly spaced along each chain: the cost is (number of flips)^p times
        that of local energies.
    progress : bool
        Show a progress bar on standard error.

    Returns
    -------
    LanczosStep

    Raises
    ------
    ValueError
        psi is an eigenstate to rounding, so that there is nothing to improve; fewer
        `max_samples` than chains; more steps than 3.
    """
    check_kinds(psi=psi, hamiltonian=hamiltonian, samples=samples)
    n_powers = check_steps(n_steps) + 1
    samples = samples if max_samples is None else thinned(samples, max_samples)
    return step_from_powers(local_powers(psi, hamiltonian, samples, progress, n_powers))


def check_steps(n_steps: int) -> int:
    """The number of Lanczos steps, 1 to 3."""
    if positive_int("n_steps", n_steps) > MOST_STEPS:
        raise ValueError(f"n_steps must be at most {MOST_STEPS}, got {n_steps}")
    return n_steps


def step_from_powers(powers: LocalPowers) -> LanczosStep:
    """The Lanczos steps, one less than there are local powers of H - E0."""
    moments = _moment_series(powers)
    spread = np.sqrt((abs(powers.values[0]) ** 2).mean())
    if not spread > _EIGENSTATE * powers.scale:
        raise ValueError(
            f"psi is an eigenstate up to rounding (energy {powers.shift:.12g}, standard deviation "
            f"{spread:.1g}): a Lanczos step needs a variance"
        )
    before = from_local_energies(powers.values[0] + powers.shift)
    variance = function_statistics(improved_variance, moments)
    energy = function_statistics(improved_energy, moments)
    energy = replace(energy, mean=powers.shift + energy.mean, variance=float(variance.mean.real))
    best = _optimum(grams(moments.mean(axis=(0, 1))))[1]
    return LanczosStep(
        before,
        EnergyVariance(energy, variance),
        tuple((best[1:] / best[0]).real.tolist()),
        jackknife(improved_energy, batch_means(moments))[1],
        n_carriers(_weighted_deviations(moments)),
        moments,
        powers.shift,
    )


def thinned(samples: Samples, max_samples: int) -> Samples:
    """At most `max_samples` of the samples, evenly spaced along each chain."""
    n_chains, n_draws = samples.n_chains, samples.shape[1]
    per_chain = positive_int("max_samples", max_samples) // n_chains
    if per_chain < 1:
        raise ValueError(f"max_samples must be at least the {n_chains} chains, got {max_samples}")
    stride = -(-n_draws // per_chain)
    return replace(samples, spins=np.ascontiguousarray(samples.spins[:, ::stride]))


def improved_energy(moments: np.ndarray) -> np.ndarray:
    """E' - E0 of the best coefficients, from moments (..., n_series) as in `LanczosStep`."""
    return _optimum(grams(moments))[0]


def improved_variance(moments: np.ndarray) -> np.ndarray:
    """Variance of the best state, <|sum_k c_k (h_(k+1) - (E' - E0) h_k)|^2> / <|phi|^2>."""
    gram = grams(moments)
    energy, c = _optimum(gram)
    norm, mixed, square = (_quadratic(c, gram[..., i:, j:], c) for i, j in ((0, 0), (0, 1), (1, 1)))
    return square / norm - 2 * energy * mixed / norm + energy**2


def plain_variance(moments: np.ndarray) -> np.ndarray:
    """Variance of psi itself."""
    gram = grams(moments)
    return gram[..., 1, 1] - gram[..., 0, 1] ** 2


def grams(moments: np.ndarray) -> np.ndarray:
    """<h_i^* h_j>, symmetric (..., p + 2, p + 2), from moments (..., n_series)."""
    n = int(np.sqrt(2 * moments.shape[-1] + 2))  # n (n + 1) / 2 - 1 series
    i, j = np.triu_indices(n)
    found = np.ones((*moments.shape[:-1], n, n))
    found[..., i[1:], j[1:]] = found[..., j[1:], i[1:]] = moments
    return found


def _quadratic(left: np.ndarray, matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Real part of left^* matrix right, by the leading corner of the matrix."""
    n = right.shape[-1]
    return np.einsum("...i,...ij,...j->...", left.conj(), matrix[..., :n, :n], right).real


def _optimum(gram: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """E' - E0 and c: the lowest eigenvector of <h_i^* (H - E0) h_j> c = E <h_i^* h_j> c.

    With plain sample means <h_i^* h_(j+1)> the matrix on the left is not symmetric, on purpose:
    where the span holds an eigenstate, every sample set then gives it without error (Nightingale &
    Melik-Alaverdian, PRL 87, 043401 (2001)). The energy is the mean at that c.
    """
    metric, moved = gram[..., :-1, :-1], gram[..., :-1, 1:]
    if not np.isfinite(gram).all():
        return np.full(gram.shape[:-2], np.nan), np.full(metric.shape[:-1], np.nan)
    size = 1 / np.sqrt(np.einsum("...ii->...i", metric))  # powers of H differ by orders
    scaled = size[..., :, None] * size[..., None, :]
    inverse = np.linalg.pinv(metric * scaled, rcond=_DEPENDENT, hermitian=True)
    levels, states = np.linalg.eig(inverse @ (moved * scaled))
    lowest = levels.real.argmin(axis=-1)[..., None, None]
    c = size * np.take_along_axis(states, lowest, axis=-1)[..., 0]
    return _quadratic(c, moved, c) / _quadratic(c, metric, c), c


def _weighted_deviations(moments: np.ndarray) -> np.ndarray:
    """Weighted local energies of the improved state less their mean, the series behind its bar."""
    energy, c = _optimum(grams(moments.mean(axis=(0, 1))))
    gram, c = grams(moments), c / c[0]
    return _quadratic(c, gram[..., 1:], c) - energy * _quadratic(c, gram, c)


def _moment_series(powers: LocalPowers) -> np.ndarray:
    h = [np.ones_like(powers.values[0]), *powers.values]
    pairs = zip(*np.triu_indices(len(h)), strict=True)
    return np.stack([(h[i].conj() * h[j]).real for i, j in list(pairs)[1:]], axis=2)
