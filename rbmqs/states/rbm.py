"""The restricted Boltzmann machine as a wavefunction.

    psi(sigma) = exp(sum_i a_i sigma_i) prod_j 2 cosh(b_j + sum_i W_ij sigma_i)

with sigma_i = +-1 and complex or real parameters (Carleo & Troyer, Science 355, 602 (2017),
arXiv:1606.02318, Eq. 3). A wavefunction is a value: changing parameters makes a new one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from hamiltonians.utils.checks import checked_seed, number, positive_int, short
from hamiltonians.utils.memory import require_memory
from rbmqs.core import amplitude, images, local_energy, metropolis, tables
from rbmqs.core.split_complex import from_parts, split, split_numbers
from rbmqs.states.jacobian import Jacobian
from rbmqs.states.parameters import WeightedState, with_fixed_biases
from rbmqs.states.registry import register_ansatz
from rbmqs.states.rows import FactorRows
from rbmqs.states.state import VariationalState
from rbmqs.utils.threads import n_parts

if TYPE_CHECKING:
    from hamiltonians.operators.connections import Connections
    from rbmqs.states.generic import SweepTask


LARGEST_EXPONENT = 700.0  # exp(709) is the largest double


@register_ansatz("rbm")
@dataclass(frozen=True, eq=False)
class RBM(WeightedState):
    """A restricted Boltzmann machine wavefunction.

    Parameters
    ----------
    visible_bias : array (N,)
        a. Zeros when `has_visible_bias` is false.
    hidden_bias : array (M,)
        b. Zeros when `has_hidden_bias` is false.
    weights : array (N, M)
        W. The dtype (float64 or complex128) is shared by all three.
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
    has_visible_bias: bool = True
    has_hidden_bias: bool = True

    def __post_init__(self) -> None:
        self._make_canonical()
        if self.weights.ndim != 2 or 0 in self.weights.shape:
            raise ValueError(
                f"weights must have shape (n_sites, n_hidden), both positive, "
                f"got {self.weights.shape}"
            )
        self._check_biases({"visible_bias": (self.n_sites,), "hidden_bias": (self.n_hidden,)})

    @classmethod
    def random(
        cls,
        n_sites: int,
        alpha: float | None = None,
        *,
        n_hidden: int | None = None,
        dtype: type = complex,
        visible_bias: bool = True,
        hidden_bias: bool = True,
        seed: int | np.random.SeedSequence = 0,
        stddev: float = 0.01,
    ) -> RBM:
        """Random small parameters, normal with standard deviation `stddev`.

        Parameters
        ----------
        n_sites : int
            Number of visible units N.
        alpha : float, optional
            Density of hidden units M/N; 1 when neither this nor `n_hidden` is given.
        n_hidden : int, optional
            M itself, instead of `alpha`.
        dtype : {complex, float}
            Complex or real parameters; a real wavefunction is positive everywhere.
        visible_bias, hidden_bias : bool
            Whether a and b are variational parameters (zero otherwise).
        seed : int or SeedSequence
        stddev : float
            Standard deviation of real and imaginary parts.
        """
        n_sites = positive_int("n_sites", n_sites)
        n_hidden = hidden_units(n_sites, alpha, n_hidden)
        try:
            kind = "" if dtype is None else np.dtype(dtype).name
        except TypeError:
            kind = ""
        if kind not in ("float64", "complex128"):
            raise ValueError(f"dtype must be float or complex, got {short(dtype)}")
        stddev = number("stddev", stddev, above=0)
        rng = np.random.default_rng(checked_seed("seed", seed))

        def normal(*shape: int) -> np.ndarray:
            real = rng.normal(scale=stddev, size=shape)
            if kind == "float64":
                return real
            return real + 1j * rng.normal(scale=stddev, size=shape)

        a, b, weights = normal(n_sites), normal(n_hidden), normal(n_sites, n_hidden)
        return cls(a * visible_bias, b * hidden_bias, weights, visible_bias, hidden_bias)

    @classmethod
    def from_structure(
        cls, structure: Mapping[str, Any], parameters: Mapping[str, np.ndarray]
    ) -> RBM:
        """See `VariationalState.from_structure`; fixed biases are zero."""
        return cls(**with_fixed_biases(parameters), **structure)

    @property
    def n_hidden(self) -> int:
        """Number of hidden units M."""
        return self.weights.shape[1]

    @cached_property
    def flip_tables(self) -> tables.FlipTables:
        """Tables of one-site flips, for the kernels."""
        return tables.flip_tables(self.visible_bias, self.hidden_bias, self.weights)

    def prepare(self, sigma: np.ndarray) -> np.ndarray:
        """Hidden units of many configurations, as the kernels take them."""
        spins = np.ascontiguousarray(sigma, dtype=float)
        return tables.prepare(spins, self.hidden_bias, self.weights)

    def log_modulus(self, sigma: np.ndarray, cache: np.ndarray | None = None) -> np.ndarray:
        """See `VariationalState.log_modulus`: one logarithm for many hidden units."""
        found = tables.log_moduli(self.prepare(sigma) if cache is None else cache, self.n_hidden)
        found += sigma @ self.visible_bias.real
        return found if np.isfinite(found).all() else self.log_psi(sigma).real

    def log_amplitudes(self, spins: np.ndarray) -> np.ndarray:
        """log psi of spins (n_samples, N), unchecked; float64 for real parameters."""
        return amplitude.log_amplitudes(
            spins.astype(float), self.visible_bias, self.hidden_bias, self.weights
        )

    def add_off_diagonal(
        self,
        sigma: np.ndarray,
        connections: Connections,
        fixed_sector: bool,
        per_flip: bool,
        out: np.ndarray,
        cache: np.ndarray | None = None,
    ) -> None:
        """See `VariationalState.add_off_diagonal`; by logarithms where tables would overflow."""
        if self.exceeds_tables(int(np.diff(connections.flip_ptr).max(initial=0))):
            where = (sigma, connections, fixed_sector, per_flip, out)
            VariationalState.add_off_diagonal(self, *where, self.log_psi(sigma))
            return
        cache = self.prepare(sigma) if cache is None else cache
        local_energy.add_off_diagonal(
            sigma, cache, self.flip_tables, connections, fixed_sector, per_flip, n_parts(), out
        )

    def jacobian(
        self,
        sigma: np.ndarray,
        cache: np.ndarray | None = None,
        weights: np.ndarray | None = None,
    ) -> Jacobian:
        """See `VariationalState.jacobian`; in factors."""
        cache = self.prepare(sigma) if cache is None else cache
        tanh = tables.tanh_of_cache(cache, self.n_hidden)
        spins = np.ascontiguousarray(sigma, dtype=float)
        flags = self.has_visible_bias, self.has_hidden_bias
        return Jacobian(FactorRows(spins, tanh, *flags), weights)

    def image_derivatives(
        self,
        sigma: np.ndarray,
        permutations: np.ndarray,
        signs: np.ndarray,
        image_weights: np.ndarray,
    ) -> np.ndarray:
        """Sums of log-derivatives over images of each configuration.

        Parameters
        ----------
        sigma : int8 (n_samples, N)
        permutations, signs : int64 (n_images, N), float64 (n_images,)
            Image h of sigma is signs[h] * sigma[permutations[h]].
        image_weights : complex (n_samples, n_images)

        Returns
        -------
        array (n_samples, n_parameters)
            sum_h image_weight_h O(h sigma); of the image weights only the real parts count where
            parameters are real.
        """
        rbm = split(self.visible_bias), split(self.hidden_bias), split(self.weights)
        start, stop = self.n_sites, self.n_sites + self.n_hidden
        out = np.empty((len(rbm[2]), len(sigma), stop + self.weights.size))
        n_units = tables.padded_units(self.n_hidden)
        images.image_gradients(
            split_numbers(self.weights),
            np.ascontiguousarray(sigma),
            permutations,
            signs,
            *rbm,
            n_units,
            image_weights,
            out,
        )
        kept = np.ones(out.shape[2], dtype=bool)
        kept[:start], kept[start:stop] = self.has_visible_bias, self.has_hidden_bias
        return from_parts(out if kept.all() else out[:, :, kept])

    def exceeds_tables(self, n_flipped: int) -> bool:
        """Whether exp(4 W), of a flip of so many sites, may be beyond the range of doubles."""
        return n_flipped * self._largest_weight > LARGEST_EXPONENT / 4

    @cached_property
    def _largest_weight(self) -> float:
        return float(np.abs(self.weights.real).max())

    def sweep(self, task: SweepTask) -> np.ndarray:
        """Metropolis chains on |psi|^(2 beta); see `rbmqs.core.metropolis.sample`."""
        if self.exceeds_tables(2):  # sites of an exchange
            return VariationalState.sweep(self, task)
        return metropolis.sample(
            *task[:5], self.flip_tables, split(self.hidden_bias), split(self.weights), *task[5:]
        )


def hidden_units(n_sites: int, alpha: float | None, n_hidden: int | None) -> int:
    """M from `alpha` or `n_hidden`; exactly one may be given, alpha = 1 when neither is.

    Raises
    ------
    TooLargeError
        Weights, with a direction and an update of them, that do not fit into memory.
    """
    found = _hidden_units(n_sites, alpha, n_hidden)
    what = f"an RBM of {n_sites} sites and {found} hidden units (alpha, n_hidden)"
    require_memory(3 * 16 * (n_sites + 1) * found, what)
    return found


def _hidden_units(n_sites: int, alpha: float | None, n_hidden: int | None) -> int:
    if n_hidden is not None:
        if alpha is not None:
            raise ValueError(
                f"give alpha or n_hidden, not both (got {short(alpha)} and {short(n_hidden)})"
            )
        return positive_int("n_hidden", n_hidden)
    alpha = 1 if alpha is None else alpha
    if isinstance(alpha, bool) or not isinstance(alpha, int | float | np.number):
        raise TypeError(f"alpha must be a number, got {short(alpha)}")
    if not np.isfinite(alpha) or round(alpha * n_sites) < 1:
        raise ValueError(
            f"alpha must be positive and give at least one hidden unit, got {short(alpha)} "
            f"for {n_sites} sites"
        )
    return round(alpha * n_sites)
