"""What a wavefunction is: the contract of every ansatz, and what follows from it.

An ansatz has a local space, named parameters, `log_psi` and `log_derivatives`; everything else
has a default built on these. Kernels that are faster override `sweep`, `add_off_diagonal`,
`prepare` and `jacobian`. A wavefunction is a value: changing parameters makes a new one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np

from hamiltonians.operators.connections import Connections
from hamiltonians.operators.level_connections import LevelConnections
from hamiltonians.operators.local_space import LocalSpace
from hamiltonians.operators.sectors import Sector
from hamiltonians.operators.spin_sectors import AnySector, SpinSector
from hamiltonians.utils.checks import flag, instance, spin_array
from rbmqs.core.local_energy import diagonal_values
from rbmqs.states.generic import (
    SweepTask,
    add_levels,
    add_off_diagonal,
    diagonal_of_levels,
    in_chunks,
    metropolis_sweep,
)
from rbmqs.states.jacobian import Jacobian
from rbmqs.states.starts import small_random

if TYPE_CHECKING:
    from hamiltonians import PauliSum, SpinHamiltonian

MAX_STATES = 2**24  # full state vectors beyond this are refused (256 MiB of complex numbers)
_STATE_CHUNK = 2**12

Self = TypeVar("Self", bound="VariationalState")


class VariationalState(ABC):
    """A variational wavefunction over spins +1 and -1.

    An ansatz of one's own is a class with these five; a dataclass whose fields are named as its
    parameters has `with_parameters` already.

    - `hilbert`: a `hamiltonians.LocalSpace`, how many sites there are and what they hold.
    - `parameters`: named arrays, all float64 or all complex128; psi is holomorphic in complex ones.
      Real ones may make psi complex, as an amplitude and a phase do.
    - `with_parameters(parameters)`: the same wavefunction with other values of them.
    - `log_psi(sigma)`: of int8 configurations (n_samples, N), shape (n_samples,).
    - `log_derivatives(sigma)`: d log psi / d theta_k, shape (n_samples, n_parameters), in the order
      of `parameters`, each array in C order.

    A run that starts from random parameters, `ansatz="package.module:Class"`, needs a classmethod
    `random(hamiltonian, *, seed, dtype, **options)` too; of the Hamiltonian it needs `n_sites`.
    `rbmqs.testing.check_state` tests all of it.
    """

    ansatz_name: ClassVar[str | None] = None
    n_snapshots: int | None = None  # measurements that it was learnt from, whose noise is in bars

    if TYPE_CHECKING:  # at run time fields of a dataclass may have these names

        @property
        def hilbert(self) -> LocalSpace:
            """Number of sites and their values."""

        @property
        def parameters(self) -> Mapping[str, np.ndarray]:
            """Variational parameters by name, in the order of `flat`."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        # A dataclass writes a repr with all arrays unless its class has one of its own.
        if "__repr__" not in cls.__dict__:
            cls.__repr__ = VariationalState.__repr__  # type: ignore[method-assign]

    def __repr__(self) -> str:
        shape = {
            k: v for k, v in self.describe().items() if k != "ansatz" and not isinstance(v, Mapping)
        }
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in shape.items())})"

    @abstractmethod
    def log_psi(self, sigma: np.ndarray) -> np.ndarray:
        """log psi(sigma) on some branch of the logarithm, float64 or complex128 (n_samples,).

        Parameters
        ----------
        sigma : int8 array (n_samples, N)
        """

    @abstractmethod
    def log_derivatives(self, sigma: np.ndarray) -> np.ndarray:
        """O_k(sigma) = d log psi / d theta_k, (n_samples, n_parameters) in the order of `flat`."""

    def with_parameters(self: Self, parameters: Mapping[str, np.ndarray]) -> Self:
        """The same wavefunction with other values of its parameters, by name."""
        if not is_dataclass(self):
            raise NotImplementedError(f"{type(self).__name__} must define with_parameters")
        return replace(self, **parameters)

    def structure(self) -> dict[str, Any]:
        """What makes this wavefunction besides its parameters: plain JSON values and arrays.

        For a dataclass its other fields, by name.
        """
        if not is_dataclass(self):
            return {}
        names = [f.name for f in fields(self) if f.init and f.name not in self.parameters]
        found = {name: getattr(self, name) for name in names}
        return {k: v.to_dict() if isinstance(v, LocalSpace) else v for k, v in found.items()}

    @classmethod
    def from_structure(
        cls: type[Self], structure: Mapping[str, Any], parameters: Mapping[str, np.ndarray]
    ) -> Self:
        """The wavefunction of a file, from its `structure()` and its parameters by name."""
        found = dict(structure)
        if isinstance(found.get("hilbert"), Mapping):
            found["hilbert"] = LocalSpace(**found["hilbert"])
        return cls(**found, **parameters)

    @property
    def n_sites(self) -> int:
        """Number of sites N."""
        return self.hilbert.n_sites

    @property
    def is_complex(self) -> bool:
        """Whether the parameters are complex."""
        return any(np.iscomplexobj(array) for array in self.parameters.values())

    @property
    def n_parameters(self) -> int:
        """Number of variational parameters, complex ones counted once."""
        return sum(np.size(array) for array in self.parameters.values())

    @cached_property
    def flat(self) -> np.ndarray:
        """Variational parameters in one vector (n_parameters,), array after array in C order."""
        return np.concatenate([np.ravel(array) for array in self.parameters.values()])

    def with_flat(self: Self, flat: np.ndarray) -> Self:
        """The same wavefunction with other parameters, laid out as in `flat`."""
        flat = np.asarray(flat)
        if flat.shape != (self.n_parameters,):
            raise ValueError(
                f"flat must have shape ({self.n_parameters},) for this wavefunction, "
                f"got {flat.shape}"
            )
        if np.iscomplexobj(flat) and not self.is_complex:
            raise ValueError("flat is complex but this wavefunction has real parameters")
        flat = flat.astype(complex if self.is_complex else float)
        ends = np.cumsum([np.size(array) for array in self.parameters.values()])
        parts = np.split(flat, ends[:-1])
        named = zip(self.parameters.items(), parts, strict=True)
        return self.with_parameters({n: part.reshape(np.shape(old)) for (n, old), part in named})

    def randomised(self: Self, seed: np.random.SeedSequence) -> Self:
        """The same wavefunction with the small random parameters of a restart."""
        return self.with_flat(small_random((self.n_parameters,), self.is_complex, seed))

    def describe(self) -> dict[str, Any]:
        """Shape of the wavefunction, for logs and checkpoints."""
        plain = (bool, int, float, str)
        return {
            "ansatz": type(self).__name__,
            "n_sites": self.n_sites,
            "n_parameters": self.n_parameters,
            "dtype": "complex128" if self.is_complex else "float64",
            **{k: v for k, v in self.structure().items() if isinstance(v, plain)},
        }

    def prepare(self, sigma: np.ndarray) -> np.ndarray:
        """What local values and log-derivatives of the same configurations share: the cache.

        One row per configuration; handed back to the methods below it saves them that work. Here
        log psi(sigma).
        """
        return in_chunks(self.log_psi, sigma)

    def log_modulus(self, sigma: np.ndarray, cache: np.ndarray | None = None) -> np.ndarray:
        """log |psi(sigma)|, float64 (n_samples,), with the cache of the configurations if at hand.

        To rounding the real part of `log_psi`, which wavefunctions may find without logarithms.
        """
        found: np.ndarray = self.log_psi(sigma).real
        return found

    def add_off_diagonal(
        self,
        sigma: np.ndarray,
        connections: Any,
        fixed_sector: bool,
        per_flip: bool,
        out: np.ndarray,
        cache: np.ndarray | None = None,
    ) -> None:
        """Add sum_sigma' <sigma|O|sigma'> psi(sigma')/psi(sigma), sigma' != sigma.

        Parameters
        ----------
        sigma : int8 (n_samples, N)
        connections : Connections
            `LevelConnections` for spins S > 1/2.
        fixed_sector : bool
            Whether amplitudes outside the samples' sector of S_z count as zero.
        per_flip : bool
            Whether each flip, or group of sites of spins S > 1/2, has a column of its own.
        out : complex128 (n_samples, 1), or (n_samples, n_columns) if per flip
        cache : array, optional
            `prepare(sigma)` where it is known already.
        """
        cache = self.prepare(sigma) if cache is None else cache
        where = (self.log_psi, sigma, cache, connections)
        if isinstance(connections, LevelConnections):
            add_levels(*where, self.hilbert, fixed_sector, per_flip, out)
        else:
            add_off_diagonal(*where, fixed_sector, per_flip, out)

    def jacobian(
        self,
        sigma: np.ndarray,
        cache: np.ndarray | None = None,
        weights: np.ndarray | None = None,
    ) -> Jacobian:
        """Centred log-derivatives at int8 spins (n_samples, N), for the solvers.

        Parameters
        ----------
        sigma : int8 (n_samples, N)
        cache : array, optional
            `prepare(sigma)` where it is known already.
        weights : float64 (n_samples,), optional
            Of the samples, with mean one; equal ones when not given.
        """
        rows = in_chunks(self.log_derivatives, sigma, n_rows=_STATE_CHUNK)
        return Jacobian.of_rows(rows, weights, self.is_complex)

    def sweep(self, task: SweepTask) -> np.ndarray:
        """Move Metropolis chains on |psi|^(2 beta) in place; accepted moves, int64 (n_chains,)."""
        return metropolis_sweep(self.log_psi, task, self.hilbert.values[0])

    def diagonal_values(self, sigma: np.ndarray, connections: Any) -> np.ndarray:
        """<sigma|O|sigma> of every configuration, complex (n_samples,)."""
        c = connections
        if isinstance(c, LevelConnections):
            return diagonal_of_levels(sigma, c, self.hilbert)
        return diagonal_values(sigma, c.diag_coef, c.diag_ptr, c.diag_sites)

    def local_values(
        self,
        sigma: np.ndarray,
        connections: Any,
        fixed_sector: bool,
        cache: np.ndarray | None = None,
    ) -> np.ndarray:
        """sum_sigma' <sigma|O|sigma'> psi(sigma')/psi(sigma), complex (n_samples,)."""
        flag("fixed_sector", fixed_sector)
        sigma = self._checked(sigma, connections)
        values = self.diagonal_values(sigma, connections)
        self.add_off_diagonal(sigma, connections, fixed_sector, False, values[:, None], cache)
        return values

    def flip_ratios(
        self,
        sigma: np.ndarray,
        connections: Any,
        fixed_sector: bool,
        cache: np.ndarray | None = None,
    ) -> np.ndarray:
        """The off-diagonal terms of `local_values` flip by flip, complex (n_samples, n_flips).

        Of spins S > 1/2, group of sites by group of sites.
        """
        sigma, c = self._checked(sigma, connections), connections
        ends = c.group_ptr if isinstance(c, LevelConnections) else c.flip_ptr
        ratios = np.zeros((len(sigma), len(ends) - 1), dtype=complex)
        self.add_off_diagonal(sigma, connections, fixed_sector, True, ratios, cache)
        return ratios

    def _checked(self, sigma: Any, connections: Any) -> np.ndarray:
        """Rows of spins as kernels take them, int8 (n_samples, N)."""
        kind = Connections if self.hilbert.is_spin_half else LevelConnections
        instance("connections", connections, kind)
        is_row = isinstance(sigma, np.ndarray) and sigma.dtype == np.int8 and sigma.ndim == 2
        if is_row and sigma.shape[1] == self.n_sites and sigma.flags.c_contiguous:
            return sigma
        return np.atleast_2d(self._spins(sigma))

    def _spins(self, sigma: Any) -> np.ndarray:
        """Configurations (..., N) as int8, checked."""
        if self.hilbert.is_spin_half:
            return spin_array("sigma", sigma, self.n_sites)
        return self.hilbert.check("sigma", sigma)

    def ratio(self, sigma_new: np.ndarray, sigma: np.ndarray) -> np.ndarray:
        """psi(sigma_new) / psi(sigma), elementwise over leading axes."""
        return np.exp(self.log_psi(sigma_new) - self.log_psi(sigma))

    def log_state_vector(self, sector: AnySector) -> np.ndarray:
        """log psi of every basis state of a sector, in the sector's order."""
        instance("sector", sector, Sector if self.hilbert.is_spin_half else SpinSector)
        if sector.dimension > MAX_STATES:
            raise ValueError(
                f"state vector of {sector.dimension} states refused, at most {MAX_STATES} allowed"
            )
        if sector.n_sites != self.n_sites:
            raise ValueError(f"sector has {sector.n_sites} sites, the wavefunction {self.n_sites}")
        if sector.is_sparse:
            return self.log_psi(sector.configurations())
        states = sector.basis_states()
        chunks = range(0, len(states), _STATE_CHUNK)
        return np.concatenate(
            [
                self.log_psi(sector.states_to_spins(states[start : start + _STATE_CHUNK]))
                for start in chunks
            ]
        )

    def state_vector(self, sector: AnySector) -> np.ndarray:
        """Normalised amplitudes on a sector's basis.

        Parameters
        ----------
        sector : Sector or SpinSector
            For example ``Sector(12, 0)``; the Hamiltonian's own is
            ``Sector(H.n_sites, H.total_sz)``.

        Returns
        -------
        complex or float array, shape (dimension,)

        Raises
        ------
        TypeError, ValueError
            Not a sector of such spins, other sites, or more than `MAX_STATES` states.
        """
        log_psi = self.log_state_vector(sector)
        psi = np.exp(log_psi - np.max(log_psi.real))
        return psi / np.linalg.norm(psi)

    def overlap(self, vector: np.ndarray, sector: AnySector) -> float:
        """Fidelity |<vector|psi>|^2 / (<vector|vector> <psi|psi>) with a vector on the sector."""
        psi = self.state_vector(sector)
        vector = np.asarray(vector)
        if vector.shape != psi.shape:
            raise ValueError(f"vector must have shape {psi.shape}, got {vector.shape}")
        return float(abs(np.vdot(vector, psi)) ** 2 / np.vdot(vector, vector).real)

    # Estimators live in a higher room, which these methods look up by name when they are called.

    def sample(self, n_samples: int = 1000, **options: Any) -> Any:
        """Configurations drawn from |psi|^2; see `rbmqs.estimators.measurement.sample`.

        Parameters
        ----------
        n_samples : int
        **options
            `total_sz`, `seed`, `n_chains`.

        Returns
        -------
        Samples
            ``flat`` has a row of int8 +1 and -1 for each, at least `n_samples`.
        """
        return _measurement().sample(self, n_samples, **options)

    def sample_in(self, bases: Any, n_shots: int = 1000, **options: Any) -> Any:
        """Outcomes in product bases such as "XZY"; see `rbmqs.tomography.drawing.sample_in`.

        Parameters
        ----------
        bases : str, sequence of str, unitaries (n_bases, N, 2, 2) or Bases
        n_shots : int
            Of each basis.
        **options
            `total_sz`, `seed`.
        """
        room = import_module("rbmqs.tomography.drawing")
        return room.sample_in(self, bases, n_shots, **options)

    def expect(self, operator: PauliSum | SpinHamiltonian, **options: Any) -> Any:
        """Expectation of an operator with its error; see `rbmqs.estimators.measurement`.

        Parameters
        ----------
        operator : PauliSum or SpinHamiltonian
        **options
            `n_samples`, `total_sz`, `seed`.
        """
        return _measurement().expect_of_state(self, operator, **options)

    def measure(self, hamiltonian: SpinHamiltonian, **options: Any) -> Any:
        """Energy and observables with errors; see `rbmqs.estimators.measurement.measure`."""
        return _measurement().measure(self, hamiltonian, **options)


def _measurement() -> Any:
    return import_module("rbmqs.estimators.measurement")


class FusedState(VariationalState):
    """A wavefunction with kernels of its own; `log_psi` checks what comes in from outside."""

    @abstractmethod
    def log_amplitudes(self, spins: np.ndarray) -> np.ndarray:
        """log psi of int8 spins (n_samples, N), unchecked."""

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
        sigma = self._spins(sigma)
        return self.log_amplitudes(sigma.reshape(-1, self.n_sites)).reshape(sigma.shape[:-1])

    def log_derivatives(self, sigma: np.ndarray) -> np.ndarray:
        """O_k(sigma) = d log psi / d theta_k, the whole Jacobian.

        For small systems and tests: the solvers of `rbmqs.sr` never form it for a plain RBM.

        Returns
        -------
        array (..., n_parameters)
            In the order of `flat`.
        """
        sigma = self._spins(sigma)
        spins = sigma.reshape(-1, self.n_sites)
        rows = self.jacobian(spins).rows(0, len(spins))
        return rows.reshape(*sigma.shape[:-1], self.n_parameters)


class OfBase(FusedState):
    """A wavefunction made of another one, `base`, whose parameters are its own."""

    base: VariationalState

    @property
    def hilbert(self) -> LocalSpace:
        """That of the base."""
        return self.base.hilbert

    @property
    def parameters(self) -> Mapping[str, np.ndarray]:
        """Those of the base."""
        return self.base.parameters
