"""Types of units that make a layer, visible or hidden, registered by name.

    E(v, h) = sum_i e_i(v_i) + sum_j e_j(h_j) - s(v) W s(h)

A type says what one unit's energy e is and how its value enters the products (s). `inputs` are
what the other layer sends, s(h) W^T or s(v) W, without biases, (n, units). M. Welling, M.
Rosen-Zvi and G. Hinton, "Exponential family harmoniums", NIPS 17 (2004); J. Tubiana, S. Cocco and
R. Monasson, eLife 8, e39397 (2019) for the rectified types.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from copy import copy
from typing import Any, Self

import numpy as np

from hamiltonians.utils.registry import Registry
from rbmqs.boltzmann import ops
from rbmqs.boltzmann.core.softmax import sample_groups, softmax_groups, sum_group_logs
from rbmqs.boltzmann.core.units import sum_softplus
from rbmqs.boltzmann.data import real_matrix, unit_matrix
from rbmqs.boltzmann.enumeration import state_chunks
from rbmqs.boltzmann.ops import Arrays
from rbmqs.boltzmann.randomness import next_call

UNIT_TYPES: Registry[type[BinaryUnits]] = Registry("unit type")


@UNIT_TYPES.register("bernoulli")
class BinaryUnits:
    """Units of 0 and 1, e = -b v; numbers between are read as probabilities.

    The other types are subclasses and say what differs.

    Parameters
    ----------
    arrays : dict of arrays (units,)
        "bias", and what else the type has (`names`).
    learn : bool
        Whether widths of real units are learned; they are kept otherwise.
    """

    names: tuple[str, ...] = ("bias",)
    is_real = False
    first_value = 0.0  # of a unit whose value is missing, before its first draw

    def __init__(self, arrays: Arrays, learn: bool = False) -> None:
        self.arrays, self.learn = arrays, learn

    @classmethod
    def at_rest(cls, n: int, dtype: Any) -> Self:
        """A hidden layer before training, of unit width, which is kept: the weights scale it."""
        return cls({name: np.zeros(n, dtype) for name in cls.names})

    @classmethod
    def of_rows(cls, rows: Any, learn: bool = True) -> Self:
        """A visible layer that alone fits the columns of the rows."""
        bias = ops.log_odds(ops.column_mean(rows), 1 / (2 + rows.shape[0]))
        return cls({"bias": bias.astype(rows.dtype)}, learn)

    def with_arrays(self, arrays: Arrays) -> Self:
        """The same units with other parameters."""
        units = copy(self)
        units.arrays = arrays
        return units

    @staticmethod
    def check_rows(X: Any, dtype: Any, min_rows: int = 1) -> Any:
        """Data as rows of such units.

        Raises
        ------
        TypeError, ValueError
            Values that the units cannot take.
        """
        return unit_matrix(X, dtype, min_rows=min_rows)

    @property
    def bias(self) -> np.ndarray:
        """b, (units,)."""
        return self.arrays["bias"]

    @property
    def n_bits(self) -> float:
        """log2 of the number of states of the layer."""
        return math.inf if self.is_real else len(self.bias)

    @property
    def scale(self) -> np.ndarray | None:
        """What the weights of each unit are in proportion to, None for 1: so are their steps."""
        return None

    def scaled(self, v: Any) -> Any:
        """s(v), which multiplies the weights."""
        return v

    def mean(self, inputs: np.ndarray) -> np.ndarray:
        """Mean of v given the other layer, in place."""
        return ops.to_means(inputs, self.bias)

    def sample(self, inputs: np.ndarray, stream: np.ndarray) -> np.ndarray:
        """v drawn given the other layer, in place."""
        return ops.to_samples(inputs, self.bias, stream)

    def log_weight(self, v: Any) -> np.ndarray:
        """-sum_i e_i(v_i), (n,)."""
        return np.asarray(v @ self.bias.astype(np.float64))

    def log_sum(self, inputs: np.ndarray) -> np.ndarray:
        """Cumulant generating function: log sum_v exp(-sum e + s(v).input), or integral, (n,)."""
        return sum_softplus(inputs, self.bias, inputs.dtype.type(1))

    def precondition(self, gradient: Arrays) -> None:
        """Bring a gradient of own parameters to the units' scale, in place."""
        scale = self.scale
        for name in gradient:
            if scale is not None and "bias" in name:
                gradient[name] *= scale**2

    def confine(self) -> None:
        """Bring parameters back into their range after a step."""

    def statistics(self, v: Any, back: Any, share: np.ndarray) -> Arrays:
        """Gradient of -E with respect to own parameters at v, averaged with the rows' `share`.

        `back()` gives the inputs.
        """
        return {"bias": np.asarray(v.T @ share).ravel()}

    def mean_statistics(self, inputs: Any, mean: np.ndarray, share: np.ndarray) -> Arrays:
        """The same with v averaged given the inputs, which `inputs()` gives; `mean` is of v."""
        return {"bias": (mean * share[:, None]).sum(axis=0)}

    def all_states(self) -> np.ndarray:
        """Every state of the layer, (states, units)."""
        return np.vstack(list(self.state_chunks())).astype(self.bias.dtype)

    def state_chunks(self) -> Iterator[np.ndarray]:
        """The same in parts."""
        return state_chunks(len(self.bias))


@UNIT_TYPES.register("spin")
class SpinUnits(BinaryUnits):
    """Units of -1 and +1, e = -b v."""

    first_value = -1.0

    @classmethod
    def of_rows(cls, rows: Any, learn: bool = True) -> Self:
        """A visible layer that alone fits the columns of the rows."""
        up = (1 + ops.column_mean(rows)) / 2
        bias = ops.log_odds(up, 1 / (2 + rows.shape[0])) / 2
        return cls({"bias": bias.astype(rows.dtype)}, learn)

    @staticmethod
    def check_rows(X: Any, dtype: Any, min_rows: int = 1) -> Any:
        """Data of -1 and +1."""
        rows = real_matrix(X, "X", dtype, min_rows=min_rows)
        if not isinstance(rows, np.ndarray) or (np.abs(rows) != 1).any():
            raise ValueError("X must hold -1 and 1 only, in dense rows")
        return rows

    def mean(self, inputs: np.ndarray) -> np.ndarray:
        """tanh(b + input)."""
        inputs += self.bias
        return np.tanh(inputs, out=inputs)

    def sample(self, inputs: np.ndarray, stream: np.ndarray) -> np.ndarray:
        """-1 and 1."""
        inputs *= 2
        return 2 * ops.to_samples(inputs, 2 * self.bias, stream) - 1

    def log_sum(self, inputs: np.ndarray) -> np.ndarray:
        """sum_i log 2 cosh(b_i + input_i)."""
        field = inputs.astype(np.float64) + self.bias
        return np.logaddexp(field, -field).sum(axis=1)

    def state_chunks(self) -> Iterator[np.ndarray]:
        """Every state of the layer, in parts."""
        return (2.0 * states - 1 for states in super().state_chunks())


@UNIT_TYPES.register("softmax")
class SoftmaxUnits(BinaryUnits):
    """Groups of units of which exactly one is on.

    Parameters
    ----------
    bias : array (N,)
    edges : int array (groups + 1,), optional
        Group g holds the units edges[g] to edges[g + 1]; one group of all when missing.
    """

    def __init__(
        self, arrays: Arrays, learn: bool = False, edges: np.ndarray | None = None
    ) -> None:
        super().__init__(arrays, learn)
        self.edges = np.array([0, len(self.bias)]) if edges is None else edges

    @property
    def n_bits(self) -> float:
        """log2 of the number of states of the layer."""
        return float(np.log2(np.diff(self.edges)).sum())

    def state_chunks(self) -> Iterator[np.ndarray]:
        """All states at once."""
        yield self.all_states()

    @staticmethod
    def check_rows(X: Any, dtype: Any, min_rows: int = 1) -> Any:
        """Refused: groups have no place in a table; `rbmqs.boltzmann.SoftmaxRBM` makes them."""
        raise ValueError("visible 'softmax' takes categories: use SoftmaxRBM(hidden=...)")

    def mean(self, inputs: np.ndarray) -> np.ndarray:
        """exp(b + input) over its sum in the group."""
        softmax_groups(inputs, self.bias, self.edges)
        return inputs

    def sample(self, inputs: np.ndarray, stream: np.ndarray) -> np.ndarray:
        """One unit on in each group."""
        sample_groups(inputs, self.bias, self.edges, next_call(stream))
        return inputs

    def log_sum(self, inputs: np.ndarray) -> np.ndarray:
        """sum_g log sum_{i in g} exp(b_i + input_i)."""
        return sum_group_logs(inputs, self.bias, self.edges)

    def all_states(self) -> np.ndarray:
        """Every state of the layer, (states, units)."""
        sizes = np.diff(self.edges)
        chosen = np.indices(tuple(sizes.tolist())).reshape(len(sizes), -1)
        groups = [np.eye(size)[k] for size, k in zip(sizes, chosen, strict=True)]
        return np.hstack(groups).astype(self.bias.dtype)
