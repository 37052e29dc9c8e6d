"""Log-derivatives of some samples, not centred: in factors, or stored as they are.

For a plain RBM O = [sigma, t, sigma (x) t] with t = tanh(theta): everything stochastic
reconfiguration needs is a product with S (n, N) and T (n, M), and O (n, n_parameters), 21 GB at
N = 100, M = 3200 and 4096 samples, is never formed. Tied and projected RBMs have few parameters,
or gradients that are sums over a group; theirs are stored.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import DTypeLike

from rbmqs.core.blas import address
from rbmqs.core.gram import one_block
from rbmqs.core.jacobian_products import (
    SINGLE_BLOCKS,
    UNIT_BLOCK,
    weight_adjoint,
    weight_products,
)
from rbmqs.core.split_complex import from_parts, split
from rbmqs.states.repeats import Repeats, find_repeats
from rbmqs.states.unit_blocks import UnitBlocks

# A stored matrix is read once a product, at 2 ms for 1024 x 2592 complex numbers: ten times what
# as many multiply-adds of a matrix product take.
_MEMORY_BOUND = 10.0


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
        Columns of weights times f_b(site)^(1/2) for block b of units: the first unit of each block
        and their number, int64 (n_blocks + 1,); sites, int64 (n_blocks, n_near), with their f less
        the floor, float64 (n_blocks, n_near); f of all other sites, the floor, (n_blocks,).
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
        """Rows that are alike; None where nearly all differ and all count alike."""

    def chosen(self, which: np.ndarray) -> Rows:
        """Some of the rows."""

    def in_single(self) -> Rows:
        """The rows in single precision."""

    def factors(self) -> Factors:
        """Of all rows."""


@dataclass(frozen=True, eq=False)
class FactorRows:
    """Of a plain RBM.

    Parameters
    ----------
    spins : float64 (n, N)
    tanh : float64 or complex128 (n, M)
    has_visible_bias, has_hidden_bias : bool
        Which biases are parameters; the order of parameters is a, b, W as in `RBM.flat`.
    blocks : UnitBlocks, optional
        Columns of weights are times the roots of their profiles.
    scale : float64 (n_parameters,), optional
        Those roots, and 1 for biases.
    """

    spins: np.ndarray
    tanh: np.ndarray
    has_visible_bias: bool
    has_hidden_bias: bool
    blocks: UnitBlocks | None = None
    scale: np.ndarray | None = None

    def with_blocks(self, blocks: UnitBlocks) -> FactorRows:
        """With columns of weights times the roots of the profiles; biases are as they were."""
        n_sites, n_hidden = self.spins.shape[1], self.tanh.shape[1]
        roots = np.sqrt(blocks.profiles(n_sites)).ravel()
        scale = np.append(np.ones(self.n_parameters - n_sites * n_hidden), roots)
        return replace(self, blocks=blocks, scale=scale)

    @property
    def n_rows(self) -> int:
        """See `Rows`."""
        return len(self.spins)

    @property
    def n_parameters(self) -> int:
        """See `Rows`."""
        n_sites, n_hidden = self.spins.shape[1], self.tanh.shape[1]
        return (
            n_sites * n_hidden + self.has_visible_bias * n_sites + self.has_hidden_bias * n_hidden
        )

    @property
    def is_complex(self) -> bool:
        """See `Rows`."""
        return np.iscomplexobj(self.tanh)

    @property
    def width(self) -> float:
        """See `Rows`; spins are real, and complex products are made of three real ones."""
        real = self.spins.shape[1] + (0 if self.blocks is None else self.blocks.near.size)
        n_hidden = self.tanh.shape[1]
        return 0.25 * real + 0.75 * n_hidden if self.is_complex else real + n_hidden

    @property
    def factor_bytes(self) -> int:
        """See `Rows`."""
        return self.spins.shape[1] + self.tanh.shape[1] * self.tanh.itemsize // 2

    @property
    def product_cost(self) -> float:
        """See `Rows`; spins are real, which makes half of a complex multiply-add."""
        return self.n_rows * self.n_parameters * (0.5 if self.is_complex else 1.0)

    @property
    def is_finite(self) -> bool:
        """See `Rows`."""
        return bool(np.isfinite(self.tanh).all())

    def split(self, vector: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Parts of a parameter vector that belong to a, b and W (empty where fixed)."""
        start = self.has_visible_bias * self.spins.shape[1]
        stop = start + self.has_hidden_bias * self.tanh.shape[1]
        weights = vector[stop:].reshape(self.spins.shape[1], self.tanh.shape[1])
        return vector[:start], vector[start:stop], weights

    def product(self, vector: np.ndarray) -> np.ndarray:
        """See `Rows`."""
        a, b, weights = self.split(vector if self.scale is None else self.scale * vector)
        parts = np.empty((2 if np.iscomplexobj(weights) else 1, self.n_rows), self.tanh.dtype)
        gemm = address("gemm", self.spins.dtype)
        weight_products(gemm, self.spins, self.tanh, split(weights), parts)
        product = parts[0] if len(parts) == 1 else parts[0] + 1j * parts[1]
        if self.has_visible_bias:
            product = product + self.spins @ a
        if self.has_hidden_bias:
            product = product + self.tanh @ b
        return product

    def adjoint_product(self, values: np.ndarray) -> np.ndarray:
        """See `Rows`."""
        is_complex = self.is_complex or np.iscomplexobj(values)
        spins, n_hidden = self.spins, self.tanh.shape[1]
        weights = np.empty((1 + is_complex, spins.shape[1], n_hidden), spins.dtype)
        # Samples are summed up at once in double precision, whose bits runs are compared by.
        blocks = (UNIT_BLOCK, max(self.n_rows, 1)) if spins.dtype == float else SINGLE_BLOCKS
        weight_adjoint(address("gemm", spins.dtype), spins, self.tanh, values, *blocks, weights)
        parts = [from_parts(weights).ravel()]
        if self.has_hidden_bias:
            parts.insert(0, values @ np.conj(self.tanh))
        if self.has_visible_bias:
            parts.insert(0, (values @ self.spins).astype(parts[0].dtype))
        found = np.concatenate(parts)
        return found if self.scale is None else self.scale * found

    def block(self, start: int, stop: int) -> np.ndarray:
        """See `Rows`."""
        spins, tanh = self.spins[start:stop], self.tanh[start:stop]
        parts = [(spins[:, :, None] * tanh[:, None, :]).reshape(len(spins), -1)]
        if self.has_hidden_bias:
            parts.insert(0, tanh)
        if self.has_visible_bias:
            parts.insert(0, spins.astype(tanh.dtype))
        rows = np.concatenate(parts, axis=1)
        return rows if self.scale is None else self.scale * rows

    def repeats(self, weights: np.ndarray | None) -> Repeats | None:
        """See `Rows`."""
        return find_repeats(self.spins, weights) if self.n_rows else None

    def chosen(self, which: np.ndarray) -> FactorRows:
        """See `Rows`."""
        return replace(self, spins=self.spins[which], tanh=self.tanh[which])

    def in_single(self) -> FactorRows:
        """See `Rows`."""
        tanh = self.tanh.astype(np.complex64 if self.is_complex else np.float32)
        scale = None if self.scale is None else self.scale.astype(np.float32)
        return replace(self, spins=self.spins.astype(np.float32), tanh=tanh, scale=scale)

    def factors(self) -> Factors:
        """See `Rows`."""
        tanh, b = self.tanh, self.blocks
        blocks = one_block(tanh.shape[1])
        if b is not None:
            tanh, blocks = tanh[:, b.order], (b.first, b.near, b.near_profile, b.floor)
        biases = float(self.has_visible_bias), float(self.has_hidden_bias)
        return Factors(self.spins, tanh, *biases, blocks)


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
        return _MEMORY_BOUND * self.rows.size

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
        """See `Rows`; none are looked for, as rows are compared by spins, which are not kept."""
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
