"""Amplitude and phase by two real RBMs, as in reconstruction from measurements.

    psi(sigma) = exp(log A(sigma) + i log Phi(sigma))

with positive RBMs A and Phi (Torlai et al., Nature Physics 14, 447 (2018), arXiv:1703.05334, whose
sqrt(p_lambda) is A and whose phi_mu / 2 is log Phi).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hamiltonians.operators.local_space import LocalSpace
from hamiltonians.utils.checks import instance
from rbmqs.states.rbm import RBM
from rbmqs.states.registry import register_ansatz
from rbmqs.states.state import VariationalState


@register_ansatz("amplitude-phase")
@dataclass(frozen=True, eq=False)
class AmplitudePhaseRBM(VariationalState):
    """Two real RBMs for the logarithm of the amplitude and for the phase.

    Parameters
    ----------
    amplitude, phase : RBM
        Both with real parameters, on as many sites.

    Raises
    ------
    ValueError
        Complex parameters, or different numbers of sites.
    """

    amplitude: RBM
    phase: RBM

    def __post_init__(self) -> None:
        instance("amplitude", self.amplitude, RBM)
        instance("phase", self.phase, RBM)
        for name in ("amplitude", "phase"):
            if getattr(self, name).is_complex:
                raise ValueError(f"{name} must have real parameters, got complex ones")
        if self.amplitude.n_sites != self.phase.n_sites:
            raise ValueError(
                f"amplitude has {self.amplitude.n_sites} sites, phase {self.phase.n_sites}"
            )

    @classmethod
    def random(
        cls,
        hamiltonian: Any,
        *,
        seed: int | np.random.SeedSequence = 0,
        dtype: type = float,
        **options: Any,
    ) -> AmplitudePhaseRBM:
        """Small random parameters, which are real whatever `dtype` says.

        Parameters
        ----------
        hamiltonian
            Something with `n_sites`.
        seed : int or SeedSequence
        dtype : type
            Not looked at.
        **options
            `alpha`, `n_hidden`, biases and `stddev` as of `RBM.random`, of both.
        """
        root = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)
        seeds = [
            np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, k)) for k in (0, 1)
        ]
        n = hamiltonian.n_sites
        return cls(*(RBM.random(n, dtype=float, seed=one, **options) for one in seeds))

    @property
    def hilbert(self) -> LocalSpace:
        """Spins +1 and -1 on all sites."""
        return self.amplitude.hilbert

    @property
    def n_hidden(self) -> int:
        """Number of hidden units M of both RBMs together."""
        return self.amplitude.n_hidden + self.phase.n_hidden

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """Those of the amplitude, then those of the phase."""
        parts = {"amplitude": self.amplitude, "phase": self.phase}
        return {
            f"{name}_{key}": array
            for name, rbm in parts.items()
            for key, array in rbm.parameters.items()
        }

    def with_parameters(self, parameters: Mapping[str, np.ndarray]) -> AmplitudePhaseRBM:
        """The same wavefunction with other values of its parameters, by name."""
        return AmplitudePhaseRBM(
            self.amplitude.with_parameters(_part(parameters, "amplitude")),
            self.phase.with_parameters(_part(parameters, "phase")),
        )

    def structure(self) -> dict[str, Any]:
        """Those of both."""
        return {"amplitude": self.amplitude.structure(), "phase": self.phase.structure()}

    @classmethod
    def from_structure(
        cls, structure: Mapping[str, Any], parameters: Mapping[str, np.ndarray]
    ) -> AmplitudePhaseRBM:
        """See `VariationalState.from_structure`."""
        names = ("amplitude", "phase")
        return cls(*(RBM.from_structure(structure[n], _part(parameters, n)) for n in names))

    def describe(self) -> dict[str, Any]:
        """Shape of the wavefunction, for logs and checkpoints."""
        return {**super().describe(), "n_hidden": self.n_hidden}

    def log_psi(self, sigma: np.ndarray) -> np.ndarray:
        """log A + i log Phi, complex128 (n_samples,)."""
        return self.amplitude.log_psi(sigma) + 1j * self.phase.log_psi(sigma)

    def log_derivatives(self, sigma: np.ndarray) -> np.ndarray:
        """Those of the amplitude, then i times those of the phase."""
        parts = self.amplitude.log_derivatives(sigma), 1j * self.phase.log_derivatives(sigma)
        return np.concatenate(parts, axis=-1)


def _part(parameters: Mapping[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    """Parameters of one of the two, by their own names."""
    start = f"{name}_"
    return {k.removeprefix(start): v for k, v in parameters.items() if k.startswith(start)}
