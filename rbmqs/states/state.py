"""What sampler, estimators and optimiser ask of a wavefunction, and what follows from it.

Three kinds exist: the plain RBM (`rbmqs.states.rbm.RBM`), one whose weights are tied over a
group (`rbmqs.states.symmetric_rbm.SymmetricRBM`), and either of them projected onto a symmetry sector
(`rbmqs.states.projected_rbm.ProjectedRBM`). A wavefunction is a value: changing parameters makes a new one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeVar

import numpy as np

from rbmqs.core.local_energy import diagonal_values
from rbmqs.utils.checks import spin_array
from rbmqs.utils.schedules import Schedule

if TYPE_CHECKING:
    from hamiltonians import Sector
    from hamiltonians.operators.connections import Connections
    from rbmqs.states.jacobian import Jacobian

MAX_STATES = 2**24  # full state vectors beyond this are refused (256 MiB of complex numbers)
_STATE_CHUNK = 2**12

Self = TypeVar("Self", bound="VariationalState")


class SweepTask(NamedTuple):
    """Chains and how far they go; kernels take the first five before their tables, the rest after.

    Attributes
    ----------
    spins : ndarray, shape (n_chains, N), int8
        Updated in place.
    rng : ndarray, shape (n_chains, 4), uint64
        Random streams, updated in place.
    beta : ndarray, shape (n_chains,), float64
        Each chain samples |psi|^(2 beta).
    move : int
        A code of `rbmqs.core.metropolis`.
    bonds : ndarray, shape (n_bonds, 2), int64
    n_discard, sweep_size : int
        Sweeps that are not recorded, and proposals a sweep.
    drawn : ndarray, shape (n_chains, n_draws, N), int8
        Filled with the recorded configurations.
    """

    spins: np.ndarray
    rng: np.ndarray
    beta: np.ndarray
    move: int
    bonds: np.ndarray
    n_discard: int
    sweep_size: int
    drawn: np.ndarray


class VariationalState(ABC):
    """A variational wavefunction over spins +1 and -1.

    Attributes
    ----------
    learning_rate, friction : Schedule
        Rate and 1 - momentum of the optimiser by iteration, where the settings leave them open.
    """

    learning_rate: ClassVar[Schedule] = Schedule(0.05, "inverse", timescale=100.0)
    friction: ClassVar[Schedule] = Schedule(0.1)

    @property
    @abstractmethod
    def n_sites(self) -> int:
        """Number of sites N."""

    @property
    @abstractmethod
    def n_hidden(self) -> int:
        """Number of hidden units M of the wavefunction that is evaluated."""

    @property
    def n_samples(self) -> int:
        """Configurations of an iteration, where the settings leave it open."""
        return 1024

    @property
    def low_noise_rate(self) -> float:
        """Below which the learning rate does not fall by default while steps have little noise."""
        return 0.0

    @property
    def n_restarts(self) -> int:
        """Random starts that `ground_state` tries, where the settings leave it open."""
        return 1

    @property
    def restart_state(self) -> VariationalState:
        """What these starts are tried with; its parameters are those of this machine."""
        return self

    @property
    @abstractmethod
    def is_complex(self) -> bool:
        """Whether the parameters are complex."""

    @property
    @abstractmethod
    def n_parameters(self) -> int:
        """Number of variational parameters, complex ones counted once."""

    @property
    @abstractmethod
    def flat(self) -> np.ndarray:
        """Variational parameters in one vector (n_parameters,)."""

    @abstractmethod
    def with_flat(self: Self, flat: np.ndarray) -> Self:
        """The same wavefunction with other parameters, laid out as in `flat`."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """Shape of the wavefunction, for logs and checkpoints."""

    @abstractmethod
    def log_amplitudes(self, spins: np.ndarray) -> np.ndarray:
        """log psi of int8 spins (n_samples, N), unchecked."""

    @abstractmethod
    def prepare(self, sigma: np.ndarray) -> np.ndarray:
        """What local values and log-derivatives of the same configurations share.

        One row per configuration; handed back to the methods below it saves them that work.
        """

    @abstractmethod
    def add_off_diagonal(
        self,
        sigma: np.ndarray,
        connections: Connections,
        fixed_sector: bool,
        per_flip: bool,
        out: np.ndarray,
        pairs: np.ndarray | None = None,
    ) -> None:
        """Add sum_sigma' <sigma|O|sigma'> psi(sigma')/psi(sigma), sigma' != sigma.

        Parameters
        ----------
        sigma : int8 (n_samples, N)
        connections : Connections
        fixed_sector : bool
            Whether amplitudes outside the samples' sector of S_z count as zero.
        apart : bool
            Whether each flip has a column of its own.
        out : complex128 (n_samples, 1), or (n_samples, n_flips) if apart
        pairs : array, optional
            `prepare(sigma)` where it is known already.
        """

    @abstractmethod
    def jacobian(
        self,
        sigma: np.ndarray,
        pairs: np.ndarray | None = None,
        weights: np.ndarray | None = None,
    ) -> Jacobian:
        """Centred log-derivatives at int8 spins (n_samples, N), for the solvers.

        Parameters
        ----------
        sigma : int8 (n_samples, N)
        pairs : array, optional
            `prepare(sigma)` where it is known already.
        weights : float64 (n_samples,), optional
            Of the samples, with mean one; equal ones when not given.
        """

    @abstractmethod
    def sweep(self, walk: SweepTask) -> np.ndarray:
        """Move Metropolis chains on |psi|^(2 beta) in place; accepted moves, int64 (n_chains,)."""

    def local_values(
        self,
        sigma: np.ndarray,
        connections: Connections,
        fixed_sector: bool,
        pairs: np.ndarray | None = None,
    ) -> np.ndarray:
        """sum_sigma' <sigma|O|sigma'> psi(sigma')/psi(sigma), complex (n_samples,)."""
        c = connections
        values = diagonal_values(sigma, c.diag_coef, c.diag_ptr, c.diag_sites)
        self.add_off_diagonal(sigma, c, fixed_sector, False, values[:, None], pairs)
        return values

    def flip_ratios(
        self,
        sigma: np.ndarray,
        connections: Connections,
        fixed_sector: bool,
        pairs: np.ndarray | None = None,
    ) -> np.ndarray:
        """The off-diagonal terms of `local_values` flip by flip, complex (n_samples, n_flips)."""
        ratios = np.zeros((len(sigma), len(connections.flip_ptr) - 1), dtype=complex)
        self.add_off_diagonal(sigma, connections, fixed_sector, True, ratios, pairs)
        return ratios

    def log_psi(self, sigma: np.ndarray) -> np.ndarray:
        """log psi(sigma) on some branch of the logarithm.

        Parameters
        ----------
        sigma : int array (..., N)
            Spins +1 and -1.

        Returns
        -------
        array (...)
            complex128; float64 for a wavefunction that is positive everywhere.

        Raises
        ------
        ValueError
            Wrong number of sites, or entries other than +-1.
        """
        sigma = spin_array("sigma", sigma, self.n_sites)
        return self.log_amplitudes(sigma.reshape(-1, self.n_sites)).reshape(sigma.shape[:-1])

    def ratio(self, sigma_new: np.ndarray, sigma: np.ndarray) -> np.ndarray:
        """psi(sigma_new) / psi(sigma), elementwise over leading axes."""
        return np.exp(self.log_psi(sigma_new) - self.log_psi(sigma))

    def log_derivatives(self, sigma: np.ndarray) -> np.ndarray:
        """O_k(sigma) = d log psi / d theta_k, the whole Jacobian.

        For small systems and tests: the solvers of `rbmqs.sr` never form it for a
        plain RBM.

        Returns
        -------
        array (..., n_parameters)
            In the order of `flat`.
        """
        sigma = spin_array("sigma", sigma, self.n_sites)
        spins = sigma.reshape(-1, self.n_sites)
        rows = self.jacobian(spins).rows(0, len(spins))
        return rows.reshape(*sigma.shape[:-1], self.n_parameters)

    def log_state_vector(self, sector: Sector) -> np.ndarray:
        """log psi of every basis state of a sector, in the sector's order."""
        if sector.dimension > MAX_STATES:
            raise ValueError(
                f"state vector of {sector.dimension} states refused, at most {MAX_STATES} allowed"
            )
        if sector.n_sites != self.n_sites:
            raise ValueError(f"sector has {sector.n_sites} sites, the wavefunction {self.n_sites}")
        states = sector.basis_states()
        chunks = range(0, len(states), _STATE_CHUNK)
        return np.concatenate(
            [
                self.log_amplitudes(sector.states_to_spins(states[start : start + _STATE_CHUNK]))
                for start in chunks
            ]
        )

    def state_vector(self, sector: Sector) -> np.ndarray:
        """Normalised amplitudes on a sector's basis, shape (dimension,).

        Raises
        ------
        ValueError
            The sector has more than `MAX_STATES` states.
        """
        log_psi = self.log_state_vector(sector)
        psi = np.exp(log_psi - np.max(log_psi.real))
        return psi / np.linalg.norm(psi)

    def overlap(self, vector: np.ndarray, sector: Sector) -> float:
        """Fidelity |<vector|psi>|^2 / (<vector|vector> <psi|psi>) with a vector on the sector."""
        psi = self.state_vector(sector)
        vector = np.asarray(vector)
        if vector.shape != psi.shape:
            raise ValueError(f"vector must have shape {psi.shape}, got {vector.shape}")
        return float(abs(np.vdot(vector, psi)) ** 2 / np.vdot(vector, vector).real)
