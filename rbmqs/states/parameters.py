"""Wavefunctions whose parameters are biases and weights: their checks and their order."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np

from hamiltonians.operators.local_space import LocalSpace
from hamiltonians.utils.checks import finite
from rbmqs.states.state import FusedState


class WeightedState(FusedState):
    """A wavefunction with parameters a, b and W; a dataclass derives from it and names them.

    Attributes
    ----------
    visible_bias, hidden_bias : array (n_visible,), (n_columns,)
        Zeros where they are fixed.
    weights : array (N, n_columns)
        The dtype (float64 or complex128) is shared by all three.
    has_visible_bias, has_hidden_bias : bool
        Whether the bias is a variational parameter.
    """

    visible_bias: np.ndarray
    hidden_bias: np.ndarray
    weights: np.ndarray
    has_visible_bias: bool
    has_hidden_bias: bool

    def _make_canonical(self) -> None:
        """Read-only contiguous copies of one dtype in place of what was given."""
        names = ("visible_bias", "hidden_bias", "weights")
        arrays = [np.asarray(getattr(self, name)) for name in names]
        dtype = complex if any(np.iscomplexobj(x) for x in arrays) else float
        for name, array in zip(names, arrays, strict=True):
            value = np.array(array, dtype=dtype, order="C")
            finite(name, value)
            value.flags.writeable = False
            object.__setattr__(self, name, value)

    def _check_biases(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        """Refuse biases of other shapes, and fixed ones that are not zero."""
        for name, shape in shapes.items():
            bias = getattr(self, name)
            if bias.shape != shape:
                raise ValueError(
                    f"{name} must have shape {shape} for weights {self.weights.shape}, "
                    f"got {bias.shape}"
                )
            if not getattr(self, f"has_{name}") and np.any(bias):
                raise ValueError(f"{name} must be zero when has_{name} is False")

    @property
    @abstractmethod
    def n_hidden(self) -> int:
        """Number of hidden units M of the wavefunction that is evaluated."""

    @property
    def n_sites(self) -> int:
        """Number of visible units N."""
        return self.weights.shape[0]

    @property
    def alpha(self) -> float:
        """Density of hidden units M/N."""
        return self.n_hidden / self.n_sites

    @property
    def is_complex(self) -> bool:
        """Whether the parameters are complex."""
        return np.iscomplexobj(self.weights)

    @property
    def hilbert(self) -> LocalSpace:
        """Spins +1 and -1 on all sites."""
        return LocalSpace(self.n_sites)

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """a, b and W, fixed biases left out."""
        names = [name for name in ("visible_bias", "hidden_bias") if getattr(self, f"has_{name}")]
        return {name: getattr(self, name) for name in (*names, "weights")}

    def structure(self) -> dict[str, Any]:
        """Which biases are parameters."""
        return {
            "has_visible_bias": self.has_visible_bias,
            "has_hidden_bias": self.has_hidden_bias,
        }

    def describe(self) -> dict[str, Any]:
        """Shape of the wavefunction, for logs and checkpoints."""
        return {
            "ansatz": type(self).__name__,
            "n_sites": self.n_sites,
            "n_hidden": self.n_hidden,
            "dtype": "complex128" if self.is_complex else "float64",
            "visible_bias": self.has_visible_bias,
            "hidden_bias": self.has_hidden_bias,
            "n_parameters": self.n_parameters,
        }


def with_fixed_biases(
    parameters: Mapping[str, np.ndarray], n_visible: int | None = None
) -> dict[str, Any]:
    """Parameters with zeros for biases that are fixed, of n_visible rows instead of N."""
    n_rows, *of_site, n_columns = parameters["weights"].shape
    zeros = {
        "visible_bias": np.zeros((n_visible or n_rows, *of_site)),
        "hidden_bias": np.zeros(n_columns),
    }
    return {**zeros, **parameters}
