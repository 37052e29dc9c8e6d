"""The exact partition function, by summing over the states of the smaller layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from rbmqs.boltzmann.enumeration import MAX_UNITS, state_chunks
from rbmqs.boltzmann.parameters import Parameters


def is_feasible(machine: Parameters, max_units: int = MAX_UNITS) -> bool:
    """Whether the smaller layer is small enough to be summed over."""
    return min(machine.weights.shape) <= max_units


def exact_log_z(machine: Parameters) -> float:
    """log Z, in double precision: log of the sum over both layers of exp(-E).

    Raises
    ------
    ValueError
        More than 25 units in the smaller layer: 2^25 states take a minute.
    """
    _refuse_large(machine)
    small = _small_side(machine)
    total = -np.inf
    for states in state_chunks(small.n_visible):
        total = np.logaddexp(total, np.logaddexp.reduce(small.log_weight(states)))
    return float(total)


def exact_gradient(machine: Parameters, X: Any) -> dict[str, np.ndarray]:
    """Gradient of the mean log-likelihood of rows X, by enumeration of the smaller layer.

    Returns
    -------
    dict
        float64 arrays "weights" (N, M), "visible_bias" (N,), "hidden_bias" (M,).

    Raises
    ------
    ValueError
        Too many units, see `exact_log_z`.
    """
    _refuse_large(machine)
    machine = machine.in_double()
    small = _small_side(machine)
    log_weight = np.concatenate([small.log_weight(s) for s in state_chunks(small.n_visible)])
    probability = np.exp(log_weight - np.logaddexp.reduce(log_weight))
    layer = np.zeros(small.n_visible)
    other = np.zeros(small.n_hidden)
    both = np.zeros(small.weights.shape)
    start = 0
    for states in state_chunks(small.n_visible):
        p = probability[start : start + len(states)]
        start += len(states)
        mean = small.hidden_mean(states)
        weighted = states * p[:, None]
        layer += weighted.sum(axis=0)
        other += p @ mean
        both += weighted.T @ mean
    if small is not machine:
        layer, other, both = other, layer, both.T
    rows = machine.rows(X)
    mean = machine.hidden_mean(rows)
    return {
        "weights": rows.T @ mean / len(rows) - both,
        "visible_bias": rows.mean(axis=0) - layer,
        "hidden_bias": mean.mean(axis=0) - other,
    }


def _small_side(machine: Parameters) -> Parameters:
    """The RBM with its smaller layer visible, in double precision."""
    machine = machine.in_double() if machine.dtype != np.float64 else machine
    return machine if machine.n_visible <= machine.n_hidden else machine.transposed


def _refuse_large(machine: Parameters) -> None:
    if not is_feasible(machine):
        n, m = machine.weights.shape
        raise ValueError(
            f"exact log Z sums over 2^{min(n, m)} states of the smaller layer ({n} visible, {m} "
            f"hidden units); at most {MAX_UNITS} units are allowed: use ais"
        )
