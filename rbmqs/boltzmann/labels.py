"""Labels at the door, and one row of output for each class."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from rbmqs.boltzmann.estimator import Estimator

UNKNOWN = -1  # number of the class of a row without label


def class_numbers(y: Any, n_rows: int, unlabelled: Any = None) -> tuple[np.ndarray, np.ndarray]:
    """The classes of a training set, sorted, and the number of each row's class.

    Parameters
    ----------
    y : array (n_rows,)
    n_rows : int
    unlabelled : object
        The entry of `y` that marks a row without label; None if all have one.

    Returns
    -------
    classes : array (C,)
    numbers : int array (n_rows,)
        `UNKNOWN` (-1) where there is no label.

    Raises
    ------
    ValueError
        No labels, not one for each row, NaN, fractions, fewer than two classes.
    """
    labels = _column(y, n_rows)
    classes = np.unique(labels if unlabelled is None else labels[labels != unlabelled])
    if len(classes) < 2:
        raise ValueError(f"y must hold at least 2 classes, got {len(classes)} class")
    return classes, known_numbers(y, n_rows, classes, unlabelled)


def known_numbers(y: Any, n_rows: int, classes: np.ndarray, unlabelled: Any = None) -> np.ndarray:
    """Numbers of labels among classes that are fixed already.

    Raises
    ------
    ValueError
        A label that is none of the classes.
    """
    labels = _column(y, n_rows)
    known = np.ones(n_rows, bool) if unlabelled is None else labels != unlabelled
    strange = known & ~np.isin(labels, classes)
    if strange.any():
        raise ValueError(
            f"y holds the label {labels[strange][0]}, which is none of the classes "
            f"{', '.join(map(str, classes))}"
        )
    numbers = np.full(n_rows, UNKNOWN)
    numbers[known] = np.searchsorted(classes, labels[known])
    return numbers


def _column(y: Any, n_rows: int) -> np.ndarray:
    if y is None:
        raise ValueError("requires y to be passed, but the target y is None")
    if sparse.issparse(y):
        raise TypeError("y must be dense, one label a row, got a sparse matrix")
    labels = np.asarray(y)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = _flattened(labels)
    if labels.ndim != 1:
        raise ValueError(f"y must be 1D, one label a row, got shape {labels.shape}")
    if len(labels) != n_rows:
        raise ValueError(f"y must hold one label a row: got {len(labels)} for {n_rows} rows")
    if labels.dtype.kind == "f":
        if not np.isfinite(labels).all():
            raise ValueError("y contains NaN or infinity")
        if (labels != np.floor(labels)).any():
            raise ValueError("Unknown label type: continuous values; y must hold classes")
    if labels.dtype.kind == "c":
        raise ValueError("Unknown label type: complex numbers; y must hold classes")
    return labels


def _flattened(labels: np.ndarray) -> np.ndarray:
    import sys
    import warnings

    exceptions = sys.modules.get("sklearn.exceptions")
    kind = UserWarning if exceptions is None else exceptions.DataConversionWarning
    warnings.warn("A column-vector y was passed when a 1d array was expected", kind, stacklevel=4)
    return labels.ravel()


class ClassifierMethods(Estimator):
    """What follows from `predict_log_proba(X)` and `classes_`."""

    classes_: np.ndarray

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """log p(y | x), (n, classes)."""
        raise NotImplementedError

    def predict_proba(self, X: Any) -> np.ndarray:
        """p(y | x), (n, classes)."""
        return np.exp(self.predict_log_proba(X))

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class of each row."""
        numbers = self.predict_log_proba(X).argmax(axis=1)
        return self.classes_[numbers]

    def score(self, X: Any, y: Any) -> float:
        """Share of the rows that are classified as in y."""
        predicted = self.predict(X)
        return float(np.mean(predicted == _column(y, len(predicted))))

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags

        tags = super().__sklearn_tags__()
        tags.estimator_type = "classifier"
        tags.classifier_tags = ClassifierTags()
        tags.target_tags.required = True
        return tags


def log_softmax(scores: np.ndarray) -> np.ndarray:
    """scores - log sum exp(scores), row by row."""
    top = scores - scores.max(axis=1, keepdims=True)
    return top - np.log(np.exp(top).sum(axis=1, keepdims=True))
