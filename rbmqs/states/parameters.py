"""Wavefunctions whose parameters are biases and weights: the arrays, their checks and their order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from rbmqs.states.state import VariationalState
from rbmqs.utils.checks import finite

Self = TypeVar("Self", bound="WeightedState")


class WeightedState(VariationalState):
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

    def _check_biases(self, lengths: Mapping[str, int]) -> None:
        """Refuse biases of other lengths, and fixed ones that are not zero."""
        for name, length in lengths.items():
            bias = getattr(self, name)
            if bias.shape != (length,):
                raise ValueError(
                    f"{name} must have shape {(length,)} for weights {self.weights.shape}, "
                    f"got {bias.shape}"
                )
            if not getattr(self, f"has_{name}") and np.any(bias):
                raise ValueError(f"{name} must be zero when has_{name} is False")

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
    def _ends(self) -> tuple[int, int]:
        """Where a and b end in `flat`."""
        end = self.has_visible_bias * len(self.visible_bias)
        return end, end + self.has_hidden_bias * len(self.hidden_bias)

    @property
    def n_parameters(self) -> int:
        """Number of variational parameters, complex ones counted once."""
        return self._ends[1] + self.weights.size

    @cached_property
    def flat(self) -> np.ndarray:
        """Variational parameters in one vector (n_parameters,): a, b, W in C order."""
        parts = [self.weights.ravel()]
        if self.has_hidden_bias:
            parts.insert(0, self.hidden_bias)
        if self.has_visible_bias:
            parts.insert(0, self.visible_bias)
        return np.concatenate(parts)

    def with_flat(self: Self, flat: np.ndarray) -> Self:
        """The same wavefunction with other parameters, laid out as in `flat`."""
        flat = np.asarray(flat)
        if flat.shape != (self.n_parameters,):
            raise ValueError(
                f"flat must have shape ({self.n_parameters},) for this wavefunction, got {flat.shape}"
            )
        if np.iscomplexobj(flat) and not self.is_complex:
            raise ValueError("flat is complex but this wavefunction has real parameters")
        flat = flat.astype(self.weights.dtype)
        start, stop = self._ends
        parts: dict[str, Any] = {"weights": flat[stop:].reshape(self.weights.shape)}
        if self.has_visible_bias:
            parts["visible_bias"] = flat[:start]
        if self.has_hidden_bias:
            parts["hidden_bias"] = flat[start:stop]
        return replace(self, **parts)  # type: ignore[type-var]
