"""RBM over categorical columns: each is a group of softmax units, of which one is on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from scipy import sparse

from rbmqs.boltzmann import ops
from rbmqs.boltzmann.data import real_matrix
from rbmqs.boltzmann.keywords import estimator, keyword
from rbmqs.boltzmann.layers import Harmonium
from rbmqs.boltzmann.ops import Arrays
from rbmqs.boltzmann.rbm_use import TrainedRBM
from rbmqs.boltzmann.unit_types import SoftmaxUnits


@estimator
class SoftmaxRBM(TrainedRBM):
    """Restricted Boltzmann machine for columns of categories 0, 1, ... K_i - 1.

    Parameters
    ----------
    n_components : int
        Hidden units.
    n_categories : int, sequence of int or None
        K_i of each column; None takes the largest category seen in `fit` plus one.
    hidden : str
        Type of the hidden units, as in `LayeredRBM`.
    method, n_gibbs_steps, **options
        See `rbmqs.boltzmann.rbm_model.RBMModel`, which lists the attributes too.

    Attributes
    ----------
    n_categories_ : int array (columns,)
    components_ : array (M, sum of K_i)
    """

    n_components: int = 100
    n_categories: Any = None
    hidden: str = keyword("bernoulli")

    visible = "softmax"

    def _forget(self) -> None:
        for name in ("n_categories_", "n_features_in_"):
            self.__dict__.pop(name, None)

    def check_rows(self, X: Any, min_rows: int = 1) -> sparse.csr_matrix:
        if sparse.issparse(X):
            raise TypeError("Sparse data was passed; categories must be dense: X.toarray()")
        table = real_matrix(X, "X", np.float64, min_rows=min_rows)
        bad = (table < 0) | (table != np.floor(table))
        if bad.any():
            row, column = np.argwhere(bad)[0]
            raise ValueError(f"X must hold categories 0, 1, 2, ..., got {table[bad][0]:g} "
                             f"in row {row}, column {column}")  # fmt: skip
        if self.__sklearn_is_fitted__():
            self._check_columns(X, table.shape[1])
        else:
            self.n_categories_ = self._sizes(table)
        return one_hot(table.astype(np.int64), self.n_categories_, self._type)

    def _sizes(self, table: np.ndarray) -> np.ndarray:
        if self.n_categories is None:
            return np.maximum(table.max(axis=0).astype(np.int64) + 1, 2)
        sizes = np.asarray(self.n_categories)
        if sizes.dtype.kind not in "iu" or (sizes < 2).any():
            raise ValueError(f"n_categories must be integers of at least 2, got {sizes}")
        if sizes.ndim and sizes.shape != (table.shape[1],):
            raise ValueError(f"n_categories must be one number or one for each of "
                             f"{table.shape[1]} columns, got shape {sizes.shape}")  # fmt: skip
        return np.broadcast_to(sizes, (table.shape[1],)).astype(np.int64)

    @property
    def _edges(self) -> np.ndarray:
        return np.concatenate([[0], self.n_categories_.cumsum()])

    def _columns(self, rows: Any) -> int:
        return len(self.n_categories_)

    def _fixed(self) -> Arrays:
        return {"n_categories": self.n_categories_}

    def _stored_rbm(self, arrays: Arrays) -> Harmonium:
        self.n_categories_ = arrays["n_categories"]
        rbm = super()._stored_rbm(arrays)
        return replace(rbm, visible=SoftmaxUnits(rbm.visible.arrays, edges=self._edges))

    def _visible_layer(self, rows: sparse.csr_matrix) -> SoftmaxUnits:
        n = rows.shape[0]
        sizes = np.repeat(self.n_categories_, self.n_categories_)
        share = (ops.column_mean(rows) * n + 1) / (n + sizes)
        return SoftmaxUnits({"bias": np.log(share).astype(self._type)}, edges=self._edges)

    def _units_of(self, columns: np.ndarray) -> np.ndarray:
        return np.repeat(columns, self.n_categories_, axis=-1)

    def _decoded(self, rows: np.ndarray) -> np.ndarray:
        parts = np.split(rows, self._edges[1:-1], axis=1)
        return np.stack([part.argmax(axis=1) for part in parts], axis=1)


def one_hot(table: np.ndarray, sizes: np.ndarray, dtype: Any) -> sparse.csr_matrix:
    """Categories as rows of softmax units, one of each group on.

    Raises
    ------
    ValueError
        A category beyond its column's, naming the first.
    """
    bad = table >= sizes
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise ValueError(
            f"X holds category {table[row, column]} in row {row}, column {column}, which has "
            f"categories 0 to {sizes[column] - 1}"
        )
    n, columns = table.shape
    edges = np.concatenate([[0], sizes.cumsum()])
    indices = (table + edges[:-1]).ravel()
    values = np.ones(n * columns, dtype)
    starts = np.arange(0, n * columns + 1, columns)
    return sparse.csr_matrix((values, indices, starts), shape=(n, int(edges[-1])))
