"""Checks of data at the door. Sparse data stays sparse: CSR in, CSR out."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from hamiltonians.utils.checks import number

MIN_ROWS = 2


def feature_names(X: Any) -> np.ndarray | None:
    """Column names of a data frame, None for anything else or for names that are no strings."""
    columns = getattr(X, "columns", None)
    if columns is None:
        return None
    names = np.asarray(columns, dtype=object)
    return names if len(names) and all(isinstance(name, str) for name in names) else None


def real_matrix(
    X: Any, name: str = "X", dtype: np.dtype | type | None = np.float64, *, min_rows: int = 1
) -> Any:
    """Rows of real finite numbers as a C-contiguous array, or as CSR where the data is sparse.

    Raises
    ------
    TypeError
        Complex numbers, text, objects that are no numbers.
    ValueError
        Not two axes, no rows or columns, fewer than `min_rows` rows, NaN or infinity.
    """
    if sparse.issparse(X):
        matrix = sparse.csr_matrix(X)
        if not matrix.has_canonical_format:
            matrix = matrix.copy()  # the caller's own stays as it is
            matrix.sum_duplicates()
        _check_kind(matrix.data, name)
        _check_shape(matrix.shape, name, min_rows)
        _check_finite(matrix.data, name)
        return matrix if dtype is None else matrix.astype(dtype)
    array = np.asarray(X)
    if array.dtype == object:
        array = _numbers(array, name)
    _check_kind(array, name)
    _check_shape(array.shape, name, min_rows)
    _check_finite(array, name)
    return np.ascontiguousarray(array, dtype=dtype)


def _place(matrix: Any, bad: np.ndarray) -> tuple[int, int]:
    """Row and column of the first bad value."""
    if not sparse.issparse(matrix):
        row, column = np.argwhere(bad)[0]
        return int(row), int(column)
    at = int(np.flatnonzero(bad)[0])
    return int(np.searchsorted(matrix.indptr, at, side="right") - 1), int(matrix.indices[at])


def _numbers(array: np.ndarray, name: str) -> np.ndarray:
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} must hold real numbers; argument must be a number: {error}"
                        ) from None  # fmt: skip


def _check_kind(array: np.ndarray, name: str) -> None:
    if array.dtype.kind == "c":
        raise ValueError(f"Complex data not supported: {name} must hold real numbers")
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name} must hold real numbers, got dtype {array.dtype}")


def _check_shape(shape: tuple[int, ...], name: str, min_rows: int) -> None:
    if len(shape) != 2:
        raise ValueError(
            f"{name} must be 2D, rows by features, got shape {shape}. Reshape your data: "
            f"reshape(1, -1) makes one row of it"
        )
    if shape[1] == 0:
        raise ValueError(
            f"0 feature(s) (shape={shape}) while a minimum of 1 is required in {name}."
        )
    if shape[0] < min_rows:
        raise ValueError(
            f"{name} has {shape[0]} sample(s) (shape={shape}) while a minimum of {min_rows} is "
            f"required"
        )


def _check_finite(values: np.ndarray, name: str) -> None:
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        kind = "NaN" if np.isnan(values).any() else "infinity"
        raise ValueError(f"{name} must be finite, got {kind}")


def unit_matrix(
    X: Any, dtype: Any, threshold: float | None = None, *, min_rows: int = 1, whole: bool = False
) -> Any:
    """Rows of numbers in [0, 1], read as probabilities of binary units; CSR stays CSR.

    A threshold makes rows of 0 and 1 of any real numbers, `whole` takes nothing but 0 and 1.
    Without a dtype rows of 0 and 1 alone become bytes, others floats.

    Raises
    ------
    ValueError
        A value outside, naming the first and its place, and what `real_matrix` refuses.
    """
    if threshold is not None:
        return _cut(real_matrix(X, min_rows=min_rows), threshold, dtype)
    matrix = real_matrix(X, dtype=dtype, min_rows=min_rows)
    values = matrix.data if sparse.issparse(matrix) else matrix
    bad = (values < 0) | (values > 1) if not whole else (values != 0) & (values != 1)
    if bad.any():
        row, column = _place(matrix, bad)
        allowed = "hold 0 and 1 only" if whole else "lie between 0 and 1"
        raise ValueError(
            f"X must {allowed}, got {values[bad][0]:g} in row {row}, column {column}"
            f"{and_more(bad)}: scale it (grey values: divide by 255) or give binarize=THRESHOLD"
        )
    if dtype is not None or values.dtype == np.uint8:
        return matrix
    if ((values == 0) | (values == 1)).all():
        return matrix.astype(np.uint8)
    return matrix.astype(np.result_type(values.dtype, np.float32))


def _cut(matrix: Any, threshold: float, dtype: Any) -> Any:
    """Rows of zeros and ones, bytes without a dtype."""
    dtype, cut = np.uint8 if dtype is None else dtype, number("binarize", threshold)
    if not sparse.issparse(matrix):
        return (matrix > cut).astype(dtype)
    if cut < 0:
        raise ValueError(f"binarize must be at least 0 for sparse data, got {cut:g}")
    matrix.data = matrix.data > cut
    matrix.eliminate_zeros()
    return matrix.astype(dtype)


def row_weights(sample_weight: Any, n_rows: int) -> np.ndarray | None:
    """Weights of the rows, mean 1; None where there are none or all are alike.

    Raises
    ------
    ValueError
        Another shape, a negative or infinite weight, or none above zero.
    """
    if sample_weight is None:
        return None
    weights = _numbers(np.asarray(sample_weight), "sample_weight")
    if weights.shape not in ((), (n_rows,)):
        raise ValueError(f"sample_weight must have shape ({n_rows},), got {weights.shape}")
    if not (np.isfinite(weights).all() and (weights >= 0).all() and (weights > 0).any()):
        raise ValueError("sample_weight must be finite and not negative, with one above zero")
    return None if (weights == weights.flat[0]).all() else weights / weights.mean()


def and_more(bad: np.ndarray) -> str:
    """How many are as bad as the one that a message names: " and 3 more", or nothing."""
    others = np.count_nonzero(bad) - 1
    return f" and {others} more" if others else ""
