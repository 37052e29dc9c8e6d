"""How an evolution in time is done: everything but the Hamiltonian, the start and the times."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from hamiltonians.utils.checks import choice, flag, number, plain_fields, positive_int
from rbmqs.dynamics.integrators import METHODS
from rbmqs.dynamics.schemes import SCHEMES
from rbmqs.vmc.settings import SamplingSettings

N_SAMPLES, N_CHAINS = 4096, 32


def _sampling() -> SamplingSettings:
    return SamplingSettings(n_samples=N_SAMPLES, n_chains=N_CHAINS)


@dataclass(frozen=True)
class EvolutionSettings:
    """Everything about an evolution but the Hamiltonian, the start and the times.

    Parameters
    ----------
    imaginary : bool
        exp(-H t) and normalised, in place of exp(-i H t).
    method : str
        "tdvp", the time-dependent variational principle, or "projected": each step of length `step`
        maximises the fidelity with its exact result (`rbmqs.dynamics.projection`).
    scheme : str
        Of projected steps: "lpe1" to "lpe4", "slpe1" to "slpe3", "ppe2", "ppe4" or "trotter2"
        (`rbmqs.dynamics.schemes`), the digit being their order.
    integrator : str
        "rk45", "rk23" and "adaptive-heun" choose their steps; "euler", "heun", "rk4" and "midpoint"
        (implicit) take steps of `step`.
    tolerance : float
        Error that an adaptive step may make, as a Fubini-Study distance.
    step : float or None
        The step of an integrator of fixed steps, the first one of an adaptive one; None for
        0.01 / J, J being the `coupling_scale` of H at the first time.
    max_step : float or None
        The longest step of an adaptive one; None for 0.1 / J.
    cutoff : float or None
        Eigenvalues of the quantum geometric tensor below this part of the largest are damped, by
        1 / (1 + (cutoff / eigenvalue)^6). None for 1e-12 in sums over all configurations, and else
        for the one of `rbmqs.dynamics.equations.CUTOFFS` that a second batch of samples favours.
    min_snr : float
        Components of the force with a signal-to-noise ratio below this are damped in the same way
        (Schmitt & Heyl 2020, arXiv:1912.08828); 0 keeps all.
    max_r2 : float or None
        Stop where the relative error of the equations (`r2`) exceeds this.
    exponent : float
        Samples of the equations are drawn from |psi|^exponent and count with |psi|^(2 - exponent).
        Below 2 they see what lies next to zeros of psi, where samples of |psi|^2 leave a bias
        (arXiv:2305.14294); records have the effective part of them (`effective_share`).
    n_observable_samples : int
        Configurations for the observables at each of the times.
    seed : int
        Of the chains.
    sampling : SamplingSettings
        Of each step; `n_samples` configurations in the equations and half as many beside them,
        which test the solution.
    """

    imaginary: bool = False
    method: str = "tdvp"
    scheme: str = "lpe3"
    integrator: str = "rk45"
    tolerance: float = 1e-5
    step: float | None = None
    max_step: float | None = None
    cutoff: float | None = None
    min_snr: float = 0.0
    max_r2: float | None = None
    exponent: float = 2.0
    n_observable_samples: int = 16384
    seed: int = 0
    sampling: SamplingSettings = field(default_factory=_sampling)

    def __post_init__(self) -> None:
        plain_fields(self)
        flag("imaginary", self.imaginary)
        choice("method", self.method, ("tdvp", "projected"))
        choice("scheme", self.scheme, tuple(SCHEMES))
        choice("integrator", self.integrator, tuple(METHODS))
        number("tolerance", self.tolerance, above=0)
        for name in ("step", "max_step"):
            if getattr(self, name) is not None:
                number(name, getattr(self, name), above=0)
        if self.cutoff is not None and not 0 <= number("cutoff", self.cutoff) < 1:
            raise ValueError(f"cutoff must lie in [0, 1), got {self.cutoff}")
        number("min_snr", self.min_snr, at_least=0)
        if self.max_r2 is not None:
            number("max_r2", self.max_r2, above=0)
        if not 0 < number("exponent", self.exponent) <= 2:
            raise ValueError(f"exponent must lie in (0, 2], got {self.exponent}")
        positive_int("n_observable_samples", self.n_observable_samples)
        positive_int("seed", self.seed, minimum=0)
        if not isinstance(self.sampling, SamplingSettings):
            kind = type(self.sampling).__name__
            raise TypeError(f"sampling must be SamplingSettings, got {kind}")

    @property
    def stepping(self) -> str:
        """What makes the steps, in words."""
        projected = self.method == "projected"
        return f"projection, {self.scheme}" if projected else self.integrator

    @property
    def is_adaptive(self) -> bool:
        """Whether steps are chosen by their error."""
        return self.method == "tdvp" and METHODS[self.integrator].is_adaptive

    def describe(self) -> dict[str, Any]:
        """Plain values, for files."""
        return asdict(self)
