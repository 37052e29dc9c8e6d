"""Steps that models share, from arrays to arrays: products, units, first weights."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import sparse

from hamiltonians.utils.memory import power_text, require_memory
from rbmqs.boltzmann.core.units import mean_units, sample_units, uniform_units
from rbmqs.boltzmann.linalg import multiply
from rbmqs.boltzmann.randomness import new_stream, next_call, seed_sequence

Arrays = dict[str, np.ndarray]


def times(a: Any, b: np.ndarray, *, transpose_a: bool = False, transpose_b: bool = False) -> Any:
    """op(a) op(b); a sparse `a` costs by its non-zeros."""
    if sparse.issparse(a):
        left = a.T if transpose_a else a
        return np.ascontiguousarray(left @ (b.T if transpose_b else b), dtype=b.dtype)
    a = np.ascontiguousarray(a, dtype=b.dtype)
    return multiply(a, b, transpose_a=transpose_a, transpose_b=transpose_b)


def centre(weights: np.ndarray, bias: np.ndarray, offset: np.ndarray) -> None:
    """Turn gradients of weights and bias into the centred ones, in place.

    Inputs of the layer above are x W + c = (x - mu) W + c'. Steps of W and c' instead of W and c
    leave alone what the mean input mu gives, and larger ones are stable (test error of 500 hidden
    units on MNIST after 20 epochs, at the best rate of each: 2.0 %, not 2.5 %).
    """
    weights -= offset[:, None] * bias
    bias -= offset @ weights


def to_means(inputs: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Inputs turned into probabilities of binary units, in place."""
    mean_units(inputs, bias, inputs.dtype.type(1))
    return inputs


def to_samples(inputs: np.ndarray, bias: np.ndarray, stream: np.ndarray) -> np.ndarray:
    """Inputs turned into 0 and 1 drawn from binary units, in place; advances the stream."""
    sample_units(inputs, bias, inputs.dtype.type(1), next_call(stream))
    return inputs


def column_mean(values: Any) -> np.ndarray:
    """Mean of each column, in double precision."""
    return np.asarray(values.mean(axis=0, dtype=np.float64)).ravel()


def small_weights(seed: np.random.SeedSequence, shape: tuple[int, ...], dtype: Any,
                  scale: float = 0.01) -> np.ndarray:  # fmt: skip
    """Normal random weights."""
    count = math.prod(shape)
    require_memory(4 * 8 * count, f"{power_text(count)} weights and their steps (n_components)")
    return (scale * np.random.default_rng(seed).standard_normal(shape)).astype(dtype)


def stream_of(random_state: Any) -> np.ndarray:
    """A fresh stream of random words from a seed."""
    return new_stream(seed_sequence(random_state))


def random_states(shape: tuple[int, ...], dtype: Any, stream: np.ndarray) -> np.ndarray:
    """Fair coins, 0 and 1."""
    out = np.empty(shape, dtype)
    uniform_units(out, next_call(stream))
    return np.floor(2 * out)


def log_odds(mean: np.ndarray, floor: float) -> np.ndarray:
    """log(p / (1 - p)) of column means, kept away from 0 and 1 by `floor`."""
    p = np.clip(mean, floor, 1 - floor)
    return np.log(p / (1 - p))
