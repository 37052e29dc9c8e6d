"""What scikit-learn expects of an estimator, without scikit-learn.

Parameters are the constructor's keywords, stored untouched; fitted attributes end in `_`. The
library itself is imported only where it asks for its own types (`__sklearn_tags__`).
"""

from __future__ import annotations

import inspect
import sys
import warnings
from typing import Any, Self

import numpy as np

from rbmqs.boltzmann.data import feature_names


class _NotFitted(ValueError, AttributeError):
    """A method was called that needs `fit` first."""


class Estimator:
    """Base of all models: parameters by name, tags, and checks of columns.

    Subclasses take keywords in `__init__` and only store them; `fit` checks them.
    """

    _accepts_sparse = False
    n_features_in_: int
    feature_names_in_: np.ndarray

    @classmethod
    def _parameter_names(cls) -> list[str]:
        return [name for name in inspect.signature(cls.__init__).parameters if name != "self"]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The constructor's keywords and their values."""
        return {name: getattr(self, name) for name in sorted(self._parameter_names())}

    def set_params(self, **parameters: Any) -> Self:
        """Change keywords of the constructor.

        Raises
        ------
        ValueError
            An unknown name.
        """
        known = self._parameter_names()
        for name, value in parameters.items():
            if name not in known:
                raise ValueError(
                    f"Invalid parameter {name!r} for estimator {type(self).__name__}; "
                    f"known: {', '.join(known)}"
                )
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        shown = [
            f"{name}={getattr(self, name)!r}"
            for name, default in defaults(self).items()
            if repr(getattr(self, name)) != repr(default)
        ]
        return f"{type(self).__name__}({', '.join(shown)})"

    def __sklearn_tags__(self) -> Any:
        """Tags of scikit-learn, which alone calls this."""
        from sklearn.utils import InputTags, Tags, TargetTags, TransformerTags

        return Tags(
            estimator_type=None,
            target_tags=TargetTags(required=False),
            transformer_tags=TransformerTags(preserves_dtype=[self.dtype]),  # type: ignore[attr-defined]
            input_tags=InputTags(sparse=self._accepts_sparse),
        )

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "n_features_in_")

    def check_is_fitted(self) -> None:
        """Refuse to go on before `fit`, with scikit-learn's own error where it is loaded."""
        if self.__sklearn_is_fitted__():
            return
        exceptions = sys.modules.get("sklearn.exceptions")
        error = _NotFitted if exceptions is None else exceptions.NotFittedError
        raise error(f"This {type(self).__name__} instance is not fitted yet: call fit first")

    def _remember_columns(self, X: Any, n_features: int) -> None:
        """Note number and names of the columns of the training data."""
        self.n_features_in_ = n_features
        names = feature_names(X)
        if names is not None:
            self.feature_names_in_ = names
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_

    def _check_columns(self, X: Any, n_features: int) -> None:
        """Refuse data whose columns are not those of the training data.

        Raises
        ------
        ValueError
            Another number of columns, or other names.
        """
        self._check_names(feature_names(X))
        if n_features != self.n_features_in_:
            raise ValueError(
                f"X has {n_features} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input"
            )

    def _check_names(self, given: np.ndarray | None) -> None:
        fitted = getattr(self, "feature_names_in_", None)
        owner = type(self).__name__
        if fitted is None and given is None:
            return
        if fitted is None:
            warnings.warn(f"X has feature names, but {owner} was fitted without feature names",
                          stacklevel=4)  # fmt: skip
        elif given is None:
            warnings.warn(f"X does not have valid feature names, but {owner} was fitted with "
                          f"feature names", stacklevel=4)  # fmt: skip
        elif not np.array_equal(fitted, given):
            raise ValueError(_names_message(fitted, given))

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names of the hidden units as columns of `transform`."""
        self.check_is_fitted()
        prefix = type(self).__name__.lower()
        return np.array([f"{prefix}{i}" for i in range(self._n_features_out)], dtype=object)

    @property
    def _n_features_out(self) -> int:
        """Columns of `transform`."""
        return len(self.components_)  # type: ignore[attr-defined]

    def fit_transform(self, X: Any, y: Any = None, **options: Any) -> np.ndarray:
        """`fit(X, y)` and then `transform(X)`."""
        return self.fit(X, y, **options).transform(X)  # type: ignore[attr-defined]


def defaults(model: Estimator) -> dict[str, Any]:
    """The constructor's keywords and their defaults."""
    parameters = inspect.signature(type(model).__init__).parameters
    return {name: p.default for name, p in parameters.items() if name != "self"}


def _names_message(fitted: np.ndarray, given: np.ndarray) -> str:
    """scikit-learn's wording, which its checks look for."""
    unseen, missing = sorted(set(given) - set(fitted)), sorted(set(fitted) - set(given))
    lines = ["The feature names should match those that were passed during fit."]
    if unseen:
        lines += ["Feature names unseen at fit time:", *(f"- {name}" for name in unseen[:5])]
    if missing:
        lines += ["Feature names seen at fit time, yet now missing:",
                  *(f"- {name}" for name in missing[:5])]  # fmt: skip
    if not unseen and not missing:
        lines.append("Feature names must be in the same order as they were in fit.")
    return "\n".join(lines) + "\n"
