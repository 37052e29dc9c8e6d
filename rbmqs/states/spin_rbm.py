"""Restricted Boltzmann machines for spins of any S.

    psi(sigma) = exp(sum_ic a_ic phi_c(s_i)) prod_j 2 cosh(b_j + sum_ic W_icj phi_c(s_i))

with s_i = S_z of site i. Visible units are "quadratic", phi(s) = (s, s^2) (Pei & Clark, Entropy 23,
879 (2021), arXiv:2105.08579), or "one-hot", phi_c(s) = 1 for the c-th level and 0 else, as softmax
units of classical RBMs are. For S = 1/2 the linear part alone is the RBM of Carleo & Troyer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from hamiltonians.operators.local_space import LocalSpace
from hamiltonians.symmetry.groups import SymmetryGroup
from hamiltonians.utils.checks import choice, instance, number, positive_int, short
from rbmqs.core import amplitude, levels, tables
from rbmqs.core.images import images_in_parts
from rbmqs.core.split_complex import split, split_numbers
from rbmqs.core.tied import tied_derivatives
from rbmqs.states.jacobian import Jacobian
from rbmqs.states.parameters import WeightedState, with_fixed_biases
from rbmqs.states.rbm import LARGEST_EXPONENT, RBM, hidden_units
from rbmqs.states.registry import register_ansatz
from rbmqs.states.rows import FactorRows
from rbmqs.states.state import VariationalState
from rbmqs.states.symmetric_rbm import orbits_of, whole_features

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian
    from hamiltonians.operators.level_connections import LevelConnections
    from rbmqs.states.generic import SweepTask

UNITS = ("quadratic", "one-hot")
LARGEST_SPIN = 5  # (2 S)^2 fits into an int8


@register_ansatz("spin-rbm")
@dataclass(frozen=True, eq=False)
class SpinRBM(WeightedState):
    """A restricted Boltzmann machine wavefunction of spins S, K numbers a visible unit.

    Parameters
    ----------
    visible_bias : array (N, K), or (n_orbits, K) with a group
        a. Zeros when `has_visible_bias` is false.
    hidden_bias : array (M,), or (n_features,) with a group
        b. Zeros when `has_hidden_bias` is false.
    weights : array (N, K, M), or (N, K, n_features) with a group
        W. The dtype (float64 or complex128) is shared by all three.
    spin : float
        S, a multiple of 1/2 up to `LARGEST_SPIN`.
    units : {"quadratic", "one-hot"}
        K is 2, or 2 S + 1.
    group : hamiltonians.SymmetryGroup, optional
        Group of sites that weights are tied over, as in `SymmetricRBM`.
    has_visible_bias, has_hidden_bias : bool
        Whether the bias is a variational parameter.

    Raises
    ------
    ValueError
        Shapes that do not fit, values that are not finite, a fixed bias that is not zero.
    """

    visible_bias: np.ndarray
    hidden_bias: np.ndarray
    weights: np.ndarray
    spin: float = 1.0
    units: str = "quadratic"
    group: SymmetryGroup | None = None
    has_visible_bias: bool = True
    has_hidden_bias: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "spin", checked_spin(self.spin))
        choice("units", self.units, UNITS)
        self._make_canonical()
        n_sites, k = len(self.weights), self._table.shape[1]
        if self.weights.ndim != 3 or 0 in self.weights.shape or self.weights.shape[1] != k:
            raise ValueError(
                f"weights must have shape (n_sites, {k}, n_hidden), all positive, "
                f"got {self.weights.shape}"
            )
        if self.group is not None:
            instance("group", self.group, SymmetryGroup)
            if self.group.n_sites != n_sites:
                raise ValueError(
                    f"weights must have {self.group.n_sites} sites as the group, got {n_sites}"
                )
        n_orbits = int(self.orbits.max()) + 1
        self._check_biases({"visible_bias": (n_orbits, k), "hidden_bias": (self.n_features,)})

    @classmethod
    def random(
        cls,
        hamiltonian: SpinHamiltonian | int,
        alpha: float | None = None,
        *,
        n_hidden: int | None = None,
        n_features: int | None = None,
        spin: float | None = None,
        units: str = "quadratic",
        group: SymmetryGroup | None = None,
        dtype: type = complex,
        visible_bias: bool = True,
        hidden_bias: bool = True,
        seed: int | np.random.SeedSequence = 0,
        stddev: float = 0.01,
    ) -> SpinRBM:
        """Random small parameters, normal with standard deviation `stddev`.

        Parameters
        ----------
        hamiltonian : SpinHamiltonian or int
            Tells the number of sites and S, or that number.
        alpha, n_hidden : optional
            Hidden units by site, or their number.
        n_features : int, optional
            Number of features of tied weights, instead of `alpha`.
        spin : float, optional
            S, 1 where a number of sites is given.
        units, group, dtype, visible_bias, hidden_bias, seed, stddev
            As in `SpinRBM` and `RBM.random`.
        """
        n_sites = positive_int("n_sites", getattr(hamiltonian, "n_sites", hamiltonian))
        spin = getattr(hamiltonian, "spin", 1.0) if spin is None else spin
        k = len(_features_of_levels(checked_spin(spin), choice("units", units, UNITS))[1])
        if group is None:
            n_units, n_orbits = hidden_units(n_sites, alpha, n_hidden), n_sites
        else:
            n_units = whole_features(group, False, alpha, n_features)
            n_orbits = len(np.unique(orbits_of(group)))
        flags = {"visible_bias": visible_bias, "hidden_bias": hidden_bias}
        wide = RBM.random(
            n_sites * k, n_hidden=n_units, dtype=dtype, seed=seed, stddev=stddev, **flags
        )
        a = wide.visible_bias[: n_orbits * k].reshape(n_orbits, k)
        weights = wide.weights.reshape(n_sites, k, n_units)
        return cls(a, wide.hidden_bias, weights, spin, units, group, visible_bias, hidden_bias)

    def structure(self) -> dict[str, Any]:
        """S, the visible units, the group, and which biases are parameters."""
        rows = None if self.group is None else self.group.permutations
        return {
            **super().structure(), "spin": self.spin, "units": self.units, "permutations": rows,
        }  # fmt: skip

    @classmethod
    def from_structure(
        cls, structure: Mapping[str, Any], parameters: Mapping[str, np.ndarray]
    ) -> SpinRBM:
        """See `VariationalState.from_structure`; fixed biases are zero."""
        found = dict(structure)
        rows = found.pop("permutations")
        group = None if rows is None else SymmetryGroup(rows)
        n_orbits = None if group is None else int(orbits_of(group).max()) + 1
        return cls(**with_fixed_biases(parameters, n_orbits), group=group, **found)

    def describe(self) -> dict[str, Any]:
        """Shape of the wavefunction, for logs and checkpoints."""
        own = {"spin": self.spin, "units": self.units}
        if self.group is not None:
            own |= {"n_features": self.n_features, "group_order": self.group.order}
        return {**super().describe(), **own}

    @cached_property
    def hilbert(self) -> LocalSpace:
        """Twice S_z from 2 S to -2 S on all sites."""
        return LocalSpace.of_spin(self.n_sites, self.spin)

    @property
    def n_features(self) -> int:
        """Columns of the weights: features where they are tied, else hidden units."""
        return self.weights.shape[-1]

    @property
    def n_hidden(self) -> int:
        """Number of hidden units M of the wavefunction written out."""
        return self.n_features * (1 if self.group is None else self.group.order)

    @cached_property
    def orbits(self) -> np.ndarray:
        """Number of the orbit of each site, int64 (N,); each its own without a group."""
        return np.arange(self.n_sites) if self.group is None else orbits_of(self.group)

    @cached_property
    def _table(self) -> np.ndarray:
        """phi of each level, largest S_z first, float64 (2 S + 1, K)."""
        integers, units = _features_of_levels(self.spin, self.units)
        return integers * units

    @property
    def of_sz(self) -> np.ndarray:
        """Numbers c with c . phi(s) = s, float64 (K,)."""
        return (
            np.array([1.0, 0.0]) if self.units == "quadratic" else np.array(self.hilbert.values) / 2
        )

    def bias_of_levels(self, log_amplitudes: np.ndarray) -> np.ndarray:
        """Biases (N, K) that give each level of a site this logarithm, (N, 2 S + 1), up to one sum.

        Raises
        ------
        ValueError
            Quadratic units that cannot.
        """
        columns = np.column_stack([self._table, np.ones(len(self._table))])
        found = np.linalg.lstsq(columns, log_amplitudes.T, rcond=None)[0]
        if not np.allclose(columns @ found, log_amplitudes.T, atol=1e-9):
            raise ValueError(
                f"units must be 'one-hot' for these levels of spins {self.spin:g}, "
                f"got {self.units!r}"
            )
        return found[:-1].T

    @cached_property
    def plain(self) -> SpinRBM:
        """The same wavefunction without ties; hidden unit (f, g) is f |G| + g."""
        if self.group is None:
            return self
        order, (n_sites, k, n_features) = self.group.order, self.weights.shape
        weights = np.zeros((n_sites, k, n_features, order), self.weights.dtype)
        for g, row in enumerate(self.group.permutations):
            weights[row, :, :, g] = self.weights
        return SpinRBM(
            self.visible_bias[self.orbits], np.repeat(self.hidden_bias, order),
            weights.reshape(n_sites, k, -1), self.spin, self.units, None,
            self.has_visible_bias, self.has_hidden_bias,
        )  # fmt: skip

    @cached_property
    def _wide(self) -> tuple[np.ndarray, np.ndarray]:
        """Visible bias (N K,) and weights (N K, M) of the wavefunction written out."""
        n_sites, k, _ = self.weights.shape
        return self.plain.visible_bias.ravel(), self.plain.weights.reshape(n_sites * k, -1)

    @cached_property
    def _level_weights(self) -> np.ndarray:
        """V (N, 2 S + 1, M) of `rbmqs.core.levels`, of the wavefunction written out."""
        return np.ascontiguousarray(np.matmul(self._table, self.plain.weights))

    @cached_property
    def flip_tables(self) -> tables.FlipTables:
        """Tables of moves of a site between levels, for the kernels."""
        level_bias = self.plain.visible_bias @ self._table.T
        return levels.level_tables(level_bias, self.plain.hidden_bias, self._level_weights)

    @property
    def _top(self) -> int:
        return round(2 * self.spin)

    def features(self, sigma: np.ndarray) -> np.ndarray:
        """phi of int8 configurations (..., N), float64 (..., N K)."""
        found = self._table[(self._top - sigma.astype(np.intp)) >> 1]
        return found.reshape(*sigma.shape[:-1], -1)

    def prepare(self, sigma: np.ndarray) -> np.ndarray:
        """Hidden units of many configurations; see `RBM.prepare`."""
        return tables.prepare(self.features(sigma), self.plain.hidden_bias, self._wide[1])

    def log_modulus(self, sigma: np.ndarray, cache: np.ndarray | None = None) -> np.ndarray:
        """See `VariationalState.log_modulus`."""
        found = tables.log_moduli(self.prepare(sigma) if cache is None else cache, self.n_hidden)
        found += self.features(sigma) @ self._wide[0].real
        return found if np.isfinite(found).all() else self.log_psi(sigma).real

    def log_amplitudes(self, spins: np.ndarray) -> np.ndarray:
        """log psi of spins (n_samples, N), unchecked; float64 for real parameters."""
        a, weights = self._wide
        return amplitude.log_amplitudes(self.features(spins), a, self.plain.hidden_bias, weights)

    def exceeds_tables(self, n_moved: int) -> bool:
        """Whether exp(2 theta) may change beyond the range of doubles by moves of so many sites."""
        return n_moved * self._largest_change > LARGEST_EXPONENT / 2

    @cached_property
    def _largest_change(self) -> float:
        return float(np.ptp(self._level_weights.real, axis=1).max())

    def diagonal_values(self, sigma: np.ndarray, connections: LevelConnections) -> np.ndarray:
        """<sigma|O|sigma> of every configuration, complex (n_samples,)."""
        return levels.diagonal_of_levels(sigma, connections, self._top)

    def add_off_diagonal(
        self,
        sigma: np.ndarray,
        connections: LevelConnections,
        fixed_sector: bool,
        per_flip: bool,
        out: np.ndarray,
        cache: np.ndarray | None = None,
    ) -> None:
        """See `VariationalState.add_off_diagonal`; by logarithms where tables would overflow."""
        if self.exceeds_tables(int(np.diff(connections.change_ptr).max(initial=0))):
            where = (sigma, connections, fixed_sector, per_flip, out)
            VariationalState.add_off_diagonal(self, *where, self.log_psi(sigma))
            return
        cache = self.prepare(sigma) if cache is None else cache
        levels.add_levels(
            sigma, cache, self.flip_tables, connections, self._top, fixed_sector, per_flip, out
        )

    def is_invariant(
        self, connections: LevelConnections, permutations: np.ndarray, signs: np.ndarray
    ) -> bool:
        """Whether an operator is the same after permutations and inversions of all spins.

        Asked of its local values in a random product state phi: those of phi at the image g sigma
        are those of phi(g .) at sigma.
        """
        rng = np.random.default_rng(0)
        shape = (16, self.n_sites)
        sigma = self.hilbert.configurations(rng.integers(self.hilbert.local_dims, size=shape))
        a = rng.normal(size=(self.n_sites, self._top + 1))
        bias, weights = np.zeros(1), np.zeros((*a.shape, 1))

        def values(level_bias: np.ndarray, rows: np.ndarray) -> np.ndarray:
            psi = SpinRBM(level_bias, bias, weights, self.spin, "one-hot")
            return psi.local_values(rows, connections, False)

        for row, sign in zip(permutations, signs, strict=True):
            moved = np.empty_like(a)
            moved[row] = a if sign > 0 else a[:, ::-1]
            images = (sign * sigma[:, row]).astype(np.int8)
            if not np.allclose(values(a, images), values(moved, sigma), rtol=1e-9, atol=1e-9):
                return False
        return True

    def jacobian(
        self,
        sigma: np.ndarray,
        cache: np.ndarray | None = None,
        weights: np.ndarray | None = None,
    ) -> Jacobian:
        """See `VariationalState.jacobian`; in factors where weights are not tied."""
        cache = self.prepare(sigma) if cache is None else cache
        if self.group is not None:
            ones = np.ones((len(sigma), 1), dtype=complex)
            return Jacobian.of_rows(self._derivatives(sigma[:, None], cache, ones), weights)
        tanh = tables.tanh_of_cache(cache, self.n_hidden)
        flags = self.has_visible_bias, self.has_hidden_bias
        return Jacobian(FactorRows(self.features(sigma), tanh, *flags), weights)

    def image_derivatives(
        self,
        sigma: np.ndarray,
        permutations: np.ndarray,
        signs: np.ndarray,
        image_weights: np.ndarray,
    ) -> np.ndarray:
        """See `RBM.image_derivatives`."""
        n_rows, parts = tables.rows_at_once(self.flip_tables), []
        for part, images in images_in_parts(sigma, permutations, signs, n_rows):
            cache = self.prepare(images.reshape(-1, self.n_sites))
            parts.append(self._derivatives(images, cache, image_weights[part]))
        return np.concatenate(parts)

    def _derivatives(
        self, images: np.ndarray, cache: np.ndarray, image_weights: np.ndarray
    ) -> np.ndarray:
        """Weighted sums of O over images int8 (n_samples, n_images, N), given their cache."""
        n, n_images = images.shape[:2]
        n_sites, k, _ = self.weights.shape
        image_weights = image_weights if self.is_complex else image_weights.real
        found = []
        if self.has_visible_bias:
            members = (self.orbits[:, None] == np.arange(len(self.visible_bias))).astype(float)
            features = self.features(images).reshape(n, n_images, n_sites, k)
            moments = np.einsum("sh,shik->ski", image_weights, features) @ members
            found.append(moments.swapaxes(1, 2).reshape(n, -1))
        if self.group is None:
            tanh = tables.tanh_of_cache(cache, self.n_hidden).reshape(n, n_images, -1)
            tanh = image_weights[:, :, None] * tanh
            biases, own = tanh.sum(axis=1), self.features(images).swapaxes(1, 2) @ tanh
        else:
            biases, own = self._tied_derivatives(images, cache, image_weights)
        found += [biases] * self.has_hidden_bias + [own.reshape(n, -1)]
        return np.concatenate(found, axis=1)

    def _tied_derivatives(
        self, images: np.ndarray, cache: np.ndarray, image_weights: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Derivatives by b (n_samples, F) and W (n_samples, N, K, F), one k at a time."""
        integers, units = _features_of_levels(self.spin, self.units)
        n_sites, k, n_features = self.weights.shape
        rows = self.group.permutations  # type: ignore[union-attr]
        of_images = integers[(self._top - images.astype(np.intp)) >> 1]
        own = np.empty((len(images), n_sites, k, n_features), self.weights.dtype)
        out = np.empty((len(images), n_features * (1 + n_sites), 2 if self.is_complex else 1))
        for c in range(k):
            tied_derivatives(
                split_numbers(self.weights), np.ascontiguousarray(of_images[..., c]), cache,
                np.asarray(image_weights, complex), rows, False, n_features, out,
            )  # fmt: skip
            found = out.view(self.weights.dtype)[:, :, 0]
            own[:, :, c] = units[c] * found[:, n_features:].reshape(-1, n_sites, n_features)
        return found[:, :n_features], own

    def sweep(self, task: SweepTask) -> np.ndarray:
        """Metropolis chains on |psi|^(2 beta); see `rbmqs.core.levels.sample_levels`."""
        if self.exceeds_tables(2):  # sites of an exchange
            return VariationalState.sweep(self, task)
        return levels.sample_levels(
            *task[:5], self.flip_tables, split(self.plain.hidden_bias),
            split(self._level_weights), *task[5:],
        )  # fmt: skip


def checked_spin(spin: object) -> float:
    """S as a multiple of 1/2 up to `LARGEST_SPIN`."""
    found = number("spin", spin, above=0)
    if found > LARGEST_SPIN or not (2 * found).is_integer():
        raise ValueError(f"spin must be one of 1/2, 1, 3/2, ..., {LARGEST_SPIN}, got {short(spin)}")
    return found


def _features_of_levels(spin: float, units: str) -> tuple[np.ndarray, np.ndarray]:
    """phi of each level as int8 (2 S + 1, K) times float64 (K,), largest S_z first."""
    top = round(2 * spin)
    if units == "one-hot":
        return np.eye(top + 1, dtype=np.int8), np.ones(top + 1)
    sigma = np.arange(top, -top - 1, -2, dtype=np.int8)
    return np.stack([sigma, sigma**2], axis=1), np.array([0.5, 0.25])
