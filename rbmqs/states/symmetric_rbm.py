"""The restricted Boltzmann machine with weights tied over a group.

    psi(sigma) = exp(sum_i a_o(i) sigma_i) prod_f prod_g 2 cosh(b_f + sum_i W_if (g sigma)_i)

g runs through a group of site permutations, with spin inversion also through g sigma -> -g sigma,
and o(i) is the orbit of site i (Carleo & Troyer, Science 355, 602 (2017), arXiv:1606.02318,
supplement, for translations). psi(g sigma) = psi(sigma) holds for every parameter. A feature f is
a row of |G| hidden units of an ordinary RBM, which does all the sampling.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from hamiltonians.symmetry.groups import SymmetryGroup
from hamiltonians.utils.checks import positive_int, short
from rbmqs.core.images import images_in_parts
from rbmqs.core.split_complex import split_numbers
from rbmqs.core.tables import rows_at_once
from rbmqs.core.tied import tied_derivatives
from rbmqs.states.jacobian import Jacobian
from rbmqs.states.parameters import WeightedState, with_fixed_biases
from rbmqs.states.rbm import RBM
from rbmqs.states.registry import register_ansatz

if TYPE_CHECKING:
    from rbmqs.states.generic import SweepTask


@register_ansatz("symmetric-rbm")
@dataclass(frozen=True, eq=False)
class SymmetricRBM(WeightedState):
    """A restricted Boltzmann machine that is invariant under a group.

    Parameters
    ----------
    visible_bias : array (n_orbits,)
        a, one number for each orbit of sites. Zeros when `has_visible_bias` is false.
    hidden_bias : array (n_features,)
        b. Zeros when `has_hidden_bias` is false.
    weights : array (N, n_features)
        W. The dtype (float64 or complex128) is shared by all three.
    group : hamiltonians.SymmetryGroup
    spin_inversion : bool
        Whether psi(-sigma) = psi(sigma) is built in too; there is no visible bias then.
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
    group: SymmetryGroup
    spin_inversion: bool = False
    has_visible_bias: bool = True
    has_hidden_bias: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.group, SymmetryGroup):
            raise TypeError(f"group must be a SymmetryGroup, got {type(self.group).__name__}")
        if self.spin_inversion and self.has_visible_bias:
            raise ValueError("has_visible_bias must be False with spin_inversion, which forbids it")
        self._make_canonical()
        n_sites = self.group.n_sites
        if self.weights.ndim != 2 or len(self.weights) != n_sites or self.weights.shape[1] < 1:
            raise ValueError(
                f"weights must have shape ({n_sites}, n_features) for a group on {n_sites} sites, "
                f"got {self.weights.shape}"
            )
        self._check_biases({"visible_bias": (self.n_orbits,), "hidden_bias": (self.n_features,)})

    @classmethod
    def random(
        cls,
        group: SymmetryGroup,
        alpha: float | None = None,
        *,
        n_features: int | None = None,
        dtype: type = complex,
        spin_inversion: bool = False,
        visible_bias: bool = False,
        hidden_bias: bool = True,
        seed: int | np.random.SeedSequence = 0,
        stddev: float = 0.01,
    ) -> SymmetricRBM:
        """Random small parameters, normal with standard deviation `stddev`.

        Parameters
        ----------
        group : hamiltonians.SymmetryGroup
            Such as `lattice.translation_group()` or `lattice.space_group()`.
        alpha : float, optional
            Density of hidden units M/N, which must make whole features of |G| units; the
            smallest such number when neither this nor `n_features` is given.
        n_features : int, optional
            Number of features, instead of `alpha`.
        dtype, visible_bias, hidden_bias, seed, stddev
            As in `RBM.random`; there is no visible bias unless asked for.
        spin_inversion : bool
            Tie over the inversion of all spins too.
        """
        n_features = whole_features(group, spin_inversion, alpha, n_features)
        plain = RBM.random(
            group.n_sites, n_hidden=n_features, dtype=dtype, visible_bias=visible_bias,
            hidden_bias=hidden_bias, seed=seed, stddev=stddev,
        )  # fmt: skip
        a = plain.visible_bias[: len(np.unique(orbits_of(group)))]
        flags = (spin_inversion, visible_bias, hidden_bias)
        return cls(a, plain.hidden_bias, plain.weights, group, *flags)

    def structure(self) -> dict[str, Any]:
        """Which biases are parameters, and the group."""
        return {
            **super().structure(),
            "spin_inversion": self.spin_inversion,
            "permutations": self.group.permutations,
        }

    @classmethod
    def from_structure(
        cls, structure: Mapping[str, Any], parameters: Mapping[str, np.ndarray]
    ) -> SymmetricRBM:
        """See `VariationalState.from_structure`; fixed biases are zero."""
        flags = dict(structure)
        group = SymmetryGroup(flags.pop("permutations"))
        n_orbits = int(orbits_of(group).max()) + 1
        return cls(**with_fixed_biases(parameters, n_orbits), group=group, **flags)

    @property
    def n_features(self) -> int:
        """Number of features, each a row of hidden units."""
        return self.weights.shape[1]

    @property
    def n_orbits(self) -> int:
        """Number of orbits of sites; 1 where the group carries every site to every other."""
        return int(self.orbits.max()) + 1

    @property
    def n_hidden(self) -> int:
        """Number of hidden units M of the wavefunction written out."""
        return self.n_features * len(self._signs)

    @cached_property
    def orbits(self) -> np.ndarray:
        """Number of the orbit of each site, int64 (N,)."""
        return orbits_of(self.group)

    @cached_property
    def _permutations(self) -> np.ndarray:
        rows = self.group.permutations
        return np.concatenate([rows, rows]) if self.spin_inversion else rows

    @cached_property
    def _signs(self) -> np.ndarray:
        ones = np.ones(self.group.order)
        return np.concatenate([ones, -ones]) if self.spin_inversion else ones

    @cached_property
    def plain(self) -> RBM:
        """The same wavefunction as a wavefunction without ties; hidden unit (f, g) is f |G| + g."""
        order = len(self._signs)
        weights = np.zeros((self.n_sites, self.n_features, order), self.weights.dtype)
        for g, (row, sign) in enumerate(zip(self._permutations, self._signs, strict=True)):
            weights[row, :, g] = sign * self.weights
        return RBM(
            self.visible_bias[self.orbits],
            np.repeat(self.hidden_bias, order),
            weights.reshape(self.n_sites, -1),
            self.has_visible_bias,
            self.has_hidden_bias,
        )

    def log_amplitudes(self, spins: np.ndarray) -> np.ndarray:
        """log psi of spins (n_samples, N), unchecked; float64 for real parameters."""
        return self.plain.log_amplitudes(spins)

    def prepare(self, sigma: np.ndarray) -> np.ndarray:
        """Hidden units of many configurations; see `RBM.prepare`."""
        return self.plain.prepare(sigma)

    def log_modulus(self, sigma: np.ndarray, cache: np.ndarray | None = None) -> np.ndarray:
        """See `VariationalState.log_modulus`."""
        return self.plain.log_modulus(sigma, cache)

    def add_off_diagonal(self, *arguments: Any, **options: Any) -> None:
        """See `VariationalState.add_off_diagonal`."""
        self.plain.add_off_diagonal(*arguments, **options)

    def sweep(self, task: SweepTask) -> np.ndarray:
        """Metropolis chains on |psi|^(2 beta); see `rbmqs.core.metropolis.sample`."""
        return self.plain.sweep(task)

    def jacobian(
        self,
        sigma: np.ndarray,
        cache: np.ndarray | None = None,
        weights: np.ndarray | None = None,
    ) -> Jacobian:
        """See `VariationalState.jacobian`."""
        cache = self.prepare(sigma) if cache is None else cache
        image_weights = np.ones((len(sigma), 1), dtype=complex)
        return Jacobian.of_rows(self._derivatives(sigma[:, None], cache, image_weights), weights)

    def image_derivatives(
        self,
        sigma: np.ndarray,
        permutations: np.ndarray,
        signs: np.ndarray,
        image_weights: np.ndarray,
    ) -> np.ndarray:
        """See `RBM.image_derivatives`."""
        n_rows = rows_at_once(self.plain.flip_tables)
        parts = []
        for part, images in images_in_parts(sigma, permutations, signs, n_rows):
            cache = self.prepare(images.reshape(-1, self.n_sites))
            parts.append(self._derivatives(images, cache, image_weights[part]))
        return np.concatenate(parts)

    def _derivatives(
        self, images: np.ndarray, cache: np.ndarray, image_weights: np.ndarray
    ) -> np.ndarray:
        """Weighted sums of O over images int8 (n_samples, n_images, N), given their cache."""
        n_free = self.n_features + self.weights.size
        out = np.empty((len(images), n_free, 2 if self.is_complex else 1))
        tied_derivatives(
            split_numbers(self.weights), np.ascontiguousarray(images), cache, image_weights,
            self.group.permutations, self.spin_inversion, self.n_features, out,
        )  # fmt: skip
        found = out.view(complex if self.is_complex else float)[:, :, 0]
        if not self.has_hidden_bias:
            found = found[:, self.n_features :]
        if not self.has_visible_bias:
            return found
        members = (self.orbits[:, None] == np.arange(self.n_orbits)).astype(float)
        moments = np.einsum(
            "sh,shi->si", image_weights if self.is_complex else image_weights.real, images
        )
        return np.concatenate([moments @ members, found], axis=1)

    def describe(self) -> dict[str, Any]:
        """Shape of the wavefunction, for logs and checkpoints."""
        return {
            **super().describe(),
            "n_features": self.n_features,
            "group_order": self.group.order,
            "spin_inversion": self.spin_inversion,
        }


def orbits_of(group: SymmetryGroup) -> np.ndarray:
    """Number of the orbit of each site, by the smallest site that it holds."""
    return np.unique(group.permutations.min(axis=0), return_inverse=True)[1]


def whole_features(
    group: SymmetryGroup, spin_inversion: bool, alpha: float | None, n_features: int | None
) -> int:
    """Number of features from `alpha` or `n_features`; exactly one may be given, 1 when neither."""
    if n_features is not None:
        if alpha is not None:
            raise ValueError(
                f"give alpha or n_features, not both (got {short(alpha)} and {short(n_features)})"
            )
        return positive_int("n_features", n_features)
    if alpha is None:
        return 1
    unit = group.order * (1 + spin_inversion) / group.n_sites
    found = alpha / unit
    if not (np.isfinite(found) and found > 0.5 and abs(found - round(found)) < 1e-9):
        raise ValueError(
            f"alpha must be a multiple of {unit:g}, the hidden units per site of one feature, "
            f"got {short(alpha)}; n_features says how many features"
        )
    return round(found)
