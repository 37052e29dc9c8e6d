"""One Lanczos step, |psi'> = (1 + a H)|psi>, from samples of |psi|^2.

With e and g of `rbmqs.estimators.lanczos.powers`, the state (1 + b (H - E0))|psi> has the energy

    E0 + <(1 + b e)^* (e + b g)> / <|1 + b e|^2>.

It is the mean of the local energies (e + b g)/(1 + b e) with the weights |1 + b e|^2, so its error
falls with the variance of the improved state and vanishes where that state is exact. The best b
solves a 2 x 2 eigenproblem of sampled moments. Chosen on the samples that give the energy, it
shifts the energy by a term of order 1/n, which the jackknife removes.
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


@dataclass(frozen=True, eq=False, repr=False)
class LanczosStep(Brief):
    """The wavefunction before and after one Lanczos step, from the same samples.

    Parameters
    ----------
    before, after : EnergyVariance
        Of psi and of psi'.
    coefficient : float
        a of (1 + a H); inf where psi' is H psi alone.
    bias : float
        Of the energy, from choosing a on the same samples (jackknife); already taken out of it.
    carriers : float
        How many samples carry the statistical variance of the improved energy.
    moments : float array (n_chains, n_draws, 5)
        Series whose means are <e>, <|e|^2>, <g>, <e^* g>, <|g|^2>, all with respect to `shift`.
    shift : float
        E0.
    """

    before: EnergyVariance
    after: EnergyVariance
    coefficient: float
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
            "coefficient": self.coefficient,
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
    max_samples: int | None = None,
    progress: bool = False,
) -> LanczosStep:
    """The best state (1 + a H)|psi> with its energy and variance.

    Parameters
    ----------
    psi : VariationalState
    hamiltonian : SpinHamiltonian
    samples : Samples
        Drawn from |psi|^2.
    max_samples : int, optional
        Use only so many, evenly spaced along each chain: the cost is the number of flips times
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
        `max_samples` than chains.
    """
    check_kinds(psi=psi, hamiltonian=hamiltonian, samples=samples)
    samples = samples if max_samples is None else thinned(samples, max_samples)
    return step_from_powers(local_powers(psi, hamiltonian, samples, progress))


def step_from_powers(powers: LocalPowers) -> LanczosStep:
    """The Lanczos step from local values of H - E0 and its square."""
    moments = _moment_series(powers)
    spread = np.sqrt(moments[..., 1].mean())
    if not spread > _EIGENSTATE * powers.scale:
        raise ValueError(
            f"psi is an eigenstate up to rounding (energy {powers.shift:.12g}, standard deviation "
            f"{spread:.1g}): a Lanczos step needs a variance"
        )
    before = from_local_energies(powers.first + powers.shift)
    variance = function_statistics(improved_variance, moments)
    energy = function_statistics(improved_energy, moments)
    energy = replace(energy, mean=powers.shift + energy.mean, variance=float(variance.mean.real))
    b = float(_optimum(moments.mean(axis=(0, 1)))[1])
    return LanczosStep(
        before,
        EnergyVariance(energy, variance),
        b / (1 - b * powers.shift) if b * powers.shift != 1 else float("inf"),
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
    """E' - E0 of the best b, from moments (..., 5) as in `LanczosStep`."""
    return _optimum(moments)[0]


def improved_variance(moments: np.ndarray) -> np.ndarray:
    """Variance of the best state, <|e + b g - (E' - E0)(1 + b e)|^2> / <|1 + b e|^2>."""
    energy, b = _optimum(moments)
    e, ee, g, eg, gg = np.moveaxis(moments, -1, 0)
    plain = ee - 2 * energy * e + energy**2
    mixed = eg - energy * (ee + g) + energy**2 * e
    square = gg - 2 * energy * eg + energy**2 * ee
    return (plain + 2 * b * mixed + b**2 * square) / (1 + 2 * b * e + b**2 * ee)


def _optimum(moments: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """E' - E0 and b: the lower eigenvector of <phi_i^* (H - E0) phi_j> v = E <phi_i^* phi_j> v.

    With phi_0 = 1, phi_1 = e - <e> and plain sample means the matrix on the left is not symmetric,
    on purpose: where the span holds an eigenstate, every sample set then gives it without error
    (Nightingale & Melik-Alaverdian, PRL 87, 043401 (2001)). The energy is the mean at that b.
    """
    e, ee, g, eg, _ = np.moveaxis(moments, -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        other = (eg - e * (ee + g) + e**3) / (ee - e**2)  # <H - E0> in phi_1
        lowest = (e + other) / 2 - np.sqrt(((other - e) / 2) ** 2 + g - e**2)
        weight = 1 / (lowest - other)  # of phi_1 against phi_0
        b = weight / (1 - weight * e)
        return (e + b * (ee + g) + b**2 * eg) / (1 + 2 * b * e + b**2 * ee), b


def _weighted_deviations(moments: np.ndarray) -> np.ndarray:
    """Weighted local energies of the improved state less their mean, the series behind its bar."""
    energy, b = _optimum(moments.mean(axis=(0, 1)))
    e, ee, g, eg, _ = np.moveaxis(moments, -1, 0)
    return e + b * (ee + g) + b**2 * eg - energy * (1 + 2 * b * e + b**2 * ee)


def _moment_series(powers: LocalPowers) -> np.ndarray:
    e, g = powers.first, powers.second
    series = (e.real, abs(e) ** 2, g.real, (e.conj() * g).real, abs(g) ** 2)
    return np.stack(series, axis=2)
