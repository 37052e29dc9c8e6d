"""Keywords of the estimators, each with its default in one place.

An estimator is a dataclass: its fields are the keywords of scikit-learn's constructor.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hamiltonians.utils.checks import choice
from rbmqs.boltzmann.estimator import Estimator
from rbmqs.boltzmann.randomness import seed_sequence


def estimator(cls: type) -> type:
    """Make a class of keywords an estimator: scikit-learn's constructor, equality by identity."""
    return dataclass(eq=False, repr=False)(cls)


def keyword(default: Any) -> Any:
    """Another default of a keyword of `TrainingKeywords`, which stays a keyword."""
    return field(default=default, kw_only=True)


@dataclass(eq=False, repr=False, kw_only=True)
class TrainingKeywords(Estimator):
    """Keywords of the training loop.

    Parameters
    ----------
    learning_rate : float
        At the start of the run; gradients are means over the rows of a mini-batch.
    batch_size : int
    n_iter : int or "auto"
        Epochs; "auto" takes as many as make 20 000 updates.
    schedule : {"linear", "cosine", "constant"}
        How the rate falls along the run.
    momentum : float
        In [0, 1).
    l1, l2 : float
        Weight decay.
    max_seconds : float or None
        Ends the run, and brings the rate to its final value by then.
    dtype : {"float32", "float64"}
    verbose : bool or int
        Progress on standard error.
    random_state : int, Generator or None
    """

    learning_rate: float = 0.1
    batch_size: int = 100
    n_iter: int | str = "auto"
    schedule: str = "linear"
    momentum: float = 0.0
    l1: float = 0.0
    l2: float = 0.0
    max_seconds: float | None = None
    dtype: str = "float32"
    verbose: bool | int = 0
    random_state: Any = None

    @property
    def _type(self) -> np.dtype:
        return np.dtype(choice("dtype", self.dtype, ("float32", "float64")))

    def _seeds(self, n: int) -> list[np.random.SeedSequence]:
        return seed_sequence(self.random_state).spawn(n)


def described(model: Estimator) -> dict[str, Any]:
    """Class and keywords of an estimator as plain values, for files."""
    parameters = {
        name: value.item() if isinstance(value, np.generic) else value
        for name, value in model.get_params().items()
    }
    if not isinstance(parameters["random_state"], int):
        parameters["random_state"] = None  # generators have no place in a file
    return {"model": type(model).__name__, "parameters": parameters}
