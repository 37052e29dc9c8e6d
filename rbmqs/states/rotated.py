"""A wavefunction seen from another basis: spins turned about z, which changes phases only.

A run that knows the signs of its ground state works on U H U^dagger with
U = prod_i exp(-i phi_i Z_i / 2). What it finds, U |psi>, is given back as |psi>: amplitudes
exp(+i sum_i phi_i sigma_i / 2) times those that were found, in the basis of the given Hamiltonian.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hamiltonians.symmetry.rotations import HALF_TURN, Rotation
from rbmqs.states.rbm import RBM
from rbmqs.states.state import OfBase, VariationalState

if TYPE_CHECKING:
    from hamiltonians.operators.connections import Connections
    from rbmqs.states.generic import SweepTask
    from rbmqs.states.jacobian import Jacobian


def unrotated(psi: VariationalState, rotation: Rotation | None) -> VariationalState:
    """U^dagger |psi>.

    A plain RBM takes the phases into its visible biases, a_i + i phi_i / 2, and is then one with
    complex parameters; other wavefunctions are wrapped.
    """
    if rotation is None or not any(rotation.sixths):
        return psi
    if not isinstance(psi, RBM):
        return RotatedState(psi, rotation)
    phases = 1j * _radians(rotation) / 2
    return RBM(
        psi.visible_bias + phases,
        psi.hidden_bias.astype(complex),
        psi.weights.astype(complex),
        True,
        psi.has_hidden_bias,
    )


@dataclass(frozen=True, eq=False)
class RotatedState(OfBase):
    """U^dagger |base>, its parameters those of the base.

    Parameters
    ----------
    base : VariationalState
    rotation : hamiltonians.Rotation
        U.

    Raises
    ------
    ValueError
        Different numbers of sites.
    """

    base: VariationalState
    rotation: Rotation

    def __post_init__(self) -> None:
        if len(self.rotation.sixths) != self.base.n_sites:
            raise ValueError(
                f"rotation must turn {self.base.n_sites} sites, got {len(self.rotation.sixths)}"
            )

    def with_parameters(self, parameters: Mapping[str, np.ndarray]) -> RotatedState:
        """The same wavefunction with other values of its parameters, by name."""
        return replace(self, base=self.base.with_parameters(parameters))

    def describe(self) -> dict[str, Any]:
        """Shape of the base."""
        return self.base.describe()

    def log_amplitudes(self, spins: np.ndarray) -> np.ndarray:
        """log psi of int8 spins (n_samples, N), unchecked."""
        return self.base.log_psi(spins) + 0.5j * (spins @ _radians(self.rotation))

    def log_derivatives(self, sigma: np.ndarray) -> np.ndarray:
        """Those of the base: phases do not depend on parameters."""
        return self.base.log_derivatives(sigma)

    def prepare(self, sigma: np.ndarray) -> np.ndarray:
        """The cache of the base."""
        return self.base.prepare(sigma)

    def add_off_diagonal(
        self,
        sigma: np.ndarray,
        connections: Connections,
        fixed_sector: bool,
        per_flip: bool,
        out: np.ndarray,
        cache: np.ndarray | None = None,
    ) -> None:
        """See `VariationalState.add_off_diagonal`: each flip of the base by its phase."""
        c = connections
        if self.rotation.is_real:
            n_half_turns = np.array(self.rotation.sixths)[c.flip_sites] // HALF_TURN
            parity = np.add.reduceat(n_half_turns, c.flip_ptr[:-1]) % 2
            signs = np.repeat(1.0 - 2.0 * parity, np.diff(c.term_ptr))
            turned = c._replace(coef=c.coef * signs)
            self.base.add_off_diagonal(sigma, turned, fixed_sector, per_flip, out, cache)
            return
        ratios = np.zeros((len(sigma), len(c.flip_ptr) - 1), dtype=complex)
        self.base.add_off_diagonal(sigma, c, fixed_sector, True, ratios, cache)
        angles = sigma * _radians(self.rotation)
        for flip, (start, end) in enumerate(zip(c.flip_ptr[:-1], c.flip_ptr[1:], strict=True)):
            ratios[:, flip] *= np.exp(-1j * angles[:, c.flip_sites[start:end]].sum(axis=1))
        out += ratios if per_flip else ratios.sum(axis=1, keepdims=True)

    def jacobian(
        self,
        sigma: np.ndarray,
        cache: np.ndarray | None = None,
        weights: np.ndarray | None = None,
    ) -> Jacobian:
        """That of the base."""
        return self.base.jacobian(sigma, cache, weights)

    def sweep(self, task: SweepTask) -> np.ndarray:
        """Chains of the base: |psi| is the same."""
        return self.base.sweep(task)


def _radians(rotation: Rotation) -> np.ndarray:
    return np.array(rotation.sixths) * (np.pi / HALF_TURN)
