"""Training rows, kept small: bytes where dense, CSR where sparse."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from rbmqs.boltzmann.core.rows import gather_rows, gather_sparse
from rbmqs.boltzmann.machine import chunks

SPARSE_BELOW = 0.05  # share of ones below which products by the ones pay for all shapes tried


class Rows:
    """Rows of zeros and ones to take mini-batches from.

    Parameters
    ----------
    matrix : array or CSR matrix (n, N)
        Checked by `rbmqs.boltzmann.data.binary_matrix`.
    """

    def __init__(self, matrix: Any) -> None:
        self._sparse = sparse.issparse(matrix)
        if self._sparse:
            matrix = matrix.astype(np.uint8)
            matrix.eliminate_zeros()
            self._matrix = matrix
        else:
            self._matrix = np.ascontiguousarray(matrix, dtype=np.uint8)

    def __len__(self) -> int:
        return self._matrix.shape[0]

    @property
    def n_features(self) -> int:
        """Columns N."""
        return self._matrix.shape[1]

    @property
    def is_thin(self) -> bool:
        """Whether mini-batches should stay sparse too."""
        return self._sparse and self._matrix.nnz < SPARSE_BELOW * np.prod(self._matrix.shape)

    def sparse_batch(self, rows: np.ndarray) -> sparse.csr_matrix:
        """These rows as CSR with sorted indices of one integer type."""
        batch = self._matrix[rows]
        batch.sort_indices()
        batch.indptr, batch.indices = (
            a.astype(np.int32, copy=False) for a in (batch.indptr, batch.indices)
        )
        return batch

    def gather(self, rows: np.ndarray, out: np.ndarray) -> None:
        """out (len(rows), N) <- these rows."""
        if self._sparse:
            gather_sparse(self._matrix.indptr, self._matrix.indices, rows, out)
        else:
            gather_rows(self._matrix, rows, out)

    def take(self, rows: np.ndarray, dtype: np.dtype | type) -> np.ndarray:
        """A new array (len(rows), N) of these rows."""
        out = np.empty((len(rows), self.n_features), dtype)
        self.gather(np.asarray(rows, dtype=np.int64), out)
        return out

    def mean(self) -> np.ndarray:
        """Column means (N,) in double precision."""
        if self._sparse:
            return np.asarray(self._matrix.sum(axis=0, dtype=np.int64)).ravel() / len(self)
        total = np.zeros(self.n_features)
        for part in chunks(len(self), 65536):
            total += self._matrix[part].sum(axis=0, dtype=np.int64)
        return total / len(self)
