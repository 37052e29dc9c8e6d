"""Log-derivatives of the samples of all ranks, each rank holding the rows of its own.

Means are those of all samples: a product with O - <O> needs no messages once <O> is known, and one
with its adjoint a single sum of n_parameters numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import DTypeLike

from rbmqs.core.gram import one_block
from rbmqs.sr.local import LocalJacobian, UnitBlocks
from rbmqs.states.explicit import ExplicitJacobian, parts_below
from rbmqs.states.generic import in_chunks
from rbmqs.states.jacobian import FactorisedJacobian
from rbmqs.states.repeats import Repeats, find_repeats
from rbmqs.states.weights import times_weights

if TYPE_CHECKING:
    from rbmqs.states.state import VariationalState
    from rbmqs.utils.ranks import Ranks


@dataclass(frozen=True, eq=False)
class Factors:
    """What a Gram matrix is made of: S and T of rows, O O^dagger being as in `rbmqs.core.gram`.

    Parameters
    ----------
    spins : float64 (n, N)
    tanh : float64 or complex128 (n, M)
    visible, hidden : float
        1 where a and b are parameters, else 0.
    blocks : tuple of arrays
        See `rbmqs.core.gram.centred_gram`.
    """

    spins: np.ndarray
    tanh: np.ndarray
    visible: float
    hidden: float
    blocks: tuple[np.ndarray, ...]

    def in_transit(self, n_rows: int, dtype: DTypeLike) -> list[np.ndarray]:
        """Spins as int8 and tanh's of a type, with room for more rows, as ranks hand them on."""
        n = len(self.spins)
        spins = np.zeros((n_rows, self.spins.shape[1]), np.int8)
        tanh = np.zeros((n_rows, self.tanh.shape[1]), dtype)
        spins[:n], tanh[:n] = self.spins, self.tanh
        return [spins, tanh]


class Rows(Protocol):
    """Log-derivatives of a rank's own samples, not centred."""

    @property
    def n_rows(self) -> int:
        """Their number."""

    @property
    def n_parameters(self) -> int:
        """Length of the parameter vector."""

    @property
    def is_complex(self) -> bool:
        """Whether they are complex."""

    @property
    def width(self) -> float:
        """Multiply-adds of an element of the Gram matrix."""

    @property
    def factor_bytes(self) -> int:
        """Of the factors of a row in single precision, as ranks hand them on."""

    @property
    def product_cost(self) -> float:
        """Of O v, in multiply-adds at the rate of matrix products."""

    @property
    def is_finite(self) -> bool:
        """Whether no number is NaN or infinite."""

    def product(self, vector: np.ndarray) -> np.ndarray:
        """O v, shape (n_rows,)."""

    def adjoint_product(self, values: np.ndarray) -> np.ndarray:
        """O^dagger y, shape (n_parameters,)."""

    def block(self, start: int, stop: int) -> np.ndarray:
        """Some rows of O."""

    def repeats(self, weights: np.ndarray | None) -> Repeats | None:
        """Rows that are alike."""

    def chosen(self, which: np.ndarray) -> Rows:
        """Some of the rows."""

    def in_single(self) -> Rows:
        """The rows in single precision."""

    def factors(self) -> Factors:
        """Of all rows."""


@dataclass(frozen=True, eq=False)
class FactorRows:
    """Of a plain RBM, times a number for each parameter.

    Parameters
    ----------
    jacobian : FactorisedJacobian
        Without weights.
    scale : float64 (n_parameters,) or None
    blocks : UnitBlocks or None
        Behind the scale; a scale without them has no factors.
    """

    jacobian: FactorisedJacobian
    scale: np.ndarray | None = None
    blocks: UnitBlocks | None = None

    @property
    def n_rows(self) -> int:
        """See `Rows`."""
        return self.jacobian.n_samples

    @property
    def n_parameters(self) -> int:
        """See `Rows`."""
        return self.jacobian.n_parameters

    @property
    def is_complex(self) -> bool:
        """See `Rows`."""
        return self.jacobian.is_complex

    @property
    def width(self) -> float:
        """See `Rows`; spins are real, and complex products are made of three real ones."""
        real = self.jacobian.spins.shape[1] + (0 if self.blocks is None else self.blocks.near.size)
        n_hidden = self.jacobian.tanh.shape[1]
        return 0.25 * real + 0.75 * n_hidden if self.is_complex else real + n_hidden

    @property
    def factor_bytes(self) -> int:
        """See `Rows`."""
        n_sites, n_hidden = self.jacobian.spins.shape[1], self.jacobian.tanh.shape[1]
        return n_sites + n_hidden * self.jacobian.tanh.itemsize // 2

    @property
    def product_cost(self) -> float:
        """See `Rows`."""
        return self.jacobian.product_cost

    @property
    def is_finite(self) -> bool:
        """See `Rows`."""
        return self.jacobian.is_finite

    def product(self, vector: np.ndarray) -> np.ndarray:
        """See `Rows`."""
        return self.jacobian.product(vector if self.scale is None else self.scale * vector)

    def adjoint_product(self, values: np.ndarray) -> np.ndarray:
        """See `Rows`."""
        found = self.jacobian.adjoint_product(values)
        return found if self.scale is None else self.scale * found

    def block(self, start: int, stop: int) -> np.ndarray:
        """See `Rows`."""
        rows = self.jacobian.rows(start, stop)
        return rows if self.scale is None else self.scale * rows

    def repeats(self, weights: np.ndarray | None) -> Repeats | None:
        """See `Rows`."""
        return find_repeats(self.jacobian.spins, weights) if self.n_rows else None

    def chosen(self, which: np.ndarray) -> FactorRows:
        """See `Rows`."""
        J = self.jacobian
        return replace(self, jacobian=replace(J, spins=J.spins[which], tanh=J.tanh[which]))

    def in_single(self) -> FactorRows:
        """See `Rows`."""
        J, scale = self.jacobian, self.scale
        tanh = J.tanh.astype(np.complex64 if self.is_complex else np.float32)
        return FactorRows(
            replace(J, spins=J.spins.astype(np.float32), tanh=tanh),
            None if scale is None else scale.astype(np.float32), self.blocks,
        )  # fmt: skip

    def factors(self) -> Factors:
        """See `Rows`."""
        J, b = self.jacobian, self.blocks
        if self.scale is not None and b is None:
            raise NotImplementedError("columns with scales of their own have no factors")
        tanh = J.tanh if b is None else J.tanh[:, b.order]
        blocks = (
            one_block(tanh.shape[1]) if b is None else (b.first, b.near, b.near_profile, b.floor)
        )
        return Factors(J.spins, tanh, float(J.has_visible_bias), float(J.has_hidden_bias), blocks)


@dataclass(frozen=True, eq=False)
class StoredRows:
    """Log-derivatives as they are, for wavefunctions whose gradient has no factors.

    Parameters
    ----------
    rows : float64 or complex128 (n, n_parameters)
    """

    rows: np.ndarray

    @property
    def n_rows(self) -> int:
        """See `Rows`."""
        return self.rows.shape[0]

    @property
    def n_parameters(self) -> int:
        """See `Rows`."""
        return self.rows.shape[1]

    @property
    def is_complex(self) -> bool:
        """See `Rows`."""
        return np.iscomplexobj(self.rows)

    @property
    def width(self) -> float:
        """See `Rows`."""
        return self.n_parameters

    @property
    def factor_bytes(self) -> int:
        """See `Rows`."""
        return 1 + self.n_parameters * self.rows.itemsize // 2

    @property
    def product_cost(self) -> float:
        """See `Rows`."""
        return ExplicitJacobian(self.rows).product_cost

    @property
    def is_finite(self) -> bool:
        """See `Rows`."""
        return bool(np.isfinite(self.rows).all())

    def product(self, vector: np.ndarray) -> np.ndarray:
        """See `Rows`."""
        return self.rows @ vector

    def adjoint_product(self, values: np.ndarray) -> np.ndarray:
        """See `Rows`."""
        return np.conj(np.conj(values) @ self.rows)

    def block(self, start: int, stop: int) -> np.ndarray:
        """See `Rows`."""
        return self.rows[start:stop]

    def repeats(self, weights: np.ndarray | None) -> Repeats | None:
        """See `Rows`."""
        return None if weights is None else Repeats.of_weights(weights)

    def chosen(self, which: np.ndarray) -> StoredRows:
        """See `Rows`."""
        return StoredRows(self.rows[which])

    def in_single(self) -> StoredRows:
        """See `Rows`."""
        return StoredRows(self.rows.astype(np.complex64 if self.is_complex else np.float32))

    def factors(self) -> Factors:
        """See `Rows`: those of an RBM without visible units whose tanh's are the rows."""
        rows = self.rows
        return Factors(np.zeros((len(rows), 1)), rows, 0.0, 1.0, one_block(rows.shape[1]))


@dataclass(frozen=True, eq=False)
class DividedJacobian:
    """Centred log-derivatives O_k(sigma) - <O_k> of the samples of all ranks.

    Vectors over samples hold those of the rank's own samples, vectors over parameters are the same
    on all ranks; see `rbmqs.states.jacobian.Jacobian` for the rest.

    Parameters
    ----------
    own : Rows
    ranks : Ranks
    n_samples : int
        Of all ranks.
    weights : float64 (n_own,) or None
        With mean one over the samples of all ranks.
    in_parts : bool
        Whether rows are real parts above imaginary ones, times 2^(1/2) and centred: complex
        derivatives by real parameters (`rbmqs.states.explicit.RealParameterJacobian`).
    """

    own: Rows
    ranks: Ranks
    n_samples: int
    weights: np.ndarray | None = None
    in_parts: bool = False

    @classmethod
    def of(
        cls,
        psi: VariationalState,
        spins: np.ndarray,
        cache: Any,
        weights: np.ndarray | None,
        ranks: Ranks,
    ) -> DividedJacobian:
        """Of a wavefunction at the configurations of this rank, int8 (n_own, N)."""
        n_samples = ranks.total(len(spins))
        jacobian = psi.jacobian(spins, cache)
        if isinstance(jacobian, FactorisedJacobian):
            return cls(FactorRows(jacobian), ranks, n_samples, weights)
        if type(jacobian) is ExplicitJacobian:
            rows = jacobian.log_derivatives
        else:
            rows = in_chunks(psi.log_derivatives, spins)
        if not np.iscomplexobj(rows) or psi.is_complex:
            rows = rows.astype(complex if psi.is_complex else float)
            return cls(StoredRows(rows), ranks, n_samples, weights)
        mean = ranks.sum(times_weights(rows, weights).sum(axis=0)) / n_samples
        twice = None if weights is None else np.tile(weights, 2)
        return cls(StoredRows(parts_below(rows - mean)), ranks, 2 * n_samples, twice, True)

    @property
    def n_own(self) -> int:
        """Number of the own rows."""
        return self.own.n_rows

    @property
    def n_parameters(self) -> int:
        """Length of the parameter vector."""
        return self.own.n_parameters

    @property
    def is_complex(self) -> bool:
        """Whether the parameters are complex."""
        return self.own.is_complex

    @cached_property
    def is_finite(self) -> bool:
        """Whether no entry is NaN or infinite on any rank."""
        return self.ranks.everywhere(self.own.is_finite)

    @cached_property
    def mean(self) -> np.ndarray:
        """<O>, shape (n_parameters,)."""
        if self.in_parts:
            return np.zeros(self.n_parameters)
        with self.ranks.part("means"):
            dtype = complex if self.is_complex else float
            weights = np.ones(self.own.n_rows) if self.weights is None else self.weights
            own = np.conj(self.own.adjoint_product(weights.astype(dtype)))
            return self.ranks.sum(own) / self.n_samples

    def right_side(self, local_values: np.ndarray) -> np.ndarray:
        """Deviations of local values from their mean, as `adjoint_times` takes them."""
        weights, n = self.weights, self.n_samples
        if self.in_parts:
            weights, n = None if weights is None else weights[: len(local_values)], n // 2
        mean = self.ranks.total(complex(times_weights(local_values, weights).sum())) / n
        found = local_values - mean
        if self.in_parts:
            return parts_below(found)
        return found if self.is_complex else np.ascontiguousarray(found.real)

    def times(self, vector: np.ndarray) -> np.ndarray:
        """(O - <O>) v of the own samples."""
        return self.own.product(vector) - self.mean @ vector

    def adjoint_times(self, values: np.ndarray) -> np.ndarray:
        """(O - <O>)^dagger W y, from the numbers of the own samples."""
        values = times_weights(values, self.weights)
        own = self.own.adjoint_product(values) - np.conj(self.mean) * values.sum()
        return self.ranks.sum(own)

    def inner(self, first: np.ndarray, second: np.ndarray) -> complex:
        """<first, second> over all samples."""
        return self.ranks.total(complex(np.vdot(first, second)))

    def rows(self, start: int, stop: int) -> np.ndarray:
        """Centred log-derivatives of some of the own samples."""
        return self.own.block(start, stop) - self.mean

    def repeats(self) -> Repeats | None:
        """Own samples that are alike; None where nearly all differ and count alike."""
        return self.own.repeats(self.weights)

    def scaled(self, scale: np.ndarray, blocks: UnitBlocks | None = None) -> DividedJacobian:
        """With each column times a positive number, float64 (n_parameters,)."""
        own = self.own
        if isinstance(own, FactorRows):
            return replace(self, own=replace(own, scale=scale, blocks=blocks))
        return replace(self, own=StoredRows(scale * self.own.block(0, own.n_rows)))

    def with_blocks(self, blocks: UnitBlocks) -> tuple[DividedJacobian, np.ndarray]:
        """With the columns of `rbmqs.sr.local`, and their scale."""
        if not isinstance(self.own, FactorRows):
            raise TypeError(f"blocks take a plain RBM, got a {type(self.own).__name__}")
        local = LocalJacobian.of(self.own.jacobian, blocks)
        return self.scaled(local.scale, blocks), local.scale
