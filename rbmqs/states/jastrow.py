"""Jastrow wavefunctions, alone and times an RBM, from the generic sampling of every ansatz.

    psi(sigma) = exp(sum_{i<j} v_ij sigma_i sigma_j)

The pair factor carries two-spin correlations at any distance by N (N - 1) / 2 parameters (Jastrow,
Phys. Rev. 98, 1479 (1955)); an RBM beside it has the rest to describe.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from hamiltonians.operators.local_space import LocalSpace
from hamiltonians.utils.checks import checked_seed, finite, instance, root_seed
from rbmqs.states.rbm import RBM
from rbmqs.states.registry import register_ansatz
from rbmqs.states.state import VariationalState

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian

Seed = int | np.random.SeedSequence


@register_ansatz("jastrow")
@dataclass(frozen=True, eq=False)
class Jastrow(VariationalState):
    """A Jastrow wavefunction.

    Parameters
    ----------
    couplings : array (N (N - 1) / 2,)
        v_ij of the pairs i < j, row after row; float64 or complex128.

    Raises
    ------
    ValueError
        A number of couplings that belongs to no number of sites, or values that are not finite.
    """

    couplings: np.ndarray

    def __post_init__(self) -> None:
        given = np.asarray(self.couplings)
        couplings = np.array(given, dtype=complex if np.iscomplexobj(given) else float)
        n_sites = round((1 + np.sqrt(1 + 8 * couplings.size)) / 2)
        if couplings.ndim != 1 or n_sites < 2 or n_sites * (n_sites - 1) // 2 != couplings.size:
            raise ValueError(f"couplings must have shape (N (N - 1) / 2,), got {couplings.shape}")
        finite("couplings", couplings)
        couplings.flags.writeable = False
        object.__setattr__(self, "couplings", couplings)
        object.__setattr__(self, "hilbert", LocalSpace(n_sites))

    @classmethod
    def random(
        cls,
        hamiltonian: SpinHamiltonian,
        *,
        seed: Seed = 0,
        dtype: type = complex,
        stddev: float = 0.01,
    ) -> Jastrow:
        """Small normal couplings, `stddev` the standard deviation of real and imaginary parts."""
        n = hamiltonian.n_sites
        rng = np.random.default_rng(checked_seed("seed", seed))
        couplings = rng.normal(scale=stddev, size=n * (n - 1) // 2)
        if np.dtype(dtype).kind == "c":
            couplings = couplings + 1j * rng.normal(scale=stddev, size=couplings.shape)
        return cls(couplings)

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """v."""
        return {"couplings": self.couplings}

    @cached_property
    def _pairs(self) -> tuple[np.ndarray, np.ndarray]:
        return np.triu_indices(self.n_sites, 1)

    @cached_property
    def _matrix(self) -> np.ndarray:
        matrix = np.zeros((self.n_sites, self.n_sites), self.couplings.dtype)
        matrix[self._pairs] = self.couplings
        return matrix

    def log_psi(self, sigma: np.ndarray) -> np.ndarray:
        """sum_{i<j} v_ij sigma_i sigma_j, (n_samples,)."""
        return ((sigma @ self._matrix) * sigma).sum(axis=-1)

    def log_derivatives(self, sigma: np.ndarray) -> np.ndarray:
        """sigma_i sigma_j of all pairs, (n_samples, N (N - 1) / 2)."""
        first, second = self._pairs
        return (sigma[..., first] * sigma[..., second]).astype(self.couplings.dtype)


@register_ansatz("jastrow-rbm")
@dataclass(frozen=True, eq=False)
class JastrowRBM(VariationalState):
    """A Jastrow factor times an RBM.

    Parameters
    ----------
    jastrow : Jastrow
    rbm : RBM
        On as many sites, both real or both complex.

    Raises
    ------
    ValueError
        Different numbers of sites, or one real and the other complex.
    """

    jastrow: Jastrow
    rbm: RBM

    def __post_init__(self) -> None:
        instance("jastrow", self.jastrow, Jastrow)
        instance("rbm", self.rbm, RBM)
        if self.jastrow.n_sites != self.rbm.n_sites:
            raise ValueError(
                f"jastrow has {self.jastrow.n_sites} sites, the RBM {self.rbm.n_sites}"
            )
        if self.jastrow.is_complex != self.rbm.is_complex:
            raise ValueError("jastrow and rbm must both be real or both be complex")

    @classmethod
    def random(
        cls,
        hamiltonian: SpinHamiltonian,
        *,
        seed: Seed = 0,
        dtype: type = complex,
        stddev: float = 0.01,
        **options: Any,
    ) -> JastrowRBM:
        """Small random parameters; `alpha`, `n_hidden` and biases are those of `RBM.random`."""
        root = root_seed(seed)
        of_pairs = np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, 0))
        jastrow = Jastrow.random(hamiltonian, seed=of_pairs, dtype=dtype, stddev=stddev)
        n_sites = hamiltonian.n_sites
        return cls(jastrow, RBM.random(n_sites, seed=root, dtype=dtype, stddev=stddev, **options))

    @property
    def hilbert(self) -> LocalSpace:
        """Spins +1 and -1 on all sites."""
        return self.rbm.hilbert

    @property
    def n_hidden(self) -> int:
        """Number of hidden units M."""
        return self.rbm.n_hidden

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """Couplings, then those of the RBM."""
        return {**self.jastrow.parameters, **self.rbm.parameters}

    def with_parameters(self, parameters: Mapping[str, np.ndarray]) -> JastrowRBM:
        """The same wavefunction with other values of its parameters, by name."""
        rest = dict(parameters)
        return JastrowRBM(Jastrow(rest.pop("couplings")), self.rbm.with_parameters(rest))

    def structure(self) -> dict[str, Any]:
        """That of the RBM."""
        return self.rbm.structure()

    @classmethod
    def from_structure(
        cls, structure: Mapping[str, Any], parameters: Mapping[str, np.ndarray]
    ) -> JastrowRBM:
        """See `VariationalState.from_structure`."""
        rest = dict(parameters)
        return cls(Jastrow(rest.pop("couplings")), RBM.from_structure(structure, rest))

    def describe(self) -> dict[str, Any]:
        """Shape of the wavefunction, for logs and checkpoints."""
        return {**super().describe(), "n_hidden": self.n_hidden}

    def log_psi(self, sigma: np.ndarray) -> np.ndarray:
        """Sum of the logarithms of both factors, (n_samples,)."""
        return self.jastrow.log_psi(sigma) + self.rbm.log_amplitudes(sigma)

    def log_derivatives(self, sigma: np.ndarray) -> np.ndarray:
        """Those of the Jastrow factor, then those of the RBM."""
        own = self.jastrow.log_derivatives(sigma)
        return np.concatenate([own, self.rbm.log_derivatives(sigma)], axis=-1)
