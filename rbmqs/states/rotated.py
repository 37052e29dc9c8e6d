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

from hamiltonians.operators.level_connections import LevelConnections
from hamiltonians.symmetry.rotations import HALF_TURN, Rotation
from rbmqs.states.rbm import RBM
from rbmqs.states.spin_rbm import SpinRBM
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
    if isinstance(psi, SpinRBM) and psi.group is None:
        return replace(
            psi,
            visible_bias=psi.visible_bias + 1j * np.outer(_radians(rotation), psi.of_sz),
            weights=psi.weights.astype(complex),
            has_visible_bias=True,
        )
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
        if isinstance(c, LevelConnections):
            turned = _turned(c, _radians(self.rotation))
            self.base.add_off_diagonal(sigma, turned, fixed_sector, per_flip, out, cache)
            return
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


def _turned(c: LevelConnections, radians: np.ndarray) -> LevelConnections:
    """U A U^dagger of an operator on spins of any S: rows for each group, with its phases."""
    diag, counts, mel, n_changes, at, by, first = [], [], [], [], [], [], [0]
    for g, (row, end) in enumerate(zip(c.first_row, c.row_ends, strict=True)):
        rows, elements = slice(row, end), slice(c.row_ptr[row], c.row_ptr[end])
        changes = slice(c.change_ptr[elements.start], c.change_ptr[elements.stop])
        number = np.diff(c.change_ptr[elements.start : elements.stop + 1])
        angles = radians[c.group_sites[c.group_ptr[g] + c.change_at[changes]]]
        of_elements = np.repeat(np.arange(len(number)), number)
        sums = np.bincount(of_elements, angles * c.change_by[changes] / 2, len(number))
        mel.append(c.mel[elements] * np.exp(1j * sums))
        diag.append(c.diag[rows])
        counts.append(np.diff(c.row_ptr[row : end + 1]))
        n_changes.append(number)
        at.append(c.change_at[changes])
        by.append(c.change_by[changes])
        first.append(first[-1] + end - row)
    return c._replace(
        first_row=np.array(first[:-1], np.int64),
        diag=np.concatenate(diag),
        row_ptr=np.cumsum([0, *np.concatenate(counts)], dtype=np.int64),
        mel=np.concatenate(mel),
        change_ptr=np.cumsum([0, *np.concatenate(n_changes)], dtype=np.int64),
        change_at=np.concatenate(at),
        change_by=np.concatenate(by),
    )


def _radians(rotation: Rotation) -> np.ndarray:
    return np.array(rotation.sixths) * (np.pi / HALF_TURN)
