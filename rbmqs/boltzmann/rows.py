"""Training rows, kept small: bytes where all are 0 or 1, CSR where sparse."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from rbmqs.boltzmann.core.rows import gather_rows, gather_sparse
from rbmqs.boltzmann.layers import chunks

SPARSE_BELOW = 0.05  # share of ones below which products by the ones pay for all shapes tried


class Rows:
    """Rows of units to take mini-batches from.

    Parameters
    ----------
    matrix : array or CSR matrix (n, N)
        Bytes of 0 and 1 or floats in [0, 1], as `rbmqs.boltzmann.data.unit_matrix` gives them.
    weights : array (n,) or None
        Of the rows, mean 1.
    """

    def __init__(self, matrix: Any, weights: np.ndarray | None = None) -> None:
        self._sparse = sparse.issparse(matrix)
        self._grey = matrix.dtype.kind == "f"
        self.weights = weights
        if self._sparse:
            matrix = matrix.copy()
            matrix.eliminate_zeros()
        self._matrix: Any = matrix if self._sparse else np.ascontiguousarray(matrix)
        # whether mini-batches should stay sparse too
        self.is_thin = (
            self._sparse and not self._grey and matrix.nnz < SPARSE_BELOW * np.prod(matrix.shape)
        )

    def __len__(self) -> int:
        return self._matrix.shape[0]

    @property
    def n_features(self) -> int:
        """Columns N."""
        return self._matrix.shape[1]

    def sparse_batch(self, rows: np.ndarray) -> sparse.csr_matrix:
        """These rows as CSR with sorted indices of one integer type."""
        batch = self._matrix[rows]
        batch.sort_indices()
        batch.indptr, batch.indices = (
            a.astype(np.int32, copy=False) for a in (batch.indptr, batch.indices)
        )
        return batch

    def batch(self, rows: np.ndarray, dtype: np.dtype | type) -> Any:
        """These rows, sparse where all are."""
        return self._matrix[rows].astype(dtype) if self._sparse else self.take(rows, dtype)

    def gather(self, rows: np.ndarray, out: np.ndarray) -> None:
        """out (len(rows), N) <- these rows."""
        if self._sparse and self._grey:
            out[...] = self._matrix[rows].toarray()
        elif self._sparse:
            gather_sparse(self._matrix.indptr, self._matrix.indices, rows, out)
        else:
            gather_rows(self._matrix, rows, out)

    def take(self, rows: np.ndarray, dtype: np.dtype | type) -> np.ndarray:
        """A new array (len(rows), N) of these rows."""
        out = np.empty((len(rows), self.n_features), dtype)
        self.gather(np.asarray(rows, dtype=np.int64), out)
        return out

    def mean(self) -> np.ndarray:
        """Weighted column means (N,) in double precision."""
        if self.weights is not None:
            return np.asarray(self._matrix.T @ self.weights).ravel() / len(self)
        whole = np.float64 if self._grey else np.int64
        if self._sparse:
            return np.asarray(self._matrix.sum(axis=0, dtype=whole)).ravel() / len(self)
        total = np.zeros(self.n_features)
        for part in chunks(len(self), 65536):
            total += self._matrix[part].sum(axis=0, dtype=whole)
        return total / len(self)
