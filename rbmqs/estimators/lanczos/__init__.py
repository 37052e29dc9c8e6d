"""One Lanczos step on a wavefunction, extrapolation in the variance, and certified bounds."""

from rbmqs.estimators.lanczos.bounds import (
    Bound,
    temple_lower_bound,
    variational_upper_bound,
    weinstein_lower_bound,
)
from rbmqs.estimators.lanczos.extrapolation import extrapolate_step
from rbmqs.estimators.lanczos.state import EnergyVariance, energy_variance
from rbmqs.estimators.lanczos.step import LanczosStep, lanczos_step

__all__ = [
    "Bound",
    "EnergyVariance",
    "LanczosStep",
    "energy_variance",
    "extrapolate_step",
    "lanczos_step",
    "temple_lower_bound",
    "variational_upper_bound",
    "weinstein_lower_bound",
]
